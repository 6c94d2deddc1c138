"""Training examples: pieces of clips of one length, split so that nothing is on both sides.

``10_language_data`` derives them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy

if TYPE_CHECKING:
    import pandas as pd

    from helpers.networks.backend import tf

__all__ = ["Examples", "batches", "cut", "sentences", "split"]


@dataclass(frozen=True)
class Examples:
    """Pieces of clips, all of one length; shorter ones are padded with zeros at their end.

    `cut` makes them. ``examples[which]`` selects some, by index, slice or mask.

    Parameters
    ----------
    x : numpy.ndarray, shape (examples, steps, features), float32
        Features, zero from ``lengths`` on.
    y : numpy.ndarray, shape (examples,), int
        The language, as an index into ``languages``.
    lengths : numpy.ndarray, shape (examples,), int
        How many steps of each example are sound.
    clip : numpy.ndarray, shape (examples,), int
        The clip each was cut from, as a row of the table given to `cut`.
    languages : tuple of str
        Names of the classes.
    """

    x: np.ndarray
    y: np.ndarray
    lengths: np.ndarray
    clip: np.ndarray
    languages: tuple[str, ...]

    def __len__(self) -> int:
        """Return the number of examples."""
        return len(self.y)

    def __getitem__(self, which) -> Examples:
        """Return some of the examples."""
        if isinstance(which, int | np.integer):
            which = [which]
        return Examples(
            self.x[which], self.y[which], self.lengths[which], self.clip[which], self.languages
        )

    @property
    def mask(self) -> np.ndarray:
        """Return which steps are sound, shape (examples, steps), bool."""
        return np.arange(self.x.shape[1]) < self.lengths[:, None]

    def moments(self) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and variance of each feature over all steps that are sound.

        Those of the training examples normalise all other examples as well:
        `helpers.networks.classifiers.build` takes them.

        Returns
        -------
        mean, variance : numpy.ndarray, shape (features,), float64
        """
        sound = self.x[self.mask]
        return sound.mean(axis=0, dtype=np.float64), sound.var(axis=0, dtype=np.float64)


def cut(
    clips: pd.DataFrame,
    features: Sequence[np.ndarray],
    steps: int,
    *,
    shortest: int = 1,
    languages: Sequence[str] | None = None,
) -> Examples:
    """Cut every clip into pieces of one length, and pad the last of each.

    Parameters
    ----------
    clips : pandas.DataFrame
        One row a clip; only ``language`` is used.
    features : sequence of numpy.ndarray, shape (frames, features)
        Features of the clips, in the order of the rows.
    steps : int
        Length of an example in frames.
    shortest : int, optional
        Pieces with fewer frames than this are left out.
    languages : sequence of str, optional
        Names of the classes in their order. By default the languages in ``clips``, sorted.

    Returns
    -------
    helpers.study.dataset.Examples
        In the order of the clips, and of the pieces within each.

    Raises
    ------
    ValueError
        If there are more clips than features or fewer, a language is not among the classes, or
        all clips are too short.

    Examples
    --------
    Clips of 5 and 2 frames, cut every 3 frames:

    >>> import pandas as pd
    >>> clips = pd.DataFrame({"language": ["it-IT", "ru-RU"]})
    >>> examples = cut(clips, [np.ones((5, 64)), np.ones((2, 64))], steps=3)
    >>> examples.x.shape, examples.lengths.tolist(), examples.clip.tolist()
    ((3, 3, 64), [3, 2, 2], [0, 0, 1])
    """
    if not 1 <= shortest <= steps:
        raise ValueError(
            f"steps is {steps} and shortest is {shortest}; expected at least 1 step, and a "
            "shortest piece of 1 step or more that is no longer than an example"
        )
    if len(clips) != len(features):
        raise ValueError(
            f"{len(clips)} clips and the features of {len(features)}; extract the features of "
            "these clips, in the order of the rows"
        )
    widths = {f.shape[1:] for f in features}
    if len(widths) > 1:
        raise ValueError(
            f"features of different settings: frames have shapes {', '.join(map(str, widths))}; "
            "extract all of them with one setting"
        )
    names = tuple(sorted(clips["language"].unique()) if languages is None else languages)
    if unknown := sorted(set(clips["language"]) - set(names)):
        raise ValueError(
            f"{', '.join(unknown)}: not among the languages {', '.join(names)}; leave these clips "
            "out, or name all languages"
        )
    pieces = [
        (row, start, min(steps, len(f) - start))
        for row, f in enumerate(features)
        for start in range(0, len(f), steps)
        if len(f) - start >= shortest
    ]
    if not pieces:
        longest = max(map(len, features), default=0)
        raise ValueError(
            f"no clip has {shortest} frames, the longest has {longest}; allow shorter pieces, or "
            "add longer clips"
        )
    x = np.zeros((len(pieces), steps, *widths.pop()), dtype=np.float32)
    for i, (row, start, length) in enumerate(pieces):
        x[i, :length] = features[row][start : start + length]
    clip, _, lengths = np.array(pieces).T
    y = clips["language"].map(names.index).to_numpy(dtype=int)[clip]
    return Examples(x, y, lengths, clip, names)


