"""No voice and no sentence is both learned from and asked, and voices cross as they say."""

from dataclasses import asdict, fields, replace

import numpy as np
import pytest

from helpers.study import crossing, learning
from helpers.study.crossing import Crossing, carry_out, heard, recipe
from helpers.study.experiments import BASELINE
from helpers.study.learning import clips
from tools.run_table import key

PLAIN = Crossing(BASELINE, C=0.1)
LANGUAGES = ["en", "es", "fr", "it", "ru"]
KINDS = {
    "own": [replace(PLAIN, voices=n) for n in (1, 2, 4)],
    "crossed": [replace(PLAIN, voices=n, crossed=True) for n in (1, 5, 8, 21)],
    "divided": [replace(PLAIN, voices=n, crossed=True, divided=True) for n in (1, 5, 10, 20)],
}
ALL = [
    pytest.param(replace(one, seed=seed), id=f"{kind} {one.voices} seed {seed}")
    for kind, some in KINDS.items()
    for one in some
    for seed in range(3)
]


def machine():
    table = clips()
    return table[table["role"] == "synthetic"]


@pytest.mark.parametrize("one", ALL)
def test_no_voice_and_no_sentence_is_both_learned_from_and_asked(one):
    learned, asked = heard(one)
    for column in ("speaker", "prompt", "sha256"):
        assert not set(learned[column]) & set(asked[column])
    for rows in (learned, asked):
        assert (rows["role"] == "synthetic").all()
        assert rows.equals(clips().loc[rows.index])
        assert rows.index.is_unique and rows.index.is_monotonic_increasing
    assert len(learned) and learned["speaker"].nunique() == one.people


@pytest.mark.parametrize("seed", range(3))
def test_all_crossings_of_a_seed_are_asked_the_same_and_each_voice_in_all_languages(seed):
    every = [heard(replace(one, seed=seed))[1] for some in KINDS.values() for one in some]
    network = Crossing("GRU", 2, 0.01, 3, seed=seed, centred=True, changes="warp", codec=True)
    first, *others = [*every, heard(network)[1]]
    assert all(first.equals(other) for other in others)
    assert first["speaker"].nunique() == 15 and first["prompt"].nunique() == 8
    whole = machine()
    theirs = whole["speaker"].isin(first["speaker"]) & whole["prompt"].isin(first["prompt"])
    assert first.equals(whole[theirs])  # all that these voices say of these sentences
    assert (first.groupby("speaker")["language"].nunique() == 5).all()


def test_another_seed_asks_and_hears_others():
    (learned, asked), (learned_1, asked_1) = (heard(replace(PLAIN, seed=s)) for s in (0, 1))
    assert set(asked["speaker"]) != set(asked_1["speaker"])
    assert set(asked["prompt"]) != set(asked_1["prompt"])
    assert set(learned["voice"]) != set(learned_1["voice"])
    assert heard(PLAIN)[0].equals(learned)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("voices", [1, 2, 4])
def test_where_languages_have_voices_of_their_own_nobody_speaks_two(voices, seed):
    learned, asked = heard(replace(PLAIN, voices=voices, seed=seed))
    assert (learned.groupby("speaker")["language"].nunique() == 1).all()
    assert learned.groupby("language")["speaker"].nunique().tolist() == [voices] * 5
    assert_hears_all(learned, asked)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("voices", [1, 5, 8, 21])
def test_crossed_voices_speak_all_languages(voices, seed):
    learned, asked = heard(replace(PLAIN, voices=voices, crossed=True, seed=seed))
    assert (learned.groupby("speaker")["language"].nunique() == 5).all()
    assert learned.groupby("language")["speaker"].nunique().tolist() == [voices] * 5
    assert learned.groupby("language").size().nunique() == 1
    assert_hears_all(learned, asked)


def assert_hears_all(learned, asked):
    """Assert that every voice says all sentences that are not asked, in the languages it has."""
    whole = machine()
    kept = whole[whole["voice"].isin(learned["voice"]) & ~whole["prompt"].isin(asked["prompt"])]
    assert learned.equals(kept)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("voices", [1, 2, 4])
def test_voices_that_divide_their_sentences_give_as_many_clips_as_if_each_had_one_language(
    voices, seed
):
    own = replace(PLAIN, voices=voices, seed=seed)
    alone, _ = heard(own)
    divided, asked = heard(replace(own, voices=own.people, crossed=True, divided=True))
    # The same voices, each with exactly as many clips; only the languages of these differ.
    assert divided.groupby("speaker").size().equals(alone.groupby("speaker").size())
    assert (divided.groupby(["speaker", "prompt"])["language"].nunique() == 1).all()
    said = set(alone["speaker"] + " " + alone["prompt"])
    assert set(divided["speaker"] + " " + divided["prompt"]) == said
    assert len(divided) == len(said)


@pytest.mark.parametrize("seed", range(5))
def test_a_voice_that_divides_its_sentences_speaks_all_languages_about_as_often(seed):
    learned, _ = heard(replace(PLAIN, voices=20, crossed=True, divided=True, seed=seed))
    counts = learned.groupby(["speaker", "language"]).size().unstack(fill_value=0)[LANGUAGES]
    assert (counts.max(axis=1) - counts.min(axis=1) <= 1).all()
    of_language = counts.sum()
    assert of_language.max() / of_language.min() < 1.25  # not always the same ones get more
    every = replace(PLAIN, voices=20, crossed=True, seed=seed)
    assert set(learned["speaker"]) == set(heard(every)[0]["speaker"])


