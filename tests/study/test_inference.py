"""Tests and intervals agree with their definitions, with SciPy, and with what was planted."""

from itertools import combinations, permutations

import numpy as np
import pytest
import scipy.stats

from helpers.study.inference import (
    balanced,
    cost,
    equal_error_rate,
    holm,
    label_blind,
    mcnemar,
    overlapping,
    permutation,
)

NAMED = ["en", "es", "fr"]
LANGUAGES = ["en", "en", "es", "fr", "en", "fr"]


@pytest.fixture
def shares():
    shares = np.random.default_rng(0).dirichlet(np.ones(3), size=6)
    shares[:, 0] += 0.5  # "en" is the favourite answer
    return shares / shares.sum(axis=1, keepdims=True)


def orders(languages):
    return [np.take(languages, order) for order in permutations(range(len(languages)))]


def test_a_language_counts_once_however_many_voices_speak_it(shares):
    wanted = np.mean([shares[[0, 1, 4], 0].mean(), shares[2, 1], shares[[3, 5], 2].mean()])
    assert balanced(shares, LANGUAGES, NAMED) == pytest.approx(wanted)
    perfect = np.eye(3)[[NAMED.index(language) for language in LANGUAGES]]
    assert balanced(perfect, LANGUAGES, NAMED) == 1
    assert balanced(perfect[:, [1, 0, 2]], LANGUAGES, ["es", "en", "fr"]) == 1


def test_chance_is_the_mean_over_all_ways_to_hand_out_the_labels(shares):
    every = [balanced(shares, order, NAMED) for order in orders(LANGUAGES)]
    assert label_blind(shares, LANGUAGES, NAMED) == pytest.approx(np.mean(every))
    assert label_blind(np.full((6, 3), 1 / 3), LANGUAGES, NAMED) == pytest.approx(1 / 3)
    four = np.hstack([shares, np.zeros((6, 1))])  # nobody is named the fourth
    assert label_blind(four, [*LANGUAGES[:5], "it"], [*NAMED, "it"]) < 1 / 4 + 0.06


@pytest.mark.parametrize("groups", [None, "aabbab"])
def test_p_is_the_share_of_all_orders_that_do_as_well(shares, groups):
    allowed = orders(range(6))
    if groups:
        kinds = np.array(list(groups))
        allowed = [order for order in allowed if (kinds[order] == kinds).all()]
        assert len(allowed) == 36
    values = [balanced(shares, np.take(LANGUAGES, order), NAMED) for order in allowed]
    observed = balanced(shares, LANGUAGES, NAMED)
    got = permutation(shares, LANGUAGES, NAMED, groups=groups, permutations=4000)
    assert got.accuracy == pytest.approx(observed)
    assert got.p == pytest.approx(np.mean(np.array(values) >= observed - 1e-12), abs=0.03)
    assert got.chance == pytest.approx(np.mean(values), abs=0.01)
    assert got == permutation(shares, LANGUAGES, NAMED, groups=groups, permutations=4000)
    assert got != permutation(shares, LANGUAGES, NAMED, groups=groups, permutations=4000, seed=1)


def test_the_observed_order_is_one_of_those_that_are_counted():
    shares, languages = np.repeat(np.eye(2), 30, axis=0), ["en"] * 30 + ["es"] * 30
    for number in (1, 99):  # none of them will ever find the one right order again
        got = permutation(shares, languages, ["en", "es"], permutations=number)
        assert got.p == 1 / (number + 1)


def test_p_is_1_where_no_order_makes_a_difference():
    """All get the same share, as sums in another order give it: to the last digit or nearly so."""
    shares = np.tile([0.1, 0.2, 0.7], (6, 1))
    assert permutation(shares, LANGUAGES, NAMED, permutations=99).p == 1


def test_unasked_there_are_9999_orders_of_seed_0():
    shares, languages = np.eye(2), ["en", "es"]
    asked = permutation(shares, languages, ["en", "es"], permutations=9999, seed=0)
    assert permutation(shares, languages, ["en", "es"]) == asked
    assert 10_000 * asked.p == pytest.approx(round(10_000 * asked.p), abs=1e-9)


def test_without_an_effect_p_is_below_five_per_cent_in_five_per_cent_of_all_cases():
    rng = np.random.default_rng(1)
    languages = [name for name in NAMED for _ in range(4)]
    p = [
        permutation(rng.dirichlet(np.ones(3), 12), languages, NAMED, permutations=199, seed=i).p
        for i in range(400)
    ]
    low = scipy.stats.binomtest(int(np.sum(np.array(p) <= 0.05)), 400).proportion_ci(0.999)
    assert low.low <= 0.05 <= low.high
    assert min(p) > 0


def test_what_tells_the_groups_apart_proves_nothing_within_them():
    """Telephones are called Spanish, all others English; most telephones speak Spanish."""
    telephone = np.array([1] * 9 + [0] * 9)
    languages = ["es"] * 7 + ["en"] * 2 + ["en"] * 7 + ["es"] * 2
    shares = np.eye(2)[telephone]
    assert permutation(shares, languages, ["en", "es"]).p < 0.05
    assert permutation(shares, languages, ["en", "es"], groups=telephone).p == 1


