"""Choose clips in which nothing that was recorded beside the language tells the language.

`told` measures how much the line, the content, or any other column of a table of clips tells of
the language, and `crossed` chooses clips of which it tells nothing. What no two parts of a split
may share is another question, see `helpers.study.dataset.split`. ``detour_designs`` derives both.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from helpers.study import inference

__all__ = ["crossed", "told"]


def told(
    clips: pd.DataFrame,
    by: str | Sequence[str],
    *,
    answer: str = "language",
    unit: str = "person",
    in_clips: bool = False,
    permutations: int = 999,
    seed: int = 0,
) -> inference.Permutation:
    """Return how well whoever knows some columns, and hears nothing, could name the language.

    The best rule names, for each combination of their values, the language in which it is most
    frequent, counted in persons or in clips. A model that learned from these clips might
    have learned this rule.

    Parameters
    ----------
    clips : pandas.DataFrame
        A table of clips, such as `helpers.study.learning.clips` returns.
    by : str or sequence of str
        Columns whose values are known.
    answer : str, optional
        The column that is to be named.
    unit : str, optional
        The column of those whose answer it is: languages are dealt to persons, for all clips of one
        stand or fall together.
    in_clips : bool, optional
        Whether each clip counts, as for a model that learns from them. By default a person counts
        once in each combination.
    permutations, seed : int, optional
        As for `helpers.study.inference.permutation`. A unit keeps its combinations and is handed
        another's answer.

    Returns
    -------
    helpers.study.inference.Permutation
        The balanced accuracy of the best rule, the mean of what it gains when the languages are
        dealt to the persons anew, and the share of such deals in which it gains as much. Few
        persons and many combinations make any rule look good, and so do a few who left many clips:
        compare it with that.

    Raises
    ------
    ValueError
        If there is no clip or no such column, a clip has nothing in one of them, or a unit has
        two answers.

    Examples
    --------
    >>> import pandas as pd
    >>> clips = pd.DataFrame({"person": list("abcd"), "language": ["en", "en", "ru", "ru"]})
    >>> told(clips.assign(line=["home", "home", "home", "telephone"]), "line").accuracy
    0.75
    """
    cells = _cells(clips, by, answer, unit)
    answers = cells.groupby(unit)[answer].nunique()
    if (answers > 1).any():
        several = ", ".join(map(str, answers[answers > 1].index[:3]))
        raise ValueError(
            f"{several}: this {unit} has several values of {answer}; take a unit that has one, "
            "such as a person in a language"
        )
    clips_in = pd.crosstab(cells[unit], cells["cell"]).to_numpy()
    counted = clips_in if in_clips else clips_in > 0
    spoken = cells.groupby(unit)[answer].first().to_numpy()
    names = sorted(set(spoken))

    def best(counted, spoken, names):
        count = np.array([counted[spoken == name].sum(axis=0) for name in names])
        return np.max(count / count.sum(axis=1, keepdims=True), axis=0).sum() / len(names)

    return inference.permutation(
        counted, spoken, names, permutations=permutations, seed=seed, statistic=best
    )


def crossed(
    clips: pd.DataFrame,
    by: str | Sequence[str],
    *,
    answer: str = "language",
    unit: str = "person",
    even: bool = False,
    seed: int = 0,
) -> pd.Series:
    """Choose clips in which some columns tell nothing of the language.

    Of each combination of their values as many persons of every language are taken as the language
    with the fewest has; one that a language lacks altogether is left out.

    Parameters
    ----------
    clips : pandas.DataFrame
    by : str or sequence of str
    answer, unit : str, optional
        As for `told`; here a unit may have several answers.
    even : bool, optional
        Whether of each person in a combination as many clips are taken as the one with the fewest
        there has. By default all are: then the columns tell nothing of the language if one counts
        persons, but may if one counts clips, as a model does that learns from them.
    seed : int, optional
        Of the choice where a language has more persons than are taken, or a person more clips.

    Returns
    -------
    pandas.Series of bool
        Which clips are chosen, indexed as ``clips``.

    Raises
    ------
    ValueError
        If there is no clip or no such column, a clip has nothing in one of them, or no combination
        occurs in every language; it names the one that the fewest lack.

    Examples
    --------
    >>> import pandas as pd
    >>> clips = pd.DataFrame({"person": list("abcd"), "language": ["en", "en", "ru", "ru"]})
    >>> clips = clips.assign(line=["home", "home", "home", "telephone"])
    >>> chosen = clips[crossed(clips, "line")]
    >>> chosen["line"].tolist(), chosen["language"].tolist()
    (['home', 'home'], ['en', 'ru'])
    """
    cells = _cells(clips, by, answer, unit)
    count = cells.groupby(["cell", answer])[unit].nunique().unstack(fill_value=0)
    least = count.min(axis=1)
    if not least.any():
        nearest = (count == 0).sum(axis=1).idxmin()
        values = clips.loc[(cells["cell"] == nearest).to_numpy(), by].iloc[0]
        values = values if isinstance(by, str) else ", ".join(map(str, values))
        without = ", ".join(map(str, count.columns[count.loc[nearest] == 0]))
        raise ValueError(
            f"{by}: no combination occurs in every {answer}; nearest to it is {values}, without "
            f"{without}. Cross fewer columns, or leave out what is lacking"
        )
    rng = np.random.default_rng(seed)
    cells = cells.sample(frac=1, random_state=rng)
    units = cells.drop_duplicates(["cell", answer, unit])
    place = units.groupby(["cell", answer]).cumcount()  # in the order in which they are taken
    units = units[place < units["cell"].map(least)]
    chosen = cells.reset_index().merge(units[["cell", answer, unit]])
    if even:
        clip = chosen.groupby(["cell", answer, unit]).cumcount()
        sizes = chosen.groupby(["cell", answer, unit]).size()
        chosen = chosen[clip < chosen["cell"].map(sizes.groupby("cell").min())]
    return pd.Series(np.isin(np.arange(len(clips)), chosen["index"]), clips.index, name="crossed")


def _cells(clips: pd.DataFrame, by: str | Sequence[str], answer: str, unit: str) -> pd.DataFrame:
    """Return unit, answer and combination of each clip, numbered from 0."""
    columns = [by] if isinstance(by, str) else list(by)
    if not columns or not len(clips):
        raise ValueError(f"{len(clips)} clips and {len(columns)} columns; give one at least")
    for name in [*columns, answer, unit]:
        if name not in clips:
            raise ValueError(f"no column {name!r}; there are {', '.join(clips.columns)}")
        if unknown := int((clips[name].isna() | (clips[name] == "")).sum()):
            raise ValueError(f"{unknown} of {len(clips)} clips have no {name}; leave them out")
    cells = clips[[unit, answer]].reset_index(drop=True)
    return cells.assign(cell=clips.groupby(columns).ngroup().to_numpy())
