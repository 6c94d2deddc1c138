"""What a later cell takes from under a figure that answers to controls is found by moving them."""

import matplotlib.pyplot as plt
import pytest
from ipywidgets import Widget

from tests import controls

MOVES = """\
import matplotlib.pyplot as plt, numpy as np
from helpers.show import interactive
x, slope, y = np.linspace(0, 1, 50), {0: 1, 1: 2}, np.ones(99)
fig, ax = plt.subplots()
line, = ax.plot(x, x)
def update(k, up, which):
    line.set_ydata(at(k) * (1 if up else -1))
    line.set_linewidth(which)
    return line
def at(k):
    return slope[k] * x
interactive.explore(fig, update, sound=lambda **_: (y, 8000), alt="A line.",
                    k=interactive.slider(0, 1, 1, value=0, label="k"),
                    up=interactive.switch(label="up"),
                    which=interactive.choice({"thin": 1, "bold": 3}, label="which"))
"""
HEARS = """\
import pandas as pd
from helpers.show import microphone
weight = 0.5
def answer(y, sr):
    return pd.DataFrame({"it": [weight, 0.5], "ru": [0.5, 0.5]}, index=[0.0, 0.5])
microphone.record(answer, "it-IT/carlo/vm-goodbye.ogg", alt="A line that rises.")
"""


@pytest.fixture(autouse=True)
def alone():
    """Leave no figure of other tests, and none to them."""
    Widget.close_all()
    yield
    Widget.close_all()
    plt.close("all")


@pytest.mark.parametrize(
    ("figure", "later", "found"),
    [
        (MOVES, "fig, ax, k, update = 0, 1, 2, 3", ""),
        (MOVES, "for line in [1]: pass", "k = 0 it raises AttributeError"),
        (MOVES, "def at(t): return x", "k = 1 it shows or plays something else"),
        (MOVES, "del slope[1]", "k = 1 it raises KeyError"),
        (MOVES, "x *= 0.5", "k = 0 it shows or plays something else"),
        (MOVES, "slope[0] = 3", "up = True it shows or plays something else"),
        (MOVES, "y, sr = np.zeros(9), 8000", "which = bold it shows or plays something else"),
        (HEARS, "y, sr = 1, 2", ""),
        (HEARS, "weight = 0.25", "a second of noise it shows or plays something else"),
        (HEARS, "del weight", "a second of noise it raises NameError"),
    ],
)
def test_what_a_later_cell_changes_is_found(figure, later, found, monkeypatch, capsys):
    monkeypatch.setattr(controls, "FIRST", {})
    names = {}
    exec(figure, names)
    controls.note_the_new()
    controls.compare()  # moving them leaves them as they were
    exec(later, names)
    if not found:
        controls.compare()
        return
    with pytest.raises(AssertionError) as raised:
        controls.compare()
    assert found in str(raised.value)


def test_a_control_that_raises_from_the_first_is_found(monkeypatch, capsys):
    monkeypatch.setattr(controls, "FIRST", {})
    exec(MOVES.replace("1: 2}", "2: 2}"), {})
    with pytest.raises(AssertionError, match="A line. With k = 1 it raises KeyError"):
        controls.compare()