def test_another_mean_can_be_tested_and_brings_its_own_chance(shares):
    def plain(shares, languages, named):
        return np.mean([row[named.index(own)] for row, own in zip(shares, languages, strict=True)])

    got = permutation(shares, LANGUAGES, NAMED, statistic=plain)
    assert got.accuracy == pytest.approx(plain(shares, LANGUAGES, NAMED))
    every = [plain(shares, order, NAMED) for order in orders(LANGUAGES)]
    assert got.chance == pytest.approx(np.mean(every), abs=0.01)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda s: balanced(s[:5], LANGUAGES, NAMED), r"shape \(5, 3\); expected .* 6 voices"),
        (lambda s: balanced(s, [*LANGUAGES[:5], "xx"], NAMED), "no column for xx; there are en"),
        (lambda s: balanced(s[:0], [], NAMED), "no voice"),
        (lambda s: permutation(s, LANGUAGES, NAMED, groups="ab"), "2 groups and 6 voices"),
        (lambda s: permutation(s, LANGUAGES, NAMED, permutations=0), "permutations is 0"),
        (lambda s: overlapping([0.1], 0.2), "1 differences"),
        (lambda s: balanced(s[:, 0], LANGUAGES, NAMED), r"shape \(6,\); expected .* 3 languages"),
        (lambda s: balanced(s, [*LANGUAGES[:4], "yy", "xx"], NAMED), "no column for xx, yy; there"),
        (lambda s: overlapping([[0.1, 0.2]] * 2, 0.2), "4 differences"),
        (lambda s: overlapping([0.1, 0.2], -1), "ratio is -1"),
        (lambda s: overlapping([0.1, 0.2], np.inf), "ratio is inf"),
        (lambda s: overlapping([0.1, 0.2], 0.2, 0), "confidence 0; expected"),
        (lambda s: overlapping([0.1, 0.2], 0.2, 1), "confidence 1; expected"),
        (lambda s: holm({"a": 1.2, "b": 0.5}), "p-values are {'a': 1.2}"),
        (lambda s: holm({"a": -0.1}), "'a': -0.1"),
        (lambda s: holm({"a": np.nan}), "'a': nan"),
        (lambda s: mcnemar([True], [True, False]), "same questions"),
        (lambda s: mcnemar([[True]], [[True]]), "same questions"),
        (lambda s: equal_error_rate([1, 2], [True, True]), "all trials are of one kind"),
        (lambda s: equal_error_rate([1, 2], [False, False]), "all trials are of one kind"),
        (lambda s: equal_error_rate([1, 2], [True]), r"scores of \(2,\)"),
        (lambda s: equal_error_rate([[1, 2]], [[True, False]]), r"scores of \(1, 2\)"),
        (lambda s: cost(s[:, :1], ["en"] * 6, ["en"]), "1 languages and a prior of 0.5"),
        (lambda s: cost(s, LANGUAGES, NAMED, prior=0), "a prior of 0;"),
        (lambda s: cost(s, ["en"] * 6, NAMED), "no excerpt of es, fr"),
        (lambda s: cost(s, LANGUAGES, NAMED, prior=1), "a prior of 1"),
    ],
)
def test_what_cannot_be_tested_is_refused(shares, call, message):
    with pytest.raises(ValueError, match=message):
        call(shares)


def test_without_overlap_the_interval_is_students():
    values = np.random.default_rng(2).normal(0.02, 0.03, 7)
    got, student = overlapping(values, ratio=0), scipy.stats.ttest_1samp(values, 0)
    assert got.p == pytest.approx(student.pvalue)
    interval = student.confidence_interval(0.95)
    assert (got.mean - got.half, got.mean + got.half) == pytest.approx(tuple(interval))
    assert overlapping(-values, 0).p == pytest.approx(got.p)


def test_a_higher_confidence_takes_a_wider_interval():
    values = np.random.default_rng(2).normal(0.02, 0.03, 7)
    for confidence in (0.5, 0.99):
        got = overlapping(values, ratio=0, confidence=confidence)
        interval = scipy.stats.ttest_1samp(values, 0).confidence_interval(confidence)
        assert (got.mean - got.half, got.mean + got.half) == pytest.approx(tuple(interval))


def test_overlap_widens_the_interval_by_its_factor():
    values = np.random.default_rng(3).normal(0.02, 0.03, 5)
    ratio = 0.15 / 0.7
    plain, wide = overlapping(values, 0), overlapping(values, ratio)
    assert wide.half / plain.half == pytest.approx(np.sqrt(1 + 5 * ratio))
    assert round(wide.half / plain.half, 2) == 1.44 and wide.p > plain.p
    assert overlapping([0.1, 0.1], ratio).p == 0 and overlapping([0, 0], ratio).p == 1


