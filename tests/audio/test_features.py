"""MFCCs are librosa's; what is kept of them is never stale, half written or damaged."""

import os
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import joblib
import librosa
import numpy as np
import pytest
import scipy
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.audio import corpus, features
from helpers.audio.features import MFCCSetting, extract, mfcc

ROOT = Path(__file__).resolve().parents[2]
CLIPS = corpus.manifest().query("not unheard and duration < 1").head(4).reset_index(drop=True)
NOISE = np.random.default_rng(0).standard_normal(4000).astype(np.float32) / 4


@pytest.fixture
def speech(tmp_path):
    """Return the table of a few clips that a test may change."""
    root = tmp_path / "speech"
    for path in CLIPS["path"]:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(corpus.SPEECH / path, root / path)
    CLIPS.assign(unheard=0).to_csv(root / "manifest.csv", index=False)
    return corpus.manifest(root)


@pytest.fixture
def computed(monkeypatch):
    """Return a list that grows with every clip that is computed and not read."""
    names, compute = [], features._extract

    def watched(files, setting):
        names.extend(file["path"] for file in files)
        return compute(files, setting)

    monkeypatch.setattr(features, "_extract", watched)
    return names


def kept(cache):
    """Return the one file of a cache."""
    [path] = cache.iterdir()
    return path


# --- MFCCs


@pytest.mark.parametrize(
    "setting",
    [
        MFCCSetting(),
        MFCCSetting(n_mfcc=13, n_mels=40, fmin=50, fmax=7000, htk=True),
        MFCCSetting(sr=8000, n_fft=200, hop_length=80, n_mels=40, n_mfcc=20),
        MFCCSetting(n_fft=401, hop_length=111),
    ],
    ids=["the course's", "band and HTK", "8 kHz", "odd"],
)
def test_mfccs_are_librosas(setting):
    y, sr = corpus.load_clip(CLIPS["path"][0])
    if setting.sr != sr:
        y = librosa.resample(y, orig_sr=sr, target_sr=setting.sr)
    expected = librosa.feature.mfcc(
        y=y,
        sr=setting.sr,
        n_mfcc=setting.n_mfcc,
        n_fft=setting.n_fft,
        hop_length=setting.hop_length,
        n_mels=setting.n_mels,
        fmin=setting.fmin,
        fmax=setting.fmax,
        htk=setting.htk,
    )
    got = mfcc(y, setting.sr, setting)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, expected.T, rtol=1e-5, atol=1e-3)


