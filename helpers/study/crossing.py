"""Trials with synthetic voices, each of which speaks every language: whom to learn from.

The notebook ``13_strangers`` draws from them. People speak one language each, so that who speaks
tells the language. A synthesiser's voices speak all of them, and a `Crossing` can decide which
voice is heard in which.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from helpers.study.learning import Learner, answers, circumstances, clips, excerpts, learn

__all__ = ["Crossing", "carry_out", "heard", "recipe"]

KEPT_OUT = 15
"""Voices that are asked: no model learns from them."""
UNSEEN = 8
"""Sentences that are asked: no model learns from them either."""


@dataclass(frozen=True)
class Crossing(Learner):
    """Which synthetic voices a model hears in which language: every field is a column.

    Parameters
    ----------
    voices : int, optional
        How many voices each language has.
    crossed : bool, optional
        Whether the same voices speak all languages. If not, each language has its own, five times
        as many in all.
    divided : bool, optional
        Whether crossed voices divide their sentences among the languages: each is heard in one of
        them, so that there are as many clips as if each voice spoke one language alone.

    Raises
    ------
    ValueError
        As `Learner`, or if there are not so many voices, or ``divided`` makes no sense.

    Examples
    --------
    >>> Crossing("GRU", 64, 0.003, 800, voices=4).people, Crossing("GRU", 64, 0.003, 800).people
    (20, 5)
    >>> Crossing("GRU", 64, 0.003, 800, voices=20, crossed=True).people
    20
    """

    voices: int = 1
    crossed: bool = False
    divided: bool = False

    def __post_init__(self):
        """Refuse more voices than there are, and what `Learner` refuses."""
        super().__post_init__()
        table = clips()
        there = table.loc[table["role"] == "synthetic", "speaker"].nunique() - KEPT_OUT
        if not 1 <= self.voices or self.people > there:
            raise ValueError(f"{self.people} voices; expected at least 1, and at most {there}")
        if self.divided and not self.crossed:
            raise ValueError("divided: voices of one language each have nothing to divide")

    @property
    def people(self) -> int:
        """How many voices are heard in all."""
        return self.voices if self.crossed else self.voices * clips()["language"].nunique()


def recipe(crossing: Crossing) -> dict:
    """Return all that decides the outcome: a changed default is another trial.

    Parameters
    ----------
    crossing : Crossing

    Returns
    -------
    dict

    Examples
    --------
    >>> recipe(Crossing("GRU", 64, 0.003, 800))["kept out"]
    [15, 8]
    """
    return {**asdict(crossing), **circumstances(crossing), "kept out": [KEPT_OUT, UNSEEN]}


def heard(crossing: Crossing) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the clips that are learned from, and the synthetic ones that are asked.

    Parameters
    ----------
    crossing : Crossing

    Returns
    -------
    learned, asked : pandas.DataFrame
        Rows of `helpers.study.learning.clips`; no voice and no sentence is in both. The seed deals
        voices and sentences; two crossings of one seed are asked the same.

    Examples
    --------
    >>> learned, asked = heard(Crossing("GRU", 64, 0.003, 800, voices=2, crossed=True))
    >>> learned.groupby("language")["speaker"].nunique().tolist(), asked["speaker"].nunique()
    ([2, 2, 2, 2, 2], 15)
    """
    table = clips()
    table = table[table["role"] == "synthetic"]
    rng = np.random.default_rng(crossing.seed)
    speakers = rng.permutation(sorted(table["speaker"].unique()))
    sentences = rng.permutation(sorted(table["prompt"].unique()))
    taught = speakers[KEPT_OUT : KEPT_OUT + crossing.people]
    new = table["prompt"].isin(sentences[:UNSEEN])
    asked = table[table["speaker"].isin(speakers[:KEPT_OUT]) & new]
    learned = table[table["speaker"].isin(taught) & ~new]
    spoken = sorted(table["language"].unique())
    if not crossing.crossed:
        speaks = {name: spoken[i // crossing.voices] for i, name in enumerate(taught)}
        learned = learned[learned["speaker"].map(speaks) == learned["language"]]
    if crossing.divided:
        turns = {name: i for i, name in enumerate(taught)}  # so that no language always gets more
        rank = learned.groupby(["speaker", "language"])["prompt"].rank().astype(int)
        turn = (rank + learned["speaker"].map(turns)) % len(spoken)
        learned = learned[learned["language"].map(spoken.index) == turn]
    return learned.sort_index(), asked


def carry_out(crossing: Crossing) -> tuple[dict, pd.DataFrame]:
    """Train on some synthetic voices; ask others, and all people.

    Parameters
    ----------
    crossing : Crossing

    Returns
    -------
    row : dict
        The fields, then ``parameters``, ``people`` and ``heard``: how many voices, and how
        many clips, were learned from.
    told : pandas.DataFrame
        One row for each voice and language asked, as `helpers.study.learning.answers` returns.

    Raises
    ------
    ValueError
        As `helpers.study.learning.learn`.

    Examples
    --------
    ``carry_out(Crossing("GRU", 64, 0.003, 800))`` takes about a minute.
    """
    learned, new = heard(crossing)
    predict, parameters = learn(crossing, [(learned.index.to_numpy(), 1.0)])
    row = {"parameters": parameters, "people": crossing.people, "heard": len(learned)}
    table = clips()
    human = np.flatnonzero(table["role"] != "synthetic")
    asked = excerpts(np.concatenate([new.index.to_numpy(), human]), crossing)
    return {**asdict(crossing), **row}, answers(asked, predict(asked))