def test_the_interval_of_overlapping_runs_holds_where_students_is_too_narrow():
    """Two equally good models, on sentences dealt anew ten times: how often is 0 left out."""
    rng = np.random.default_rng(4)
    left_out = np.zeros(2)
    for _ in range(300):
        ahead = rng.normal(0, 1, 60)  # by how much one model is better on each sentence
        runs = []
        for _ in range(10):
            order = rng.permutation(60)
            # What was learned depends on the training sentences, and the test shows it.
            runs.append(ahead[order[45:]].mean() + ahead[order[:45]].mean())
        for i, ratio in enumerate((0, 15 / 45)):
            left_out[i] += overlapping(runs, ratio).p < 0.05
    plain, corrected = left_out / 300
    assert plain > 0.2 and corrected < plain / 1.5


@pytest.mark.parametrize("seed", range(5))
def test_holm_is_what_testing_all_subsets_gives(seed):
    """Closed testing: a hypothesis falls if all sets that hold it fall by Bonferroni."""
    values = np.random.default_rng(seed).random(5) ** 3
    names = "abcde"
    p = dict(zip(names, values, strict=True))
    got = holm(p)
    for name in names:
        sets = [some for n in range(1, 6) for some in combinations(names, n) if name in some]
        wanted = max(min(1, len(some) * min(p[other] for other in some)) for some in sets)
        assert got[name] == pytest.approx(wanted)
    assert list(got) == list(names)


def test_holm_takes_0_and_1_and_ties():
    assert holm({"a": 1.0, "b": 0.0, "c": 0.4}) == {"a": 1.0, "b": 0.0, "c": 0.8}
    assert holm({"a": 0.02, "b": 0.02}) == {"a": 0.04, "b": 0.04}
    assert holm({"a": 0.7, "b": 0.6}) == {"a": 1.0, "b": 1.0}
    assert holm({}) == {}


def test_mcnemar_counts_only_where_the_models_differ():
    rng = np.random.default_rng(5)
    first, second = rng.random(60) < 0.8, rng.random(60) < 0.6
    ahead, behind = np.sum(first & ~second), np.sum(~first & second)
    toss = scipy.stats.binom(ahead + behind, 0.5)
    wanted = min(1, 2 * toss.cdf(min(ahead, behind)))
    assert mcnemar(first, second) == pytest.approx(wanted)
    assert mcnemar(second, first) == pytest.approx(wanted)
    both = np.append(first, [True] * 500), np.append(second, [True] * 500)
    assert mcnemar(*both) == pytest.approx(wanted)
    assert mcnemar(first, first) == 1


@pytest.mark.parametrize("distance", [0.0, 1.0, 3.0])
def test_equal_error_rate_of_two_bells_is_the_closed_form(distance):
    rng = np.random.default_rng(6)
    is_target = rng.random(60_000) < 0.2
    scores = rng.standard_normal(60_000) + distance * is_target
    wanted = scipy.stats.norm.cdf(-distance / 2)
    assert equal_error_rate(scores, is_target) == pytest.approx(wanted, abs=0.01)
    assert equal_error_rate(np.exp(scores), is_target) == equal_error_rate(scores, is_target)


def test_equal_error_rate_of_few_trials():
    assert equal_error_rate([1, 2, 3, 4], [False, False, True, True]) == 0
    assert equal_error_rate([1, 2, 3, 4], [True, True, False, False]) == 1
    assert equal_error_rate([1, 1, 1, 1], [True, False, True, False]) == 0.5
    # At 2 both rates are one half, at nothing else are they equal.
    assert equal_error_rate([1, 2, 2.5, 3], [False, True, False, True]) == 0.5


@pytest.mark.parametrize("prior", [0.5, 0.2])
def test_cost_is_the_sum_that_the_field_defines(prior):
    rng = np.random.default_rng(7)
    languages = np.array(NAMED * 30)
    truth = np.array([NAMED.index(language) for language in languages])
    probabilities = rng.dirichlet(np.ones(3), 90) + 0.4 * np.eye(3)[truth]
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    total = 0
    for target in range(3):
        log_odds = []
        for row in probabilities:
            others = np.mean(np.delete(row, target))
            log_odds.append(np.log(row[target] / others))
        yes = np.array(log_odds) > np.log((1 - prior) / prior)
        total += prior * np.mean(~yes[truth == target])
        for other in range(3):
            if other != target:
                total += (1 - prior) / 2 * np.mean(yes[truth == other])
    assert cost(probabilities, languages, NAMED, prior) == pytest.approx(total / 3)
    assert cost(5 * probabilities, languages, NAMED, prior) == pytest.approx(total / 3)
    nothing = np.full((90, 3), 1 / 3)
    assert cost(nothing, languages, NAMED, prior) == pytest.approx(min(prior, 1 - prior))


def test_where_the_odds_are_even_a_detector_says_no():
    # English is four times as likely, and its prior odds are one to four.
    assert cost([[4, 1], [0, 1]], ["en", "es"], ["en", "es"], prior=0.2) == pytest.approx(0.1)
