"""What repeated results can show: tests and intervals that fit how they were repeated.

Excerpts of one voice are not independent of each other; nor are runs whose training sets overlap,
nor the answers of two models to the same excerpts. Whoever makes five comparisons finds a
difference by luck more often than whoever makes one. Each function here is made for one of these
cases.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.stats
from sklearn.metrics import roc_curve

__all__ = [
    "Difference",
    "Permutation",
    "balanced",
    "cost",
    "equal_error_rate",
    "holm",
    "label_blind",
    "mcnemar",
    "overlapping",
    "permutation",
]


def balanced(shares: np.ndarray, languages: Sequence[str], named: Sequence[str]) -> float:
    """Return the balanced accuracy: the mean over languages of their voices' mean right share.

    Parameters
    ----------
    shares : array_like, shape (voices, languages)
        Which share of each voice's excerpts was named which language.
    languages : sequence of str, length voices
        The language of each voice.
    named : sequence of str, length languages
        The languages of the columns.

    Returns
    -------
    float
        From 0 to 1. A language counts once, however many voices speak it; one that no voice speaks
        does not count.

    Raises
    ------
    ValueError
        If the lengths do not fit, or a voice's language has no column.

    Examples
    --------
    Both English voices are named rightly, the Russian one never:

    >>> balanced([[1, 0], [1, 0], [1, 0]], ["en", "en", "ru"], ["en", "ru"])
    0.5
    """
    shares, own = _shares(shares, languages, named)
    right = shares[np.arange(len(own)), own]
    return float(np.mean([right[own == language].mean() for language in np.unique(own)]))


def label_blind(shares: np.ndarray, languages: Sequence[str], named: Sequence[str]) -> float:
    """Return the balanced accuracy to expect if the answers had nothing to do with the languages.

    This is the chance that belongs to `balanced`: the mean over all ways to hand the voices'
    languages to one another. It depends on how often which language was named, and on how many
    voices speak each; 1 divided by the number of languages is right only by luck.

    Parameters
    ----------
    shares, languages, named
        As for `balanced`.

    Returns
    -------
    float

    Examples
    --------
    >>> label_blind([[1, 0], [1, 0], [1, 0]], ["en", "en", "ru"], ["en", "ru"])
    0.5

    Half of the answers name a language that none of the voices speaks:

    >>> label_blind([[0.25, 0.25, 0.5], [0.25, 0.25, 0.5]], ["en", "es"], ["en", "es", "it"])
    0.25
    """
    shares, own = _shares(shares, languages, named)
    return float(np.mean([shares[:, language].mean() for language in np.unique(own)]))


def _shares(shares, languages, named) -> tuple[np.ndarray, np.ndarray]:
    """Return the shares as an array, and the column of each voice's language."""
    shares, named = np.asarray(shares, float), list(named)
    if shares.ndim != 2 or shares.shape != (len(languages), len(named)):
        raise ValueError(
            f"shares have shape {shares.shape}; expected one row for each of {len(languages)} "
            f"voices and one column for each of {len(named)} languages"
        )
    if unknown := sorted(set(languages) - set(named)):
        raise ValueError(f"no column for {', '.join(unknown)}; there are {', '.join(named)}")
    if not len(languages):
        raise ValueError("no voice; give the shares of at least one")
    return shares, np.array([named.index(language) for language in languages])


@dataclass(frozen=True)
class Permutation:
    """Outcome of a permutation test.

    Parameters
    ----------
    accuracy : float
        What was observed.
    chance : float
        The mean of what the permuted labels give.
    p : float
        The share of permutations, the observed labels among them, that give as much or more.
    """

    accuracy: float
    chance: float
    p: float


