"""A choice is even over speakers, does not depend on the order, and looks at nothing else."""

import numpy as np
import pandas as pd
import pytest

from helpers.audio import selection
from helpers.audio.selection import Limits


def table(speakers=6, clips=40, languages=("de", "en"), seed=0):
    """Return a list of clips of 1 to 9 seconds; the first speaker has most of them."""
    rng = np.random.default_rng(seed)
    rows = []
    for language in languages:
        for speaker in range(speakers):
            for prompt in range(clips if speaker else 5 * clips):
                name = f"{language}{speaker}"
                path = f"{language}/{name}/{prompt}.wav"
                rows.append((path, language, name, str(prompt), rng.uniform(1, 9)))
    return pd.DataFrame(rows, columns=["path", "language", "speaker", "prompt", "duration"])


def chosen(listed, /, unfit=(), lengths=None, **limits):
    """Return the rows that are taken, and what was looked at; files last as the table says."""
    looked = []
    real = listed["duration"] if lengths is None else lengths

    def look(row):
        looked.append(row)
        return None if listed["path"][row] in unfit else float(real[row])

    found = dict(selection.choose(listed, look, lambda length: length, Limits(**limits)))
    return listed.loc[[row for row, length in found.items() if length is not None]], looked


def test_without_limits_everything_is_taken_in_its_order():
    clips = table()
    assert chosen(clips)[0].equals(clips)


def test_hours_are_spread_evenly_over_the_speakers():
    clips = table()
    taken, looked = chosen(clips, hours=0.1)
    for _, rows in taken.groupby("language"):
        seconds = rows.groupby("speaker")["duration"].sum()
        assert len(seconds) == 6 and seconds.max() - seconds.min() < 9
        assert 360 - 9 < seconds.sum() <= 360
    assert len(looked) <= len(taken) + 2  # one more a language, which no longer fitted


@pytest.mark.parametrize("limits", [{"hours": 0.05}, {"clips": 30}, {"speakers": 3, "clips": 20}])
def test_a_choice_depends_on_its_seed_and_not_on_the_order(limits):
    clips = table()
    first = set(chosen(clips, **limits)[0]["path"])
    mixed = clips.sample(frac=1, random_state=1).reset_index(drop=True)
    assert set(chosen(mixed, **limits)[0]["path"]) == first
    alone = clips[clips["language"] == "en"].reset_index(drop=True)
    assert set(chosen(alone, **limits)[0]["path"]) == {p for p in first if p.startswith("en")}
    assert set(chosen(clips, seed=1, **limits)[0]["path"]) != first


def test_a_larger_choice_begins_with_a_smaller_one():
    clips = table(speakers=20)
    small, large = (chosen(clips, hours=hours)[0]["path"] for hours in (0.02, 0.2))
    assert set(small) < set(large)
    few, many = (chosen(clips, speakers=n, clips=10**6)[0]["speaker"] for n in (3, 7))
    assert set(few) < set(many) and many.nunique() == 14


def test_limits_hold_for_each_language():
    clips = table()
    taken, _ = chosen(clips, speakers=2, clips=15)
    assert taken.groupby("language").size().tolist() == [15, 15]
    assert taken.groupby("language")["speaker"].nunique().tolist() == [2, 2]
    assert set(taken.groupby("speaker").size()) <= {6, 7, 8, 9}  # by seconds, not by number
    assert len(chosen(clips, speakers=99)[0]) == len(clips)
    assert len(chosen(clips, hours=99)[0]) == len(clips)


def test_speakers_say_the_same_sentences_where_they_can():
    clips = table(languages=("de",)).assign(duration=2.0)
    taken, _ = chosen(clips.query("speaker != 'de0'").reset_index(drop=True), clips=25)
    assert taken["prompt"].nunique() == 5 and set(taken["prompt"].value_counts()) == {5}


def test_another_clip_takes_the_place_of_one_that_is_unfit():
    clips = table(languages=("de",))
    first, _ = chosen(clips, clips=30)
    unfit = set(first["path"].head(10))
    taken, _ = chosen(clips, unfit, clips=30)
    assert len(taken) == 30 and not unfit & set(taken["path"])


def test_another_speaker_takes_the_place_of_one_without_a_fit_clip():
    clips = table(languages=("de",))
    first = sorted(set(chosen(clips, speakers=2)[0]["speaker"]))
    unfit = set(clips.loc[clips["speaker"] == first[0], "path"])
    taken = set(chosen(clips, unfit, speakers=2)[0]["speaker"])
    assert len(taken) == 2 and first[0] not in taken and first[1] in taken
    assert chosen(clips, set(clips["path"]), speakers=2)[0].empty


def test_where_nobody_knows_how_long_clips_are_it_is_found_out_as_they_are_drawn():
    clips = table(languages=("de",))
    taken, looked = chosen(clips.assign(duration=np.nan), lengths=clips["duration"], hours=0.1)
    seconds = clips.loc[taken.index].groupby("speaker")["duration"].sum()
    assert len(seconds) == 6 and 360 - 9 < seconds.sum() <= 360
    assert len(looked) < 200 < len(clips) and seconds.max() < 2 * seconds.min()


@pytest.mark.parametrize("name", ["hours", "speakers", "clips"])
@pytest.mark.parametrize("value", [0, -1, float("nan")])
def test_a_limit_that_lets_nothing_through_is_refused(name, value):
    with pytest.raises(ValueError, match=f"^{name} is {value}; expected more than 0"):
        Limits(**{name: value})
