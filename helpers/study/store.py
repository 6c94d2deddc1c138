"""Hundreds of hours: features are computed, kept and read in pieces, and train a network from disk.

What `helpers.audio.features.extract` keeps of a few hours in one file, `keep` keeps in many: it
deals the clips out to pieces of about `PIECE` seconds, and each piece is a file of ``extract``,
with all that such a file promises. Its name stands for what it was made from; it gets this name
once it is complete; zipfile's CRC-32 is tested as it is read, and a damaged one is computed again.
So a killed command goes on where it stood, and two at once do not spoil each other's files.

NumPy's ``.npz`` is enough for that. A memory-mapped ``.npy`` would give any frame at once, but
holds no checksum, and pages of it that were touched count as the process's memory; Zarr and
TFRecord have checksums, need a package or a format of their own, and here, where pieces are read
whole, give nothing for it. Zarr is what to take where one needs parts of arrays over a network.

Where a clip goes depends on its path alone, as if by chance. So every piece is a sample of all
languages and speakers, and reading a few at a time mixes nearly as well as shuffling everything:
``make bench`` measures it.
"""

from __future__ import annotations

import hashlib
import itertools
import platform
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

import joblib
import numpy as np
from tqdm.auto import tqdm

from helpers.audio import features
from helpers.audio.features import MFCCSetting
from helpers.audio.loading import CorpusError
from helpers.study.dataset import Examples, cut

if TYPE_CHECKING:
    import pandas as pd

    from helpers.networks.backend import tf

__all__ = ["PIECE", "Kept", "Stream", "batches", "keep"]

PIECE = 600.0
"""Seconds of sound in a piece, about: 15 MB of features as the course computes them."""
UNKNOWN = 10.0
"""Seconds that a clip is taken for, to size the pieces, if nobody has read it yet."""
MIXED = 4
"""Pieces whose examples are shuffled together."""


@dataclass(frozen=True, eq=False)
class Kept:
    """Features on disk, in pieces; `keep` makes them, and they are computed if they are missing.

    Parameters
    ----------
    clips : pandas.DataFrame
        The table of clips.
    setting : helpers.audio.features.MFCCSetting
    cache : pathlib.Path
        The folder that holds the pieces.
    """

    clips: pd.DataFrame = field(repr=False)
    setting: MFCCSetting
    cache: Path

    @cached_property
    def pieces(self) -> list[np.ndarray]:
        """Return the rows of the table in each piece."""
        seconds = self.clips["duration"].fillna(UNKNOWN).sum()
        count = 2 ** max(0, round(np.log2(max(seconds, 1) / PIECE)))
        return _dealt(self.clips["path"], count)

    def read(self, piece: int) -> list[np.ndarray]:
        """Return the features of the clips of a piece, in the order of ``pieces[piece]``."""
        return _extract(self.clips.iloc[self.pieces[piece]], self.setting, self.cache)

    @property
    def files(self) -> list[Path]:
        """Return the file of each piece, whether it exists or not."""
        clips = self.clips[["path", "root", "sha256"]]
        return [
            features.kept_as(clips.iloc[rows], self.setting, self.cache) for rows in self.pieces
        ]

    def cut(
        self,
        steps: int,
        *,
        shortest: int = 1,
        which: Sequence[bool] | None = None,
        languages: Sequence[str] | None = None,
    ) -> Stream:
        """Cut clips into examples, as `helpers.study.dataset.cut` does, when they are asked for.

        Parameters
        ----------
        steps, shortest, languages
            As there. The languages are those of the whole table unless given.
        which : array_like of bool, shape (clips,), optional
            The clips that are cut: ``part == "train"``. All of them unless given.

        Returns
        -------
        Stream
        """
        which = np.full(len(self.clips), True) if which is None else np.asarray(which, dtype=bool)
        if len(which) != len(self.clips):
            raise ValueError(f"which tells of {len(which)} clips, and there are {len(self.clips)}")
        names = sorted(self.clips["language"].unique()) if languages is None else languages
        return Stream(self, steps, shortest, which, tuple(names))


