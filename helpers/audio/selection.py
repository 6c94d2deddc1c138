"""Choosing clips from a list, evenly over speakers, before anybody has listened to them."""

from __future__ import annotations

import hashlib
import heapq
import math
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Limits", "choose"]

AT_ONCE = 256
"""Files looked at before it is decided anew who is next."""
TYPICAL = 5.0
"""Seconds that a clip is taken to last until somebody has looked."""
Found = TypeVar("Found")


@dataclass(frozen=True)
class Limits:
    """How much is taken of each language, at the most; None is no limit.

    Parameters
    ----------
    hours : float, optional
    speakers : int, optional
    clips : int, optional
    seed : int, optional
        Another seed chooses others.

    Raises
    ------
    ValueError
        If a limit is not positive.

    Examples
    --------
    >>> Limits(hours=0)
    Traceback (most recent call last):
    ...
    ValueError: hours is 0; expected more than 0, or None for all
    """

    hours: float | None = None
    speakers: int | None = None
    clips: int | None = None
    seed: int = 0

    def __post_init__(self):
        """Refuse limits that let nothing through."""
        for name in ("hours", "speakers", "clips"):
            if (value := getattr(self, name)) is not None and not value > 0:
                raise ValueError(f"{name} is {value}; expected more than 0, or None for all")

    def __bool__(self) -> bool:
        """Return whether there is any limit."""
        return (self.hours, self.speakers, self.clips) != (None, None, None)


def choose(
    clips: pd.DataFrame,
    look: Callable[[int], Found],
    seconds: Callable[[Found], float | None],
    limits: Limits,
) -> Iterator[tuple[int, Found]]:
    """Yield the clips that are taken, and those that were found to be unfit on the way.

    Of each language, the next clip is one of the speaker of whom there is least so far; so
    everybody is heard before anybody is heard twice. Which speaker comes first, and which of a
    speaker's sentences, is decided by a hash of its name and the seed: not by the order of the
    list, nor by what else is in it; and a larger choice begins with a smaller one. Speakers who
    share sentences say the same ones.

    Parameters
    ----------
    clips : pandas.DataFrame
        With the columns ``language``, ``speaker``, ``prompt``, ``path`` and ``duration`` (in
        seconds; ``nan`` where it is not known).
    look : callable
        Of the number of a row, what is found in its file; it is called for the rows that are drawn.
    seconds : callable
        Of what was found, its duration; None if it is unfit, and another clip takes its place.
    limits : Limits

    Yields
    ------
    row : int
        The number of the row.
    found
        What ``look`` returned. In the order of the rows if there are no limits.
    """
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        if not limits:
            rows = range(len(clips))
            yield from zip(rows, pool.map(look, rows), strict=True)
            return
        for _, rows in sorted(clips.groupby("language").indices.items()):
            draw = _Draw(clips.iloc[rows], rows, limits)
            while batch := draw.next_batch():
                for row, found in zip(batch, pool.map(look, batch), strict=True):
                    length = seconds(found)
                    if draw.takes(row, length) or length is None:
                        yield row, found


class _Draw:
    """The drawing of the clips of one language."""

    def __init__(self, clips: pd.DataFrame, rows: Sequence[int], limits: Limits):
        self.limits, self.total, self.number, self.full = limits, 0.0, 0, False
        columns = (clips[name] for name in ("speaker", "prompt", "path", "duration"))
        self.clips = dict(zip(rows, zip(*columns, strict=True), strict=True))
        of: dict[str, list[int]] = {}
        for row, (speaker, *_) in self.clips.items():
            of.setdefault(speaker, []).append(row)
        # With a limit on them, later speakers come only if an earlier one turns out to be unfit.
        self.later = [_Speaker(name, of[name]) for name in sorted(of, key=self._hash, reverse=True)]
        self.speakers: dict[str, _Speaker] = {}
        self.heap: list[tuple[float, int, str]] = []
        for _ in range(min(len(of), limits.speakers or len(of))):
            self._welcome()

    def _hash(self, name: str) -> bytes:
        text = f"{self.limits.seed} {name}"
        return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()

    def _length(self, row: int) -> float:
        length = self.clips[row][-1]
        return TYPICAL if math.isnan(length) else length

    def _welcome(self) -> None:
        """Let one more speaker take part, if there is one."""
        if self.later:
            speaker = self.later.pop()
            speaker.rank = len(self.speakers)
            self.speakers[speaker.name] = speaker
            self._note(speaker, 0.0)

    def _note(self, speaker: _Speaker, seconds: float) -> None:
        """Note how much of a speaker is taken or being looked at; what the heap has is old then."""
        speaker.seconds = seconds
        heapq.heappush(self.heap, (seconds, speaker.rank, speaker.name))

    def next_batch(self) -> list[int]:
        """Return the rows to look at next; none if the language is done."""
        batch, total, limits = [], self.total, self.limits
        most = math.inf if limits.hours is None else 3600 * limits.hours
        left = AT_ONCE if limits.clips is None else min(AT_ONCE, limits.clips - self.number)
        while self.heap and not self.full and len(batch) < left and total < most:
            seconds, _, name = heapq.heappop(self.heap)
            speaker = self.speakers[name]
            if seconds != speaker.seconds or not speaker.waiting:
                continue
            if not speaker.sorted:
                speaker.waiting.sort(
                    key=lambda row: (self._hash(self.clips[row][1]), self.clips[row][2]),
                    reverse=True,
                )
                speaker.sorted = True
            row = speaker.waiting.pop()
            batch.append(row)
            total += self._length(row)
            self._note(speaker, seconds + self._length(row))
        return batch

    def takes(self, row: int, length: float | None) -> bool:
        """Return whether a clip of so many seconds is taken, None for an unfit one; note it."""
        speaker = self.speakers[self.clips[row][0]]
        speaker.looked_at += 1
        if length is None:
            self._note(speaker, speaker.seconds - self._length(row))
            if speaker.looked_at == speaker.clips and not speaker.taken:
                self._welcome()
            return False
        hours, clips = self.limits.hours, self.limits.clips
        self.full |= hours is not None and self.total + length > 3600 * hours
        if self.full:
            return False
        if length != self._length(row):
            self._note(speaker, speaker.seconds - self._length(row) + length)
        self.total, self.number = self.total + length, self.number + 1
        speaker.taken += 1
        self.full = self.number == clips
        return True


@dataclass
class _Speaker:
    """What is left of a speaker's clips, the next one last, and how much is taken."""

    name: str
    waiting: list[int]
    sorted: bool = False
    rank: int = 0
    seconds: float = 0.0
    looked_at: int = 0
    taken: int = 0

    def __post_init__(self):
        """Count the clips."""
        self.clips = len(self.waiting)
