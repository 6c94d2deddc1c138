"""The moving figures, drawn once in every state that a page may show: what a kernel would answer.

A figure that moves asks the kernel for a picture whenever a control is moved. A page has no kernel,
so its answers are drawn beforehand: each control at so many of its values that the figure stays
below `LARGEST`, and every combination of them. Where those are too many, one control moves at a
time, and the others are as they were at first. ``page.js`` hands them to the same front end.
"""

import base64
import io
import itertools
import json
import math
import sys
from pathlib import Path

import numpy as np
import soundfile
from ipywidgets.widgets import widget
from PIL import Image

from helpers.show import interactive
from helpers.show.widget import Widget

__all__ = ["FEWEST", "LARGEST", "combined", "grid", "keep", "keep_all", "thinned"]

LARGEST = 650_000  # bytes a figure: all of them, with all else but sounds, stay below 25 MB
FEWEST = 9  # values that a slider has left, or the figure stands still
TRIED = 8  # states that are drawn to know how large one is
PICTURE = {"format": "AVIF", "quality": 45, "subsampling": "4:4:4", "speed": 8}


def thinned(slider: interactive.Slider, most: int) -> list[float]:
    """Return at most so many values of a slider, evenly spaced, its initial value among them.

    Examples
    --------
    >>> thinned(interactive.slider(0, 10, 1, value=4, label="n"), 5)
    [1, 4, 7, 10]
    """
    last, initial = slider.steps(slider.maximum), slider.steps(slider.value)
    stride = 1
    while len(range(initial % stride, last + 1, stride)) > max(most, 1):
        stride += 1
    return [slider.minimum + k * slider.step for k in range(initial % stride, last + 1, stride)]


def grid(parts: dict, most: float, *, alone: bool = False) -> dict[str, list] | None:
    """Return the values of each control, such that together they have at most so many states.

    The values are the front end's: a slider's number, an option's position, on or off. None if a
    slider would have fewer than `FEWEST` values left, though it has more. With ``alone``, a control
    is moved while the others are as they were at first, so that states add up.

    Examples
    --------
    >>> parts = {
    ...     "t": interactive.slider(0, 100, 1, value=0, label="t"),
    ...     "log": interactive.switch(label="log"),
    ... }
    >>> [len(values) for values in grid(parts, 60).values()], grid(parts, 10)
    ([26, 2], None)
    >>> [len(values) for values in grid(parts, 60, alone=True).values()]
    [51, 2]
    """
    values = {}
    for name, part in parts.items():
        if isinstance(part, interactive.Slider):
            values[name] = thinned(part, sys.maxsize)
        else:
            switch = isinstance(part, interactive.Switch)
            values[name] = [False, True] if switch else list(range(len(part.options)))
    sliders = [name for name, part in parts.items() if isinstance(part, interactive.Slider)]
    others = [len(values[name]) for name in parts if name not in sliders]
    left = most - sum(others) if alone else most / math.prod(others)
    # The shortest first: what it does not need is left for the others.
    for i, name in enumerate(sorted(sliders, key=lambda name: len(values[name]))):
        waiting = len(sliders) - i
        share = int((left / waiting if alone else max(left, 0) ** (1 / waiting)) + 1e-9)
        if share < min(FEWEST, len(values[name])):
            return None
        values[name] = thinned(parts[name], share)
        left = left - len(values[name]) if alone else left / len(values[name])
    return values if left >= (0 if alone else 1) else None


def combined(parts: dict, values: dict[str, list], *, alone: bool) -> list[dict]:
    """Return the states of a `grid` in the order in which ``page.js`` counts them.

    The last control changes fastest; with ``alone``, one control's states follow the other's.

    Examples
    --------
    >>> parts = {name: interactive.slider(0, 1, 1, value=0, label=name) for name in "ab"}
    >>> [tuple(state.values()) for state in combined(parts, {"a": [0, 1], "b": [0, 1]}, alone=True)]
    [(0, 0), (1, 0), (0, 0), (0, 1)]
    """
    if not alone:
        return [dict(zip(parts, v, strict=True)) for v in itertools.product(*values.values())]
    initial = {name: part.write(part.value) for name, part in parts.items()}
    return [initial | {name: value} for name in parts for value in values[name]]


