"""What the test cells of a graded exercise call: one line for the student, points for nbgrader.

`tools.grading` writes those cells. nbgrader reads a cell's last value as its points, and takes a
cell without one, and without an error, for right.
"""

import contextlib
import io
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator

from helpers import exercises

__all__ = ["mark"]


class _TooLong(BaseException):
    """An answer did not end; no ``except Exception`` of a student's catches it."""


@contextlib.contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    """Interrupt what takes longer, where the system can: in a main thread, and not on Windows."""
    main = threading.current_thread() is threading.main_thread()
    if not hasattr(signal, "setitimer") or not main:
        yield
        return

    def again(_, event, __):
        if event == "line":
            raise _TooLong
        return again

    def stop(_, frame):
        # An `except:` catches it, and a loop around that goes on. So its next line raises again:
        # within the handler, out of which it leaves the loop.
        while frame:
            frame.f_trace, frame = again, frame.f_back
        sys.settrace(again)
        raise _TooLong

    before, traced = signal.signal(signal.SIGALRM, stop), sys.gettrace()
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        sys.settrace(traced)


def mark(check: Callable, answer, seconds: float = 60) -> int | None:
    """Tell what is wrong with an answer, if something is, and give no point for it then.

    All points or none. Many wrong answers of ``tests/exercises`` are right in most of what they
    are asked, such as a list that never changes: a share of the points would reward no thought.

    Parameters
    ----------
    check : callable
        Made by `exercises.checker`.
    answer : object
        What is handed to it.
    seconds : float, optional
        An answer that has not ended by then is wrong.

    Returns
    -------
    int or None
        0 if it is wrong or missing; None, which nbgrader takes for all points, if it is right. What
        the answer itself prints, or warns of, is not shown: nbgrader would take a warning for an
        error.

    Examples
    --------
    >>> @exercises.checker
    ... def check_double(answer):
    ...     "Right."
    ...     exercises.expect(answer(2), 4, "twice 2")
    >>> mark(check_double, lambda x: x + x)
    ✓ Right.
    >>> mark(check_double, abs)
    ✗ twice 2: you give 2, expected 4.
    0
    """
    aside = io.StringIO()
    try:
        with (
            warnings.catch_warnings(action="ignore"),
            contextlib.redirect_stdout(aside),
            contextlib.redirect_stderr(aside),
            _at_most(seconds),
        ):
            right, line = exercises.judge(check.__wrapped__, answer)
    except _TooLong:
        right, line = False, f"✗ Your answer does not end: it was stopped after {seconds:g} s."
    print(line)
    return None if right else 0
