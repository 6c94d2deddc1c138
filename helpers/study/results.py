"""The tables in which the runs of ``12_compare`` are kept, and what is asked of them."""

from __future__ import annotations

from dataclasses import MISSING, fields
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pandas as pd

from helpers import ROOT
from helpers.audio import features
from helpers.study import experiments, learning
from helpers.study.experiments import CHOOSING, Run

__all__ = [
    "ANSWERS",
    "CERTAINTY",
    "RUNS",
    "answers",
    "best_rates",
    "certainty",
    "chosen",
    "home",
    "named",
    "packed",
    "read",
    "runs",
    "tables",
    "trials",
    "validated",
]

FOLDER = ROOT / "assets" / "experiments"
RUNS = FOLDER / "runs.csv"
"""One row a run: what was asked, what came out, with which versions, and when."""
ANSWERS = FOLDER / "answers.csv"
"""For each run, a row for each voice: how many excerpts were named which language."""

CERTAINTY = FOLDER / "certainty.npz"
"""What some models of ``13_strangers`` gave every excerpt that they were asked about."""


def home(recordings: str = "") -> Path:
    """Return the folder in which the tables of recordings are kept.

    Parameters
    ----------
    recordings : str, optional
        As for `Run.corpus`.

    Returns
    -------
    pathlib.Path
        One for the course's, and in it one of its name for each folder of recordings.

    Examples
    --------
    >>> home("somewhere/mine").relative_to(home()).parts
    ('mine',)
    """
    return FOLDER / Path(recordings).resolve().name if recordings else FOLDER


def tables(recordings: str = "") -> tuple[Path, Path]:
    """Return where the runs and their answers are kept.

    Parameters
    ----------
    recordings : str, optional
        As for `Run.corpus`; the tables of a folder of recordings lie in a folder of its name.

    Returns
    -------
    runs, answers : pathlib.Path

    Examples
    --------
    >>> [path.name for path in tables("somewhere/mine")], tables("somewhere/mine")[0].parent.name
    (['runs.csv', 'answers.csv'], 'mine')
    """
    if not recordings:
        return RUNS, ANSWERS
    return home(recordings) / RUNS.name, home(recordings) / ANSWERS.name


def runs(recordings: str = "") -> pd.DataFrame:
    """Return the table of runs, one row each.

    Parameters
    ----------
    recordings : str, optional
        As for `Run.corpus`.

    Returns
    -------
    pandas.DataFrame
        The fields of `Run`, then what `carry_out` returns, then the digest of the clips, the
        commit, versions and date. Only runs that were made with the clips as they are now.

    Raises
    ------
    FileNotFoundError
        If there is no table for these recordings.
    ValueError
        If all its runs were made with other clips.

    Examples
    --------
    >>> set(runs()["layer"]) >= {"SimpleRNN", "GRU", "LSTM"}
    True
    """
    path, _ = tables(recordings)
    make = f"make experiments{' CORPUS=' if recordings else ''}{recordings}"
    if not path.exists() or not path.stat().st_size:
        raise FileNotFoundError(
            f"no experiments with {recordings or 'the corpus of the course'} are stored; make them "
            f"with: {make}"
        )
    table = read(path)
    now = table[table["clips"] == experiments.digest(recordings)]
    if now.empty:
        raise ValueError(
            f"{path.name}: all {len(table)} runs were made with other clips than there are now; "
            f"make them again with: {make}"
        )
    return now.reset_index(drop=True)


NUMBERS = {name: ["", "nan"] for name in ("learning_rate", "C", "known", "chance")}
"""Columns of a table of trials in which nothing is a missing number, not an empty text."""
TEXT = ("run", "layer", "languages", "corpus", "by", "clips", "commit", "date")
"""Columns of a table of runs in which nothing is an empty text, not a missing number."""


def read(path: Path) -> pd.DataFrame:
    """Return a table of runs from its file, with all runs in it.

    Parameters
    ----------
    path : pathlib.Path

    Returns
    -------
    pandas.DataFrame
        Numbers are numbers, NaN where there is none; text is text, and may be empty.

    Examples
    --------
    >>> read(RUNS)["corpus"].iloc[0]
    ''
    """
    header = pd.read_csv(path, nrows=0).columns
    missing = {name: ["", "nan"] for name in header if name not in TEXT}
    numbers = {name: float for name in ("learning_rate", "C", "global_clipnorm", "seconds")}
    return pd.read_csv(
        path,
        keep_default_na=False,
        na_values=missing,
        dtype=dict.fromkeys(set(TEXT) & set(header), str) | numbers,
    )


def _tuned(table: pd.DataFrame) -> pd.Series:
    """Return the learning rate of each run, or the baseline's ``C``."""
    return table["learning_rate"].fillna(table["C"]).rename("learning rate or C")


