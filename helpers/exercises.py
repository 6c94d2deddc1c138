"""Exercises that say what is wrong with an answer, and questions to guess at first.

An exercise is four cells of a notebook: the task (text); a code cell with the tag ``exercise`` in
which the student writes; a code cell with the tag ``check``, source folded away, that holds the
checker and applies it; and a code cell with the tag ``solution``, folded away too, whose answer
stands between nbgrader's ``### BEGIN SOLUTION`` and ``### END SOLUTION`` and is checked as well.

A prediction is one code cell with the tag ``predict``, source folded away, before the cell that
shows what is true: see `predict`.
"""

import functools
import hashlib
import html
import re
from collections.abc import Callable, Mapping

import numpy as np

__all__ = ["Prediction", "checker", "expect", "judge", "predict"]


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


def judge(check: Callable, answer) -> tuple[bool, str]:
    """Return whether an answer is right, and the line that tells why, or why not.

    Parameters
    ----------
    check : callable
        As `checker` takes it.
    answer : object
        What is handed to it.

    Returns
    -------
    tuple of bool and str
        The line begins with ``✓`` (right), ``✗`` (wrong) or ``○`` (not answered).

    Examples
    --------
    >>> def check_double(answer):
    ...     "Right."
    ...     expect(answer(2), 4, "twice 2")
    >>> judge(check_double, abs)
    (False, '✗ twice 2: you give 2, expected 4.')
    """
    try:
        check(answer)
    except _Wrong as wrong:
        return False, str(wrong)
    except Exception as error:  # whatever a student's code raises is told in one line
        return False, f"✗ Your answer raises {type(error).__name__}: {error}"
    return True, f"✓ {check.__doc__.strip().splitlines()[0]}"


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
        print(judge(check, answer)[1])

    return tell


class Prediction:
    """A question with its choices, each of which opens its own reply.

    `predict` makes one. It is plain HTML: a choice is the ``summary`` of a ``details`` element, so
    that it answers to mouse, keyboard and screen reader with no kernel and no script.

    Parameters
    ----------
    question : str
        What the reader is to guess.
    choices : dict of str to tuple of bool and str
        The choices, each with whether it is right, and its reply.
    """

    def __init__(self, question: str, choices: Mapping[str, tuple[bool, str]]):
        self.question, self.choices = question, dict(choices)

    def __repr__(self) -> str:
        """Give the question and the choices, and no reply."""
        letters = zip("ABCD", self.choices, strict=False)
        lines = [f"  {letter}  {choice}" for letter, choice in letters]
        return "\n".join([f"Predict first: {self.question}", *lines])

    def _repr_html_(self) -> str:
        name = "predict-" + hashlib.sha256(self.question.encode()).hexdigest()[:8]
        rows = zip("ABCD", self.choices.items(), strict=False)
        return (
            '<fieldset class="prediction" style="border:0;margin:0;padding:0;max-width:45em">'
            '<legend style="padding:0;margin-bottom:0.4em">'
            f"<strong>Predict first.</strong> {_shown(self.question)}</legend>"
            + "".join(self._choice(name, letter, *row) for letter, row in rows)
            + "</fieldset>"
        )

    def _choice(self, name: str, letter: str, choice: str, answer: tuple[bool, str]) -> str:
        right, reply = answer
        said = "✓ Right." if right else f"✗ You said “{_shown(choice)}”."
        return (
            f'<details name="{name}" style="margin:0.3em 0">'
            '<summary style="border:1px solid;border-radius:4px;padding:0.3em 0.8em;'
            f'cursor:pointer"><strong>{letter}</strong> {_shown(choice)}</summary>'
            f'<p style="margin:0.4em 0.9em 0.8em">{said} {_shown(reply)}</p></details>'
        )


def _shown(text: str) -> str:
    """Return text as HTML, with what stands between backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text))


def predict(question: str, choices: Mapping[str, tuple[bool, str]]) -> Prediction:
    """Let the reader choose an answer before the next cells show which is right.

    Nothing is stored or sent, and nothing has to run: what is chosen opens its reply.

    Parameters
    ----------
    question : str
        What the reader is to guess, as a whole sentence. What stands between backticks is shown
        as code, here and in all that follows.
    choices : dict of str to tuple of bool and str
        Two to four choices. Each comes with whether it is right, *computed* from the notebook's
        own data, so that the question fails when the data no longer bear it out; and with the reply
        to whoever chooses it. A wrong choice is repeated before its reply.

    Returns
    -------
    Prediction
        What a notebook shows.

    Raises
    ------
    ValueError
        If the question, a choice or a reply is empty; there are fewer than two choices or more
        than four; a choice does not come with a truth value and a reply; or not just one is right.

    Examples
    --------
    >>> import numpy as np
    >>> bins = {length: len(np.fft.rfft(np.zeros(length))) for length in (400, 800)}
    >>> predict(
    ...     "You make the frame twice as long. How many bins does its spectrum have?",
    ...     {
    ...         "As many": (bins[800] == bins[400], "Each sample brings half a bin."),
    ...         "Twice as many, less one": (bins[800] == 2 * bins[400] - 1, "N / 2 + 1 of them."),
    ...     },
    ... )
    Predict first: You make the frame twice as long. How many bins does its spectrum have?
      A  As many
      B  Twice as many, less one
    """
    if not question.strip():
        raise ValueError("the question is empty")
    if not 2 <= len(choices) <= 4:
        raise ValueError(f"{len(choices)} choices; a reader should have two to four")
    for choice, answer in choices.items():
        if not choice.strip():
            raise ValueError("a choice is empty")
        pair = isinstance(answer, tuple) and len(answer) == 2
        if not (pair and isinstance(answer[0], bool | np.bool_) and isinstance(answer[1], str)):
            raise ValueError(f"{choice!r} comes with {answer!r}; expected (True or False, reply)")
        if not answer[1].strip():
            raise ValueError(f"{choice!r} has an empty reply")
    right = [choice for choice, (holds, _) in choices.items() if holds]
    if len(right) != 1:
        raise ValueError(f"{len(right)} choices are right: {right}; expected just one")
    return Prediction(question, choices)
