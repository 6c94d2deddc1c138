"""A recorder in the notebook: speak, hear it, see it, and read what a network makes of it.

The browser records, and its samples go to the kernel as they are, through no codec. Where it has no
microphone, or must not use it, it says why and takes a file instead, whatever a telephone or
another program made of it. Where no kernel runs, a picture of the example is left: nobody's voice
is stored in a notebook.
"""

from __future__ import annotations

import html
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import librosa
import matplotlib.pyplot as plt
import numpy as np
import traitlets

from helpers.audio import corpus, decoding, signals
from helpers.show import listen, plots, widget

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["record"]

SECONDS = 15
"""A longer recording is cut off here: it has to pass in one message, and fit into one picture."""


class Recorder(widget.Widget):
    """The widget behind `record`, with the same parameters."""

    _esm, _css = widget.front_end(__file__)
    seconds = traitlets.Int(SECONDS).tag(sync=True)
    shown = traitlets.Dict().tag(sync=True)

    def __init__(self, answer: Callable, example: str, alt: str):
        plots.described(alt)
        if not callable(answer):
            raise TypeError(f"answer is {answer!r}; expected a function of a sound and its rate")
        self._answer = answer
        y, sr = corpus.load_clip(example)
        self._example, shown = self._look(y, sr, f"example: {Path(example).name}")
        line = "This is the answer to an example. Run this cell to record your own voice."
        super().__init__(alt, line, shown=shown)
        self.on_msg(lambda _, content, buffers: self._hear(content, buffers))

    def _picture(self) -> tuple[dict, dict]:
        data = {"image/png": self._example, "text/plain": self.alt}
        return data, {"image/png": {"alt": self.alt}}

    def _hear(self, content: dict, buffers: list) -> None:
        """Answer the front end, which sends samples or the bytes of a file."""
        name = str(content.get("name", "recording"))
        try:
            if "sr" in content:
                y, sr = np.frombuffer(buffers[0], dtype=np.float32), content["sr"]
                if y.size and np.max(np.abs(y)) <= decoding.SILENCE:
                    raise ValueError("nothing was heard; is the microphone muted?")
            else:
                y, sr = decoding.decode(bytes(buffers[0]))
            _, shown = self._look(signals.as_mono(y), sr, name)
        except Exception as error:  # of a file, or of the student's network: said, and on it goes
            shown = {"said": f"{name}: {error}"}
        self.send(shown)  # not kept in the widget's state, which a notebook may store

    def _look(self, y: np.ndarray, sr: int, name: str) -> tuple[str, dict]:
        """Return a picture of a sound and the answers to it, and all that the front end shows."""
        y = y[: round(SECONDS * sr)]
        probabilities = self._answer(y, sr)
        last = probabilities.iloc[-1].sort_values(ascending=False)
        said = ", ".join(f"{language} {p:.2f}" for language, p in last.items())
        picture = plots.picture(_figure(y, sr, probabilities), said)[0]["image/png"]
        alt = html.escape(f"Spectrogram of {name}, and probabilities. At its end: {said}.")
        player = listen.player(y, sr, name, normalize=True)._repr_html_()
        image = f'<img alt="{alt}" src="data:image/png;base64,{picture}">'
        return picture, {"said": f"{name}: {said}", "html": player + image}


def _figure(y: np.ndarray, sr: int, probabilities: pd.DataFrame) -> plt.Figure:
    """Draw the mel spectrogram of a sound and, beneath it, probabilities after every frame."""
    if sr != corpus.SR:  # what the networks hear
        y = librosa.resample(y, orig_sr=sr, target_sr=corpus.SR)
    power = librosa.feature.melspectrogram(y=y, sr=corpus.SR, n_fft=400, hop_length=160)
    fig, (above, below) = plt.subplots(2, 1, figsize=(9, 4.8), sharex=True, layout="constrained")
    db = librosa.power_to_db(power, ref=np.max)
    plots.spectrogram(db, corpus.SR, 160, above, y_axis="mel", colorbar=False)
    above.set_xlabel("")
    for number, language in enumerate(probabilities):
        style = ("-", "--", ":", "-.")[number // 2 % 4]
        below.plot(probabilities[language], f"C{number % 8}", linestyle=style, label=language)
    below.set(xlabel="time in s", ylabel="probability", ylim=(-0.02, 1.02))
    below.legend(ncols=5, loc="lower center", bbox_to_anchor=(0.5, 1.0))
    plt.close(fig)
    return fig


def record(
    answer: Callable[[np.ndarray, int], pd.DataFrame],
    example: str,
    *,
    alt: str,
) -> None:
    """Show a recorder, and the answer to an example until something is recorded.

    Parameters
    ----------
    answer : callable
        Takes a sound, shape (samples,), and its sampling rate in hertz. Returns probabilities as
        `helpers.networks.classifiers.recognise` does: one row for each frame, indexed by time in
        seconds, and one column for each language.
    example : str
        The ``path`` of a clip, see `helpers.audio.corpus.load_clip`.
    alt : str
        What is shown of the example, for those who cannot see it.

    Raises
    ------
    ValueError
        If the description is empty.
    TypeError
        If `answer` is not a function.
    CorpusError
        If the corpus has no such clip.

    See Also
    --------
    helpers.networks.classifiers.classify : the answer to a file, without a browser.

    Examples
    --------
    >>> import pandas as pd
    >>> undecided = pd.DataFrame({"it": [0.5, 0.5], "ru": [0.5, 0.5]}, index=[0.0, 0.5])
    >>> record(lambda y, sr: undecided, "it-IT/carlo/vm-goodbye.ogg", alt="Two flat lines.")
    Two flat lines. <IPython.core.display.HTML object>
    """
    Recorder(answer, example, alt).show()
