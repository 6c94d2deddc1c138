"""The experiments of ``12_compare``: what one run is, and how it is carried out.

``make experiments`` makes all runs (`tools.experiments` lists them) and keeps one row of each, see
`helpers.study.results`; the notebook draws from the tables and makes one run again.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import lru_cache

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from helpers.audio import corpus, features
from helpers.audio.recordings import folder
from helpers.networks import classifiers
from helpers.networks.backend import keras, set_seed
from helpers.study.dataset import Examples, batches, cut, sentences, split

__all__ = [
    "BASELINE",
    "CHOOSING",
    "LENGTHS",
    "SHORTEST_EXAMPLE",
    "Run",
    "carry_out",
    "clips",
    "digest",
    "recipe",
]

LENGTHS = (0.25, 0.5, 1.0, 2.0, 3.0)
"""Seconds of an excerpt after which an answer is asked for; the last is the excerpt's length."""
BASELINE = "logistic regression"
"""The "layer" that knows of no order: it reads mean and variance of each coefficient."""
PARAMETERS = 25_000
"""Trained parameters of every network, as nearly as whole units can give them."""
SHORTEST_EXAMPLE = 0.6
"""Seconds; a clip, or the rest of one, that is shorter is not used."""
CHOOSING = (100, 101)
"""Seeds of the runs that choose the learning rates: they deal other sentences to the parts."""
PARTS = {"train": 0.7, "validation": 0.15, "test": 0.15}
"""Shares of the sentences."""
BATCH_SIZE, EPOCHS, PATIENCE = 64, 40, 5
"""Of the training of a network: examples a batch, epochs at the most, and without improvement."""


@dataclass(frozen=True)
class Run:
    """What is trained on what: every field is a column of the table.

    Parameters
    ----------
    layer : str
        A key of `helpers.networks.layers.KINDS`, or `BASELINE`.
    learning_rate : float, optional
        Adam's; None for the baseline, which has none.
    seed : int, optional
        Deals the sentences to the parts, draws the first weights, shuffles the batches.
    hop_ms : int, optional
        From frame to frame: 30 ms make 100 steps of 3 s.
    global_clipnorm : float, optional
        All gradients together are scaled down to this length where they are longer (Keras's
        ``global_clipnorm``); 0 leaves them as they are.
    seconds : float, optional
        Length of the training excerpts.
    languages : str, optional
        Those trained on, separated by spaces; all that the corpus has if empty.
    per_excerpt : bool, optional
        Whether the coefficients of each excerpt are scaled to mean 0 and variance 1.
    corpus : str, optional
        A folder, or a table that was kept, as `helpers.audio.recordings.folder` takes it; empty is
        the course's corpus. Unheard are the speakers of the owner's test part; where there is none,
        of each language with several speakers the one with the least sound.
    by : {"sentence", "prompt"}, optional
        What no two parts share: a sentence, by whatever names it goes
        (`helpers.study.dataset.sentences` joins them), or its name alone.
    shuffled : bool, optional
        Whether the frames within every stretch of ``seconds`` are put into random order, in
        training and in test.
    C : float, optional
        The inverse strength of the baseline's regularisation, as scikit-learn calls it; None for
        a network, which has none.

    Raises
    ------
    ValueError
        If a network has no learning rate, or the baseline no ``C``.

    Examples
    --------
    >>> Run("GRU", 0.001, seed=0).steps
    100
    >>> Run(BASELINE, C=0.1, seed=0).languages
    'en es fr it ru'
    """

    layer: str
    learning_rate: float | None = None
    seed: int = 0
    hop_ms: int = 30
    global_clipnorm: float = 1.0
    seconds: float = 3.0
    languages: str = ""
    per_excerpt: bool = False
    corpus: str = ""
    by: str = "sentence"
    shuffled: bool = False
    C: float | None = None

    def __post_init__(self):
        """Refuse a run without its learning rate or ``C``, and fill in the languages."""
        is_network = self.layer != BASELINE
        if (self.learning_rate is None) == is_network or (self.C is None) != is_network:
            raise ValueError(
                f"{self.layer}: learning_rate is {self.learning_rate} and C is {self.C}; a network "
                f"takes a learning rate and no C, the {BASELINE} takes C and no learning rate"
            )
        if not self.languages:
            spoken = sorted(_clips(self.corpus)["language"].unique())
            object.__setattr__(self, "languages", " ".join(spoken))

    @classmethod
    def of(cls, row: Mapping) -> Run:
        """Return the run that a row of `helpers.study.results.runs` tells of.

        Parameters
        ----------
        row : mapping of str to object
            With a value for each field; others do not matter.

        Returns
        -------
        Run

        Examples
        --------
        >>> run = Run("GRU", 0.001, seed=3)
        >>> Run.of(asdict(run) | {"accuracy": 0.9}) == run
        True
        """
        told = {field.name: row[field.name] for field in fields(cls)}
        for name, value in told.items():  # a table has numbers of NumPy's, which Keras cannot save
            value = value.item() if isinstance(value, np.generic) else value
            told[name] = None if pd.isna(value) else value
        return cls(**told)

    @property
    def tuned(self) -> float:
        """What is chosen on validation sentences: the learning rate, or the baseline's ``C``."""
        return self.C if self.layer == BASELINE else self.learning_rate

    @property
    def setting(self) -> features.MFCCSetting:
        """The features it reads."""
        return features.MFCCSetting(hop_length=16 * self.hop_ms)

    @property
    def steps(self) -> int:
        """Frames of a training excerpt."""
        return self.steps_of(self.seconds)

    def steps_of(self, seconds: float) -> int:
        """Return how many frames there are in so many seconds."""
        return round(1000 * seconds / self.hop_ms)


