"""Figures that move: an ordinary Matplotlib figure, controls, and a function that updates it.

A change of a control goes to the kernel; the answer is the finished picture, drawn by Matplotlib
and sent as raw pixels. What does not change is drawn once and kept, as in Matplotlib's own
animations; so a change costs a few milliseconds, and whatever Matplotlib can draw may move. Where
no kernel runs, a picture is left of the state in which the figure was stored.
"""

import inspect
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import traitlets
from matplotlib.artist import Artist
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.text import Text

from helpers.show import listen, plots, widget

__all__ = ["choice", "explore", "slider", "switch"]


@dataclass(frozen=True)
class Slider:
    """A number within a range; `slider` makes one."""

    minimum: float
    maximum: float
    step: float
    value: float
    label: str
    unit: str
    drag: plt.Axes | None

    def read(self, raw: float) -> float:
        """Return the nearest value on the slider's grid."""
        raw = min(max(raw, self.minimum), self.maximum)
        steps = min(self.steps(raw), math.floor((self.maximum - self.minimum) / self.step + 1e-9))
        value = self.minimum + steps * self.step
        return value if isinstance(value, int) else round(value, 12)

    def steps(self, value: float) -> int:
        """Return how many steps above the minimum a value lies."""
        return round((value - self.minimum) / self.step)

    def write(self, value: float) -> float:
        """Return what the front end shows for a value."""
        return value

    def describe(self) -> dict:
        """Return what the front end needs to know."""
        decimals = len(np.format_float_positional(self.step, trim="-").partition(".")[2])
        numbers = {k: getattr(self, k) for k in ("minimum", "maximum", "step", "label", "unit")}
        return {"kind": "slider", "decimals": decimals, "value": self.value, **numbers}


@dataclass(frozen=True)
class Choice:
    """One of a few values; `choice` makes one."""

    options: dict[str, Any]
    value: Any
    label: str
    unit: str

    def read(self, raw: int) -> Any:
        """Return the value of an option, given by its number."""
        return list(self.options.values())[raw]

    def write(self, value: Any) -> int:
        """Return the number of the option that has a value."""
        return next(i for i, option in enumerate(self.options.values()) if option is value)

    def describe(self) -> dict:
        """Return what the front end needs to know."""
        named = {"label": self.label, "unit": self.unit, "value": self.write(self.value)}
        return {"kind": "choice", "options": list(self.options), **named}


@dataclass(frozen=True)
class Switch:
    """On or off; `switch` makes one."""

    value: bool
    label: str

    def read(self, raw: bool) -> bool:
        """Return whether it is on."""
        return bool(raw)

    write = read

    def describe(self) -> dict:
        """Return what the front end needs to know."""
        return {"kind": "switch", "label": self.label, "value": self.value}


def slider(
    minimum: float,
    maximum: float,
    step: float,
    *,
    value: float,
    label: str,
    unit: str = "",
    drag: plt.Axes | None = None,
) -> Slider:
    """Make a slider, for `explore`. The arrow keys move it by one step.

    Parameters
    ----------
    minimum, maximum, step, value : float
        The lowest and highest value, the distance from one value to the next, and the initial
        value, which is a whole number of steps above the minimum. If minimum and step are integers,
        so are all values.
    label : str
        What stands before the slider.
    unit : str, optional
        What stands after the number.
    drag : matplotlib.axes.Axes, optional
        Dragging over these axes moves the slider, too: to the x coordinate under the pointer.
        Without, only the slider itself does.

    Returns
    -------
    Slider

    Raises
    ------
    ValueError
        If the maximum is not above the minimum, the step is not positive, or no whole number of
        steps leads to the value.

    Examples
    --------
    >>> slider(0, 2.4, 0.01, value=1.2, label="position", unit="s").read(0.123)
    0.12
    """
    if not (np.all(np.isfinite([minimum, maximum, step])) and minimum < maximum and step > 0):
        raise ValueError(
            f"{label}: no slider goes from {minimum} to {maximum} in steps of {step}; "
            "choose a maximum above the minimum, and a step above 0"
        )
    made = Slider(minimum, maximum, step, value, label, unit, drag)
    if not (np.isfinite(value) and abs(made.read(value) - value) < 1e-9 * max(abs(value), step)):
        raise ValueError(
            f"{label}: value {value} is not reached from {minimum} to {maximum} in steps of "
            f"{step}; choose a whole number of steps"
        )
    return made