def permutation(
    shares: np.ndarray,
    languages: Sequence[str],
    named: Sequence[str],
    *,
    groups: Sequence | None = None,
    permutations: int = 9999,
    seed: int = 0,
    statistic: Callable = balanced,
) -> Permutation:
    """Test whether voices are named their own language more often than by chance.

    If the answers had nothing to do with the languages, any voice's language could be handed to
    any other voice. The voices are what is permuted, for the excerpts of one voice stand or fall
    together.

    Parameters
    ----------
    shares, languages, named
        As for `balanced`: of any model, whether trained or not.
    groups : sequence, length voices, optional
        Labels are permuted within a group only, such as the voices on a telephone line: what tells
        the groups apart then proves nothing.
    permutations : int, optional
        Random ones beside the observed order.
    seed : int, optional
        Of the permutations.
    statistic : callable, optional
        Takes ``(shares, languages, named)`` and returns what is to be large.

    Returns
    -------
    Permutation

    Raises
    ------
    ValueError
        As `balanced`, or if there is not a group for every voice, or no permutation.

    Notes
    -----
    One-sided. The p-value is never 0: the observed order counts as one of the permutations
    (Phipson and Smyth 2010). It cannot be smaller than the share of the orders that leave the
    labels as they are.

    Examples
    --------
    Eight voices, four a language, all named rightly: one of the 70 ways to hand out the labels does
    as well, the true one.

    >>> shares = np.repeat(np.eye(2), 4, axis=0)
    >>> result = permutation(shares, ["en"] * 4 + ["ru"] * 4, ["en", "ru"])
    >>> result.accuracy, round(result.chance, 2), round(result.p, 2), round(1 / 70, 2)
    (1.0, 0.5, 0.01, 0.01)
    """
    languages = np.asarray(list(languages))
    observed = statistic(shares, languages, named)
    groups = np.zeros(len(languages), int) if groups is None else np.asarray(list(groups))
    if groups.shape != languages.shape:
        raise ValueError(f"{len(groups)} groups and {len(languages)} voices; give each voice one")
    if permutations < 1:
        raise ValueError(f"permutations is {permutations}; expected 1 or more")
    rows = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    rng = np.random.default_rng(seed)
    values = np.empty(permutations)
    for number in range(permutations):
        order = np.arange(len(languages))
        for some in rows:
            order[some] = rng.permutation(some)
        values[number] = statistic(shares, languages[order], named)
    as_much = np.sum(values >= observed - 1e-12)  # sums of the same terms differ by rounding
    return Permutation(
        float(observed), float(values.mean()), float((as_much + 1) / (permutations + 1))
    )


@dataclass(frozen=True)
class Difference:
    """A mean difference with its interval.

    Parameters
    ----------
    mean : float
    half : float
        Half the width of the interval: it reaches from ``mean - half`` to ``mean + half``.
    p : float
        Two-sided, that the true difference is 0.
    """

    mean: float
    half: float
    p: float


def overlapping(differences: Sequence[float], ratio: float, confidence: float = 0.95) -> Difference:
    """Return the mean difference of two models over runs whose training sets overlap.

    Runs that deal the same sentences anew to training and test are not independent: their results
    are more alike than those of runs on fresh data would be. Student's t-test takes them for
    independent and makes the interval too narrow; here the variance is enlarged.

    Parameters
    ----------
    differences : sequence of float, length runs
        Of the two models' accuracies, run by run.
    ratio : float
        Size of a test set divided by that of its training set.
    confidence : float, optional
        Of the interval.

    Returns
    -------
    Difference

    Raises
    ------
    ValueError
        If there are fewer than two differences, or a number is out of its range.

    Notes
    -----
    Nadeau and Bengio (2003), *Machine Learning* 52, the corrected resampled t-test: the variance
    of the mean of :math:`n` runs is estimated as :math:`(1/n+n_2/n_1)s^2`, where :math:`n_2/n_1`
    is the ratio. With 5 runs and a ratio of 0.15/0.7 the interval is 1.44 times as wide as
    Student's.

    Examples
    --------
    >>> result = overlapping([0.01, 0.02, 0.015, 0.005, 0.02], ratio=0.15 / 0.7)
    >>> round(result.mean, 4), round(result.half, 4)
    (0.014, 0.0117)
    """
    values = np.asarray(differences, float)
    if values.ndim != 1 or len(values) < 2:
        raise ValueError(f"{values.size} differences; expected those of two runs at least")
    if not 0 <= ratio < np.inf or not 0 < confidence < 1:
        raise ValueError(
            f"ratio is {ratio} and confidence {confidence}; expected a ratio of 0 or more and a "
            "confidence between 0 and 1"
        )
    error = np.sqrt((1 / len(values) + ratio) * values.var(ddof=1))
    student = scipy.stats.t(len(values) - 1)
    mean = float(values.mean())
    p = 2 * student.sf(abs(mean) / error) if error else float(mean == 0)
    return Difference(mean, float(student.ppf((1 + confidence) / 2) * error), float(p))