def recipe(run: Run, clips_digest: str | None = None) -> dict:
    """Return all that decides the outcome of a run: a changed default is another run.

    Parameters
    ----------
    run : Run
    clips_digest : str, optional
        As `digest` returns it. By default that of the run's corpus as it is now.

    Returns
    -------
    dict
        The run's fields, the setting of its features, the digest of its corpus, and the constants
        of this module.

    Examples
    --------
    >>> recipe(Run("GRU", 0.001, seed=0))["setting"]["n_fft"]
    400
    """
    return {
        **asdict(run),
        "setting": asdict(run.setting),
        "clips": digest(run.corpus) if clips_digest is None else clips_digest,
        "parts": PARTS,
        "lengths": LENGTHS,
        "shortest example": SHORTEST_EXAMPLE,
        "parameters": PARAMETERS,
        "batch size, epochs, patience": (BATCH_SIZE, EPOCHS, PATIENCE),
    }


def clips(recordings: str = "") -> pd.DataFrame:
    """Return the clips that runs are made of, with a name for each voice.

    Parameters
    ----------
    recordings : str, optional
        As for `Run.corpus`.

    Returns
    -------
    pandas.DataFrame
        As `helpers.audio.corpus.manifest`, and ``voice``; of the course's corpus,
        ``language`` is the language alone. Every call returns a table of its own.

    Examples
    --------
    >>> clips()["language"].unique().tolist()
    ['en', 'es', 'fr', 'it', 'ru']
    """
    return _clips(recordings).copy()


@lru_cache(maxsize=4)
def _clips(recordings: str) -> pd.DataFrame:
    """Return the clips, always the same table: nobody may change it."""
    table = folder(recordings) if recordings else corpus.manifest()
    table["voice"] = table["language"].str.cat(table["speaker"], sep=" ")
    if recordings:
        table["unheard"] = _unheard(table)
    else:
        table["language"] = table["language"].str[:2]
    return table


def _unheard(table: pd.DataFrame) -> pd.Series:
    """Return which clips of recordings of one's own are kept apart, speaker by speaker."""
    if "part" in table:
        tested = table["speaker"].isin(table.loc[table["part"] == "test", "speaker"])
        if tested.any() and set(table["language"]) == set(table.loc[~tested, "language"]):
            return tested
    seconds = table.groupby(["language", "voice"])["duration"].sum()
    several = seconds.groupby("language").filter(lambda voices: len(voices) > 1)
    least = several.groupby("language").idxmin()
    return table["voice"].isin([voice for _, voice in least])


