"""Any folder of recordings becomes a corpus, and what is left out of it is named."""

import io
import itertools
import re
import unicodedata

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.audio import corpus, features, loading, recordings
from helpers.study import dataset

RATES = (8_000, 11_025, 22_050, 44_100, 48_000)
FORMATS = {
    "wav": ("PCM_16", "FLOAT", "PCM_U8"),
    "flac": ("PCM_16", "PCM_24"),
    "ogg": ("VORBIS",),
    "mp3": ("MPEG_LAYER_III",),
}
# Every file gets its own sound, or it would be a copy of another.
FREQUENCIES = itertools.count(200)


def tone(sr=16_000, seconds=0.3, frequency=440.0, channels=1):
    """Return a tone, one column a channel."""
    y = 0.4 * np.sin(2 * np.pi * frequency * np.arange(round(seconds * sr)) / sr)
    return y if channels == 1 else np.stack([y] * channels, axis=1)


def store(path, y=None, sr=16_000, subtype=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    y = tone(sr, frequency=next(FREQUENCIES)) if y is None else y
    soundfile.write(path, y, sr, subtype=subtype)


def encoded(y, sr, kind, subtype=None):
    data = io.BytesIO()
    soundfile.write(data, y, sr, format=kind, subtype=subtype)
    return data.getvalue()


@pytest.fixture
def mine(tmp_path):
    """Return a folder of two languages with three speakers, whose clips share two names."""
    for voice in ("it/anna", "it/bruno", "fr/anna"):
        for name in ("ciao", "uno"):
            store(tmp_path / "mine" / voice / f"{name}.wav")
    return tmp_path / "mine"


def skipped(mine):
    return recordings.folder(mine).attrs["skipped"]


def test_a_folder_is_a_table_like_the_manifest(mine, capsys):
    clips = recordings.folder(mine)
    shipped = corpus.manifest()
    assert clips.dtypes.equals(shipped.dtypes)
    assert clips["language"].tolist() == ["fr"] * 2 + ["it"] * 4
    assert clips["speaker"].tolist() == ["anna"] * 4 + ["bruno"] * 2
    assert clips["prompt"].tolist() == ["ciao", "uno"] * 3
    assert clips["duration"].tolist() == [0.3] * 6 and not clips["unheard"].any()
    told = "6 clips, 2 languages, 2 speakers, 0.0 minutes in mine\nleft out: 0\n"
    assert capsys.readouterr().out == told


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_any_mix_of_rates_and_formats_is_heard_as_it_is(tmp_path_factory, data):
    root = tmp_path_factory.mktemp("mixed")
    wanted = {}
    tones = st.lists(st.integers(300, 3000), min_size=1, max_size=4, unique=True)
    for i, frequency in enumerate(data.draw(tones)):
        kind = data.draw(st.sampled_from(sorted(FORMATS)))
        subtype = data.draw(st.sampled_from(FORMATS[kind]))
        sr, channels = data.draw(st.sampled_from(RATES)), data.draw(st.integers(1, 2))
        y = tone(sr, 0.5, frequency, channels)
        store(root / f"l{i}" / "s" / f"clip{i}.{kind}", y, sr, subtype)
        wanted[f"clip{i}"] = frequency, sr
    clips = recordings.folder(root)
    assert dict(clips.attrs["skipped"]) == {} and set(clips["prompt"]) == set(wanted)
    for row, y in zip(clips.itertuples(), loading.load_clips(clips), strict=True):
        frequency, sr = wanted[row.prompt]
        assert row.source_sr == sr and y.dtype == np.float32 and y.ndim == 1
        assert row.duration == pytest.approx(0.5, abs=0.1)  # MP3 comes with its decoder's delay
        assert len(y) / corpus.SR == pytest.approx(row.duration, abs=1e-3)
        spectrum = np.abs(np.fft.rfft(y[2000:6000] * np.hanning(4000)))
        assert np.argmax(spectrum) * 4 == pytest.approx(frequency, abs=5)
        assert np.std(y[2000:6000]) == pytest.approx(0.4 / np.sqrt(2), rel=0.2)  # MP3 rounds


BROKEN = {
    "empty.wav": (b"", "the file is empty"),
    "header.wav": (encoded(np.zeros(0), 16_000, "WAV"), "lasts 0 ms"),
    "short.wav": (encoded(tone(seconds=0.024), 16_000, "WAV"), "lasts 24 ms"),
    "noise.mp3": (bytes(range(256)) * 9, "no known format"),
    "notes.wav": (b"recorded on Monday", "no known format"),
    "speech.raw": (bytes(9999), "no known format"),  # soundfile.read would ask for its rate
    "zeros.flac": (encoded(np.zeros(9999), 16_000, "FLAC"), "silent"),
    "hiss.wav": (
        encoded(np.random.default_rng(0).integers(-2, 3, 9999).astype("int16"), 8_000, "WAV"),
        "silent",
    ),
    "nan.wav": (
        encoded(np.append(tone(), np.nan), 16_000, "WAV", "FLOAT"),
        "sample 4800 is nan",
    ),
    "inf.wav": (encoded(np.append(tone(), np.inf), 16_000, "WAV", "FLOAT"), "sample 4800 is inf"),
    "six.wav": (encoded(tone(channels=6), 16_000, "WAV"), "6 channels"),
    "half.flac": (encoded(tone(seconds=3), 16_000, "FLAC")[:20_000], "only .* of 3.00 s"),
    "half.ogg": (encoded(tone(seconds=3), 16_000, "OGG")[:300], "breaks off"),
}


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("voice", ["it/anna", "it"])
def test_what_is_no_clip_is_left_out_and_named_with_its_reason(mine, name, voice):
    data, why = BROKEN[name]
    (mine / voice / name).write_bytes(data)
    left_out = skipped(mine)
    assert list(left_out) == [f"{voice}/{name}"]
    assert re.match(why, left_out[f"{voice}/{name}"])


def test_what_lies_elsewhere_is_left_out_and_named(mine):
    store(mine / "lost.wav")
    store(mine / "it" / "anna" / "chapter 1" / "deep.wav")
    store(mine / ".git" / "it" / "anna" / "old.wav")
    assert skipped(mine) == {
        "it/anna/chapter 1": "a folder; expected language/speaker/clip",
        "lost.wav": "lies in no language's folder",
    }


def test_a_copy_is_left_out_for_it_could_stand_on_two_sides_of_a_split(mine):
    (mine / "it/bruno/other name.wav").write_bytes((mine / "fr/anna/uno.wav").read_bytes())
    [(name, why)] = skipped(mine).items()
    assert name == "it/bruno/other name.wav"
    assert why == "the same, bit for bit, as fr/anna/uno.wav"


@settings(max_examples=20, deadline=None)
@given(kinds=st.lists(st.sampled_from(["clip", *BROKEN]), max_size=8))
def test_every_file_is_a_clip_or_named(tmp_path_factory, kinds):
    root = tmp_path_factory.mktemp("all")
    store(root / "it" / "anna" / "first.wav")
    for i, kind in enumerate(kinds):
        if kind == "clip":
            store(root / "it" / "anna" / f"{i}.wav", tone(frequency=900 + i))
        else:
            (root / "it" / "anna" / f"{kind[:1]}{i}{kind[1:]}").write_bytes(BROKEN[kind][0])
    clips = recordings.folder(root)
    here = {p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file()}
    kept = set(clips["path"])
    assert kept | set(clips.attrs["skipped"]) == here
    assert len(kept) + len(clips.attrs["skipped"]) == len(here)
    assert len(kept) == 1 + kinds.count("clip")


def test_the_report_counts_what_it_does_not_name(mine, capsys):
    for i in range(30):
        (mine / "it" / "anna" / f"{i:02}.wav").write_bytes(b"")
    clips = recordings.folder(mine)
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "left out: 30" and len(clips.attrs["skipped"]) == 30
    assert lines[2] == "  it/anna/00.wav: the file is empty"
    assert len(lines) == 23 and lines[-1].strip().startswith("and 10 more")


def test_without_speakers_there_is_no_split_by_them(tmp_path, capsys):
    for clip in ("it/ciao.wav", "it/uno.wav", "fr/uno.wav"):
        store(tmp_path / clip)
    clips = recordings.folder(tmp_path)
    assert "speakers not known" in capsys.readouterr().out
    assert clips["speaker"].tolist() == [""] * 3
    parts = {"train": 1, "test": 1}
    assert dataset.split(clips, parts).notna().all()
    with pytest.raises(ValueError, match="3 of 3 clips have no speaker"):
        dataset.split(clips, parts, by="speaker")


@pytest.mark.parametrize("stray", ["it/stray.wav", "ru/stray.wav"])
def test_clips_with_and_without_a_speaker_are_refused(mine, stray):
    store(mine / stray)
    with pytest.raises(corpus.CorpusError, match=r"1 of 7 clips lie in no .*stray\.wav"):
        recordings.folder(mine)


def test_a_folder_without_clips_is_refused_with_the_reasons(tmp_path):
    with pytest.raises(corpus.CorpusError, match="no clip found; .*language/speaker/clip"):
        recordings.folder(tmp_path)
    (tmp_path / "ciao.wav").write_bytes(b"")
    with pytest.raises(corpus.CorpusError, match="Left out: 1\n  ciao.wav: lies in no language"):
        recordings.folder(tmp_path)
    with pytest.raises(corpus.CorpusError, match="nowhere: no such folder"):
        recordings.folder(tmp_path / "nowhere")


def test_one_name_written_in_two_ways_is_one(tmp_path):
    for voice, form in (("français/zoé", "NFC"), ("français/zoé", "NFD"), ("ру/аня", "NFC")):
        store(tmp_path / unicodedata.normalize(form, voice) / f"{form}é ё 你好.wav")
    store(tmp_path / "ру/аня" / unicodedata.normalize("NFD", "NFCé ё 你好.wav"))
    clips = recordings.folder(tmp_path)
    assert set(clips["language"]) == {"français", "ру"} and clips["speaker"].nunique() == 2
    assert clips["prompt"].nunique() == 2
    assert len(loading.load_clips(clips)) == len(clips) == 4


def test_a_recording_of_ones_own_that_has_gone_or_broken_is_named(mine):
    clips = recordings.folder(mine)
    gone, broken = clips.iloc[0], clips.iloc[1]
    (mine / "fr/anna/ciao.wav").unlink()
    (mine / "fr/anna/uno.wav").write_bytes(b"none")
    with pytest.raises(corpus.CorpusError, match=r"ciao\.wav: cannot be read"):
        loading.load_clip(gone)
    with pytest.raises(corpus.CorpusError, match=r"uno\.wav: the file is not the one"):
        loading.load_clip(broken)


def test_the_shipped_clips_as_a_folder_give_the_same_features(tmp_path):
    shipped = corpus.manifest().query("prompt in ('vm-goodbye', 'conf-waitforleader')")
    shipped = shipped.query("not unheard").reset_index(drop=True)
    for row in shipped.itertuples():
        y, sr = corpus.load_clip(row.path)
        target = tmp_path / row.language / row.speaker / f"{row.prompt}.wav"
        store(target, y, sr, "FLOAT")
    own = recordings.folder(tmp_path)
    assert own[["language", "speaker", "prompt"]].equals(shipped[["language", "speaker", "prompt"]])
    parts = {"train": 1, "test": 1}
    for by in ("prompt", "speaker"):
        assert dataset.split(own, parts, by).equals(dataset.split(shipped, parts, by))
    pair = [features.extract(clips, cache=tmp_path / "cache") for clips in (own, shipped)]
    for one, two in zip(*pair, strict=True):
        np.testing.assert_array_equal(one, two)