def _same(table: pd.DataFrame, **changed) -> pd.Series:
    """Return which runs have the defaults but for what is given, at any rate and seed."""
    if unknown := set(changed) - {f.name for f in fields(Run)}:
        raise TypeError(f"a run has no field {', '.join(sorted(unknown))}")
    wanted = {f.name: f.default for f in fields(Run) if f.default is not MISSING}
    wanted["corpus"] = table["corpus"].iloc[0]
    wanted["languages"] = max(table["languages"], key=lambda names: len(names.split()))  # all
    for name in ("learning_rate", "C", "seed"):
        del wanted[name]
    wanted |= changed
    return (table[list(wanted)] == pd.Series(wanted)).all(axis=1)


def validated(table: pd.DataFrame, **changed) -> pd.DataFrame:
    """Return the mean validation accuracy of the seeds `CHOOSING`, a column for each layer.

    Parameters
    ----------
    table : pandas.DataFrame
        As `runs` returns it.
    **changed
        Fields of `Run` and their values; all others have their defaults.

    Returns
    -------
    pandas.DataFrame
        A row for each learning rate (for the baseline: ``C``); NaN where a layer was not tried at
        it.

    Examples
    --------
    >>> int(validated(runs()).count()["GRU"])
    6
    """
    choosing = table[table["seed"].isin(CHOOSING) & _same(table, **changed)]
    tuned = _tuned(choosing)
    choosing = choosing.assign(**{tuned.name: tuned})
    return choosing.pivot_table("validation_accuracy", tuned.name, "layer")


def best_rates(table: pd.DataFrame, **changed) -> pd.Series:
    """Return the learning rate of the highest mean validation accuracy; of the baseline, the ``C``.

    Parameters
    ----------
    table : pandas.DataFrame
        As `runs` returns it. Only the runs of the seeds `CHOOSING` count.
    **changed
        Fields of `Run` and their values; all others have their defaults. A layer that was tried at
        several rates with the defaults only keeps the rate that was best there; and what was tried
        with clipped gradients only, the rate that was best with them.

    Returns
    -------
    pandas.Series of float
        Indexed by layer.

    Examples
    --------
    >>> float(best_rates(runs())["SimpleRNN"])
    0.001
    """
    rates = validated(table).idxmax()
    clipped = {name: value for name, value in changed.items() if name != "global_clipnorm"}
    for tried in (clipped, changed):  # nothing was tried without clipping: it takes what suits with
        rates.update(validated(table, **tried).idxmax())
    return rates


def chosen(table: pd.DataFrame, **changed) -> pd.DataFrame:
    """Return each layer's runs at its best rate; fields that are not given have their defaults.

    Parameters
    ----------
    table : pandas.DataFrame
        As `runs` returns it.
    **changed
        Fields of `Run` and their values; all others have their defaults.

    Returns
    -------
    pandas.DataFrame
        Some of the rows, without those of the seeds `CHOOSING`.

    Examples
    --------
    >>> int(chosen(runs(), seconds=0.5).groupby("layer").size()["GRU"])
    5
    """
    rates = best_rates(table, **changed)
    best = _tuned(table) == table["layer"].map(rates)
    return table[_same(table, **changed) & best & ~table["seed"].isin(CHOOSING)]


def named(table: pd.DataFrame) -> list[str]:
    """Return the languages that a table of answers has a column for, in its order.

    Parameters
    ----------
    table : pandas.DataFrame
        As `answers` returns it.

    Examples
    --------
    >>> named(answers())
    ['en', 'es', 'fr', 'it', 'ru']
    """
    return [name for name in table.columns if name in set(table["language"])]


def answers(recordings: str = "") -> pd.DataFrame:
    """Return how each voice was named in each run, with the run's fields beside.

    Parameters
    ----------
    recordings : str, optional
        As for `Run.corpus`.

    Returns
    -------
    pandas.DataFrame
        One row for each run and voice: ``run``, ``voice``, ``language``, ``unheard``, a count for
        each language, ``right``, the share named rightly, and the run's fields.

    Raises
    ------
    FileNotFoundError
        If there is no table for these recordings.

    Examples
    --------
    >>> bool(answers()["right"].between(0, 1).all())
    True
    """
    table = runs(recordings)
    told = pd.read_csv(tables(recordings)[1], keep_default_na=False, dtype={"run": str})
    told = told[told["run"].isin(table["run"])]
    names = named(told)
    right = told[names].to_numpy()[np.arange(len(told)), told["language"].map(names.index)]
    told["right"] = right / told[names].sum(axis=1)
    return told.merge(table[["run", *(field.name for field in fields(Run))]], on="run")


def packed(told: pd.DataFrame) -> list[dict[str, str]]:
    """Return what a trial's voices were named, in few rows: a table of many trials is long.

    Parameters
    ----------
    told : pandas.DataFrame
        As `helpers.study.learning.answers` returns it.

    Returns
    -------
    list of dict
        For each language a row of ``language`` and ``told``: its voices, without the language that
        their names begin with, each with its counts; `trials` reads it.

    Examples
    --------
    >>> row = {"voice": "en wadley", "language": "en", "role": "stranger"}
    >>> packed(pd.DataFrame([{**row, "en": 3, "es": 0}]))
    [{'language': 'en', 'told': 'wadley 3 0'}]
    """
    counts = [name for name in told.columns if name not in ("voice", "language", "role")]
    rows = []
    for language, voices in told.groupby("language"):
        each = (
            f"{_escaped(voice[len(language) + 1 :])} {' '.join(map(str, row))}"
            for voice, row in zip(voices["voice"], voices[counts].to_numpy(), strict=True)
        )
        rows.append({"language": language, "told": ";".join(each)})
    return rows


