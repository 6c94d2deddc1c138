"""What is measured as told is told by planted columns; what is crossed tells nothing."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.study import learning
from helpers.study.designs import crossed, told


def people(*rows):
    """Return a table of (person, language, line, clips)."""
    table = pd.DataFrame(rows, columns=["person", "language", "line", "clips"])
    table = table.loc[table.index.repeat(table["clips"])].drop(columns="clips")
    return table.assign(path=np.arange(len(table)).astype(str), content="words")


SMALL = people(
    ("a", "en", "home", 3),
    ("b", "en", "home", 1),
    ("c", "en", "telephone", 1),
    ("d", "ru", "home", 2),
    ("e", "ru", "telephone", 8),
    ("f", "ru", "game", 1),
)


def random_tables():
    """Return tables of up to 12 persons, each in a language and on some lines."""
    line = st.tuples(st.sampled_from(["home", "game", "studio"]), st.integers(1, 4))
    person = st.tuples(st.sampled_from(["en", "es", "ru"]), st.lists(line, min_size=1, max_size=3))
    return st.lists(person, min_size=1, max_size=12).map(
        lambda every: people(
            *((str(n), spoken, *on) for n, (spoken, lines) in enumerate(every) for on in lines)
        )
    )


@pytest.mark.parametrize(
    ("in_clips", "wanted"),
    [
        (False, (2 / 3 + 1 / 3 + 1 / 3) / 2),  # home: en, telephone: either, game: ru
        (True, (4 / 5 + 8 / 11 + 1 / 11) / 2),
    ],
)
def test_the_best_rule_is_counted_by_hand(in_clips, wanted):
    assert told(SMALL, "line", in_clips=in_clips).accuracy == pytest.approx(wanted)


def test_languages_are_dealt_to_persons_also_where_clips_count():
    # Two busy persons on lines of their own: whoever is dealt which language, the lines tell much.
    busy = people(("a", "en", "home", 99), ("b", "ru", "telephone", 99), ("c", "en", "game", 1))
    found = told(busy, "line", in_clips=True, permutations=999)
    assert found.accuracy == 1
    ways = [1, 1, (1 + 99 / 99) / 2]  # who of a, b and c is the one who speaks Russian
    assert found.chance == pytest.approx(np.mean(ways), abs=1e-9) and found.p == 1


def test_a_line_for_each_language_tells_all_and_one_line_nothing():
    apart = SMALL.assign(line=SMALL["language"] + "'s")
    every = told(apart, "line", permutations=9999)
    assert every.accuracy == 1
    assert every.p == pytest.approx(2 / 20, abs=0.02), "of 20 ways to deal 3 and 3, two tell all"
    assert told(SMALL, "content").accuracy == 0.5
    assert told(SMALL, "content").p == 1


def test_dealt_at_random_a_rule_is_as_good_as_the_chance_it_is_held_against():
    rng = np.random.default_rng(0)
    lines, p = rng.choice(["home", "game", "studio"], (60, 40)), []
    for row in lines:
        table = people(*((str(n), "en" if n % 2 else "ru", line, 1) for n, line in enumerate(row)))
        p.append(told(table, "line", permutations=99).p)
    assert 0.35 < np.mean(p) < 0.75 and np.mean(np.array(p) <= 0.1) < 0.2


@settings(max_examples=25, deadline=None)
@given(random_tables(), st.integers(0, 3), st.booleans())
def test_what_is_crossed_tells_nothing(table, seed, even):
    count = table.groupby(["line", "language"])["person"].nunique().unstack(fill_value=0)
    if not count.min(axis=1).any():
        with pytest.raises(ValueError, match="^line: no combination occurs in every language"):
            crossed(table, "line")
        return
    chosen = table[crossed(table, "line", even=even, seed=seed)]
    left = chosen.groupby(["line", "language"])["person"].nunique().unstack()
    least = count.min(axis=1)
    assert (left.T == least[least > 0]).all().all(), "as many persons as there can be"
    names = table["language"].nunique()
    assert told(chosen, "line", permutations=1).accuracy == pytest.approx(1 / names)
    if even:
        assert told(chosen, "line", in_clips=True, permutations=1).accuracy == pytest.approx(
            1 / names
        )
        clips = chosen.groupby(["line", "person"]).size()
        assert (clips.groupby("line").nunique() == 1).all()
    else:  # all clips of who is taken on this line
        whole = table.groupby(["line", "person"]).size()
        clips = chosen.groupby(["line", "person"]).size()
        assert (clips == whole[clips.index]).all()


def test_the_choice_depends_on_the_seed_and_not_on_the_order_of_the_index():
    some = SMALL.query("line == 'home'")
    taken = {frozenset(some["person"][crossed(some, "line", seed=n)]) for n in range(9)}
    assert taken == {frozenset("ad"), frozenset("bd")}
    shifted = SMALL.set_axis(SMALL.index[::-1] * 7 + 3)
    one, two = crossed(SMALL, "line", seed=4), crossed(shifted, "line", seed=4)
    assert two.index.equals(shifted.index)
    np.testing.assert_array_equal(one, two)


def test_a_person_who_speaks_two_languages_counts_in_both():
    both = people(("a", "en", "home", 2), ("a", "ru", "home", 1), ("b", "ru", "home", 1))
    chosen = both[crossed(both, "line", even=True)]
    assert chosen.groupby("language").size().to_dict() == {"en": 1, "ru": 1}
    assert set(chosen.query("language == 'en'")["person"]) == {"a"}


def test_several_columns_are_one_combination():
    table = pd.concat([SMALL, SMALL.assign(content="letters").query("person in ['c', 'f']")])
    chosen = table[crossed(table.reset_index(drop=True), ["line", "content"]).to_numpy()]
    assert set(zip(chosen["line"], chosen["content"], strict=True)) == {
        ("home", "words"),
        ("telephone", "words"),
    }


@pytest.mark.parametrize("by", ["line", "content", ["line", "content"]])
def test_strangers_can_be_crossed(by):
    strangers = learning.clips().query("role == 'stranger'")
    chosen = strangers[crossed(strangers, by, even=True)]
    assert 0 < len(chosen) < len(strangers) / 4
    assert told(chosen, by, in_clips=True, permutations=1).accuracy == pytest.approx(0.2)


def test_what_cannot_be_done_says_why():
    with pytest.raises(ValueError, match="no column 'lines'; there are person, language, line"):
        told(SMALL, "lines")
    with pytest.raises(ValueError, match="1 of 16 clips have no line; leave them out"):
        crossed(SMALL.assign(line=SMALL["line"].where(SMALL["line"] != "game")), "line")
    with pytest.raises(ValueError, match="16 clips and 0 columns; give one at least"):
        told(SMALL, [])
    with pytest.raises(ValueError, match="0 clips and 1 columns"):
        crossed(SMALL.head(0), "line")
    with pytest.raises(ValueError, match="^z: this person has several values of language"):
        told(SMALL.assign(person="z"), "line")
    apart = SMALL.query("line != 'home' and person != 'e'")
    with pytest.raises(ValueError, match="line: no combination .*: telephone, without ru|game, wi"):
        crossed(apart, "line")