@lru_cache(maxsize=4)
def digest(recordings: str = "") -> str:
    """Return a digest of the clips: their sounds, languages, speakers, prompts and parts.

    Parameters
    ----------
    recordings : str, optional
        As for `Run.corpus`.

    Returns
    -------
    str
        Ten hexadecimal digits. The order of the clips and where they lie do not matter.

    Examples
    --------
    >>> len(digest())
    10
    """
    names = ["sha256", "language", "speaker", "prompt", "unheard"]
    table = _clips(recordings)
    unread = table["sha256"] == ""  # then its name must do
    table = table.assign(sha256=table["sha256"].where(~unread, table["path"]))
    rows = table[names].astype(str).sort_values(names).to_numpy().ravel()
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()[:10]


@lru_cache(maxsize=1)
def _sentences(recordings: str) -> pd.Series:
    """Return the sentence of each clip, the same one where it goes by several names."""
    return sentences(_clips(recordings), _mfccs(recordings, features.MFCCSetting()))


@lru_cache(maxsize=8)
def _mfccs(recordings: str, setting: features.MFCCSetting) -> list[np.ndarray]:
    """Return the features of all clips."""
    return features.extract(_clips(recordings), setting)


def _standardised(examples: Examples) -> Examples:
    """Return the examples, each brought to mean 0 and variance 1 by itself."""
    sound = examples.mask[:, :, np.newaxis]
    n = examples.lengths[:, np.newaxis, np.newaxis]
    mean = np.sum(examples.x, axis=1, keepdims=True, where=sound) / n
    centred = np.where(sound, examples.x - mean, 0)
    deviation = np.sqrt(np.sum(centred**2, axis=1, keepdims=True) / n)
    x = centred / np.where(deviation > 0, deviation, 1)
    return Examples(
        x.astype(np.float32), examples.y, examples.lengths, examples.clip, examples.languages
    )


def _examples(
    run: Run, which: np.ndarray, seconds: float, *, part: str, languages=None
) -> Examples:
    """Return the examples of the clips with these rows; ``part`` says what they are, in errors."""
    these, names = _clips(run.corpus).iloc[which], languages or run.languages.split()
    steps = run.steps_of(seconds)
    shortest = min(run.steps_of(SHORTEST_EXAMPLE), steps)
    mfccs = [_mfccs(run.corpus, run.setting)[i] for i in which]
    if not any(len(frames) >= shortest for frames in mfccs):
        raise ValueError(
            f"{part}: all {len(which)} clips are shorter than "
            f"{shortest * run.hop_ms / 1000:g} s, the shortest excerpt that is used; add "
            "longer recordings"
        )
    whole = cut(these, mfccs, steps, shortest=shortest, languages=names)
    whole = _standardised(whole) if run.per_excerpt else whole
    return _shuffled(whole, run) if run.shuffled else whole


def _shuffled(examples: Examples, run: Run) -> Examples:
    """Return the examples, the frames within every stretch of ``seconds`` in random order."""
    rng, x = np.random.default_rng(run.seed), examples.x.copy()
    for row, n in zip(x, examples.lengths, strict=True):
        for start in range(0, n, run.steps):  # what is asked early must not hear what is late
            stop = min(start + run.steps, n)
            row[start:stop] = rng.permutation(row[start:stop])
    return replace(examples, x=x)


def _parts(run: Run) -> dict[str, np.ndarray]:
    """Return the rows of the clips in each part; ``unheard`` is what no part may touch."""
    table = _clips(run.corpus)
    spoken = sorted(table["language"].unique())
    if unknown := sorted(set(run.languages.split()) - set(spoken)):
        raise ValueError(
            f"languages: the corpus has no {', '.join(unknown)}; there are {', '.join(spoken)}"
        )
    if run.by == "sentence":
        table = table.assign(sentence=_sentences(run.corpus))
    dealt = split(table, PARTS, by=run.by, seed=run.seed)
    part = dealt.where(~table["unheard"], "unheard")
    part = part.where(table["language"].isin(run.languages.split()), "another language")
    if empty := PARTS.keys() - set(part):
        count = table[run.by].nunique()
        raise ValueError(
            f"seed {run.seed} deals none of the {count} different sentences to "
            f"{', '.join(sorted(empty))}; record more, some thirty at least"
        )
    return {name: np.flatnonzero(part == name) for name in part.unique()}