def sentences(clips: pd.DataFrame, features: Sequence[np.ndarray]) -> pd.Series:
    """Name the sentence of each clip, so that one that goes by several names gets one.

    Two prompts are joined if any voice speaks them so alike that the words may be the same. Prompts
    that are joined with the same third one belong together, too. Now and then this joins prompts
    that only sound alike: a split then has fewer sentences to deal, and does no other harm.

    Parameters
    ----------
    clips : pandas.DataFrame
        Rows of `helpers.audio.corpus.manifest` or `helpers.audio.recordings.folder`.
    features : sequence of numpy.ndarray, shape (frames, coefficients)
        MFCCs of each clip; coefficients 1 to 12 are compared.

    Returns
    -------
    pandas.Series of str
        For each clip the first, in alphabetical order, of the prompts that were joined with its
        own; indexed as ``clips``. `split` can keep these apart: ``by="sentence"``.

    Notes
    -----
    Derived in the notebook ``detour_two_names``. Clips of one voice are compared: each is
    stretched to 24 frames, each number is divided by its standard deviation over the voice's
    clips, and two are alike whose root-mean-square distance is at most 0.8 and whose lengths differ
    by less than half.

    Examples
    --------
    >>> import pandas as pd
    >>> noise = np.random.default_rng(0).normal(size=(2, 40, 13))
    >>> clips = pd.DataFrame({"prompt": ["bye", "vm-bye", "no"]})
    >>> clips[["language", "speaker"]] = "it", "anna"
    >>> sentences(clips, [noise[0], 1.01 * noise[0], noise[1]]).tolist()
    ['bye', 'bye', 'no']
    """
    points, alike, length = 24, 0.8, 1.5  # of a course over time; distance; ratio of lengths
    stands_for = {prompt: prompt for prompt in clips["prompt"]}

    def leader(prompt: str) -> str:
        while stands_for[prompt] != prompt:
            prompt = stands_for[prompt]
        return prompt

    def course(frames: np.ndarray) -> np.ndarray:
        at = np.linspace(0, len(frames) - 1, points)
        return np.ravel([np.interp(at, np.arange(len(frames)), c) for c in frames[:, 1:13].T])

    names = clips["prompt"].to_numpy()
    for rows in clips.groupby(["language", "speaker"]).indices.values():
        shapes = np.array([course(features[row]) for row in rows])
        spread = shapes.std(axis=0) * np.sqrt(shapes.shape[1]) + 1e-9
        tree = scipy.spatial.cKDTree((shapes - shapes.mean(axis=0)) / spread)
        for i, j in sorted(tree.query_pairs(alike)):
            short, long = sorted((len(features[rows[i]]), len(features[rows[j]])))
            if long < length * short:
                first, second = sorted((leader(names[rows[i]]), leader(names[rows[j]])))
                stands_for[second] = first
    return clips["prompt"].map(leader).rename("sentence")


