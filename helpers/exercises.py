"""Exercises that say what is wrong with an answer.

An exercise is four cells of a notebook: the task (text); a code cell with the tag ``exercise`` in
which the student writes; a code cell with the tag ``check``, source folded away, that holds the
checker and applies it; and a code cell with the tag ``solution``, folded away too, whose answer
stands between nbgrader's ``### BEGIN SOLUTION`` and ``### END SOLUTION`` and is checked as well.
"""

import functools
from collections.abc import Callable

import numpy as np

__all__ = ["checker", "expect"]


class _Wrong(Exception):
    """What an answer gets wrong; the message is for the student."""


def expect(got, wanted, what: str, *, rtol: float = 1e-6, atol: float = 1e-9) -> None:
    """Compare a part of an answer with what it should be; say how they differ.

    Parameters
    ----------
    got : object
        What the answer gives: a number, text, an array or a list.
    wanted : object
        What it should give.
    what : str
        What was asked of the answer, as the student should read it.
    rtol, atol : float, optional
        Tolerances for numbers, as in ``numpy.isclose``.

    Examples
    --------
    Used within a function that `checker` wraps; see there.
    """
    if got is None or got is Ellipsis:
        raise _Wrong("○ Nothing here yet: write your answer above, then run this cell again.")
    if isinstance(wanted, str | bool):
        if got != wanted:
            raise _Wrong(f"✗ {what}: you give {got!r}, expected {wanted!r}.")
        return
    try:
        got, wanted = np.asarray(got), np.asarray(wanted)
        numbers = np.issubdtype(got.dtype, np.number) or got.dtype == bool
    except ValueError:  # a ragged list
        numbers = False
    if not numbers:
        raise _Wrong(f"✗ {what}: you give no numbers.")
    if got.shape != wanted.shape:
        raise _Wrong(f"✗ {what}: your shape is {got.shape}, expected {wanted.shape}.")
    close = np.isclose(got, wanted, rtol=rtol, atol=atol)
    if np.all(close):
        return
    if got.ndim == 0:
        raise _Wrong(f"✗ {what}: you give {got:.6g}, expected {wanted:.6g}.")
    first = tuple(int(i) for i in np.argwhere(~close)[0])
    where = ", ".join(map(str, first))
    raise _Wrong(
        f"✗ {what}: {np.sum(~close)} of {close.size} values differ; the first is at [{where}]: "
        f"you give {got[first]:.6g}, expected {wanted[first]:.6g}."
    )


def checker(check: Callable) -> Callable:
    """Make a function that tells in one line whether an answer is right, and if not, why.

    Parameters
    ----------
    check : callable
        Takes the answer and calls `expect` for everything that is asked of it. The first line of
        its docstring is what a right answer is told.

    Returns
    -------
    callable
        Takes the answer and prints one line: ``✓`` right, ``✗`` wrong and why, ``○`` not answered.

    Raises
    ------
    ValueError
        If the function has no docstring.

    Examples
    --------
    >>> @checker
    ... def check_double(answer):
    ...     "Right, for negative numbers too."
    ...     expect(answer(2), 4, "twice 2")
    ...     expect(answer(-1), -2, "twice -1")
    >>> check_double(lambda x: 2 * x)
    ✓ Right, for negative numbers too.
    >>> check_double(abs)
    ✗ twice 2: you give 2, expected 4.
    >>> check_double(lambda x: ...)
    ○ Nothing here yet: write your answer above, then run this cell again.
    """
    if not check.__doc__:
        raise ValueError(f"{check.__name__} has no docstring; write what a right answer is told")

    @functools.wraps(check)
    def tell(answer) -> None:
        try:
            check(answer)
        except _Wrong as wrong:
            print(wrong)
        except Exception as error:  # whatever a student's code raises is told in one line
            print(f"✗ Your answer raises {type(error).__name__}: {error}")
        else:
            print("✓", check.__doc__.strip().splitlines()[0])

    return tell