def holm(p: Mapping[str, float]) -> dict[str, float]:
    """Return p-values that have been corrected for how many comparisons were made.

    Parameters
    ----------
    p : mapping of str to float
        The p-value of each comparison.

    Returns
    -------
    dict of str to float
        Corrected ones, in the same order. If those at or below 0.05 are called differences, the
        probability that any of them is there by luck alone is at most 5 %, however the comparisons
        depend on each other.

    Raises
    ------
    ValueError
        If one is no probability.

    Notes
    -----
    Holm (1979), *Scandinavian Journal of Statistics* 6: the smallest of :math:`m` is multiplied by
    :math:`m`, the next by :math:`m-1`, and so on; none gets smaller than the one before it.

    Examples
    --------
    >>> holm({"GRU": 0.01, "LSTM": 0.04, "SimpleRNN": 0.03})
    {'GRU': 0.03, 'LSTM': 0.06, 'SimpleRNN': 0.06}
    """
    if wrong := {name: value for name, value in p.items() if not 0 <= value <= 1}:
        raise ValueError(f"p-values are {wrong}; expected numbers from 0 to 1")
    names = sorted(p, key=p.get)
    raised = [min(1.0, p[name] * (len(names) - i)) for i, name in enumerate(names)]
    corrected = dict(zip(names, np.maximum.accumulate(raised).tolist(), strict=True))
    return {name: corrected[name] for name in p}


def mcnemar(first: Sequence[bool], second: Sequence[bool]) -> float:
    """Test whether two models answer the same questions equally well; return the p-value.

    Only the questions that one of them answers rightly and the other does not tell them apart; if
    the models are equally good, each of these is a coin's toss.

    Parameters
    ----------
    first, second : sequence of bool, length questions
        Whether each model answered rightly, in the same order.

    Returns
    -------
    float
        Two-sided and exact; 1 where the models differ nowhere.

    Raises
    ------
    ValueError
        If the models were not asked the same number of questions.

    Notes
    -----
    McNemar (1947). The questions are taken for independent: excerpts of one clip or one voice are
    not, and make the p-value too small.

    Examples
    --------
    The first is right on six questions that the second has wrong, and wrong on none that it has
    right; six tosses of a coin all fall on one side once in 32 times.

    >>> mcnemar([True] * 10, [True] * 4 + [False] * 6)
    0.03125
    """
    first, second = (np.asarray(right, bool) for right in (first, second))
    if first.shape != second.shape or first.ndim != 1:
        raise ValueError(
            f"answers to {first.shape} and to {second.shape} questions; give both models' answers "
            "to the same questions"
        )
    ahead, behind = int(np.sum(first & ~second)), int(np.sum(second & ~first))
    if not ahead + behind:
        return 1.0
    return float(scipy.stats.binomtest(ahead, ahead + behind).pvalue)