def choice(
    options: Iterable | Mapping[str, Any], *, label: str, value: Any = None, unit: str = ""
) -> Choice:
    """Make a list to choose from, for `explore`.

    Parameters
    ----------
    options : iterable, or mapping of str to anything
        The values to choose from, shown as they print; or a mapping of what is shown to the values.
    label : str
        What stands before the list.
    value : optional
        The initial value; if not given, the first option.
    unit : str, optional
        What stands after each option.

    Returns
    -------
    Choice

    Raises
    ------
    ValueError
        If there are no options, or the value is not one of them.

    Examples
    --------
    >>> choice([5, 25, 250], value=25, label="length", unit="ms").read(2)
    250
    """
    if not isinstance(options, Mapping):
        options = {str(option): option for option in options}
    if not options:
        raise ValueError(f"{label}: no options; name at least one")
    values = list(options.values())
    if value is None:
        value = values[0]
    if value not in values:
        raise ValueError(f"{label}: value {value!r} is not one of the options {values}")
    return Choice(dict(options), values[values.index(value)], label, unit)


def switch(*, value: bool = False, label: str) -> Switch:
    """Make a check box, for `explore`.

    Parameters
    ----------
    value : bool, optional
        Whether it is on at first.
    label : str
        What stands after the box.

    Returns
    -------
    Switch

    Examples
    --------
    >>> switch(value=True, label="in decibels").value
    True
    """
    return Switch(bool(value), label)


def pack(rgba: np.ndarray) -> bytes:
    """Pack a picture: for each pixel a bit, set if it differs from the last; then their colours.

    Pictures of lines shrink to a tenth, and the browser needs none of its decoders.

    Parameters
    ----------
    rgba : numpy.ndarray of uint8, shape (height, width, 4)

    Returns
    -------
    bytes

    Examples
    --------
    >>> len(pack(np.zeros((100, 80, 4), np.uint8)))  # 1000 bytes of bits, one colour
    1004
    """
    pixels = np.ascontiguousarray(rgba).view(np.uint32).ravel()
    differs = np.concatenate([[True], pixels[1:] != pixels[:-1]])
    return np.packbits(differs).tobytes() + pixels[differs].tobytes()


def _artists(returned: Any) -> list[Artist]:
    """Return the artists that an update function returned, out of all containers."""
    if returned is None:
        return []
    if isinstance(returned, Artist):
        return [returned]
    if isinstance(returned, str) or not isinstance(returned, Iterable):
        raise TypeError(
            f"update returned {returned!r}; it must return the Matplotlib artists that it changes"
        )
    return [artist for part in returned for artist in _artists(part)]


