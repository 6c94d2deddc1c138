"""The experiments of ``12_compare``: what one run is, and how it is carried out.

``make experiments`` makes all runs (`tools.experiments` lists them) and keeps one row of each, see
`helpers.study.results`; the notebook draws from the tables and makes one run again.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from functools import lru_cache

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from helpers.audio import corpus, features, loading
from helpers.audio.recordings import folder
from helpers.networks import classifiers
from helpers.networks.backend import keras, set_seed
from helpers.study.dataset import Examples, batches, cut, sentences, split

__all__ = [
    "BASELINE",
    "CHOOSING",
    "LENGTHS",
    "Run",
    "carry_out",
    "clips",
]

LENGTHS = (0.25, 0.5, 1.0, 2.0, 3.0)
"""Seconds of an excerpt after which an answer is asked for."""
BASELINE = "logistic regression"
"""The "layer" that knows of no order: mean and variance of each coefficient, and no more."""
PARAMETERS = 25_000
"""Of every network, near enough; each layer gets as many units as they afford."""
SHORTEST = 0.6
"""Seconds below which the rest of a clip is no example."""
CHOOSING = (100, 101)
"""Seeds of the runs that choose the learning rates: they deal other sentences to the parts."""
SPEEDS = (0.87, 1.0, 1.15)
"""At which a run with `Run.speeds` hears its training clips."""


@dataclass(frozen=True)
class Run:
    """What is trained on what: every field is a column of the table.

    Parameters
    ----------
    layer : str
        One of `helpers.networks.classifiers.LAYERS`, or `BASELINE`.
    learning_rate : float
        Adam's; of the baseline, the regression's ``C``.
    seed : int
        Deals the sentences to the parts, draws the first weights, shuffles the batches.
    hop_ms : int, optional
        From frame to frame: 30 ms make 100 steps of 3 s.
    clipnorm : float, optional
        Longest gradient of one weight matrix; 0 leaves it alone.
    seconds : float, optional
        Length of the training excerpts.
    languages : str, optional
        Those trained on.
    fmax : int, optional
        Highest frequency of the mel bank in hertz.
    n_mfcc : int, optional
        Coefficients a frame.
    per_excerpt : bool, optional
        Whether every excerpt's coefficients are brought to mean 0 and variance 1 by themselves.
    speeds : bool, optional
        Whether the training clips are heard at each of `SPEEDS`: faster is higher, too.
    kept_out : str, optional
        The unheard voices that stay so while all others are trained on; empty keeps out all.
    corpus : str, optional
        A folder as `helpers.audio.recordings.folder` takes it; empty is the course's corpus. Of
        each language with several speakers, the one with the least sound is unheard.
    by : {"prompt", "sentence"}, optional
        What no two parts share: a sentence's name, or what `helpers.study.dataset.sentences` joins.
    shuffled : bool, optional
        Whether the frames of every `seconds`, in training and test, are put into random order.

    Examples
    --------
    >>> Run("GRU", 0.001, seed=0).steps
    100
    """

    layer: str
    learning_rate: float
    seed: int
    hop_ms: int = 30
    clipnorm: float = 1.0
    seconds: float = 3.0
    languages: str = "en es fr it ru"
    fmax: int = 8000
    n_mfcc: int = 64
    per_excerpt: bool = False
    speeds: bool = False
    kept_out: str = ""
    corpus: str = ""
    by: str = "prompt"
    shuffled: bool = False

    @property
    def setting(self) -> features.MFCCSetting:
        """The features it reads. Half the bandwidth holds half as many filters."""
        n_mels = 128 * self.fmax // 8000
        hop = 16 * self.hop_ms
        return features.MFCCSetting(
            n_mfcc=self.n_mfcc, hop_length=hop, n_mels=n_mels, fmax=self.fmax
        )

    @property
    def steps(self) -> int:
        """Frames of a training excerpt."""
        return self.steps_of(self.seconds)

    def steps_of(self, seconds: float) -> int:
        """Return how many frames there are in so many seconds."""
        return round(1000 * seconds / self.hop_ms)


@lru_cache(maxsize=1)
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
        ``language`` is the language alone.

    Examples
    --------
    >>> clips()["language"].unique().tolist()
    ['en', 'es', 'fr', 'it', 'ru']
    """
    table = folder(recordings) if recordings else corpus.manifest()
    table["voice"] = table["language"].str.cat(table["speaker"], sep=" ")
    if recordings:
        seconds = table.groupby(["language", "voice"])["duration"].sum()
        several = seconds.groupby("language").filter(lambda voices: len(voices) > 1)
        least = several.groupby("language").idxmin()
        table["unheard"] = table["voice"].isin([voice for _, voice in least])
    else:
        table["language"] = table["language"].str[:2]
    return table


