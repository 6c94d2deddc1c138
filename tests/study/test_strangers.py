"""Nobody who is asked was heard, all others are asked, and what is known is counted rightly."""

from dataclasses import asdict, fields, replace

import numpy as np
import pandas as pd
import pytest

from helpers.audio import recordings
from helpers.study import learning, strangers
from helpers.study.experiments import BASELINE
from helpers.study.learning import clips
from helpers.study.strangers import Trial, carry_out, folds, recipe, told_of
from tests.audio import made
from tools.run_table import key

PLAIN = Trial(BASELINE, C=0.1)
NETWORK = Trial("GRU", 2, 0.01, 3)
LANGUAGES = ["en", "es", "fr", "it", "ru"]
ADDED = ["", "hedgewars-en july", "wadley"]
"""Nobody; one of seven voices, and one who says what a main voice says; one of few words."""


def persons_of(role):
    table = clips()
    return set(table.loc[table["role"] == role, "person"])


class Pretence:
    """Stands for a training, and keeps what it was given: rows, and the excerpts asked about.

    It names the right language for every excerpt but those of each third clip.
    """

    def __init__(self):
        self.sources, self.asked, self.learners = [], [], []

    def learn(self, learner, sources):
        """Keep what is learned from."""
        self.learners.append(learner)
        self.sources += [(np.asarray(rows), share) for rows, share in sources]
        return self.predict, 123

    def excerpts(self, rows, learner):
        """Return what `learning.excerpts` does; keep for whom."""
        self.learners.append(learner)
        return learning.excerpts(rows, learner)

    def predict(self, examples):
        """Keep what is asked; return probabilities, 0.6 of the language that is named."""
        self.asked.append(examples)
        named = (examples.y + (examples.clip % 3 == 0)) % 5
        return np.where(np.eye(5)[named] == 1, 0.6, 0.1)

    def rows(self, of_whom):
        """Return the rows that were asked of main voices, or of strangers."""
        rows = np.concatenate([examples.clip for examples in self.asked])
        return sorted(set(rows[clips()["role"].to_numpy()[rows] == of_whom]))


@pytest.fixture
def pretence(monkeypatch):
    pretence = Pretence()
    monkeypatch.setattr(strangers, "learn", pretence.learn)
    monkeypatch.setattr(strangers, "excerpts", pretence.excerpts)
    return pretence


@pytest.fixture
def quick(monkeypatch):
    """Let the baseline be fitted on few excerpts."""
    monkeypatch.setattr(learning, "DRAWN", 640)


def long_enough(table):
    """Return the clips that have an excerpt: at least 0.6 s, give or take a frame."""
    frames = np.array([len(bands) for bands in learning._bands("", False)])[table.index]
    return table[frames >= round(0.6 * 16_000 / 480)]


@pytest.mark.parametrize("share", [-0.1, 1.01, 50, float("nan")])
def test_a_share_that_is_none_is_refused(share):
    with pytest.raises(ValueError, match=f"^synthetic is {share}; expected a share from 0 to 1"):
        replace(PLAIN, synthetic=share)


def test_a_trial_refuses_what_a_learner_refuses():
    with pytest.raises(ValueError, match="GRU: units 0, .*takes the first three"):
        Trial("GRU")
    with pytest.raises(ValueError, match=f"{BASELINE}: .*C None.*the {BASELINE} C alone"):
        Trial(BASELINE, synthetic=0.5)
    assert [replace(PLAIN, synthetic=share).synthetic for share in (0, 0.5, 1)] == [0, 0.5, 1]


def test_nobody_is_added_where_the_machine_speaks_everything():
    with pytest.raises(ValueError, match="^added: july, of whom a synthetic share of 1"):
        replace(PLAIN, added="july", synthetic=1.0)


