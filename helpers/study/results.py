"""The tables in which the runs of ``12_compare`` are kept, and what is asked of them."""

from __future__ import annotations

from dataclasses import MISSING, fields
from pathlib import Path

import numpy as np
import pandas as pd

from helpers import ROOT
from helpers.study.experiments import CHOOSING, Run

__all__ = [
    "ANSWERS",
    "RUNS",
    "answers",
    "best_rates",
    "chosen",
    "named",
    "read",
    "runs",
    "tables",
    "validated",
]

FOLDER = ROOT / "assets" / "experiments"
RUNS = FOLDER / "runs.csv"
"""One row a run: what was asked, what came out, with which versions, and when."""
ANSWERS = FOLDER / "answers.csv"
"""For each run, a row for each voice: how many excerpts were named which language."""


def tables(recordings: str = "") -> tuple[Path, Path]:
    """Return where the runs and their answers are kept.

    Parameters
    ----------
    recordings : str, optional
        As for `Run.corpus`; tables of one's own recordings lie in a folder of that name.

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
    own = FOLDER / Path(recordings).resolve().name
    return own / RUNS.name, own / ANSWERS.name


def runs(recordings: str = "") -> pd.DataFrame:
    """Return the table of runs, one row each.

    Parameters
    ----------
    recordings : str, optional
        As for `Run.corpus`.

    Returns
    -------
    pandas.DataFrame
        The fields of `Run`, then what `carry_out` returns, then versions and date.

    Raises
    ------
    FileNotFoundError
        If there is no table for these recordings.

    Examples
    --------
    >>> set(runs()["layer"]) >= {"SimpleRNN", "GRU", "LSTM"}
    True
    """
    path, _ = tables(recordings)
    if not path.exists():
        raise FileNotFoundError(
            f"no experiments with {recordings} are stored; "
            f"make them with: make experiments CORPUS={recordings}"
        )
    return read(path)


def read(path: Path) -> pd.DataFrame:
    """Return a table of runs from its file; numbers are numbers, and empty text is empty."""
    numbers = {name: float for name in ("learning_rate", "clipnorm", "seconds")}  # also where whole
    return pd.read_csv(path, keep_default_na=False, na_values=["nan"], dtype=numbers)


def _same(table: pd.DataFrame, **changed) -> pd.Series:
    """Return which runs differ from the plain ones in this alone, at whatever rate and seed."""
    wanted = {f.name: f.default for f in fields(Run) if f.default is not MISSING} | changed
    if table["corpus"].iloc[0]:  # another corpus has other languages
        wanted |= {name: table[name].iloc[0] for name in ("corpus", "languages")}
    return (table[list(wanted)] == pd.Series(wanted)).all(axis=1)


def validated(table: pd.DataFrame, **changed) -> pd.DataFrame:
    """Return the mean validation accuracy of the seeds `CHOOSING`, a column for each layer.

    Parameters
    ----------
    table : pandas.DataFrame
        As `runs` returns it.
    **changed
        Fields of `Run` and their values; all others are as a `Run` has them unasked.

    Returns
    -------
    pandas.DataFrame
        A row for each learning rate; NaN where a layer was not tried at it.

    Examples
    --------
    >>> int(validated(runs()).count()["GRU"])
    4
    """
    choosing = table[table["seed"].isin(CHOOSING) & _same(table, **changed)]
    return choosing.pivot_table("validation_accuracy", "learning_rate", "layer")


def best_rates(table: pd.DataFrame, hop_ms: int = Run.hop_ms) -> pd.Series:
    """Return the learning rate of the highest mean validation accuracy, for each layer.

    Parameters
    ----------
    table : pandas.DataFrame
        As `runs` returns it. Only the runs of the seeds `CHOOSING` count.
    hop_ms : int, optional
        From frame to frame. A layer that was tried at several rates with 30 ms only keeps that.

    Examples
    --------
    >>> float(best_rates(runs())["SimpleRNN"])
    0.001
    """
    rates = validated(table).idxmax()
    rates.update(validated(table, hop_ms=hop_ms).idxmax())
    return rates


def chosen(table: pd.DataFrame, **changed) -> pd.DataFrame:
    """Return the runs at each layer's best rate that differ from the plain ones in this alone.

    Parameters
    ----------
    table : pandas.DataFrame
        As `runs` returns it.
    **changed
        Fields of `Run` and their values; all others are as a `Run` has them unasked.

    Returns
    -------
    pandas.DataFrame
        Some of the rows, without those of the seeds `CHOOSING`.

    Examples
    --------
    >>> int(chosen(runs(), seconds=0.5).groupby("layer").size()["GRU"])
    5
    """
    rates = best_rates(table, changed.get("hop_ms", Run.hop_ms))
    best = table["learning_rate"] == table["layer"].map(rates)
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
    told = pd.read_csv(tables(recordings)[1], keep_default_na=False)
    names = named(told)
    right = told[names].to_numpy()[np.arange(len(told)), told["language"].map(names.index)]
    told["right"] = right / told[names].sum(axis=1)
    return told.merge(table[["run", *(field.name for field in fields(Run))]], on="run")
