"""Excerpts are drawn evenly, models read what they should, and answers stand in their place."""

import io
from dataclasses import replace

import librosa
import numpy as np
import pandas as pd
import pytest
import soundfile

from helpers.audio import loading
from helpers.study import learning
from helpers.study.experiments import BASELINE
from helpers.study.learning import Learner, answers, clips, excerpts, learn

PLAIN = Learner(BASELINE, C=0.1)
NETWORK = Learner("GRU", 8, 0.01, 20)


def rows_of(**wanted):
    table = clips()
    return np.flatnonzero(np.logical_and.reduce([table[k] == v for k, v in wanted.items()]))


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Let the baseline be fitted on few excerpts."""
    monkeypatch.setattr(learning, "DRAWN", 1600)


@pytest.fixture(scope="module")
def few():
    """Return some clips of each main voice, and all of three strangers."""
    table = clips()
    some = table.groupby(["role", "voice"]).head(12)
    return some.index[some["role"] != "synthetic"].to_numpy()


def test_persons_are_the_same_in_all_tables_and_nobody_has_two_roles():
    table = clips()
    assert (table["person"] != "").all() and (table["voice"] != "").all()
    assert table.groupby("person")["role"].nunique().eq(1).all()
    one_language = table[table["role"] != "synthetic"].groupby("voice")["language"].nunique()
    assert one_language.eq(1).all()
    table["language"] = "xx"
    assert set(clips()["language"]) == {"en", "es", "fr", "it", "ru"}


def test_every_language_is_drawn_as_often_and_voices_by_the_root_of_their_length(few):
    draw = learning._Draw(few, PLAIN, np.random.default_rng(0))
    table = clips().iloc[few].assign(chance=draw.chances)
    frames = np.array([len(f) for f in learning._bands("", False)])[few]
    table["frames"] = frames
    np.testing.assert_allclose(table.groupby("language")["chance"].sum(), 1 / 5)
    for _, rows in table.groupby("language"):
        voices = rows.groupby("voice")[["chance", "frames"]].sum()
        ratio = voices["chance"] / np.sqrt(voices["frames"])
        np.testing.assert_allclose(ratio, ratio.iloc[0])
        for _, clip in rows.groupby("voice"):  # within a voice, by how long a clip is
            per_frame = clip["chance"] / clip["frames"]
            np.testing.assert_allclose(per_frame, per_frame.iloc[0])
    _, y, _ = draw(2000)
    assert (abs(np.bincount(y, minlength=5) - 400) < 80).all()


def test_an_excerpt_that_is_drawn_stands_in_its_clip(few):
    draw = learning._Draw(few[:1], PLAIN, np.random.default_rng(1))
    x, y, lengths = draw(5)
    whole = excerpts(few[:1], PLAIN).x
    frames = whole.reshape(-1, whole.shape[2])
    for one, n in zip(x, lengths, strict=True):
        first = np.flatnonzero(np.isclose(frames, one[0], atol=1e-3).all(axis=1))
        assert any(np.allclose(frames[i : i + n], one[:n], atol=1e-3) for i in first)
        assert not one[n:].any()
    assert set(y) == {sorted(clips()["language"].unique()).index(clips()["language"][few[0]])}


def test_what_is_centred_has_no_mean_and_its_differences_are_the_same(few):
    plain = excerpts(few[:20], PLAIN)
    centred = excerpts(few[:20], replace(PLAIN, centred=True))
    for a, b, n in zip(plain.x, centred.x, plain.lengths, strict=True):
        np.testing.assert_allclose(b[:n].mean(axis=0), 0, atol=1e-3)
        np.testing.assert_allclose(np.diff(a[:n], axis=0), np.diff(b[:n], axis=0), atol=1e-2)
        assert not b[n:].any()


def test_excerpts_say_which_clip_they_are_of(few):
    asked = excerpts(few[::-1], PLAIN)
    assert set(asked.clip) <= set(few)
    spoken = clips()["language"].to_numpy()[asked.clip]
    assert spoken.tolist() == [asked.languages[i] for i in asked.y]


def test_the_codec_is_that_of_a_telephone():
    t = np.arange(16_000) / 16_000
    low, high = (0.4 * np.sin(2 * np.pi * f * t).astype(np.float32) for f in (600, 6000))
    heard = learning.augmentation.coded(low + high, 16_000, "GSM 6.10")
    assert len(heard) == 16_000
    spectrum = np.abs(np.fft.rfft(heard * np.hanning(len(heard))))
    assert spectrum[595:606].max() > 30 * spectrum[5900:6100].max()
    file = io.BytesIO()
    soundfile.write(file, low[::2], 8000, format="WAV", subtype="GSM610")
    file.seek(0)
    theirs = soundfile.read(file)[0][:8000]
    error = heard[::2] - theirs  # the high tone does not come through, nor back as another one
    assert np.sqrt(np.mean(error[200:-200] ** 2)) < 0.05


def test_versions_of_a_clip_are_drawn_alike_and_only_their_bands_are_changed(few, monkeypatch):
    seen = []

    def version(recordings, row, number, changes, codec):
        assert recordings == ""
        seen.append((row, number, changes, codec))
        return np.full((120, 40), float(number), np.float32)

    monkeypatch.setattr(learning, "_version", version)
    learner = replace(PLAIN, changes="codecs rooms")
    x, _, lengths = learning._Draw(few, learner, np.random.default_rng(0))(800)
    numbers = np.array([number for _, number, *_ in seen])
    assert (abs(np.bincount(numbers) - 200) < 50).all() and (lengths == 100).all()
    assert {row for row, *_ in seen} <= set(few)
    assert {what for _, _, *what in map(list, seen) for what in [tuple(what)]} == {
        (("rooms", "codecs"), False)
    }
    np.testing.assert_allclose(x[:, 50, 0], numbers * np.sqrt(40), rtol=1e-5)


def test_a_version_has_the_bands_of_its_sound(few):
    bands = learning._bands("", False)
    for row in map(int, few[:3]):
        same = learning._version("", row, 0, ("codecs",), False)
        np.testing.assert_allclose(same, bands[row], atol=1e-3)
        y, sr = loading.load_clip(clips().iloc[row])
        heard = learning.augmentation.coded(y, sr, "GSM 6.10")
        power = librosa.feature.melspectrogram(y=heard, sr=sr, n_fft=400, hop_length=480, n_mels=40)
        wanted = librosa.power_to_db(power).T
        for got in (("codecs",), 1, False), ((), 0, True):
            changes, number, codec = got
            told = learning._version("", row, number, changes, codec)
            np.testing.assert_allclose(told, wanted, atol=0.05)


def test_the_regression_reads_mean_and_variance_alone():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3, 100, 40)).astype(np.float32)
    lengths = np.array([100, 30, 61])
    got = learning._moments(x, lengths)
    for row, one, n in zip(got, x, lengths, strict=True):
        wanted = np.r_[one[:n].mean(axis=0, dtype=float), one[:n].var(axis=0, dtype=float)]
        np.testing.assert_allclose(row, wanted, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("learner", [PLAIN, NETWORK], ids=["regression", "network"])
def test_the_same_seed_learns_the_same_and_another_does_not(few, learner):
    asked = excerpts(few, learner)
    once, again, other = (
        learn(replace(learner, seed=seed), [(few, 1.0)])[0](asked) for seed in (0, 0, 1)
    )
    np.testing.assert_allclose(once, again, atol=1e-5)
    assert np.abs(once - other).max() > 1e-3
    np.testing.assert_allclose(once.sum(axis=1), 1, atol=1e-5)


def test_what_was_learned_from_is_known_and_the_shares_are_kept(few):
    predict, parameters = learn(PLAIN, [(few, 1.0)])
    asked = excerpts(few, PLAIN)
    assert np.mean(predict(asked).argmax(axis=1) == asked.y) > 0.8
    assert parameters == 5 * (2 * 40 + 1)
    rng = np.random.default_rng(0)
    parts = [rows_of(role="main", language="en")[:9], rows_of(role="main", language="it")[:9]]
    draws = [
        (learning._Draw(rows, PLAIN, rng), s) for rows, s in zip(parts, (0.75, 0.25), strict=True)
    ]
    _, y, _ = learning._drawn(draws, 64)
    assert np.bincount(y).tolist() == [48, 0, 0, 16]


def test_answers_count_each_excerpt_once_in_its_column(few):
    asked = excerpts(few, PLAIN)
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(5), size=len(asked))
    told = answers(asked, probabilities)
    names = ["en", "es", "fr", "it", "ru"]
    assert told[names].to_numpy().sum() == len(asked)
    voices = clips()["voice"].to_numpy()[asked.clip]
    for row in told.to_dict("records"):
        of_voice = voices == row["voice"]
        named = np.array(names)[probabilities[of_voice].argmax(axis=1)]
        assert pd.Series(named).value_counts().to_dict() == {
            name: row[name] for name in names if row[name]
        }


@pytest.mark.parametrize(
    "wrong",
    [
        {"layer": BASELINE},
        {"layer": BASELINE, "C": 1.0, "units": 3},
        {"layer": "GRU", "units": 3, "learning_rate": 0.1},
        {"layer": "GRU", "units": 3, "learning_rate": 0.1, "batches": 9, "C": 1.0},
    ],
)
def test_a_learner_that_cannot_learn_says_so(wrong):
    with pytest.raises(ValueError, match=f"{wrong['layer']}: units .*takes the first three"):
        Learner(**wrong)


def test_nothing_to_learn_from_is_an_error():
    with pytest.raises(ValueError, match="a source has no clips"):
        learn(PLAIN, [(np.array([], int), 1.0)])