@pytest.mark.parametrize("count", [1, 3, 8, 32])
@pytest.mark.parametrize("seed", [0, 7])
def test_every_stranger_is_in_one_fold_and_each_language_spread_evenly(count, seed):
    dealt = [fold.split() for fold in folds(count, seed)]
    assert len(dealt) == count
    assert sorted(person for fold in dealt for person in fold) == sorted(persons_of("stranger"))
    speaks = clips().drop_duplicates("person").set_index("person")["language"]
    for counts in (
        [len(fold) for fold in dealt],
        *([sum(speaks[p] == language for p in fold) for fold in dealt] for language in LANGUAGES),
    ):
        assert max(counts) - min(counts) <= 1


def test_another_seed_deals_otherwise_and_the_same_one_does_not():
    assert folds(8) == folds(8, 0) == folds(8, seed=0)
    together = [{frozenset(fold.split()) for fold in folds(8, seed)} for seed in range(4)]
    assert all(not a & b for i, a in enumerate(together) for b in together[:i])


OTHER = {
    "layer": "LSTM",
    "units": 3,
    "learning_rate": 0.02,
    "batches": 4,
    "seed": 1,
    "centred": True,
    "changes": "warp",
    "codec": True,
    "added": "july",
    "synthetic": 0.5,
    "corpus": "mine",
}


@pytest.mark.parametrize("field", [field.name for field in fields(Trial)])
def test_the_name_of_a_trial_hangs_on_each_of_its_fields(field, monkeypatch):
    monkeypatch.setattr(learning, "digest", lambda recordings: "the same clips")
    first, value = (PLAIN, 0.2) if field == "C" else (NETWORK, OTHER.get(field))
    other = replace(first, **{field: value})
    assert asdict(other) != asdict(first)
    assert key(recipe(first)) == key(recipe(replace(first))) != key(recipe(other))