def _escaped(name: str) -> str:
    """Return a voice's name without the sign that stands between two of them."""
    return name.replace("%", "%25").replace(";", "%3B")


def _unpacked(table: pd.DataFrame, recordings: str) -> pd.DataFrame:
    """Return the rows of a table of answers as `trials` does; ``run``, and then a row a voice."""
    clips = learning.clips(recordings)
    counts = sorted(clips["language"].unique())
    role = clips.drop_duplicates("voice").set_index("voice")["role"]
    rows = []
    for run, language, told in table[["run", "language", "told"]].itertuples(index=False):
        for voice in told.split(";"):
            name, *numbers = voice.rsplit(" ", len(counts))
            name = f"{language} {unquote(name)}"
            rows.append((run, name, language, role[name], *map(int, numbers)))
    return pd.DataFrame(rows, columns=["run", "voice", "language", "role", *counts])


def trials(name: str, recordings: str = "") -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the trials of one of the two studies with strangers, and what was answered.

    Parameters
    ----------
    name : {"strangers", "crossing"}
        See the modules of these names in `helpers.study`.
    recordings : str, optional
        As for `Run.corpus`; there are trials of ``strangers`` with recordings of your own.

    Returns
    -------
    made : pandas.DataFrame
        One row a trial: its fields and what its ``carry_out`` returns. Only trials that were made
        with the clips as they are now.
    told : pandas.DataFrame
        One row for each trial, voice and language asked: ``run``, ``voice``, ``language``,
        ``role``, a count for each language, ``right``, the share named rightly, and what ``made``
        has of the trial.

    Raises
    ------
    FileNotFoundError
        If there is no such table.
    ValueError
        If all its trials were made with other clips.

    Examples
    --------
    >>> made, told = trials("crossing")
    >>> bool(told["right"].between(0, 1).all())
    True
    """
    path = home(recordings) / f"{name}.csv"
    make = f"make experiments{' CORPUS=' if recordings else ''}{recordings}"
    if not path.exists():
        of_whom = f" with {recordings}" if recordings else ""
        raise FileNotFoundError(f"no trials {name!r}{of_whom} are stored; make them with: {make}")
    text = {column: str for column in ("run", "layer", "changes", "added", "clips", "commit")}
    made = pd.read_csv(path, keep_default_na=False, na_values=NUMBERS, dtype=text)
    now = made[made["clips"] == learning.digest(recordings)].reset_index(drop=True)
    if now.empty:
        raise ValueError(
            f"{path.name}: all {len(made)} trials were made with other clips than there are now; "
            f"make them again with: {make}"
        )
    told = pd.read_csv(path.with_name(f"{name}_answers.csv"), dtype=str, keep_default_na=False)
    told = _unpacked(told[told["run"].isin(now["run"])], recordings)
    names = sorted(learning.clips(recordings)["language"].unique())  # also where nobody is asked
    right = told[names].to_numpy()[np.arange(len(told)), told["language"].map(names.index)]
    told["right"] = right / told[names].sum(axis=1)
    of_trial = now.loc[:, :"clips"].drop(columns="clips")
    return now, told.merge(of_trial, on="run")


def certainty() -> pd.DataFrame:
    """Return what some models of ``13_strangers`` gave every excerpt.

    Returns
    -------
    pandas.DataFrame
        One row for each excerpt and model: ``layer``, ``seed``, ``role`` ("main": a sentence that
        the model learned from no main voice; "stranger"), ``language``, ``person``,
        ``prompt``, and a column of probabilities for each language.

    Raises
    ------
    FileNotFoundError
        If nothing is stored.
    ValueError
        If it was made with other clips, or the file is damaged.

    Examples
    --------
    >>> table = certainty()
    >>> bool(np.allclose(table[named(table)].sum(axis=1), 1))
    True
    """
    make = "make it with: python -m tools.strangers certainty"
    path = FOLDER / CERTAINTY.name
    if not path.exists():
        raise FileNotFoundError(f"{path.name} is not stored; {make}")
    try:
        # Opened here, for numpy would leave a damaged file open.
        with open(path, "rb") as opened, np.load(opened) as file:
            kept = dict(file)
    except features.DAMAGE as error:
        raise ValueError(f"{path.name} is damaged; delete it, and {make}") from error
    if str(kept["digest"]) != learning.digest():
        raise ValueError(f"{path.name} was made with other clips than there are now; {make}")
    run, p = kept["run"], np.exp(kept["log_probability"].astype(float))
    table = learning.clips().iloc[kept["clip"]][["role", "language", "person", "prompt"]]
    table = table.reset_index(drop=True)
    table.insert(0, "layer", kept["layers"][run])
    table.insert(1, "seed", kept["seeds"][run])
    names = sorted(learning.clips()["language"].unique())
    return table.join(pd.DataFrame(p / p.sum(axis=1, keepdims=True), columns=names))