@dataclass(frozen=True, eq=False)
class Stream:
    """Examples that are read piece by piece; `Kept.cut` makes it.

    Parameters
    ----------
    kept : Kept
    steps, shortest : int
    which : numpy.ndarray of bool, shape (clips,)
    languages : tuple of str
        As `Kept.cut` takes them.
    """

    kept: Kept
    steps: int
    shortest: int
    which: np.ndarray = field(repr=False)
    languages: tuple[str, ...]

    def read(self, piece: int) -> Examples:
        """Return the examples of a piece; ``clip`` counts the rows of the whole table."""
        rows = self.kept.pieces[piece]
        taken = self.which[rows]
        frames = [f for f, take in zip(self.kept.read(piece), taken, strict=True) if take]
        if not any(len(f) >= self.shortest for f in frames):
            x = np.zeros((0, self.steps, self.kept.setting.n_mfcc), np.float32)
            return Examples(x, *np.zeros((3, 0), int), self.languages)
        rows = rows[taken]
        some = cut(
            self.kept.clips.iloc[rows],
            frames,
            self.steps,
            shortest=self.shortest,
            languages=self.languages,
        )
        return Examples(some.x, some.y, some.lengths, rows[some.clip], some.languages)

    @cached_property
    def count(self) -> int:
        """Return how many examples there are. All are read for it, once."""
        return sum(map(len, self))

    def __iter__(self) -> Iterator[Examples]:
        """Yield the examples of each piece."""
        return map(self.read, range(len(self.kept.pieces)))

    def moments(self) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and variance of each feature, as `helpers.study.dataset.Examples.moments`.

        Raises
        ------
        ValueError
            If there is no example.
        """
        count, mean, squares = 0, 0.0, 0.0
        for some in self:  # merged as Chan, Golub and LeVeque do (1983): nothing cancels
            if not (n := int(some.lengths.sum())):
                continue
            own_mean, own_variance = some.moments()
            apart = own_mean - mean
            squares = squares + n * own_variance + apart**2 * n * count / (n + count)
            mean, count = mean + apart * n / (n + count), n + count
        if not count:
            raise ValueError(
                f"no clip that was chosen has {self.shortest} frames; allow shorter pieces, or "
                "choose more clips"
            )
        return mean, squares / count


def keep(
    clips: pd.DataFrame,
    setting: MFCCSetting | None = None,
    cache: Path | None = None,
    *,
    jobs: int = -1,
    progress: bool = True,
) -> Kept:
    """Compute the features of a table of clips, but for those that are kept already.

    Threads work, unless `joblib.parallel_config` chooses processes (``"loky"``) or the machines of
    a cluster (``"dask"``), which must see the recordings and the cache under the same paths.

    Parameters
    ----------
    clips : pandas.DataFrame
        As `helpers.audio.features.extract` takes it. The files are taken for what the table says
        of them; where it has no digest, for what their size and time of last change are.
    setting : helpers.audio.features.MFCCSetting, optional
        The course's own unless given.
    cache : pathlib.Path, optional
        Folder to keep features in; `helpers.audio.features.CACHE` unless given.
    jobs : int, optional
        How many work at once, as joblib counts: -1 is one for each core, or all of a cluster.
    progress : bool, optional
        Whether a bar shows how much is done, in minutes of sound, and what time is left.

    Returns
    -------
    Kept

    Raises
    ------
    CorpusError
        If a clip is missing, altered or has no features; with its name and the machine's. What is
        done by then is kept.
    OSError
        If a piece cannot be found after it was computed: the disk is full, or the machines do not
        share the folder.

    Notes
    -----
    A clip is held in memory as a whole, and so is a piece, in each thread or process.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from helpers.audio import corpus
    >>> clips = corpus.manifest().head(40)
    >>> with TemporaryDirectory() as folder:
    ...     kept = keep(clips, cache=folder, progress=False)
    ...     sum(len(examples) for examples in kept.cut(steps=100))
    56
    """
    setting = setting or MFCCSetting()
    kept = Kept(clips, setting, Path(features.CACHE if cache is None else cache).resolve())
    files = kept.files
    missing = [rows for rows, file in zip(kept.pieces, files, strict=True) if not file.exists()]
    random.Random().shuffle(missing)  # two commands at once begin at different ends
    seconds = [clips["duration"].iloc[rows].fillna(UNKNOWN).sum() for rows in missing]
    # In 64ths, which add up exactly in whatever order: a bar warns if it comes to more than all.
    minutes = [np.ceil(64 * some / 60) / 64 for some in seconds]
    columns = clips[["path", "root", "sha256"]]
    # Bound, not passed: of a table that is passed, joblib gives Dask one copy, which dies with its
    # worker.
    tasks = (
        joblib.delayed(partial(_compute, columns.iloc[rows], setting, kept.cache, done))()
        for rows, done in zip(missing, minutes, strict=True)
    )
    spread = joblib.Parallel(jobs, prefer="threads", return_as="generator_unordered", batch_size=1)
    bar = "{l_bar}{bar}| {n:.0f} of {total:.0f} minutes of sound [{elapsed}, left {remaining}]"
    with tqdm(total=sum(minutes), bar_format=bar, disable=not (progress and missing)) as shown:
        for done in spread(tasks):
            shown.update(done)
    if lost := [file for file in files if not file.exists()]:
        raise OSError(
            f"{len(lost)} of {len(files)} pieces were computed and are not in {kept.cache}; "
            "make room on the disk, or take a folder that all machines share"
        )
    return kept


def _dealt(paths: pd.Series, count: int) -> list[np.ndarray]:
    """Return the rows in each of so many pieces, without the empty ones.

    A row's place depends on nothing but its path: a few clips more or less change the pieces that
    they are in.
    """
    drawn = [hashlib.sha256(path.encode("utf-8", "surrogateescape")).digest()[:8] for path in paths]
    at = np.array([int.from_bytes(digest, "big") for digest in drawn], dtype=np.uint64)
    order = np.argsort(at, kind="stable")
    piece = at[order] // np.uint64(2**64 // count if count > 1 else 2**64 - 1)
    return [rows for rows in np.split(order, np.flatnonzero(np.diff(piece)) + 1) if len(rows)]


def _extract(clips: pd.DataFrame, setting: MFCCSetting, cache: Path) -> list[np.ndarray]:
    return features.extract(clips, setting, cache, trusting=True, jobs=1)


def _compute(clips: pd.DataFrame, setting: MFCCSetting, cache: Path, minutes: float) -> float:
    """Compute a piece, wherever this runs; return how much of the work it was."""
    try:
        _extract(clips, setting, cache)
    except ValueError as error:
        raise CorpusError(f"on {platform.node()}: {error}") from error
    return minutes


def batches(
    examples: Stream, batch_size: int = 64, *, shuffle: int | None = None
) -> tf.data.Dataset:
    """Return examples as batches of features and languages, read from disk as they are needed.

    Parameters
    ----------
    examples : Stream
    batch_size : int, optional
    shuffle : int, optional
        Seed of the shuffling, which is another one in each epoch: pieces come in random order,
        and the examples of `MIXED` of them at a time. By default the order is that of the pieces.

    Returns
    -------
    tensorflow.data.Dataset
        As `helpers.study.dataset.batches`. To say how many there are, all are read once.

    Examples
    --------
    ``model.fit(batches(kept.cut(300), shuffle=0), shuffle=False)``
    """
    from helpers.networks.backend import tf  # here: processes that compute do not wait for it

    epochs = itertools.count()

    def drawn():
        pieces, at_once = list(range(len(examples.kept.pieces))), 1
        if shuffle is not None:
            rng, at_once = random.Random(f"{shuffle} {next(epochs)}"), MIXED
            rng.shuffle(pieces)
        for start in range(0, len(pieces), at_once):
            pool = [examples.read(piece) for piece in pieces[start : start + at_once]]
            places = [(some, i) for some in pool for i in range(len(some))]
            if shuffle is not None:
                rng.shuffle(places)
            for some, i in places:
                yield some.x[i], some.y[i]

    x = tf.TensorSpec((examples.steps, examples.kept.setting.n_mfcc), tf.float32)
    data = tf.data.Dataset.from_generator(drawn, output_signature=(x, tf.TensorSpec((), tf.int64)))
    known = tf.data.experimental.assert_cardinality(-(-examples.count // batch_size))
    return data.batch(batch_size).apply(known).prefetch(2)