def equal_error_rate(scores: np.ndarray, is_target: Sequence[bool]) -> float:
    """Return the error rate at the threshold where misses and false alarms are equally frequent.

    Parameters
    ----------
    scores : array_like, shape (trials,)
        High where a model takes the claimed language for the right one.
    is_target : sequence of bool, length trials
        Whether it is.

    Returns
    -------
    float
        From 0 to 1: 0 for scores that tell all apart, about 0.5 for scores that tell nothing.

    Raises
    ------
    ValueError
        If there are no trials of one kind, or the lengths differ.

    Notes
    -----
    Where no threshold makes the two rates equal, the crossing lies on the straight line between
    the two neighbouring ones (Martin et al. 1997 draw the curve).

    Examples
    --------
    >>> equal_error_rate([0.9, 0.8, 0.3, 0.4, 0.2, 0.1], [True, True, True, False, False, False])
    0.3333333333333333
    """
    scores, is_target = np.asarray(scores, float), np.asarray(is_target, bool)
    if scores.shape != is_target.shape or scores.ndim != 1:
        raise ValueError(
            f"scores of {scores.shape} and labels of {is_target.shape} trials; give one row of "
            "scores, and one label for each"
        )
    if is_target.all() or not is_target.any():
        raise ValueError("all trials are of one kind; give some of the language and some of others")
    false_alarms, hits, _ = roc_curve(is_target, scores, drop_intermediate=False)
    misses = 1 - hits
    after = int(np.argmax(misses <= false_alarms))  # at the strictest threshold all are missed
    gap = (misses - false_alarms)[after - 1 : after + 1]
    part = gap[0] / (gap[0] - gap[1])
    return float(misses[after - 1] + part * (misses[after] - misses[after - 1]))


def cost(
    probabilities: np.ndarray, languages: Sequence[str], named: Sequence[str], prior: float = 0.5
) -> float:
    r"""Return the average detection cost of closed-set language recognition, Cavg.

    For each language a detector says yes or no to every excerpt. Cavg averages what it misses, and
    what it takes for this language though it is another, over all pairs of languages.

    Parameters
    ----------
    probabilities : array_like, shape (excerpts, languages)
        The model's, or any scores that are likelihoods times the same factor in a row.
    languages : sequence of str, length excerpts
        The language of each excerpt.
    named : sequence of str, length languages
        The languages of the columns.
    prior : float, optional
        Probability that a claimed language is the right one.

    Returns
    -------
    float
        0 for a model that is always right; a model that tells nothing gets ``min(prior, 1-prior)``.

    Raises
    ------
    ValueError
        If the shapes do not fit, a language has no column, or one of the columns no excerpt.

    Notes
    -----
    NIST's language recognition evaluations (plan of 2009, section 4):
    :math:`C_{avg}=\frac1N\sum_{L}\Big(P_t\,P_{miss}(L)+\frac{1-P_t}{N-1}\sum_{L'\neq L}
    P_{fa}(L,L')\Big)` for :math:`N` languages, a prior :math:`P_t` and costs of 1. The detector
    says yes where the posterior odds exceed 1: where the likelihood of the language, divided by
    the mean likelihood of the others, exceeds :math:`(1-P_t)/P_t`.

    Examples
    --------
    >>> named = ["en", "es", "fr"]
    >>> cost(np.eye(3), named, named)
    0.0
    >>> cost(np.full((3, 3), 1 / 3), named, named)
    0.5
    """
    scores, own = _shares(probabilities, languages, named)
    count = len(list(named))
    if missing := sorted(set(named) - set(languages)):
        raise ValueError(f"no excerpt of {', '.join(missing)}; leave out its column, or add some")
    if count < 2 or not 0 < prior < 1:
        raise ValueError(
            f"{count} languages and a prior of {prior}; expected at least two languages, and a "
            "prior between 0 and 1"
        )
    others = (scores.sum(axis=1, keepdims=True) - scores) / (count - 1)
    yes = prior * scores > (1 - prior) * others
    said = np.array([yes[own == language].mean(axis=0) for language in range(count)])
    misses = 1 - np.diag(said)
    false_alarms = said.sum(axis=0) - np.diag(said)
    return float(np.mean(prior * misses + (1 - prior) / (count - 1) * false_alarms))
