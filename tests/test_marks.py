"""A test cell says one line, and gives all points or none, however an answer behaves."""

import signal
import sys
import threading
import time
import warnings

import pytest

from helpers import exercises, grading

NOTHING = "○ Nothing here yet: write your answer above, then run this cell again."


@exercises.checker
def check_double(answer):
    """Right."""
    exercises.expect(answer(2), 4, "twice 2")


def noisy(x):
    print("✓ Right.")
    sys.stdout.write("ah")
    sys.stderr.write("oh")
    warnings.warn("old", stacklevel=1)
    return 2 * x


def never(x):
    while True:
        pass


def catches_errors(x):
    while True:
        try:
            never(x)
        except Exception:
            pass


def catches_everything(x):
    while True:
        try:
            never(x)
        except:  # noqa: E722
            pass


@pytest.mark.parametrize(
    ("answer", "points", "said"),
    [
        (lambda x: x + x, None, "✓ Right."),
        (noisy, None, "✓ Right."),
        (abs, 0, "✗ twice 2: you give 2, expected 4."),
        (lambda x: ..., 0, NOTHING),
        (lambda x: x / 0, 0, "✗ Your answer raises ZeroDivisionError: division by zero"),
        (lambda x: print("✓ Right."), 0, NOTHING),
    ],
)
def test_an_answer_gets_all_points_or_none_and_one_line(capsys, answer, points, said):
    assert grading.mark(check_double, answer) is points
    out, err = capsys.readouterr()
    assert (out, err) == (said + "\n", "")


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system interrupts nothing")
@pytest.mark.parametrize("answer", [never, catches_errors, catches_everything])
def test_an_answer_that_does_not_end_is_stopped(capsys, answer):
    before = signal.getsignal(signal.SIGALRM)
    began = time.monotonic()
    assert grading.mark(check_double, answer, seconds=0.2) == 0
    assert time.monotonic() - began < 60
    said = "✗ Your answer does not end: it was stopped after 0.2 s.\n"
    assert capsys.readouterr().out == said
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_beside_the_main_thread_nothing_is_interrupted_and_all_is_graded(capsys):
    given = []
    other = threading.Thread(target=lambda: given.append(grading.mark(check_double, abs)))
    other.start()
    other.join()
    assert given == [0]
    assert capsys.readouterr().out == "✗ twice 2: you give 2, expected 4.\n"
