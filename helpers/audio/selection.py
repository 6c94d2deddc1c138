"""Choosing clips from a list, evenly over speakers, before anybody has listened to them."""

from __future__ import annotations

import hashlib
import heapq
import os
from collections.abc import Callable, Iterable, Iterator
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
                    if length is None or draw.takes(row, length):
                        yield row, found


class _Draw:
    """The drawing of the clips of one language."""

    def __init__(self, clips: pd.DataFrame, rows: Iterable[int], limits: Limits):
        self.limits, self.total, self.number, self.full = limits, 0.0, 0, False
        self.speaker = dict(zip(rows, clips["speaker"], strict=True))
        self.length = dict(zip(rows, clips["duration"].fillna(TYPICAL), strict=True))
        sentences = map(self._hash, clips["prompt"])
        order = dict(zip(rows, zip(sentences, clips["path"], strict=True), strict=True))
        self.waiting: dict[str, list[int]] = {}  # the clips of each speaker, the next one last
        for row in sorted(order, key=order.__getitem__, reverse=True):
            self.waiting.setdefault(self.speaker[row], []).append(row)
        # Who comes first; with a limit, the others wait until one of these turns out to be unfit.
        self.rank = sorted(self.waiting, key=self._hash)
        self.heard = {name: 0.0 for name in self.rank[: limits.speakers]}
        self.taken: dict[str, int] = dict.fromkeys(self.rank, 0)

    def _hash(self, name: str) -> bytes:
        text = f"{self.limits.seed} {name}"
        return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()

    def next_batch(self) -> list[int]:
        """Return the rows to look at next; none if the language is done."""
        if self.full:
            return []
        for name in [name for name in self.heard if not self.waiting[name]]:
            if not self.taken[name]:  # nothing of this speaker is fit: the next one comes
                del self.heard[name]
                if later := [other for other in self.rank if other not in self.heard]:
                    later = [other for other in later if self.waiting[other]]
                    self.heard |= dict.fromkeys(later[:1], 0.0)
        place = {name: i for i, name in enumerate(self.rank)}
        heap = [(s, place[name], name) for name, s in self.heard.items() if self.waiting[name]]
        heapq.heapify(heap)
        batch, total = [], self.total
        most = float("inf") if self.limits.hours is None else 3600 * self.limits.hours
        left = AT_ONCE if self.limits.clips is None else self.limits.clips - self.number
        while heap and len(batch) < min(AT_ONCE, left) and total < most:
            heard, at, name = heapq.heappop(heap)
            row = self.waiting[name].pop()
            batch.append(row)
            total += self.length[row]
            if self.waiting[name]:
                heapq.heappush(heap, (heard + self.length[row], at, name))
        return batch

    def takes(self, row: int, length: float) -> bool:
        """Return whether a clip of so many seconds is taken, and note it."""
        limits = self.limits
        if limits.hours is not None and self.total + length > 3600 * limits.hours:
            self.full = True
        if self.full:
            return False
        self.total, self.number = self.total + length, self.number + 1
        self.heard[self.speaker[row]] += length
        self.taken[self.speaker[row]] += 1
        self.full = limits.clips is not None and self.number >= limits.clips
        return True
