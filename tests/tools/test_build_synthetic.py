"""The synthetic clips are made as their manifest says, the same bytes every time."""

import hashlib
import shutil
import subprocess

import librosa
import numpy as np
import pytest

from helpers.audio import corpus, decoding, loading
from helpers.audio.loading import SR
from tests.audio.sounds import tone
from tools import build_synthetic

CLIPS = corpus.synthetic()
installed = pytest.mark.skipif(not shutil.which("espeak-ng"), reason="needs espeak-ng")


def pitch(y):
    """Return the median fundamental frequency where the clip is loud, in hertz."""
    setting = {"frame_length": 1024, "hop_length": 320}
    loudness = librosa.feature.rms(y=y, **setting)[0]
    hertz = librosa.yin(y, fmin=50, fmax=500, sr=SR, **setting)
    return np.median(hertz[loudness > 0.3 * loudness.max()])


def test_every_voice_says_the_same_sentences_in_every_language():
    made = CLIPS.set_index(["language", "speaker", "prompt"])["text"].to_dict()
    assert made == {
        (language, voice, row["id"]): row[language[:2]]
        for language in build_synthetic.LANGUAGES
        for voice, row in build_synthetic.plan()
    }
    said = CLIPS.groupby(["speaker", "language"])["prompt"].agg(frozenset)
    assert (said.groupby("speaker").nunique() == 1).all()
    assert (CLIPS.groupby(["speaker", "prompt"])["language"].nunique() == 5).all()
    assert CLIPS["synthetic"].all() and set(CLIPS["line"]) == {"synthesiser"}


def test_no_voice_and_no_sentence_has_more_than_its_share():
    pairs = CLIPS[["speaker", "prompt"]].drop_duplicates()
    assert set(pairs["speaker"].value_counts()) == {build_synthetic.SPOKEN}
    times = pairs["prompt"].value_counts()
    assert len(times) == len(build_synthetic.sentences()) and times.max() - times.min() <= 1


def test_no_two_sentences_or_voices_are_one():
    texts = [row[name[:2]] for row in build_synthetic.sentences() for name in ("en", "it", "ru")]
    assert len(set(texts)) == len(texts)
    assert len(set(build_synthetic.VOICES)) == len(build_synthetic.VOICES)
    assert CLIPS["sha256"].is_unique


@pytest.mark.parametrize("voice", ["linda", "paul", "zac"])
def test_a_voice_keeps_its_pitch_in_every_language(voice):
    """A language that espeak-ng does not know by that name would be spoken by its first voice."""
    rows = CLIPS[CLIPS["speaker"] == voice]
    rows = rows[rows["prompt"] == rows["prompt"].min()]
    hertz = [pitch(y) for y in loading.load_clips(rows)]
    assert max(hertz) / min(hertz) < 1.1
    assert {"linda": 200, "paul": 75, "zac": 310}[voice] < min(hertz)
    assert max(hertz) < {"linda": 260, "paul": 100, "zac": 390}[voice]


def test_all_clips_are_equally_loud():
    rows = CLIPS.groupby("speaker").sample(2, random_state=0)
    for path, y in zip(rows["path"], loading.load_clips(rows), strict=True):
        assert np.abs(y).max() < 1, path
        assert -28.5 < 20 * np.log10(np.sqrt(np.mean(y**2))) < -22, path


def test_a_level_is_set_but_never_beyond_full_scale():
    y = tone(SR, 1, 440).astype(float)
    for gain in (0.01, 1.0):
        got = build_synthetic.level(gain * y)
        assert 20 * np.log10(np.sqrt(np.mean(got**2))) == pytest.approx(build_synthetic.LOUDNESS)
    clicks = np.zeros(SR)
    clicks[::1000] = 0.5
    assert np.abs(build_synthetic.level(clicks)).max() == pytest.approx(build_synthetic.LOUDEST)


def test_the_same_samples_give_the_same_bytes_and_sound_alike():
    y = 0.5 * tone(SR, 2, 440)
    data = build_synthetic.encode(y)
    assert data == build_synthetic.encode(y) and len(data) < 5_000
    back, sr = decoding.decode(data)
    back = librosa.resample(back, orig_sr=sr, target_sr=SR)
    assert len(back) == len(y)
    late = range(int(0.01 * SR))  # the coder delays what it keeps by some milliseconds
    alike = [np.corrcoef(back[2000 + n :][:20_000], y[2000:22_000])[0, 1] for n in late]
    assert max(alike) > 0.99


@installed
def test_a_stored_clip_is_made_again_byte_for_byte(tmp_path):
    try:
        build_synthetic.check_version()
    except SystemExit as error:
        pytest.skip(str(error))
    for path in ("fr-FR/linda/keys.opus", "ru-RU/paul/water.opus", "it-IT/adam/train.opus"):
        row = CLIPS[CLIPS["path"] == path].iloc[0]
        job = (row["language"], row["speaker"], row["prompt"], row["text"], tmp_path)
        made = build_synthetic.make_clip(job)
        assert hashlib.sha256((tmp_path / path).read_bytes()).hexdigest() == row["sha256"]
        assert made["sha256"] == row["sha256"]
        assert float(made["duration"]) == row["duration"]


@pytest.mark.parametrize(("told", "found"), [
    ("espeak-ng 1.50-1\nlibespeak-ng1 1.50-1\nespeak-ng-data 1.50-1\n", "1.50-1"),
    (f"espeak-ng {build_synthetic.ESPEAK}\n", build_synthetic.ESPEAK),
    ("", "none"),
])  # fmt: skip
def test_another_version_of_the_synthesiser_is_refused(monkeypatch, told, found):
    done = subprocess.CompletedProcess([], 0, told)
    monkeypatch.setattr(build_synthetic.subprocess, "run", lambda *a, **b: done)
    with pytest.raises(SystemExit, match=f"version {found.replace('+', '.')}; the clips are made"):
        build_synthetic.check_version()


def test_without_dpkg_the_version_is_unknown(monkeypatch):
    def missing(*arguments, **options):
        raise FileNotFoundError("dpkg-query")

    monkeypatch.setattr(build_synthetic.subprocess, "run", missing)
    with pytest.raises(SystemExit, match="version none"):
        build_synthetic.check_version()
