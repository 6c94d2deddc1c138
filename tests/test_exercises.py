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


@pytest.mark.parametrize(
    ("got", "wanted", "tolerances", "right"),
    [
        (1e6 + 0.9, 1e6, {}, True),
        (1e6 + 1.1, 1e6, {}, False),
        (0.9e-9, 0, {}, True),
        (1.1e-9, 0, {}, False),
        (1e6 + 1.1, 1e6, {"rtol": 1e-5}, True),
        (1e6 + 0.9, 1e6, {"rtol": 1e-7}, False),
        (0.01, 0, {"atol": 0.02}, True),
        (0.9e-9, 0, {"atol": 0}, False),
    ],
)
def test_numbers_may_differ_by_as_much_as_is_said(capsys, got, wanted, tolerances, right):
    def check(answer):
        """Right."""
        exercises.expect(answer, wanted, "a number", **tolerances)

    exercises.checker(check)(got)
    assert capsys.readouterr().out.startswith("✓" if right else "✗ a number: you give")


def test_where_a_table_differs_is_told_by_row_and_column(capsys):
    def check(answer):
        """Right."""
        exercises.expect(answer, np.eye(3), "a table")

    exercises.checker(check)(np.eye(3) + np.eye(3)[[2, 2, 1]] * [[0], [0.5], [0.5]])
    told = "✗ a table: 2 of 9 values differ; the first is at [1, 2]: you give 0.5, expected 0.\n"
    assert capsys.readouterr().out == told


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
