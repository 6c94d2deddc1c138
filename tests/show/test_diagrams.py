"""Diagrams show the values that they are given, and say when one is missing."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from helpers.show import diagrams

STEPS = {
    diagrams.simple_rnn: ("x", "h_before", "h", "y"),
    diagrams.gru: ("x", "h_before", "z", "r", "h_tilde", "h"),
    diagrams.lstm: ("C_before", "f", "i", "c_tilde", "C", "o", "h"),
}


@pytest.mark.parametrize("draw", STEPS, ids=lambda f: f.__name__)
def test_every_value_is_shown_and_changes(draw):
    fig, ax = plt.subplots()
    show = draw(ax, {name: np.array([0.25, -0.5, 1.0]) for name in STEPS[draw]})
    assert [t.get_text() for t in ax.texts].count("0.25  −0.50 …") == len(STEPS[draw])
    changed = show({name: [0.1 * n] for n, name in enumerate(STEPS[draw])})
    assert {t.get_text() for t in changed} == {f"{0.1 * n:.2f}" for n in range(len(STEPS[draw]))}
    plt.close(fig)


@pytest.mark.parametrize("draw", STEPS, ids=lambda f: f.__name__)
def test_a_missing_value_is_named(draw):
    fig, ax = plt.subplots()
    with pytest.raises(ValueError, match="no values for h"):
        draw(ax, {name: [0.0] for name in STEPS[draw] if name != "h"})
    plt.close(fig)
