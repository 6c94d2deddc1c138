"""The checker of exercises tells right from wrong, and says why."""

import numpy as np
import pytest

from helpers import exercises


@exercises.checker
def check_ramp(answer):
    """Right."""
    exercises.expect(answer(3), np.array([0.0, 1.0, 2.0]), "a ramp of 3")


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (lambda n: np.arange(n), "✓ Right."),
        (lambda n: [0, 1, 2], "✓ Right."),
        (lambda n: np.arange(n) + 1e-12, "✓ Right."),
        (lambda n: np.arange(n + 1), "✗ a ramp of 3: your shape is (4,), expected (3,)."),
        (
            lambda n: np.array([0, 1, 9]),
            "✗ a ramp of 3: 1 of 3 values differ; the first is at [2]: you give 9, expected 2.",
        ),
        (lambda n: None, "○ Nothing here yet: write your answer above, then run this cell again."),
        (lambda n: "ramp", "✗ a ramp of 3: you give no numbers."),
        (lambda n: [[1], [2, 3]], "✗ a ramp of 3: you give no numbers."),
        (lambda n: np.full(n, np.nan), "✗ a ramp of 3: 3 of 3 values differ; the first is at [0]: "
                                       "you give nan, expected 0."),
        (lambda n: n / 0, "✗ Your answer raises ZeroDivisionError: division by zero"),
    ],
)  # fmt: skip
def test_an_answer_is_told_what_is_wrong(capsys, answer, told):
    check_ramp(answer)
    assert capsys.readouterr().out == told + "\n"


@pytest.mark.parametrize(("got", "told"), [("hann", "✓"), ("Hann", "✗"), (True, "✗")])
def test_words_are_compared_exactly(capsys, got, told):
    exercises.checker(check_word)(got)
    assert capsys.readouterr().out.startswith(told)


def check_word(answer):
    """Right."""
    exercises.expect(answer, "hann", "the name of the window")


def test_a_checker_must_have_something_to_say():
    with pytest.raises(ValueError, match="has no docstring"):
        exercises.checker(lambda answer: None)