def split(
    clips: pd.DataFrame,
    parts: Mapping[str, float],
    by: str | Sequence[str] = "prompt",
    seed: int = 0,
    *,
    assigned: Mapping[str, str] | None = None,
) -> pd.Series:
    """Deal clips out to parts of which no two share a sentence, a speaker, or either.

    Where a clip goes depends on its sentence and the seed alone, so that the same sentence goes
    to the same part in every language, in every voice, and in tables made at other times.

    Parameters
    ----------
    clips : pandas.DataFrame
        Rows of `helpers.audio.corpus.manifest` or `helpers.audio.recordings.folder`.
    parts : mapping of str to float
        Names of the parts and how large each is to be, in proportion.
    by : str or sequence of str, optional
        Column whose values no two parts may share, such as ``"prompt"`` or ``"speaker"``; or
        several of them. The values of each column are then dealt by themselves, and a clip whose
        values went to different parts is dropped: it belongs to none.
    seed : int, optional
        Another seed deals differently.
    assigned : mapping of str to str, optional
        Values that are not dealt, and the part of each: ``{"july": "test"}`` keeps the speaker
        July for the test.

    Returns
    -------
    pandas.Series of str
        The part of each clip, indexed as ``clips``; NaN where it is dropped.

    Raises
    ------
    ValueError
        If there is no such column, a clip has nothing in it, a size is not positive, or a value
        that is assigned does not occur or its part is not among ``parts``.

    Examples
    --------
    >>> import pandas as pd
    >>> clips = pd.DataFrame({"prompt": ["hello", "goodbye", "hello"]})
    >>> part = split(clips, {"train": 0.5, "test": 0.5})
    >>> bool(part[0] == part[2])
    True

    Two sentences by two speakers: what July says of the training's sentence, and what Anna says of
    the test's, is dropped.

    >>> clips = pd.DataFrame({"prompt": ["hi", "bye"] * 2, "speaker": ["anna"] * 2 + ["july"] * 2})
    >>> where = {"july": "test", "anna": "train", "hi": "train", "bye": "test"}
    >>> split(clips, {"train": 1, "test": 1}, by=["prompt", "speaker"], assigned=where).tolist()
    ['train', nan, nan, 'test']
    """
    columns, assigned = [by] if isinstance(by, str) else list(by), dict(assigned or {})
    if not columns:
        raise ValueError(
            "by names no column; name one, such as 'prompt', whose values no two parts may share"
        )
    for name in columns:
        if name not in clips.columns:
            raise ValueError(
                f"no column {name!r} to split by; there are {', '.join(clips.columns)}"
            )
        if unknown := int((clips[name].isna() | (clips[name] == "")).sum()):
            raise ValueError(
                f"{unknown} of {len(clips)} clips have no {name}; split by something else"
            )
    if not parts or not all(0 < size < np.inf for size in parts.values()):
        raise ValueError(f"parts are {dict(parts)}; expected a positive size for each")
    if unknown := set(assigned) - set(clips[columns].to_numpy().ravel()):
        raise ValueError(
            f"assigned: no clip has {', '.join(sorted(unknown))} as its {' or '.join(columns)}"
        )
    if unknown := set(assigned.values()) - set(parts):
        raise ValueError(
            f"assigned: no part {', '.join(sorted(unknown))}; there are {', '.join(parts)}"
        )
    edges = np.cumsum(list(parts.values()))
    names = list(parts)

    def part(value: str) -> str:
        if value in assigned:
            return assigned[value]
        digest = hashlib.sha256(f"{seed} {value}".encode()).digest()
        where = int.from_bytes(digest[:8], "big") / 2**64  # uniform in [0, 1)
        return names[min(int(np.searchsorted(edges, where * edges[-1], "right")), len(names) - 1)]

    dealt = [
        clips[name].map({value: part(value) for value in clips[name].unique()}) for name in columns
    ]
    agree = np.logical_and.reduce([each == dealt[0] for each in dealt])
    return dealt[0].where(agree).rename("part")


def batches(
    examples: Examples, batch_size: int = 64, *, shuffle: int | None = None
) -> tf.data.Dataset:
    """Return examples as batches of features and languages.

    Parameters
    ----------
    examples : Examples
    batch_size : int, optional
    shuffle : int, optional
        Seed of the shuffling, which is another one in each epoch. By default the order is kept.

    Returns
    -------
    tensorflow.data.Dataset
        Pairs of features, shape (batch, steps, features), and languages, shape (batch,). Give
        ``fit`` the argument ``shuffle=False`` with it: it is shuffled already.

    Examples
    --------
    >>> examples = Examples(np.ones((5, 3, 2), "float32"), np.arange(5), np.full(5, 3), None, ())
    >>> [y.numpy().tolist() for x, y in batches(examples, batch_size=2)]
    [[0, 1], [2, 3], [4]]
    """
    from helpers.networks.backend import tf  # here: who only cuts clips does not wait for it

    data = tf.data.Dataset.from_tensor_slices((examples.x, examples.y))
    if shuffle is not None:
        data = data.shuffle(len(examples), seed=shuffle, reshuffle_each_iteration=True)
    return data.batch(batch_size).prefetch(tf.data.AUTOTUNE)
