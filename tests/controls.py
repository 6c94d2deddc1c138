"""Move every control of a notebook's figures: when they are new, and when the notebook has ended.

A figure that answers to controls keeps its functions and calls them later, whatever has become of
the names that they read. nbval runs `watch` after a notebook's first cell and `compare` after its
last (see ``conftest.py``): what a control shows and plays must be the same both times.
"""

import hashlib
import warnings
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from IPython import get_ipython

FIRST: dict[str, dict[str, str]] = {}
"""What came of each control when its figure was new, by the name of the figure's model."""


def watch() -> None:
    """Move the controls of every figure as soon as the cell that made it has run."""
    get_ipython().events.register("post_run_cell", lambda _: note_the_new())


def note_the_new() -> None:
    """Move the controls of those figures that were not there before."""
    for name, figure in living().items():
        if name not in FIRST:
            FIRST[name] = {control: come_of(move) for control, move in moves(figure)}


def compare() -> None:
    """Move all controls again; raise if one raises, or shows or plays something else than before.

    Raises
    ------
    AssertionError
        With the figures' descriptions, the controls, and what came of each.
    """
    note_the_new()
    found = []
    for name, figure in living().items():
        for control, move in moves(figure):
            now = come_of(move)
            if now.startswith("raises"):
                found.append(f"{figure.alt} With {control} it {now}")
            elif now != FIRST[name][control]:
                found.append(f"{figure.alt} With {control} it shows or plays something else.")
    assert not found, "a later cell changes what a figure reads:\n" + "\n".join(found)


def living() -> dict:
    """Return the figures and recorders that answer to controls, by the names of their models."""
    from ipywidgets.widgets.widget import _instances  # not before the notebook wants widgets

    from helpers.show.widget import Widget

    return {name: made for name, made in _instances.items() if isinstance(made, Widget)}


def moves(figure) -> Iterator[tuple[str, Callable]]:
    """Yield what can be done to a figure, in words, and a function that does it."""
    if not hasattr(figure, "_parts"):  # a recorder
        noise = np.random.default_rng(0).normal(scale=0.2, size=16_000).astype(np.float32)
        yield "a second of noise", lambda: figure._answer(noise, 16_000).to_numpy().tobytes()
        return
    for name, part in figure._parts.items():
        for shown, value in ends(part):
            yield f"{name} = {shown}", partial(show, figure, name, value)


def ends(part) -> Iterator[tuple]:
    """Yield how far a control can be moved: what it shows there, and its value."""
    told = part.describe()
    if told["kind"] == "choice":
        yield from part.options.items()
    else:
        far = (told["minimum"], told["maximum"]) if told["kind"] == "slider" else (False, True)
        yield from ((value, part.read(value)) for value in far)


def show(figure, name: str, value) -> bytes:
    """Return the pixels of a figure and the samples of its sound, with one control moved."""
    before = figure._values
    figure._values = {**before, name: value}
    try:
        y, sr = figure._sound(**figure._values) if figure.sounds else (np.zeros(0), 0)
        return figure._draw()["pixels"] + np.asarray(y).tobytes() + bytes(str(sr), "ascii")
    finally:
        figure._values = before
        figure._draw()


def come_of(move: Callable) -> str:
    """Return a digest of what a move shows, or the error that it raises."""
    try:
        with warnings.catch_warnings(action="ignore"):  # the cell's own output is compared
            return hashlib.sha256(move()).hexdigest()
    except Exception as error:
        return f"raises {type(error).__name__}: {error}"
