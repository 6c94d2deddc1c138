"""Trials with people: what a model knows of human voices that it never heard.

The notebook ``13_strangers`` draws from them. A `Trial` says whose voices a model learns from; all
other people of the course are strangers to it, and are asked.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from helpers.study.dataset import Examples, split
from helpers.study.learning import Learner, answers, circumstances, clips, excerpts, learn

__all__ = ["Trial", "ask", "carry_out", "folds", "recipe", "told_of"]

TEST = 0.15
"""Share of the sentences that no main voice teaches, so that these can be asked as well."""


@dataclass(frozen=True)
class Trial(Learner):
    """Whose voices a model learns from: every field is a column of the table.

    Parameters
    ----------
    added : str, optional
        Persons, separated by spaces, who are learned from besides the main voices.
    synthetic : float, optional
        Share of the excerpts that the synthesiser speaks; 1 leaves out people altogether, so that
        nobody can be added.
    corpus : str, optional
        As for `helpers.study.learning.clips`; empty is the course's people.

    Raises
    ------
    ValueError
        As `Learner`, or if ``synthetic`` is no share, or leaves nothing to those who are added.

    Examples
    --------
    >>> Trial("GRU", 64, 0.003, 800).added
    ''
    """

    added: str = ""
    synthetic: float = 0.0
    corpus: str = ""

    def __post_init__(self):
        """Refuse a share that is none, and what `Learner` refuses."""
        super().__post_init__()
        if not 0 <= self.synthetic <= 1:
            raise ValueError(f"synthetic is {self.synthetic}; expected a share from 0 to 1")
        if self.synthetic == 1 and self.added:
            raise ValueError(f"added: {self.added}, of whom a synthetic share of 1 leaves nothing")


def told_of(trial: Trial) -> dict:
    """Return the fields of a trial as its row has them.

    Parameters
    ----------
    trial : Trial

    Returns
    -------
    dict
        Without ``corpus`` where that is empty: the course's own trials keep the names, and their
        table the columns, that they had before there was a choice.

    Examples
    --------
    >>> list(told_of(Trial("GRU", 64, 0.003, 800)))[-2:]
    ['added', 'synthetic']
    """
    return {name: value for name, value in asdict(trial).items() if name != "corpus" or value}


def recipe(trial: Trial) -> dict:
    """Return all that decides the outcome of a trial: a changed default is another trial.

    Parameters
    ----------
    trial : Trial

    Returns
    -------
    dict

    Examples
    --------
    >>> recipe(Trial("GRU", 64, 0.003, 800))["test"]
    0.15
    """
    return {**told_of(trial), **circumstances(trial), "test": TEST}


def folds(count: int, seed: int = 0) -> list[str]:
    """Deal the strangers out: every person to one fold, and each language evenly over the folds.

    Parameters
    ----------
    count : int
        How many folds.
    seed : int, optional
        Of the order in which persons are dealt.

    Returns
    -------
    list of str
        For each fold the persons in it, separated by spaces.

    Examples
    --------
    >>> sum(len(fold.split()) for fold in folds(8))
    32
    """
    table = clips()
    persons = table[table["role"] == "stranger"].drop_duplicates("person")
    persons = persons.sort_values("person").sample(frac=1, random_state=seed)
    persons = persons.sort_values("language", kind="stable")["person"].tolist()
    return [" ".join(sorted(persons[first::count])) for first in range(count)]


def ask(trial: Trial) -> tuple[dict, list[tuple[Examples, np.ndarray]]]:
    """Train as a trial says; return what it gives every excerpt that it is asked about.

    Parameters
    ----------
    trial : Trial

    Returns
    -------
    row : dict
        As `carry_out` returns it.
    asked : list of (helpers.study.dataset.Examples, numpy.ndarray)
        Excerpts and their probabilities, shape (excerpts, languages): of the strangers whom it did
        not hear; before these, if it heard people, of sentences that it learned from no main voice.

    Raises
    ------
    ValueError
        As `carry_out`.

    Examples
    --------
    ``ask(Trial("GRU", 64, 0.003, 800))`` takes about a minute.
    """
    table, added = clips(trial.corpus), trial.added.split()
    main, stranger = (table["role"] == role for role in ("main", "stranger"))
    if unknown := sorted(set(added) - set(table.loc[stranger, "person"])):
        raise ValueError(f"added: no stranger {', '.join(unknown)}; see clips()['person']")
    part = split(table[main], {"train": 1 - TEST, "test": TEST}, seed=trial.seed)
    held = part.reindex(table.index) == "test"
    if not held.any():
        raise ValueError(
            f"seed {trial.seed} deals none of the {table.loc[main, 'prompt'].nunique()} different "
            "sentences to the test; record more, some thirty at least"
        )
    heard = (main & ~held) | (stranger & table["person"].isin(added))
    sources = [(np.flatnonzero(heard), 1 - trial.synthetic)]
    sources += [(np.flatnonzero(table["role"] == "synthetic"), trial.synthetic)]
    predict, parameters = learn(trial, [(rows, share) for rows, share in sources if share])
    row = {"parameters": parameters, "persons": 0, "known": np.nan, "chance": np.nan}
    asked = []
    if trial.synthetic < 1:
        known = excerpts(np.flatnonzero(held), trial)
        asked.append((known, predict(known)))
        row["persons"] = table.loc[heard, "person"].nunique()
        row["known"] = np.mean(asked[0][1].argmax(axis=1) == known.y)
        row["chance"] = np.bincount(known.y).max() / len(known)
    strange = excerpts(np.flatnonzero(stranger & ~heard), trial)
    asked.append((strange, predict(strange)))
    return {**told_of(trial), **row}, asked


def carry_out(trial: Trial) -> tuple[dict, pd.DataFrame]:
    """Train as a trial says, and ask all people whom the model did not hear.

    Parameters
    ----------
    trial : Trial

    Returns
    -------
    row : dict
        The trial's fields, then ``parameters``, ``persons`` (how many it learned from), ``known``
        (the accuracy on sentences that it did not learn from any main voice; NaN where it learned
        from nobody; three strangers say many of the same), and ``chance``, the share of the most
        frequent language there.
    told : pandas.DataFrame
        One row for each stranger's voice, as `helpers.study.learning.answers` returns them.

    Raises
    ------
    ValueError
        If ``added`` names somebody who is no stranger, there are too few sentences, or as
        `helpers.study.learning.learn`.

    Examples
    --------
    ``carry_out(Trial("GRU", 64, 0.003, 800))`` takes about a minute.
    """
    row, asked = ask(trial)
    return row, answers(*asked[-1], trial.corpus)
