"""Learning a language from voices that are drawn evenly, and asking any others.

`helpers.study.strangers` and `helpers.study.crossing` say who is learned from and who is asked.
Here stands how: the clips of all voices, the excerpts that are drawn from them, and the models.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np
import pandas as pd
import scipy
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from helpers.audio import corpus, features, loading
from helpers.networks.backend import keras, set_seed
from helpers.networks.layers import kind_named
from helpers.study import augmentation, experiments
from helpers.study.dataset import Examples, cut
from helpers.study.experiments import BASELINE

__all__ = [
    "SETTING",
    "Learner",
    "answers",
    "circumstances",
    "clips",
    "digest",
    "excerpts",
    "learn",
]

SETTING = features.MFCCSetting(n_mfcc=40, n_mels=40, hop_length=480)
"""As many coefficients as bands: the transform between them loses nothing, either way."""
SECONDS, SHORTEST = 3.0, 0.6
"""Of an excerpt at the most and at the least."""
STEPS = round(SECONDS * SETTING.frames_per_second)
LEAST = round(SHORTEST * SETTING.frames_per_second)
BATCH_SIZE = 64
DRAWN = 6400
"""Excerpts that the baseline is fitted on."""


@dataclass(frozen=True)
class Learner:
    """A model of languages, and how it learns: every field is a column of a table.

    Parameters
    ----------
    layer : str
        A key of `helpers.networks.layers.KINDS`, or `helpers.study.experiments.BASELINE`.
    units : int, optional
        Of the layer; 0 for the baseline.
    learning_rate : float, optional
        Adam's at the beginning; it falls to 0 as half a cosine does. None for the baseline.
    batches : int, optional
        How many a network learns from: no part is kept to choose when to stop. 0 for the baseline.
    C : float, optional
        The inverse strength of the baseline's regularisation; None for a network.
    seed : int, optional
        Draws voices, excerpts, their changes and the first weights, and deals the sentences.
    centred : bool, optional
        Whether each excerpt's mean is taken off its coefficients.
    changes : str, optional
        Of `helpers.study.augmentation.CHANGES` and its ``SOUND_CHANGES``, separated by spaces.
    codec : bool, optional
        Whether every clip, learned from or asked, has gone through the telephone's codec GSM 6.10.

    Notes
    -----
    ``corpus``, as `clips` takes it, says whose recordings these are; the course's unless a subclass
    has a field of this name.

    Raises
    ------
    ValueError
        If a network has no learning rate, units or batches, or the baseline no ``C``.

    Examples
    --------
    >>> Learner("GRU", 64, 0.003, 800).codec
    False
    """

    layer: str
    units: int = 0
    learning_rate: float | None = None
    batches: int = 0
    C: float | None = None
    seed: int = 0
    centred: bool = False
    changes: str = ""
    codec: bool = False
    corpus: ClassVar[str] = ""

    def __post_init__(self):
        """Refuse a learner without what its model needs."""
        network = (self.units > 0, self.learning_rate is not None, self.batches > 0)
        is_baseline = self.layer == BASELINE
        if network != (not is_baseline,) * 3 or (self.C is not None) != is_baseline:
            raise ValueError(
                f"{self.layer}: units {self.units}, learning_rate {self.learning_rate}, batches "
                f"{self.batches}, C {self.C}; a network takes the first three, the {BASELINE} C "
                "alone"
            )


def circumstances(learner: Learner) -> dict:
    """Return what decides the outcome besides the fields: constants, clips, ways to change them.

    Parameters
    ----------
    learner : Learner

    Returns
    -------
    dict

    Examples
    --------
    >>> circumstances(Learner(BASELINE, C=0.1))["setting"]["n_mels"]
    40
    """
    ways = ["CHANGES", "SPEED", "WARP", "TILT", "FLOOR", "LOW", "HIGH"]
    if _of_sound(learner):
        ways += ["SOUND_CHANGES", "CODECS", "T60", "DIRECT"]
    return {
        "setting": vars(SETTING),
        "clips": digest(learner.corpus),
        "excerpts": (SECONDS, SHORTEST),
        "training": (BATCH_SIZE, DRAWN),
        "ways to change": [getattr(augmentation, name) for name in ways],
    }


def clips(recordings: str = "") -> pd.DataFrame:
    """Return the clips of all voices, human and synthetic, with who is who.

    Parameters
    ----------
    recordings : str, optional
        As for `helpers.study.experiments.Run.corpus`; of recordings of your own the speakers that
        no run learns from are the strangers, and all others the main voices.

    Returns
    -------
    pandas.DataFrame
        As `helpers.audio.corpus.manifest`; ``language`` is the language alone, ``voice`` names the
        voice, ``person`` is filled in everywhere, and ``role`` is "main", "stranger" or
        "synthetic". Every call returns a table of its own.

    Examples
    --------
    >>> clips().groupby("role")["person"].nunique().to_dict()
    {'main': 4, 'stranger': 32, 'synthetic': 36}
    """
    return _clips(recordings).copy()


@lru_cache(maxsize=2)
def _clips(recordings: str) -> pd.DataFrame:
    """Return the clips, always the same table: nobody may change it."""
    table = experiments.clips(recordings)
    table["role"] = np.where(table["unheard"], "stranger", "main")
    if not recordings:
        others = [
            corpus.strangers().assign(role="stranger"),
            corpus.synthetic().assign(role="synthetic"),
        ]
        table = pd.concat([table, *others], ignore_index=True)
        table["language"] = table["language"].str[:2]
        table["voice"] = table["language"].str.cat(table["speaker"], sep=" ")
    table["person"] = table["person"].where(table["person"] != "", table["speaker"])
    return table


@lru_cache(maxsize=2)
def digest(recordings: str = "") -> str:
    """Return a digest of all clips: ten hexadecimal digits.

    Parameters
    ----------
    recordings : str, optional
        As for `clips`.

    Returns
    -------
    str

    Examples
    --------
    >>> len(digest())
    10
    """
    if recordings:
        return experiments.digest(recordings)
    names = ["sha256", "language", "speaker", "person", "role", "prompt"]
    rows = _clips("")[names].astype(str).sort_values(names).to_numpy().ravel()
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()[:10]


@lru_cache(maxsize=2)
def _bands(recordings: str, codec: bool) -> list[np.ndarray]:
    """Return the mel spectrogram in decibels of each clip, shape (frames, n_mels)."""
    table = _clips(recordings)
    if not codec:
        mfccs = features.extract(table, SETTING)
    else:
        sounds = (augmentation.coded(y, corpus.SR, "GSM 6.10") for y in loading.load_clips(table))
        mfccs = [features.mfcc(y, corpus.SR, SETTING) for y in sounds]
    return [scipy.fft.idct(frames, norm="ortho").astype(np.float32) for frames in mfccs]


@lru_cache(maxsize=32_000)  # clips, their versions, and two ways to change them
def _version(
    recordings: str, row: int, number: int, changes: tuple[str, ...], codec: bool
) -> np.ndarray:
    """Return the mel spectrogram in decibels of a version of a clip, shape (frames, n_mels)."""
    y, sr = loading.load_clip(_clips(recordings).iloc[row])
    y = augmentation.version(y, sr, number, changes, seed=row)
    if codec:
        y = augmentation.coded(y, sr, "GSM 6.10")
    return scipy.fft.idct(features.mfcc(y, sr, SETTING), norm="ortho").astype(np.float32)


def _of_sound(learner: Learner) -> tuple[str, ...]:
    """Return which of a learner's changes are made in the sound."""
    asked = learner.changes.split()
    return tuple(name for name in augmentation.SOUND_CHANGES if name in asked)