class Explorer(widget.Widget):
    """The widget behind `explore`, with the same parameters."""

    _esm, _css = widget.front_end(__file__)
    controls = traitlets.Dict().tag(sync=True)
    sounds = traitlets.Bool().tag(sync=True)
    picture = traitlets.Dict().tag(sync=True)

    def __init__(self, fig: plt.Figure, update: Callable, alt: str, sound: Callable | None, parts):
        plt.close(fig)  # or the notebook shows it a second time
        plots.described(alt)
        if not parts:
            raise ValueError("no controls; give at least one, e.g. position=slider(…)")
        for name, part in parts.items():
            if not isinstance(part, Slider | Choice | Switch):
                raise TypeError(f"{name} is {part!r}; make it with slider, choice or switch")
        self._values = {name: part.value for name, part in parts.items()}
        for role, function in {"update": update, "sound": sound or (lambda **_: None)}.items():
            if not callable(function):
                raise TypeError(f"{role} is {function!r}; expected a function of the controls")
            try:
                inspect.signature(function).bind(**self._values)
            except TypeError as error:
                raise TypeError(f"{role} does not take {', '.join(parts)}: {error}") from None
        self._fig, self._update, self._sound, self._parts = fig, update, sound, parts
        self._canvas, self._base_dpi, self._ratio = FigureCanvasAgg(fig), fig.dpi, 1
        self._moving, self._above, self._background, self._answers = [], [], None, 0
        super().__init__(
            alt,
            "Run this cell, and the figure moves.",
            sounds=sound is not None,
            controls={name: part.describe() for name, part in parts.items()},
            picture=self._draw(),
        )
        self.on_msg(lambda _, content, __: self._answer(content))

    def _picture(self) -> tuple[dict, dict]:
        return plots.picture(self._fig, self.alt)

    def _answer(self, content: dict) -> None:
        """Answer the front end: new values, a drag, a density of pixels, or a press of play."""
        try:
            if content.get("play"):
                y, sr = self._heard()
                self.send({"sr": sr}, [y.tobytes()])
                return
            for name, raw in content.get("values", {}).items():
                self._values[name] = self._parts[name].read(raw)
            if content.get("drag"):
                name, x = content["drag"]
                x = self._parts[name].drag.transData.inverted().transform((x * self._width, 0))[0]
                self._values[name] = self._parts[name].read(float(x))
            if content.get("ratio"):
                self._ratio, self._background = content["ratio"], None
                self._fig.set_dpi(self._base_dpi * self._ratio)
            self.picture = self._draw()
        except Exception as error:  # of the student's function: said in the figure, which goes on
            self._answers += 1
            said = {"error": f"{type(error).__name__}: {error}", "answer": self._answers}
            self.picture = {**self.picture, **said, "values": self._written()}

    @property
    def parts(self) -> dict[str, Slider | Choice | Switch]:
        """The controls under their names."""
        return self._parts

    def state(self, raw: dict) -> dict:
        """Draw the figure in a state, for where no kernel will: on a page.

        Parameters
        ----------
        raw : dict
            What the front end shows of each control: a number, an option's position, on or off.

        Returns
        -------
        dict
            ``rgb``, an array of uint8 of shape (height, width, 3); ``texts``, the figure's moving
            texts; ``areas``, what can be dragged, from (0, 0) at the top left to (1, 1); ``edges``,
            for each of these the x coordinates at the picture's left and right edge; ``sound``,
            None or samples and sampling rate.

        Raises
        ------
        ValueError
            If dragging is on an axis whose scale is not linear.
        """
        self._values = {name: part.read(raw[name]) for name, part in self._parts.items()}
        drawn, edges = self._draw(), {}
        for name in drawn["areas"]:
            ax = self._parts[name].drag
            if ax.get_xscale() != "linear":
                raise ValueError(f"{name}: a page can drag along linear axes alone")
            ends = ax.transData.inverted().transform([(0, 0), (self._width, 0)])
            edges[name] = ends[:, 0].tolist()
        rgb = np.asarray(self._canvas.buffer_rgba())[..., :3].copy()
        sound = self._heard() if self.sounds else None
        return {"rgb": rgb, "edges": edges, "sound": sound} | {
            key: drawn[key] for key in ("texts", "areas")
        }

    def _heard(self) -> tuple[np.ndarray, int]:
        y, sr = self._sound(**self._values)
        [y] = listen.player(y, sr, "sound").sounds.values()
        return y.astype(np.float32), sr

    def _written(self) -> dict:
        return {name: self._parts[name].write(value) for name, value in self._values.items()}

    @property
    def _width(self) -> float:
        return self._fig.bbox.width

    def _draw(self) -> dict:
        """Update the figure and return the picture, with what the front end must know of it."""
        changed = _artists(self._update(**self._values))
        for artist in changed:
            if artist.get_figure(root=True) is not self._fig:
                raise ValueError(f"update returned {artist}, which is not part of this figure")
        if any(artist not in self._moving for artist in changed):
            self._moving += [a for a in changed if a not in self._moving]
            self._background = None
        self._moving = [a for a in self._moving if a.get_figure() is not None]
        # Animated artists are left out of the background, and do not make the figure stale. What
        # else has changed, a title or a limit, does, and the background is drawn again.
        if self._background is None or self._fig.stale:
            self._draw_background()
        self._canvas.restore_region(self._background)
        # Removed artists have no axes any more, and cannot be drawn.
        layers = [a for a in self._moving + self._above if a.get_figure() is not None]
        for artist in sorted(layers, key=self._depth):
            self._fig.draw_artist(artist)
        rgba = np.asarray(self._canvas.buffer_rgba())
        self._answers += 1
        texts = [a.get_text() for a in self._moving if isinstance(a, Text) and a.get_visible()]
        return {
            "pixels": pack(rgba),
            "height": rgba.shape[0],
            "width": rgba.shape[1],
            "ratio": self._ratio,
            "values": self._written(),
            "areas": {n: self._area(p.drag) for n, p in self._parts.items() if self._drags(p)},
            "texts": "; ".join(filter(None, texts)).replace("$", ""),
            "error": "",
            "answer": self._answers,  # makes every answer a new one, which traitlets sends
        }

    @staticmethod
    def _depth(artist: Artist) -> tuple[float, float]:
        """Return what Matplotlib orders artists by: their axes, then they themselves."""
        axes = getattr(artist, "axes", None)
        return (axes.get_zorder() if axes else math.inf), artist.get_zorder()

    def _draw_background(self) -> None:
        """Draw what does not change, and keep its pixels."""
        # A picture that moves would hide what lies above it, were that in the background.
        mapped = [a for a in self._moving if isinstance(a, ScalarMappable)]
        for image in [a for a in mapped if a.axes and a.get_array() is not None]:
            for child in image.axes.get_children():
                ground = child is image.axes.patch or isinstance(child, Axis)
                above = child.get_zorder() > image.get_zorder() and not ground
                if above and child not in self._moving + self._above:
                    self._above.append(child)
        for artist in self._moving + self._above:
            artist.set_animated(True)
        self._canvas.draw()
        self._fig.set_layout_engine("none")  # laid out once: axes do not wander while one drags
        self._background = self._canvas.copy_from_bbox(self._fig.bbox)

    @staticmethod
    def _drags(part) -> bool:
        return getattr(part, "drag", None) is not None

    def _area(self, ax: plt.Axes) -> list[float]:
        """Return where axes are in the picture, from its top left corner (0, 0) to (1, 1)."""
        (x0, y0), (x1, y1) = self._fig.transFigure.inverted().transform(ax.bbox)
        return [x0, 1 - y1, x1, 1 - y0]


