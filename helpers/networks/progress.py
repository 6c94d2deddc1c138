"""What a notebook shows while a network learns."""

import html
import time

from IPython.display import DisplayHandle

from helpers.networks.backend import keras

__all__ = ["Progress"]


class Progress(keras.callbacks.Callback):
    """A bar that grows as a network learns; what remains of it is one line.

    Keras's own bar rewrites lines of text, hundreds of which a stored notebook would keep.

    Parameters
    ----------
    name : str
        What is being trained.

    Examples
    --------
    ``model.fit(..., verbose=0, callbacks=[Progress("GRU")])``
    """

    def __init__(self, name: str):
        super().__init__()
        self.name = name
        self.epoch, self.batch, self.words = 0, 0, ""
        self.handle, self.drawn = DisplayHandle(), -1.0

    def on_train_begin(self, logs=None) -> None:
        """Show the empty bar."""
        self._draw(self.handle.display)

    def on_epoch_begin(self, epoch, logs=None) -> None:
        """Count epochs."""
        self.epoch, self.batch = epoch, 0

    def on_train_batch_end(self, batch, logs=None) -> None:
        """Let the bar grow, five times a second at the most."""
        self.batch = batch + 1
        if time.monotonic() - self.drawn > 0.2:
            self._draw(self.handle.update)

    def on_epoch_end(self, epoch, logs=None) -> None:
        """Say how good the network has become."""
        self.epoch, self.batch = epoch + 1, 0
        accuracies = [
            f"{words} {logs[key]:.3f}"
            for key, words in (("accuracy", "training"), ("val_accuracy", "validation"))
            if key in (logs or {})
        ]
        self.words = ", accuracy: " + ", ".join(accuracies) if accuracies else ""
        self._draw(self.handle.update)

    def on_train_end(self, logs=None) -> None:
        """Leave a full bar, though early stopping may have ended it before its time."""
        self._draw(self.handle.update, done=True)

    def _draw(self, show, *, done: bool = False) -> None:
        epochs = self.params.get("epochs") or 1
        part = self.batch / (self.params.get("steps") or 1)
        value = 1 if done else min(1, (self.epoch + part) / epochs)
        line = f"{self.name}: epoch {min(self.epoch + (not done and part > 0), epochs)}"
        line += f"{'' if done else f' of {epochs}'}{self.words}"
        bar = f'<progress value="{value:.3f}" max="1" style="width:12em"></progress>'
        show({"text/plain": line, "text/html": f"{bar} {html.escape(line)}"}, raw=True)
        self.drawn = time.monotonic()