def test_the_name_of_a_trial_hangs_on_what_is_no_field_as_well(monkeypatch):
    name = key(recipe(NETWORK))
    for module, constant, value in (
        (strangers, "TEST", 0.2),
        (learning, "DRAWN", 10),
        (learning, "BATCH_SIZE", 10),
        (learning, "SECONDS", 2.0),
        (learning, "SHORTEST", 1.0),
        (learning, "digest", lambda recordings: "other clips"),
        (learning.augmentation, "TILT", 1.0),
        (learning.augmentation, "CHANGES", ("warp",)),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(module, constant, value)
            assert key(recipe(NETWORK)) != name, constant
    assert key(recipe(NETWORK)) == name
    for learner in (NETWORK, replace(NETWORK, changes="warp rooms")):
        name = key(recipe(learner))
        for constant, value in (("T60", (0.1, 0.2)), ("DIRECT", (0, 1)), ("CODECS", ("none",))):
            with monkeypatch.context() as patch:
                patch.setattr(learning.augmentation, constant, value)
                assert (key(recipe(learner)) == name) == (learner is NETWORK), constant


@pytest.mark.parametrize("added", ADDED)
@pytest.mark.parametrize("synthetic", [0.0, 0.25])
def test_nobody_who_was_heard_is_asked_and_everybody_else_is(pretence, added, synthetic):
    table = clips()
    trial = replace(PLAIN, added=added, synthetic=synthetic, seed=2)
    _, told = carry_out(trial)
    people, share = pretence.sources[0]
    assert share == 1 - synthetic
    assert set(table["person"].iloc[people]) == persons_of("main") | set(added.split())
    asked = table.iloc[pretence.rows("stranger")]
    assert set(asked["person"]) == persons_of("stranger") - set(added.split())
    theirs = table[(table["role"] == "stranger") & ~table["person"].isin(added.split())]
    assert asked.index.tolist() == long_enough(theirs).index.tolist()
    assert not set(table["person"].iloc[people]) & set(asked["person"])
    assert sorted(told["voice"]) == sorted(asked["voice"].unique())
    assert (told["role"] == "stranger").all()
    added_rows = table.index[table["person"].isin(added.split())]
    assert set(added_rows) <= set(people) and not pretence.rows("synthetic")


def test_the_machine_is_heard_with_people_by_its_share_and_all_of_it(pretence):
    table = clips()
    carry_out(replace(PLAIN, synthetic=0.25))
    (people, of_people), (machine, of_machine) = pretence.sources
    assert (of_people, of_machine) == (0.75, 0.25)
    assert sorted(machine) == table.index[table["role"] == "synthetic"].tolist()
    assert not (table["role"].iloc[people] == "synthetic").any()


def test_a_machine_that_is_not_asked_for_is_not_heard(pretence):
    carry_out(PLAIN)
    (people, share), *others = pretence.sources
    assert share == 1 and not others
    assert set(clips()["role"].iloc[people]) == {"main"}


def test_from_the_machine_alone_everybody_is_a_stranger_and_nobody_known(pretence):
    table = clips()
    row, told = carry_out(replace(PLAIN, synthetic=1.0))
    ((machine, share),) = pretence.sources
    assert share == 1 and sorted(machine) == table.index[table["role"] == "synthetic"].tolist()
    assert row["persons"] == 0 and np.isnan(row["known"]) and np.isnan(row["chance"])
    theirs = long_enough(table[table["role"] == "stranger"])
    assert pretence.rows("stranger") == theirs.index.tolist()
    assert set(told["voice"]) == set(theirs["voice"]) and not pretence.rows("main")


@pytest.mark.parametrize("added", ADDED)
def test_sentences_that_are_held_out_are_taught_by_no_main_voice(pretence, added):
    table = clips()
    carry_out(replace(PLAIN, added=added))
    taught = table.iloc[pretence.sources[0][0]].query("role == 'main'")
    held = table.iloc[pretence.rows("main")]
    assert not set(taught["prompt"]) & set(held["prompt"])
    assert set(taught["voice"]) == set(held["voice"])
    main = table[table["role"] == "main"]
    unlearned = main.drop(index=taught.index)
    assert not set(taught["prompt"]) & set(unlearned["prompt"])  # too short ones included
    assert held.index.tolist() == long_enough(unlearned).index.tolist()
    assert len(unlearned) / len(main) == pytest.approx(0.15, abs=0.03)


def test_another_seed_holds_out_other_sentences(pretence):
    held = []
    for seed in (0, 1, 0):
        pretence.asked.clear()
        carry_out(replace(PLAIN, seed=seed))
        held.append(set(pretence.rows("main")))
    assert held[0] == held[2] and len(held[0] & held[1]) < len(held[0]) / 2


@pytest.mark.parametrize(("added", "seed"), [(ADDED[0], 0), (ADDED[1], 2), (ADDED[2], 11)])
def test_known_chance_and_persons_are_what_a_count_of_ones_own_says(pretence, added, seed):
    row, _ = carry_out(replace(PLAIN, added=added, synthetic=0.5, seed=seed))
    right, of_language = [], dict.fromkeys(LANGUAGES, 0)
    for clip in pretence.rows("main"):
        for _ in learning.excerpts(np.array([clip]), PLAIN).y:
            right.append(clip % 3 != 0)
            of_language[clips()["language"][clip]] += 1
    assert row["known"] == pytest.approx(sum(right) / len(right))
    assert row["chance"] == pytest.approx(max(of_language.values()) / len(right))
    assert row["persons"] == len(persons_of("main")) + len(added.split())
    assert row["parameters"] == 123


def test_answers_are_of_the_excerpts_of_strangers_alone(pretence):
    _, told = carry_out(replace(PLAIN, added="july"))
    table = clips()
    (asked,) = (e for e in pretence.asked if table["role"][e.clip[0]] == "stranger")
    assert told[LANGUAGES].to_numpy().sum() == len(asked)
    named = pd.Series(np.array(LANGUAGES)[(asked.y + (asked.clip % 3 == 0)) % 5])
    voice = pd.Series(table["voice"].to_numpy()[asked.clip])
    counts = pd.crosstab(voice, named)[LANGUAGES]
    np.testing.assert_array_equal(told.set_index("voice")[LANGUAGES], counts.loc[told["voice"]])


def test_a_row_has_the_trials_fields_first_and_all_excerpts_are_made_for_this_trial(pretence):
    trial = replace(NETWORK, added="july", synthetic=0.5, seed=3, centred=True, changes="warp")
    row, _ = carry_out(trial)
    outcome = ["parameters", "persons", "known", "chance"]
    assert list(row) == [*(f.name for f in fields(Trial) if f.name != "corpus"), *outcome]
    assert row.items() >= told_of(trial).items() and told_of(trial) | {"corpus": ""} == asdict(
        trial
    )
    assert pretence.learners == [trial] * 3


@pytest.mark.parametrize(
    ("added", "named"),
    [
        ("nobody", "nobody"),
        ("july zoe adam", "adam, zoe"),
        ("allison july", "allison"),  # a main voice
        ("hedgewars-pirate", "hedgewars-pirate"),  # a voice, and not the person who lent it
        ("Alicia", "Alicia"),  # the machine's
    ],
)
def test_who_is_added_and_is_no_stranger_is_named(pretence, added, named):
    with pytest.raises(ValueError, match=rf"^added: no stranger {named}; see clips\(\)"):
        carry_out(replace(PLAIN, added=added))
    assert not pretence.sources


def test_a_regression_knows_what_it_heard_and_less_of_strangers(quick):
    row, told = carry_out(replace(PLAIN, added="july"))
    assert row["parameters"] == 5 * (2 * 40 + 1)
    assert row["known"] > 0.9 and 0.2 < row["chance"] < 0.3
    counts = told[LANGUAGES].to_numpy()
    right = counts[np.arange(len(told)), told["language"].map(LANGUAGES.index)].sum()
    assert right / counts.sum() < row["known"] - 0.2
    again = carry_out(replace(PLAIN, added="july"))
    assert again[0] == row
    pd.testing.assert_frame_equal(again[1], told)


def test_a_tiny_network_is_carried_out_as_well():
    row, told = carry_out(NETWORK)
    assert row["parameters"] == 3 * 2 * (40 + 2 + 2) + 5 * (2 + 1)
    assert 0 <= row["known"] <= 1 and row["persons"] == len(persons_of("main"))
    assert set(told["voice"]) == set(clips().query("role == 'stranger'")["voice"])


def test_with_the_machine_alone_the_regression_learns_from_voices_of_no_person(quick):
    row, told = carry_out(replace(PLAIN, synthetic=1.0))
    assert np.isnan(row["known"]) and np.isnan(row["chance"]) and row["persons"] == 0


@pytest.fixture(scope="module")
def mine(tmp_path_factory):
    """Return a folder of somebody else's: three languages of six speakers, one of each for test."""
    return str(made.common_voice(tmp_path_factory.mktemp("mine"), made.spoken(clips=8)))


def test_of_recordings_of_ones_own_the_speakers_for_testing_are_the_strangers(mine):
    row, told = carry_out(replace(PLAIN, corpus=mine))
    assert row["corpus"] == mine and row["persons"] == 3 * 5
    table = recordings.folder(mine)
    test = table[table["part"] == "test"]
    wanted = test["language"].str.cat(test["speaker"], sep=" ")
    assert told["voice"].tolist() == sorted(wanted.unique())
    assert set(told["role"]) == {"stranger"}
    assert list(told.columns[3:]) == ["de", "en", "fr"]
    clips_asked = learning.excerpts(
        np.flatnonzero(table["part"] == "test"), replace(PLAIN, corpus=mine)
    )
    assert told[["de", "en", "fr"]].to_numpy().sum() == len(clips_asked)


def test_the_machine_speaks_for_the_courses_people_alone(mine):
    with pytest.raises(ValueError, match="a source has no clips"):
        carry_out(replace(PLAIN, corpus=mine, synthetic=0.5))


def test_too_few_sentences_are_counted(tmp_path):
    home = made.common_voice(tmp_path, [clip for clip in made.spoken() if clip.speaker in (0, 5)])
    with pytest.raises(ValueError, match="seed 0 deals none of the 6 different sentences to the"):
        carry_out(replace(PLAIN, corpus=str(home)))