@pytest.mark.parametrize(
    ("changed", "people"),
    [
        ({}, 5),
        ({"voices": 4}, 20),
        ({"voices": 4, "crossed": True}, 4),
        ({"voices": 4, "crossed": True, "divided": True}, 4),
        ({"voices": 21, "crossed": True}, 21),  # all that are not asked
    ],
)
def test_people_are_as_many_as_are_heard(changed, people):
    one = replace(PLAIN, **changed)
    assert one.people == people == heard(one)[0]["speaker"].nunique()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"voices": 0}, "^0 voices; expected at least 1, and at most 21"),
        ({"voices": 0, "crossed": True}, "^0 voices; expected at least 1"),
        ({"voices": -1}, "^-5 voices; expected at least 1"),
        ({"voices": 5}, "^25 voices; expected at least 1, and at most 21"),
        ({"voices": 22, "crossed": True}, "^22 voices; .*at most 21"),
        ({"voices": 22, "crossed": True, "divided": True}, "^22 voices; .*at most 21"),
        ({"divided": True}, "^divided: voices of one language each have nothing to divide"),
        ({"C": None}, f"^{BASELINE}: .*the {BASELINE} C alone"),
    ],
)
def test_a_crossing_that_cannot_be_says_why(changed, message):
    with pytest.raises(ValueError, match=message):
        replace(PLAIN, **changed)


NETWORK = Crossing("GRU", 2, 0.01, 3, voices=2, crossed=True)
OTHER = {
    "layer": "LSTM",
    "units": 3,
    "learning_rate": 0.02,
    "batches": 4,
    "seed": 1,
    "centred": True,
    "changes": "warp",
    "codec": True,
    "voices": 3,
    "crossed": False,
    "divided": True,
}


@pytest.mark.parametrize("field", [field.name for field in fields(Crossing)])
def test_the_name_of_a_crossing_hangs_on_each_of_its_fields(field):
    first, value = (PLAIN, 0.2) if field == "C" else (NETWORK, OTHER.get(field))
    other = replace(first, **{field: value})
    assert asdict(other) != asdict(first)
    assert key(recipe(first)) == key(recipe(replace(first))) != key(recipe(other))


def test_the_name_of_a_crossing_hangs_on_what_is_no_field_as_well(monkeypatch):
    name = key(recipe(NETWORK))
    for module, constant, value in (
        (crossing, "KEPT_OUT", 14),
        (crossing, "UNSEEN", 9),
        (learning, "DRAWN", 10),
        (learning, "digest", lambda recordings: "other clips"),
        (learning.augmentation, "SPEED", 1.0),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(module, constant, value)
            assert key(recipe(NETWORK)) != name, constant
    assert key(recipe(NETWORK)) == name


@pytest.mark.parametrize(
    "one",
    [
        replace(PLAIN, voices=2, seed=1),
        replace(NETWORK, voices=3, seed=2, centred=True),
        replace(NETWORK, voices=10, divided=True),
    ],
    ids=["own", "crossed", "divided"],
)
def test_what_is_learned_is_what_is_heard_and_asked_are_new_voices_and_all_people(monkeypatch, one):
    given, asked = [], []

    def learn(learner, sources):
        given.append((learner, sources))
        return predict, 77

    def predict(examples):
        asked.append(examples)
        return np.tile([0.1, 0.5, 0.2, 0.1, 0.1], (len(examples), 1))  # Spanish, all of it

    monkeypatch.setattr(crossing, "learn", learn)
    row, told = carry_out(one)
    learned, new = heard(one)
    ((learner, ((rows, share),)),) = given
    assert learner == one and share == 1 and rows.tolist() == learned.index.tolist()
    outcome = {"parameters": 77, "people": one.people, "heard": len(learned)}
    assert list(row) == [*(field.name for field in fields(Crossing)), *outcome]
    assert row == {**asdict(one), **outcome}

    table = clips()
    wanted = [*new.index, *table.index[table["role"] != "synthetic"]]
    (asked,) = asked
    frames = np.array([len(bands) for bands in learning._bands("", False)])
    assert set(asked.clip) == {clip for clip in wanted if frames[clip] >= 20}  # of 0.6 s
    assert not set(asked.clip) & set(rows)
    voices = table.loc[sorted(set(asked.clip)), ["voice", "language", "role"]].drop_duplicates()
    assert sorted(told["voice"]) == sorted(voices["voice"])
    assert told["role"].value_counts().to_dict() == voices["role"].value_counts().to_dict()
    assert (told["role"] == "synthetic").sum() == 15 * 5
    assert told["es"].sum() == len(asked) and told[["en", "fr", "it", "ru"]].to_numpy().sum() == 0


def test_a_regression_and_a_tiny_network_are_carried_out(monkeypatch):
    monkeypatch.setattr(learning, "DRAWN", 640)
    row, told = carry_out(replace(PLAIN, voices=10, crossed=True))
    assert row["parameters"] == 5 * (2 * 40 + 1)
    names = told[LANGUAGES].to_numpy()
    right = names[np.arange(len(told)), told["language"].map(LANGUAGES.index)]
    new = told["role"] == "synthetic"
    assert right[new].sum() > 0.3 * names[new].sum()
    row, _ = carry_out(NETWORK)
    assert row["parameters"] == 3 * 2 * (40 + 2 + 2) + 5 * (2 + 1)