def _finished(bands: np.ndarray, learner: Learner) -> np.ndarray:
    """Return the coefficients that a model reads of an excerpt's bands."""
    if learner.centred:
        bands = bands - bands.mean(axis=0)
    return scipy.fft.dct(bands, norm="ortho")


class _Draw:
    """Draws excerpts: a language, a voice, a clip and a place in it.

    Languages are drawn equally often. Within one a voice is drawn in proportion to the root of how
    much there is of it: a voice of ten words neither drowns among a thousand sentences nor is
    heard as often as they are.
    """

    def __init__(self, rows: np.ndarray, learner: Learner, rng: np.random.Generator):
        table = _clips(learner.corpus).iloc[rows]
        self.bands = _bands(learner.corpus, learner.codec)
        amount = np.array([len(self.bands[row]) for row in rows], float)
        of_voice = pd.Series(amount).groupby(table["voice"].to_numpy()).transform("sum")
        chance = pd.Series(amount / np.sqrt(of_voice.to_numpy()))
        of_language = chance.groupby(table["language"].to_numpy()).transform("sum")
        self.chances = (chance / of_language / table["language"].nunique()).to_numpy()
        self.rows, self.learner, self.rng = rows, learner, rng

    def __call__(self, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return coefficients (count, STEPS, n_mfcc), languages and lengths."""
        x = np.zeros((count, STEPS, SETTING.n_mfcc), np.float32)
        drawn = self.rng.choice(self.rows, count, p=self.chances)
        lengths = np.empty(count, int)
        for i, row in enumerate(drawn):
            one = self._excerpt(self._heard(row))
            x[i, : len(one)], lengths[i] = one, len(one)
        return x, _languages(self.learner.corpus)[drawn], lengths

    def _heard(self, row: int) -> np.ndarray:
        """Return the bands of a clip, or of one of its versions."""
        changes = _of_sound(self.learner)
        if not changes:
            return self.bands[row]
        number, learner = int(self.rng.integers(augmentation.VERSIONS)), self.learner
        return _version(learner.corpus, int(row), number, changes, learner.codec)

    def _excerpt(self, bands: np.ndarray) -> np.ndarray:
        changes = set(self.learner.changes.split()) - set(augmentation.SOUND_CHANGES)
        longest = round(STEPS * np.exp(augmentation.SPEED)) if "speed" in changes else STEPS
        start = self.rng.integers(max(1, len(bands) - longest + 1))
        bands = bands[start : start + longest]
        if changes:
            bands = augmentation.change(bands, changes, self.rng, SETTING)
        return _finished(bands[:STEPS], self.learner)


@lru_cache(maxsize=2)
def _languages(recordings: str) -> np.ndarray:
    """Return the index of each clip's language."""
    language = _clips(recordings)["language"]
    return language.map(sorted(language.unique()).index).to_numpy()


def learn(
    learner: Learner, sources: Sequence[tuple[np.ndarray, float]]
) -> tuple[Callable[[Examples], np.ndarray], int]:
    """Train a model on some of the clips.

    Parameters
    ----------
    learner : Learner
    sources : sequence of (numpy.ndarray, float)
        Rows of `clips`, and which share of the excerpts is drawn from them.

    Returns
    -------
    predict : callable
        Takes what `excerpts` returns, gives probabilities, shape (excerpts, languages).
    parameters : int
        How many numbers were trained.

    Raises
    ------
    ValueError
        If a source has no rows, or there are no such layer or changes.

    Examples
    --------
    >>> rows = np.flatnonzero(clips()["role"] == "main")[::200]
    >>> predict, parameters = learn(Learner(BASELINE, C=0.1), [(rows, 1.0)])
    >>> predict(excerpts(rows, Learner(BASELINE, C=0.1))).shape[1], parameters
    (5, 405)
    """
    rng = np.random.default_rng(learner.seed)
    if not all(len(rows) for rows, _ in sources):
        raise ValueError("a source has no clips; leave it out")
    draws = [(_Draw(rows, learner, rng), share) for rows, share in sources]
    return (_regression if learner.layer == BASELINE else _network)(learner, draws)


def excerpts(rows: np.ndarray, learner: Learner) -> Examples:
    """Return all excerpts of some of the clips, unchanged, as a model is asked about them.

    Parameters
    ----------
    rows : numpy.ndarray of int
        Rows of `clips`.
    learner : Learner

    Returns
    -------
    helpers.study.dataset.Examples
        Of 3 s at the most and 0.6 s at the least; ``clip`` counts the rows of `clips`.

    Examples
    --------
    >>> excerpts(np.arange(3), Learner(BASELINE, C=0.1)).x.shape[1:]
    (100, 40)
    """
    table, every = _clips(learner.corpus), _bands(learner.corpus, learner.codec)
    bands = [every[row] for row in rows]
    spoken = sorted(table["language"].unique())
    whole = cut(table.iloc[rows], bands, STEPS, shortest=LEAST, languages=spoken)
    x = np.zeros((len(whole), STEPS, SETTING.n_mfcc), np.float32)
    for i, n in enumerate(whole.lengths):
        x[i, :n] = _finished(whole.x[i, :n], learner)
    return Examples(x, whole.y, whole.lengths, rows[whole.clip], whole.languages)


def _drawn(draws, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return excerpts of all sources together, each by its share."""
    counts = [round(count * share) for _, share in draws]
    counts[0] += count - sum(counts)
    parts = [draw(n) for (draw, _), n in zip(draws, counts, strict=True)]
    return tuple(np.concatenate(values) for values in zip(*parts, strict=True))


def _network(learner: Learner, draws):
    """Train a network; return what gives probabilities, and how many parameters it has."""
    set_seed(learner.seed)
    x, _, lengths = _drawn(draws, 20 * BATCH_SIZE)
    sound = x[np.arange(STEPS) < lengths[:, np.newaxis]]
    frames = keras.Input((STEPS, SETTING.n_mfcc))
    h = keras.layers.Masking()(frames)
    h = keras.layers.Normalization(mean=sound.mean(axis=0), variance=sound.var(axis=0))(h)
    for layer in kind_named(learner.layer).layers(learner.units):
        h = layer(h)
    spoken = _clips(learner.corpus)["language"].nunique()
    model = keras.Model(frames, keras.layers.Dense(spoken, activation="softmax")(h))
    rate = keras.optimizers.schedules.CosineDecay(learner.learning_rate, learner.batches)
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate=rate, global_clipnorm=1.0),
        loss="sparse_categorical_crossentropy",
    )
    for _ in range(learner.batches):
        x, y, _ = _drawn(draws, BATCH_SIZE)
        model.train_on_batch(x, y)
    parameters = sum(int(np.prod(w.shape)) for w in model.trainable_weights)
    return lambda examples: model.predict(examples.x, batch_size=256, verbose=0), parameters


def _moments(x: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Return mean and variance of each coefficient over the frames of each excerpt."""
    sound = (np.arange(x.shape[1]) < lengths[:, np.newaxis])[:, :, np.newaxis]
    x = x.astype(np.float64)  # a mean that was taken off leaves a rest of the size of the rounding
    return np.concatenate([x.mean(axis=1, where=sound), x.var(axis=1, where=sound)], axis=1)


def _regression(learner: Learner, draws):
    """Fit the baseline; return what gives probabilities, and how many parameters it has."""
    x, y, lengths = _drawn(draws, DRAWN)
    kept = slice(SETTING.n_mfcc if learner.centred else 0, None)  # no means where all are 0
    model = make_pipeline(StandardScaler(), LogisticRegression(C=learner.C, max_iter=2000))
    model.fit(_moments(x, lengths)[:, kept], y)
    parameters = model[-1].coef_.size + model[-1].intercept_.size
    return (
        lambda examples: model.predict_proba(_moments(examples.x, examples.lengths)[:, kept]),
        parameters,
    )


def answers(asked: Examples, probabilities: np.ndarray, recordings: str = "") -> pd.DataFrame:
    """Return how often each voice was named which language.

    Parameters
    ----------
    asked : helpers.study.dataset.Examples
        As `excerpts` returns them.
    probabilities : numpy.ndarray, shape (excerpts, languages)
        A model's.
    recordings : str, optional
        As for `clips`: whose excerpts these are.

    Returns
    -------
    pandas.DataFrame
        One row for each voice: ``voice``, ``language``, ``role``, and a count for each language.

    Examples
    --------
    >>> asked = excerpts(np.arange(2), Learner(BASELINE, C=0.1))
    >>> answers(asked, np.tile([0.5, 0.2, 0.1, 0.1, 0.1], (len(asked), 1))).columns.tolist()
    ['voice', 'language', 'role', 'en', 'es', 'fr', 'it', 'ru']
    """
    voice = ["voice", "language", "role"]
    told = _clips(recordings)[voice].iloc[asked.clip].reset_index(drop=True)
    named = pd.DataFrame(
        np.eye(len(asked.languages), dtype=int)[probabilities.argmax(axis=1)],
        columns=list(asked.languages),
    )
    return told.join(named).groupby(voice, as_index=False)[list(asked.languages)].sum()
