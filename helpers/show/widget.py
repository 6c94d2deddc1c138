"""The base of what answers in a notebook: alive while its kernel runs, a picture ever after.

A widget is shown as one output with two halves, the live view and a picture; beside it stand the
picture's description, and a line for the days without a kernel. How the view is kept out of the
file, so that the picture is seen the next day, is told in ``widget.js``.
"""

import html
import uuid
from pathlib import Path

import anywidget
import traitlets
from IPython.display import HTML, display

from helpers.show import plots

__all__ = ["Widget", "front_end"]


def front_end(module: str) -> list[str]:
    """Return the JavaScript and the style of a widget: those of all widgets, then its own.

    anywidget takes one file of each, and a browser cannot import a second from a kernel.

    Parameters
    ----------
    module : str
        The ``__file__`` of the module; its ``.js`` and ``.css`` stand beside it. The former ends
        with ``export default widget(name, render)``.

    Returns
    -------
    list of str
        The class attributes ``_esm`` and ``_css``.
    """
    both = Path(__file__), Path(module)
    return [
        "\n".join(path.with_suffix(suffix).read_text(encoding="utf-8") for path in both)
        for suffix in (".js", ".css")
    ]


class Widget(anywidget.AnyWidget):
    """A widget with a picture of itself, described in words.

    Parameters
    ----------
    alt : str
        What the picture shows, for those who cannot see it.
    line : str
        What is said beside the picture where the widget is not alive: what running the cell does.
    **state
        The widget's own traits.

    Raises
    ------
    ValueError
        If the description is empty.
    """

    alt = traitlets.Unicode().tag(sync=True)
    line = traitlets.Unicode().tag(sync=True)
    identity = traitlets.Unicode().tag(sync=True)

    def __init__(self, alt: str, line: str, **state):
        identity = uuid.uuid4().hex  # the front end has no other way to know the model by its name
        described = plots.described(alt)
        super().__init__(model_id=identity, identity=identity, alt=described, line=line, **state)

    def __repr__(self) -> str:
        """Say in words what the picture shows."""
        return self.alt

    def _picture(self) -> tuple[dict, dict]:
        """Return the picture as a MIME bundle and its metadata, as `plots.picture` does."""
        raise NotImplementedError

    def _repr_mimebundle_(self, **options) -> tuple[dict, dict]:
        """Return the live view and the picture."""
        data, metadata = self._picture()
        live, _ = super()._repr_mimebundle_(**options)
        return {**live, **data}, metadata

    def show(self) -> None:
        """Show the widget, its description, and the line that is seen when it is not alive."""
        line = f'<p class="still" style="margin:0;font-style:italic">{html.escape(self.line)}</p>'
        display(self, HTML(line + plots.unseen(self.alt)))