def _others(run: Run, parts: dict[str, np.ndarray]) -> Examples | None:
    """Return the excerpts of the voices that were not trained on, None if there is no such voice.

    A language that was left out of the training may be asked about all the same. ``clip`` counts
    the rows of the whole table.
    """
    none = np.empty(0, dtype=int)
    rows = np.concatenate([parts.get("unheard", none), parts.get("another language", none)])
    if not len(rows):
        return None
    table = _clips(run.corpus)
    voices = table["voice"].to_numpy()[rows]
    every = sorted(table["language"].unique())
    asked = _examples(run, rows, LENGTHS[-1], part="the voices not trained on", languages=every)
    if silent := sorted(set(voices) - set(voices[asked.clip])):
        raise ValueError(
            f"{', '.join(silent)}: all clips are shorter than {SHORTEST_EXAMPLE:g} s, so nothing "
            "can be asked about the voice; add longer recordings of it, or take it out"
        )
    return replace(asked, clip=rows[asked.clip])


def _at(run: Run, seconds: float) -> int:
    """Return the index of the last frame that has been heard after so long."""
    return run.steps_of(seconds) - 1


def carry_out(run: Run) -> tuple[dict, pd.DataFrame]:
    """Train and test as a run says.

    Parameters
    ----------
    run : Run

    Returns
    -------
    row : dict
        The run's fields, then ``units``, ``parameters``, ``epochs``, ``seconds_per_epoch``,
        ``validation_loss``, ``validation_accuracy``, ``accuracy`` on the unseen sentences of the
        voices trained on, ``shuffled_accuracy`` on the same with their frames in random order,
        ``examples`` (how many), ``examples_3s`` (how many of them are 3 s long),
        ``chance`` (the share of the most frequent language among them), and ``after_0.25`` to
        ``after_3``: the accuracy on those that are 3 s long, asked for after so many seconds.
    answers : pandas.DataFrame
        One row for each voice tested: ``voice``, ``language``, ``unheard``, and how many excerpts
        were named which language.

    Raises
    ------
    ValueError
        Before anything is trained: if a language or a voice is not in the corpus, a part of the
        sentences is empty, or all clips of a part or of an unheard voice are too short.

    Examples
    --------
    ``carry_out(Run("GRU", 0.003, seed=0))`` takes about half a minute.
    """
    parts = _parts(run)
    train = _examples(run, parts["train"], run.seconds, part="training")
    validation = _examples(run, parts["validation"], run.seconds, part="validation")
    test = _examples(run, parts["test"], LENGTHS[-1], part="test")
    others = _others(run, parts)
    make = _regression if run.layer == BASELINE else _network
    row, predict = make(run, train, validation)
    whole = test.lengths == test.x.shape[1]
    guesses = predict(test)
    at_end = np.arange(len(test)), test.lengths - 1
    last = guesses[at_end]
    row["accuracy"] = np.mean(last == test.y)
    row["shuffled_accuracy"] = np.mean(predict(_shuffled(test, run))[at_end] == test.y)
    row["examples"] = len(test)
    row["examples_3s"] = np.sum(whole)
    row["chance"] = np.bincount(test.y).max() / len(test)
    for seconds in LENGTHS:
        right = guesses[whole, _at(run, seconds)] == test.y[whole]
        row[f"after_{seconds:g}"] = np.mean(right) if whole.any() else np.nan
    asked = [(parts["test"][test.clip], last)]
    if others is not None:
        asked.append((others.clip, predict(others)[np.arange(len(others)), others.lengths - 1]))
    return {**asdict(run), **row}, _answers(run, asked)