def explore(
    fig: plt.Figure,
    update: Callable,
    *,
    alt: str,
    sound: Callable[..., tuple[np.ndarray, int]] | None = None,
    **controls: Slider | Choice | Switch,
) -> None:
    """Show a figure that answers to controls.

    Parameters
    ----------
    fig : matplotlib.figure.Figure
        Drawn in full, with the artists that `update` is going to change.
    update : callable
        Called with the values of the controls as keyword arguments, once at first and after every
        change. It changes artists of the figure (``line.set_ydata(…)``) and returns them, as for
        `matplotlib.animation.FuncAnimation`. It may change anything else as well (limits, a title,
        artists that it does not return), but that is slower: the whole figure is drawn again.
    alt : str
        What the figure shows at first, for those who cannot see it.
    sound : callable, optional
        Called with the same values when "play" is pressed; returns the signal, as for
        `helpers.show.listen.player`, and its sampling rate in hertz. Without, there is no button.
    **controls : Slider, Choice or Switch
        Made by `slider`, `choice` and `switch`.

    Raises
    ------
    ValueError
        If the description is empty, there are no controls, or `update` returns an artist of another
        figure.
    TypeError
        If `update` or `sound` cannot be called with the controls' names, a control was not made by
        the three functions, or `update` returns something else than artists.

    See Also
    --------
    helpers.show.plots.show : a figure that stands still.

    Examples
    --------
    >>> x = np.linspace(0, 1, 200)
    >>> fig, ax = plt.subplots()
    >>> line, = ax.plot(x, x)
    >>> def update(frequency):
    ...     line.set_ydata(np.sin(2 * np.pi * frequency * x))
    ...     return line
    >>> explore(fig, update, alt="A sine of 3 Hz.",
    ...         frequency=slider(1, 9, 1, value=3, label="frequency", unit="Hz"))
    A sine of 3 Hz. <IPython.core.display.HTML object>
    """
    Explorer(fig, update, alt, sound, controls).show()