@lru_cache(maxsize=1)
def _sentences(recordings: str) -> pd.Series:
    """Return the sentence of each clip, whatever its name."""
    return sentences(clips(recordings), _mfccs(recordings, features.MFCCSetting(), 1.0))


@lru_cache(maxsize=8)
def _mfccs(recordings: str, setting: features.MFCCSetting, speed: float) -> list[np.ndarray]:
    """Return the features of all clips, played at another speed."""
    if speed == 1.0:
        return features.extract(clips(recordings), setting)
    # Whoever takes the samples for fewer a second hears them slower and lower.
    sounds = loading.load_clips(clips(recordings))
    return [features.mfcc(y, corpus.SR * speed, setting) for y in sounds]


def _standardised(examples: Examples) -> Examples:
    """Return the examples, each brought to mean 0 and variance 1 by itself."""
    sound = examples.mask[:, :, np.newaxis]
    n = examples.lengths[:, np.newaxis, np.newaxis]
    mean = np.sum(examples.x, axis=1, keepdims=True, where=sound) / n
    centred = np.where(sound, examples.x - mean, 0)
    x = centred / np.sqrt(np.sum(centred**2, axis=1, keepdims=True) / n + 1e-6)
    return Examples(
        x.astype(np.float32), examples.y, examples.lengths, examples.clip, examples.languages
    )


def _examples(run: Run, which: np.ndarray, seconds: float, speeds=(1.0,)) -> Examples | None:
    """Return the examples of the clips with these rows, None where there are none."""
    these, names = clips(run.corpus).iloc[which], run.languages.split()
    steps = run.steps_of(seconds)
    shortest = min(run.steps_of(SHORTEST), steps)
    parts = []
    for speed in speeds:
        mfccs = _mfccs(run.corpus, run.setting, speed)
        try:
            parts.append(
                cut(these, [mfccs[i] for i in which], steps, shortest=shortest, languages=names)
            )
        except ValueError:  # all too short
            return None
    whole = Examples(
        *(np.concatenate([getattr(p, name) for p in parts]) for name in "x y lengths clip".split()),
        parts[0].languages,
    )
    whole = _standardised(whole) if run.per_excerpt else whole
    if run.shuffled:
        rng = np.random.default_rng(run.seed)
        for row, n in zip(whole.x, whole.lengths, strict=True):
            for start in range(0, n, run.steps):  # what is asked early must not hear what is late
                stop = min(start + run.steps, n)
                row[start:stop] = rng.permutation(row[start:stop])
    return whole