def _network(run: Run, train: Examples, validation: Examples):
    """Train a network; return what is to be noted, and what names a language after each frame."""
    set_seed(run.seed)
    units = classifiers.units_for(run.layer, PARAMETERS, run.setting.n_mfcc, len(train.languages))
    model = classifiers.build(run.layer, units, run.setting, train.languages, train.moments())
    clip = {"global_clipnorm": run.global_clipnorm} if run.global_clipnorm else {}
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate=run.learning_rate, **clip),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    times = _Times()
    stop = keras.callbacks.EarlyStopping(patience=PATIENCE, restore_best_weights=True)
    history = model.fit(
        batches(train, BATCH_SIZE, shuffle=run.seed),
        validation_data=batches(validation, 256),
        epochs=EPOCHS,
        shuffle=False,
        verbose=0,
        callbacks=[stop, times],
    ).history
    best = int(np.argmin(history["val_loss"]))
    row = {
        "units": units,
        "parameters": sum(int(np.prod(w.shape)) for w in model.trainable_weights),
        "epochs": len(history["val_loss"]),
        "seconds_per_epoch": float(np.median(times.seconds)),
        "validation_loss": history["val_loss"][best],
        "validation_accuracy": history["val_accuracy"][best],
    }
    every = classifiers.every_step(model)
    return row, lambda examples: every.predict(examples.x, batch_size=256, verbose=0).argmax(axis=2)


class _Times(keras.callbacks.Callback):
    """Notes how long each epoch takes."""

    def __init__(self):
        super().__init__()
        self.seconds = []

    def on_epoch_begin(self, epoch, logs=None) -> None:
        """Note when it began."""
        self.begun = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None) -> None:
        """Note how long it took, its validation included."""
        self.seconds.append(time.perf_counter() - self.begun)


def _moments(examples: Examples, steps: int) -> np.ndarray:
    """Return mean and variance of each coefficient over the first frames of each example."""
    sound = examples.mask[:, :steps, np.newaxis]
    x = examples.x[:, :steps].astype(np.float64)  # whatever order the frames are added in
    mean = np.mean(x, axis=1, where=sound)
    return np.concatenate([mean, np.var(x, axis=1, where=sound)], axis=1)


def _regression(run: Run, train: Examples, validation: Examples):
    """Fit the baseline, once for each length it will be asked about."""
    start = time.perf_counter()
    models: dict[int, Pipeline] = {}
    for steps in {run.steps_of(seconds) for seconds in LENGTHS}:
        model = make_pipeline(StandardScaler(), LogisticRegression(C=run.C, max_iter=2000))
        models[steps] = model.fit(_moments(train, steps), train.y)
    seconds = time.perf_counter() - start

    def predict(examples: Examples) -> np.ndarray:
        guesses = np.zeros(examples.x.shape[:2], dtype=int)
        for steps, model in sorted(models.items()):  # the longest also answers for whole examples
            guesses[:, steps - 1 :] = model.predict(_moments(examples, steps))[:, np.newaxis]
        whole = models[max(models)].predict(_moments(examples, examples.x.shape[1]))
        at_end = examples.lengths - 1
        guesses[np.arange(len(examples)), at_end] = whole
        return guesses

    model = models[run.steps]
    row = {
        "units": 0,
        "parameters": int(np.prod(model[-1].coef_.shape)) + len(train.languages),
        "epochs": 1,
        "seconds_per_epoch": seconds / len(models),
        "validation_loss": float("nan"),
        "validation_accuracy": model.score(_moments(validation, run.steps), validation.y),
    }
    return row, predict


def _answers(run: Run, asked: list[tuple[np.ndarray, np.ndarray]]) -> pd.DataFrame:
    """Return how often each voice was named which language.

    ``asked`` holds pairs: of each excerpt the row of its clip, and the index of the language that
    it was named.
    """
    table, names = _clips(run.corpus), np.array(run.languages.split())
    clip, guess = (np.concatenate(values) for values in zip(*asked, strict=True))
    counts = pd.crosstab(table["voice"].to_numpy()[clip], names[guess])
    counts = counts.reindex(columns=sorted(table["language"].unique()), fill_value=0)
    about = table.drop_duplicates("voice").set_index("voice")[["language", "unheard"]]
    counts.columns.name = None
    return about.loc[counts.index].join(counts).rename_axis("voice").reset_index()