@settings(max_examples=20, deadline=None)
@given(
    length=st.integers(400, 4000),
    hop=st.integers(50, 500),
    n_mfcc=st.integers(1, 64),
)
def test_shape_and_finiteness(length, hop, n_mfcc):
    got = mfcc(NOISE[:length], 16_000, MFCCSetting(hop_length=hop, n_mfcc=n_mfcc))
    assert got.shape == (1 + length // hop, n_mfcc)
    assert np.isfinite(got).all()


@settings(max_examples=30, deadline=None)
@given(
    lengths=st.lists(st.integers(401, 4000), min_size=1, max_size=5),
    n_fft=st.sampled_from([400, 401]),
    hop=st.integers(50, 500),
    silent=st.booleans(),
)
def test_of_several_signals_they_are_to_the_bit_those_of_each(lengths, n_fft, hop, silent):
    # Each at a loudness of its own: what is 80 dB below its own loudest is cut off, not a louder's.
    ys = [NOISE[:n] * 10.0 ** -(2 * i) for i, n in enumerate(lengths)]
    ys = [*ys, np.zeros(800, np.float32)] if silent else ys
    setting = MFCCSetting(n_fft=n_fft, hop_length=hop)
    for got, y in zip(features._mfccs(ys, setting), ys, strict=True):
        np.testing.assert_array_equal(got, mfcc(y, 16_000, setting))
        own = librosa.feature.mfcc(y=y, sr=16_000, n_mfcc=64, n_fft=n_fft, hop_length=hop).T
        np.testing.assert_allclose(got, own, rtol=1e-5, atol=2e-3)


@pytest.mark.parametrize("clips", [8, 200])
def test_every_thread_has_work_however_few_clips_there_are(tmp_path, monkeypatch, clips):
    blocks, compute = [], features._extract

    def watched(files, setting):
        blocks.append(len(files))
        return compute(files, setting)

    monkeypatch.setattr(features, "_extract", watched)
    extract(corpus.manifest().head(clips), cache=tmp_path, jobs=2)
    assert sum(blocks) == clips and len(blocks) >= 8 and max(blocks) <= features.BLOCK


def test_many_clips_are_computed_as_each_alone(tmp_path):
    clips = corpus.manifest().query("duration > 1").head(40)  # several blocks, of several calls
    alone = [mfcc(*corpus.load_clip(path)) for path in clips["path"]]
    for got, expected in zip(extract(clips, cache=tmp_path), alone, strict=True):
        np.testing.assert_array_equal(got, expected)


@settings(max_examples=10, deadline=None)
@given(gain=st.floats(0.05, 2))
def test_loudness_moves_the_first_coefficient_alone(gain):
    # log|g X|^2 adds a constant to every band: the DCT puts it into coefficient 0
    difference = mfcc(gain * NOISE, 16_000) - mfcc(NOISE, 16_000)
    expected = np.zeros(64)
    expected[0] = 20 * np.log10(gain) * np.sqrt(128)
    np.testing.assert_allclose(difference - expected, 0, atol=2e-2)


def bands(y, sr):
    """Return the mel bands that all of a signal's coefficients stand for, in dB, one row a band."""
    every = MFCCSetting(n_mfcc=128)  # as many as there are bands: nothing is lost
    return scipy.fft.idct(mfcc(y, sr, every), norm="ortho", axis=1)[10:40].T  # away from the ends


@pytest.mark.parametrize("sr", [8_000, 11_025, 22_050, 44_100, 48_000])
def test_the_same_sound_at_another_rate_has_the_same_bands(sr):
    def buzz(sr, highest):
        t = np.arange(sr // 2) / sr
        return sum(np.sin(2 * np.pi * f * t + f) for f in range(150, highest, 150)) / 64

    centres = librosa.mel_frequencies(130, fmax=8_000)[1:-1]
    top = min(sr, 16_000) / 2
    got, expected = bands(buzz(sr, int(top)), sr), bands(buzz(16_000, int(top)), 16_000)
    assert got.shape == expected.shape
    heard = centres < 0.85 * top
    assert heard.sum() > 60
    np.testing.assert_allclose(got[heard], expected[heard], atol=0.25)
    # Where the sampling rate ends, so does the sound; the floor lies 80 dB beneath the maximum.
    assert (got[centres > 1.15 * top] < got.max() - 60).all()


def test_integers_and_stereo():
    pcm = np.round(NOISE.clip(-1, 1) * 32767).astype(np.int16)
    expected = mfcc(pcm / np.float32(32768), 16_000)
    np.testing.assert_array_equal(mfcc(pcm, 16_000), expected)
    np.testing.assert_array_equal(mfcc(np.stack([pcm, pcm]), 16_000), expected)
    np.testing.assert_array_equal(mfcc(np.stack([pcm, pcm], axis=1), 16_000), expected)


def test_silence_has_a_flat_spectrum():
    got = mfcc(np.zeros(1600), 16_000)
    np.testing.assert_allclose(got[:, 0], -100 * np.sqrt(128), rtol=1e-6)  # -100 dB in every band
    np.testing.assert_allclose(got[:, 1:], 0, atol=1e-3)


@pytest.mark.parametrize(
    ("y", "sr", "message"),
    [
        ([], 16_000, "no samples"),
        (np.array([1.0]), 16_000, "1 samples, one frame 400"),
        (NOISE[:399], 16_000, "399 samples, one frame 400"),
        (np.append(NOISE, np.nan), 16_000, "sample 4000 is nan"),
        (np.append(NOISE, np.inf), 16_000, "sample 4000 is inf"),
        (NOISE.reshape(10, 400), 16_000, "10 channels"),
        (NOISE + 0j, 16_000, "complex"),
        (NOISE, 0, "sr is 0"),
        (NOISE, -1, "sr is -1"),
        (NOISE, np.nan, "sr is nan"),
    ],
)
def test_bad_sound_is_refused(y, sr, message):
    with pytest.raises(ValueError, match=message):
        mfcc(y, sr)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hop_length": 0}, "hop_length is 0"),
        ({"hop_length": -160}, "hop_length is -160"),
        ({"hop_length": 160.0}, "hop_length is 160.0"),
        ({"n_fft": 0}, "n_fft is 0"),
        ({"n_fft": 400.0}, "n_fft is 400.0"),
        ({"n_mels": 300}, "300 mel filters on 201 bins"),
        ({"n_mfcc": 129}, "n_mfcc is 129 and n_mels 128"),
        ({"n_mfcc": 0}, "n_mfcc is 0"),
        ({"fmax": 9000}, "above half the sampling rate"),
        ({"fmin": -1}, "fmin is -1"),
        ({"sr": 0}, "sr is 0"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        replace(MFCCSetting(), **change)


def test_filters_that_cover_no_bin_are_refused():
    with pytest.raises(ValueError, match="4 of 128 mel filters cover no bin"):
        mfcc(NOISE, 16_000, MFCCSetting(htk=True))


# --- the cache


def test_extracted_is_computed_and_read_back_bit_for_bit(tmp_path, computed):
    first = extract(CLIPS, cache=tmp_path)
    assert sorted(computed) == sorted(CLIPS["path"])
    again = extract(CLIPS, cache=tmp_path)
    assert len(computed) == len(CLIPS), "computed again"
    for path, one, two in zip(CLIPS["path"], first, again, strict=True):
        np.testing.assert_array_equal(one, mfcc(*corpus.load_clip(path)))
        np.testing.assert_array_equal(one, two)
        assert two.dtype == np.float32


def test_order_and_choice_of_clips_are_kept_apart(tmp_path):
    forth = extract(CLIPS, cache=tmp_path)
    back = extract(CLIPS[::-1], cache=tmp_path)
    for one, two in zip(forth, back[::-1], strict=True):
        np.testing.assert_array_equal(one, two)
    assert extract(CLIPS.head(0), cache=tmp_path) == []


def test_another_setting_is_another_result(tmp_path, computed):
    changes = [{}, {"n_mfcc": 20}, {"hop_length": 320}, {"n_fft": 512}, {"n_mels": 100}]
    for change in changes:
        setting = replace(MFCCSetting(), **change)
        [got] = extract(CLIPS.head(1), setting, cache=tmp_path)
        np.testing.assert_array_equal(got, mfcc(*corpus.load_clip(CLIPS["path"][0]), setting))
    assert len(computed) == len(changes)


@pytest.mark.parametrize(
    "name", ["librosa.__version__", "soundfile.__libsndfile_version__", "av.__version__"]
)
def test_another_version_is_computed_again(tmp_path, computed, monkeypatch, name):
    extract(CLIPS, cache=tmp_path)
    monkeypatch.setattr(f"helpers.audio.features.{name}", "0.0.0")
    extract(CLIPS, cache=tmp_path)
    assert len(computed) == 2 * len(CLIPS)


def test_an_altered_clip_is_named_though_its_features_are_kept(tmp_path, speech):
    extract(speech, cache=tmp_path / "cache")
    root, path = Path(speech["root"][2]), speech["path"][2]
    shutil.copy(root / speech["path"][0], root / path)
    with pytest.raises(corpus.CorpusError, match=f"{path}: the file is not the one"):
        extract(speech, cache=tmp_path / "cache")
    (root / path).unlink()
    with pytest.raises(corpus.CorpusError, match=f"{path}: cannot be read"):
        extract(speech, cache=tmp_path / "cache")


@pytest.mark.parametrize("known", [True, False], ids=["digest known", "nobody has read it"])
def test_a_replaced_clip_is_computed_again(tmp_path, speech, known):
    if not known:
        speech = speech.assign(sha256="", duration=np.nan)
    before = extract(speech, cache=tmp_path / "cache")
    root = Path(speech["root"][2])
    shutil.copy(root / speech["path"][0], root / speech["path"][2])
    if known:
        speech.loc[2, "sha256"] = speech.loc[0, "sha256"]
    after = extract(speech, cache=tmp_path / "cache")
    np.testing.assert_array_equal(after[2], before[0])
    np.testing.assert_array_equal(after[1], before[1])


@pytest.mark.parametrize("damage", ["cut", "empty", "flip"])
@pytest.mark.parametrize("where", [0.0, 0.5, 0.9])
def test_a_damaged_cache_is_computed_again(tmp_path, computed, damage, where):
    first = extract(CLIPS, cache=tmp_path)
    data = bytearray(kept(tmp_path).read_bytes())
    at = int(where * (len(data) - 1))
    if damage == "flip":
        data[at] ^= 0x10
    else:
        data = {"cut": data[:at], "empty": b""}[damage]
    kept(tmp_path).write_bytes(data)
    again = extract(CLIPS, cache=tmp_path)
    assert len(computed) == 2 * len(CLIPS)
    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, two)
    extract(CLIPS, cache=tmp_path)
    assert len(computed) == 2 * len(CLIPS), "the damaged file was not replaced"


def test_no_flipped_bit_makes_a_wrong_number(tmp_path):
    parts = [np.random.default_rng(i).normal(size=(i, 3)).astype(np.float32) for i in (2, 1, 5)]
    features._write(tmp_path / "kept.npz", parts, 3)
    data = (tmp_path / "kept.npz").read_bytes()
    damaged = 0
    for at in range(len(data)):
        for bit in (at % 8, (at + 3) % 8):
            flipped = bytearray(data)
            flipped[at] ^= 1 << bit
            (tmp_path / "kept.npz").write_bytes(flipped)
            read = features._read(tmp_path / "kept.npz", 3, 3)
            damaged += read is None
            # What zipfile does not notice, such as a date, stands beside the numbers.
            assert read is None or all(map(np.array_equal, read, parts)), (at, bit)
    assert damaged > len(data)  # of twice as many


class Trap:
    """An object that leaves a file where it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        """Return what is called."""
        return Path.touch, (self.path,)


def test_a_pickle_is_never_opened(tmp_path):
    frames = np.array([[Trap(tmp_path / "sprung"), 0, 0]], dtype=object)
    np.savez(tmp_path / "kept.npz", frames=frames, lengths=np.array([1]))
    assert features._read(tmp_path / "kept.npz", 1, 3) is None
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    ("frames", "lengths", "whole"),
    [((8, 3), [3, 5], True), ((8, 3), [8], False), ((8, 3), [3, 4], False), ((8, 3), [3, 6], False),
     ((8, 2), [3, 5], False), ((24,), [3, 5], False), ((8, 3), [[3, 5]], False)],
)  # fmt: skip
def test_what_was_kept_of_other_clips_is_not_read(tmp_path, frames, lengths, whole):
    every = np.arange(np.prod(frames), dtype=np.float32).reshape(frames)
    np.savez(tmp_path / "kept.npz", frames=every, lengths=np.array(lengths))
    read = features._read(tmp_path / "kept.npz", 2, 3)
    assert (read is not None) == whole
    if whole:
        np.testing.assert_array_equal(read[0], every[:3])
        np.testing.assert_array_equal(read[1], every[3:])


def test_unasked_the_course_keeps_features_in_its_own_folder(tmp_path, monkeypatch, computed):
    monkeypatch.setattr(features, "CACHE", tmp_path / "a" / "b")
    extract(CLIPS.head(1))
    assert kept(tmp_path / "a" / "b").suffix == ".npz"
    extract(CLIPS.head(1))
    assert len(computed) == 1


@pytest.mark.parametrize(("seconds", "stays"), [(0, True), (3600, True), (3600.5, False)])
def test_what_may_still_be_written_is_left_for_an_hour(tmp_path, monkeypatch, seconds, stays):
    (tmp_path / "mfcc-x.part").touch()
    (tmp_path / "other.part").touch()
    written = (tmp_path / "mfcc-x.part").stat().st_mtime
    monkeypatch.setattr(features.time, "time", lambda: written + seconds)
    features._write(tmp_path / "kept.npz", [np.ones((2, 3), np.float32)], 3)
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == ["kept.npz", *["mfcc-x.part"] * stays, "other.part"]


def test_what_others_leave_or_take_away_meanwhile_stops_nobody(tmp_path):
    os.symlink("nowhere", tmp_path / "mfcc-taken.part")  # as a file that goes while one looks
    (tmp_path / "mfcc-theirs.part").mkdir()  # as one that may not be removed
    os.utime(tmp_path / "mfcc-theirs.part", times=(0, 0))
    features._write(tmp_path / "kept.npz", [np.ones((2, 3), np.float32)], 3)
    assert (tmp_path / "kept.npz").exists()


def test_many_threads_that_write_at_once_keep_everything(tmp_path):
    files = [tmp_path / f"kept{n}.npz" for n in range(400)]
    write = joblib.delayed(features._write)
    joblib.Parallel(16, "threading")(write(f, [np.ones((2, 3), np.float32)], 3) for f in files)
    assert sorted(tmp_path.iterdir()) == sorted(files)


def test_a_killed_run_leaves_nothing_that_is_read(tmp_path, computed):
    code = (
        "import os\nfrom helpers.audio import features\n"
        "from tests.audio.test_features import CLIPS\n"
        "os.replace = lambda *paths: os._exit(1)\n"  # dies with the file written but not named
        f"features.extract(CLIPS, cache={str(tmp_path)!r})"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 1
    left = kept(tmp_path)
    assert left.suffix == ".part"
    extract(CLIPS, cache=tmp_path)
    assert len(computed) == len(CLIPS)
    os.utime(left, times=(time.time() - 7200,) * 2)
    extract(CLIPS.head(1), cache=tmp_path)
    assert not left.exists(), "what a killed run left stays for ever"


@pytest.mark.parametrize("blocked", ["folder is a file", "disk full"])
def test_features_come_where_none_can_be_kept(tmp_path, monkeypatch, blocked):
    cache = tmp_path / "cache"
    if blocked == "disk full":
        monkeypatch.setattr(features.os, "replace", lambda *paths: (_ for _ in ()).throw(OSError))
    else:
        cache.write_text("")
    assert len(extract(CLIPS, cache=cache)) == len(CLIPS)
    if blocked == "disk full":
        assert list(cache.iterdir()) == []


def test_a_clip_without_features_is_named(tmp_path):
    with pytest.raises(ValueError, match=f"{CLIPS['path'][0]}: the signal has"):
        extract(CLIPS.head(1), MFCCSetting(n_fft=16_000), cache=tmp_path)