def keep(explorer: interactive.Explorer, path: Path, name: str) -> dict:
    """Draw a figure in its states, and store them as a script that hands them to the page.

    Parameters
    ----------
    explorer : interactive.Explorer
        The living figure; it is left in another state.
    path : pathlib.Path
        Where the script is written; nothing is written if the figure stands still.
    name : str
        What the page calls the figure.

    Returns
    -------
    dict
        ``states``, 0 if the figure is too rich for `LARGEST` and stands still, and ``bytes``.
    """
    parts = explorer.parts
    for alone in (False, True):
        every = combined(parts, _ends(parts), alone=alone)
        tried = [every[i] for i in np.linspace(0, len(every) - 1, TRIED).astype(int)]
        first = explorer.state(tried[0])
        some = _script(explorer, name, {n: [0] for n in parts}, first, tried, alone)
        most = TRIED * 0.95 * LARGEST / len(some)
        while (values := grid(parts, most, alone=alone)) is not None:
            raw = combined(parts, values, alone=alone)
            script = _script(explorer, name, values, first, raw, alone)
            if len(script) <= LARGEST:
                path.write_text(script, encoding="utf-8")
                return {"states": len(raw), "bytes": len(script)}
            most *= 0.95 * LARGEST / len(script)
    return {"states": 0, "bytes": 0}


def keep_all(folder: Path, notebook: str) -> None:
    """Keep every figure that lives in this kernel: the last cell of a notebook that is executed.

    The widgets' names, after the notebook and their places in it, and what `keep` says of each are
    written to ``notebook.json``.
    """
    kept = []
    for one in [w for w in list(widget._instances.values()) if isinstance(w, Widget)]:
        name = f"{notebook}-{len(kept)}"
        moves = isinstance(one, interactive.Explorer)
        said = keep(one, folder / f"{name}.js", name) if moves else {"states": 0, "bytes": 0}
        kept.append({"name": name} | said)
    (folder / f"{notebook}.json").write_text(json.dumps(kept))


def _ends(parts: dict) -> dict[str, list]:
    """Return a few values of each control, from end to end."""
    values = grid(parts, 10**12)
    return {name: [v[i] for i in {0, len(v) // 2, len(v) - 1}] for name, v in values.items()}


def _state(drawn: dict, base: np.ndarray) -> dict:
    """Return what a page needs to show a state: texts, and the part that differs from the base."""
    state = {"texts": drawn["texts"]} if drawn["texts"] else {}
    rgb = drawn["rgb"]
    rows, columns = (np.flatnonzero((rgb != base).any((axis, 2))) for axis in (1, 0))
    if len(rows):
        x, y = int(columns[0]), int(rows[0])
        part = Image.fromarray(rgb[y : rows[-1] + 1, x : columns[-1] + 1])
        with io.BytesIO() as file:
            part.save(file, **PICTURE)
            state |= {"x": x, "y": y, "picture": _data(file.getvalue())}
    return state


def _mp3(y: np.ndarray, sr: int) -> str:
    with io.BytesIO() as file:
        soundfile.write(file, y, sr, format="MP3", compression_level=0.7)  # 1: smallest
        return _data(file.getvalue())


def _script(explorer, name: str, values: dict, first: dict, raw: list[dict], alone: bool) -> str:
    """Return the script of a figure with its states; a sound that several have is stored once."""
    controls = {n: part.describe() for n, part in explorer.parts.items()}
    for control, spec in controls.items():
        if spec["kind"] == "slider":
            ends = {"minimum": values[control][0], "maximum": values[control][-1]}
            step = values[control][1] - values[control][0] if len(values[control]) > 1 else 1
            controls[control] = spec | ends | {"step": step}
    states, sounds = [], {}
    for one in raw:
        drawn = explorer.state(one)
        states.append(_state(drawn, first["rgb"]))
        if drawn["sound"] is not None:
            sound = _mp3(*drawn["sound"])
            states[-1]["sound"] = sounds.setdefault(sound, len(sounds))
    figure = {
        "alt": explorer.alt,
        "controls": controls,
        "counts": [len(v) for v in values.values()],
        "alone": alone,
        "base": _data(_webp(first["rgb"])),
        "areas": first["areas"],
        "edges": first["edges"],
        "states": states,
        "sounds": list(sounds),
    }
    return f"course.figure({json.dumps(name)}, {json.dumps(figure, separators=(',', ':'))});\n"


def _webp(rgb: np.ndarray) -> bytes:
    with io.BytesIO() as file:
        Image.fromarray(rgb).save(file, "WEBP", lossless=True)
        return file.getvalue()


def _data(content: bytes) -> str:
    return base64.b64encode(content).decode()