def _parts(run: Run) -> dict[str, np.ndarray]:
    """Return the rows of the clips in each part; ``unheard`` is what no part may touch."""
    table = clips(run.corpus)
    if run.by == "sentence":
        table = table.assign(sentence=_sentences(run.corpus))
    parts = {"train": 0.7, "validation": 0.15, "test": 0.15}
    dealt = split(table, parts, by=run.by, seed=run.seed)
    kept_out = run.kept_out.split() or table.loc[table["unheard"], "speaker"].unique()
    unheard = table["unheard"] & table["speaker"].isin(kept_out)
    part = dealt.where(~unheard, "unheard")
    # Of what was added to the training, nothing is in the test of the main voices.
    part = part.where(~(table["unheard"] & (part == "test")), "left out")
    part = part.where(table["language"].isin(run.languages.split()), "another language")
    if empty := {"train", "validation", "test"} - set(part):
        count = table["prompt"].nunique()
        raise ValueError(
            f"seed {run.seed} deals none of the {count} sentences to {', '.join(sorted(empty))}; "
            "it takes some thirty different ones at least"
        )
    return {name: np.flatnonzero(part == name) for name in part.unique()}


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
        voices trained on, ``examples`` (how many), ``examples_3s`` (how many of them are 3 s long),
        ``chance`` (the share of the most frequent language among them), and ``after_0.25`` to
        ``after_3``: the accuracy on those that are 3 s long, asked for after so many seconds.
    answers : pandas.DataFrame
        One row for each voice tested: ``voice``, ``language``, ``unheard``, and how many excerpts
        were named which language.

    Examples
    --------
    ``carry_out(Run("GRU", 0.003, seed=0))`` takes about half a minute.
    """
    parts = _parts(run)
    train = _examples(run, parts["train"], run.seconds, SPEEDS if run.speeds else (1.0,))
    validation = _examples(run, parts["validation"], run.seconds)
    test = _examples(run, parts["test"], 3.0)
    make = _regression if run.layer == BASELINE else _network
    row, predict = make(run, train, validation)
    whole = test.lengths == test.x.shape[1]
    guesses = predict(test)
    last = guesses[np.arange(len(test)), test.lengths - 1]
    row["accuracy"] = np.mean(last == test.y)
    row["examples"] = len(test)
    row["examples_3s"] = np.sum(whole)
    row["chance"] = np.bincount(test.y).max() / len(test)
    for seconds in LENGTHS:
        right = guesses[whole, _at(run, seconds)] == test.y[whole]
        row[f"after_{seconds:g}"] = np.mean(right) if whole.any() else np.nan
    return {**asdict(run), **row}, _answers(run, parts, test, last, predict)


def _network(run: Run, train: Examples, validation: Examples):
    """Train a network; return what is to be noted, and what names a language after each frame."""
    set_seed(run.seed)
    units = classifiers.units_for(run.layer, PARAMETERS, run.n_mfcc, len(train.languages))
    model = classifiers.build(run.layer, units, run.setting, train.languages, train.moments())
    clip = {"clipnorm": run.clipnorm} if run.clipnorm else {}
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate=run.learning_rate, **clip),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    times, stop = _Times(), keras.callbacks.EarlyStopping(patience=5, restore_best_weights=True)
    history = model.fit(
        batches(train, 64, shuffle=run.seed),
        validation_data=batches(validation, 256),
        epochs=40,
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
    x = examples.x[:, :steps]
    mean = np.mean(x, axis=1, where=sound)
    return np.concatenate([mean, np.var(x, axis=1, where=sound)], axis=1)


def _regression(run: Run, train: Examples, validation: Examples):
    """Fit the baseline, once for each length it will be asked about."""
    start = time.perf_counter()
    models: dict[int, Pipeline] = {}
    for steps in {run.steps_of(seconds) for seconds in LENGTHS}:
        model = make_pipeline(
            StandardScaler(), LogisticRegression(C=run.learning_rate, max_iter=2000)
        )
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


def _answers(run: Run, parts: dict, test: Examples, last: np.ndarray, predict) -> pd.DataFrame:
    """Return how often each voice was named which language, unheard voices included."""
    table, names = clips(run.corpus), run.languages.split()
    every = sorted(table["language"].unique())
    heard = table.iloc[parts["test"]].reset_index(drop=True)
    tables = [(heard["voice"].to_numpy()[test.clip], last)]
    # A language that was left out of the training may be asked about all the same.
    others = np.concatenate([parts.get("unheard", []), parts.get("another language", [])]).astype(
        int
    )
    if len(others):
        asked = _examples(replace(run, languages=" ".join(every)), others, 3.0)
        guesses = predict(asked)[np.arange(len(asked)), asked.lengths - 1]
        tables.append((table["voice"].to_numpy()[others][asked.clip], guesses))
    voices = np.concatenate([voice for voice, _ in tables])
    named = np.array(names)[np.concatenate([guess for _, guess in tables])]
    counts = pd.crosstab(voices, named).reindex(columns=every, fill_value=0)
    about = table.drop_duplicates("voice").set_index("voice")[["language", "unheard"]]
    counts.columns.name = None
    return about.loc[counts.index].join(counts).rename_axis("voice").reset_index()
