"""Any folder of recordings becomes a corpus, and what is left out of it is named."""

import itertools
import os
import re
import sys
import unicodedata
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.audio import corpus, features, loading, recordings
from helpers.study import dataset
from tests.audio.sounds import encoded, muxed, tone, wav

RATES = (8_000, 11_025, 22_050, 44_100, 48_000)
FORMATS = {
    "wav": ("PCM_16", "FLOAT", "PCM_U8"),
    "flac": ("PCM_16", "PCM_24"),
    "ogg": ("VORBIS",),
    "mp3": ("MPEG_LAYER_III",),
}
# Every file gets its own sound, or it would be a copy of another.
FREQUENCIES = itertools.count(200)


def store(path, y=None, sr=16_000, subtype=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    y = tone(sr, frequency=next(FREQUENCIES)) if y is None else y
    soundfile.write(path, y, sr, subtype=subtype)


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
    "half.wav": (wav(tone(seconds=2), 16_000)[:32_000], r"breaks off after 1.00 of 2.00 s"),
    "half.m4a": (muxed(tone(seconds=2), 16_000, "ipod", "aac")[:5000], "breaks off"),
    "film.mp4": (muxed(tone(), 16_000, "mp4", None, picture=True), "holds pictures and no sound"),
    "loud.wav": (encoded(9999 * tone(), 16_000, "WAV", "FLOAT"), "reaches 39.*, and 1 is full"),
    "picture.WAV": (b"\x89PNG\r\n\x1a\n" + bytes(999), "no known format"),
}


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("voice", ["it/anna", "it"])
def test_what_is_no_clip_is_left_out_and_named_with_its_reason(mine, name, voice):
    data, why = BROKEN[name]
    (mine / voice / name).write_bytes(data)
    left_out = skipped(mine)
    assert list(left_out) == [f"{voice}/{name}"]
    assert re.match(why, left_out[f"{voice}/{name}"])


NO_RECORDINGS = {
    "Thumbs.db": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(999),
    "desktop.ini": b"[.ShellClassInfo]",
    "._ciao.wav": b"\0\5\x16\7" + bytes(999),
    ".DS_Store": b"\0\0\0\1Bud1" + bytes(999),
    ".hidden.wav": encoded(tone(), 16_000, "WAV"),
    "notes.txt": b"recorded on Monday",
    "notes": b"RIFF, he said",
    "who.csv": b"clip;speaker",
    "who.xlsx": b"PK\3\4" + bytes(999),
    "all.zip": b"PK\3\4" + encoded(tone(), 16_000, "MP3"),
    "anna.jpg": b"\xff\xd8\xff\xe0\0\x10JFIF" + bytes(999),
    "anna.heic": b"\0\0\0\x18ftypheic" + bytes(999),
    "anna.webp": b"RIFF\0\0\0\0WEBP" + bytes(999),
    "list.m3u": b"#EXTM3U\nciao.mp3",
    "list.cue": b'FILE "ciao.wav" WAVE',
    "ciao.TextGrid": b'File type = "ooTextFile"',
    "empty": b"",
}


@pytest.mark.parametrize("name", NO_RECORDINGS)
@pytest.mark.parametrize("where", ["it/anna", "it", "."])
def test_what_does_not_look_like_a_recording_is_ignored(mine, name, where, capsys):
    (mine / where / name).write_bytes(NO_RECORDINGS[name])
    clips = recordings.folder(mine)
    assert clips.attrs["skipped"] == {} and len(clips) == 6
    assert "left out: 0\n" in capsys.readouterr().out
    seen = [] if name.startswith(".") else [(mine / where / name).relative_to(mine).as_posix()]
    assert clips.attrs["ignored"] == seen


@pytest.mark.parametrize("name", ["ciao ciao", "ciao.dat", "ciao.WAV", "ciao.mp3"])
def test_a_recording_is_known_by_its_first_bytes_too(mine, name):
    (mine / "it/anna" / name).write_bytes(encoded(tone(frequency=901), 16_000, "FLAC"))
    clips = recordings.folder(mine)
    assert clips.attrs["skipped"] == {} and f"it/anna/{name}" in set(clips["path"])


def test_whatever_a_telephone_records_is_a_clip_of_the_folder(tmp_path):
    voice = tmp_path / "it" / "anna"
    voice.mkdir(parents=True)
    files = {
        "uno.m4a": muxed(tone(44_100, 1, 300), 44_100, "ipod", "aac"),
        "due.3gp": muxed(tone(16_000, 1, 400), 16_000, "3gp", "aac"),
        "tre.webm": muxed(tone(48_000, 1, 500), 48_000, "webm", "libopus", live="1"),
        "quattro.mp4": muxed(tone(44_100, 1, 600), 44_100, "mp4", "aac", picture=True),
        "cinque.wav": encoded(tone(8_000, 1, 700), 8_000, "WAV", "GSM610"),
        "sei.wav": wav(tone(8_000, 1, 800), 8_000, size=0),
    }
    for name, data in files.items():
        (voice / name).write_bytes(data)
    clips = recordings.folder(tmp_path).set_index("prompt")
    assert clips.attrs["skipped"] == {}
    frequencies = {Path(name).stem: 300 + 100 * i for i, name in enumerate(files)}
    assert set(clips.index) == set(frequencies)
    for prompt, y in zip(clips.index, loading.load_clips(clips), strict=True):
        assert len(y) / loading.SR == pytest.approx(clips.loc[prompt, "duration"], abs=1e-3)
        spectrum = np.abs(np.fft.rfft(y[4000:12_000] * np.hanning(8000)))
        assert np.argmax(spectrum) * 2 == pytest.approx(frequencies[prompt], abs=3)


def test_what_had_to_be_decided_is_told(mine, capsys):
    left = tone(frequency=333)
    store(mine / "it/anna/opposite.wav", np.stack([left, -left], 1))
    clips = recordings.folder(mine)
    [(name, note)] = clips.attrs["notes"].items()
    assert name == "it/anna/opposite.wav" and "each other's negative" in note
    assert f"to be noted: 1\n  {name}: {note}\n" in capsys.readouterr().out
    [y] = loading.load_clips(clips[clips["prompt"] == "opposite"])
    np.testing.assert_allclose(y, left, atol=1e-4)


@pytest.mark.skipif(sys.platform != "linux", reason="names and special files of Linux")
def test_nothing_that_a_folder_may_hold_stops_the_others(mine, capsys):
    voice = mine / "it" / "anna"
    os.mkfifo(voice / "pipe.wav")  # who reads it waits for ever
    (voice / "gone.wav").symlink_to(mine / "nowhere.wav")
    (voice / "gone").symlink_to(mine / "nowhere")
    (voice / "loop").symlink_to(voice)
    store(voice / "good.wav")
    os.rename(voice / "good.wav", os.fsencode(voice) + b"/\xff.wav")
    with open(os.fsencode(voice) + b"/\xfe.wav", "wb"):
        pass
    (voice / "deep").mkdir()
    clips = recordings.folder(mine)
    assert clips.attrs["skipped"] == {
        "it/anna/gone.wav": "a link to nothing",
        "it/anna/loop": "a folder; expected language/speaker/clip",
        "it/anna/pipe.wav": "not a file",
        "it/anna/?.wav": "the file is empty",
    }
    assert len(clips) == 7 == len(loading.load_clips(clips))
    told = capsys.readouterr().out
    assert "left out: 4" in told and told.encode("utf-8")  # a terminal takes nothing else


@pytest.mark.parametrize("what", ["folder", "file"])
def test_what_may_not_be_read_is_named(mine, what, monkeypatch):
    def refuse(*arguments, **options):
        raise PermissionError(13, "Permission denied")

    if what == "folder":
        listed = recordings._listed
        choose = lambda path: refuse() if path.name == "bruno" else listed(path)  # noqa: E731
        monkeypatch.setattr(recordings, "_listed", choose)
        assert skipped(mine) == {"it/bruno": "cannot be read (Permission denied)"}
    else:
        monkeypatch.setattr(recordings, "open", refuse, raising=False)
        with pytest.raises(corpus.CorpusError, match="Left out: 6\n.*Permission denied"):
            recordings.folder(mine)


def test_the_path_begins_at_the_root_wherever_one_stands(mine, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    clips = recordings.folder("mine")
    assert set(clips["root"]) == {str(mine)}
    assert clips["path"].tolist()[:2] == ["fr/anna/ciao.wav", "fr/anna/uno.wav"]
    monkeypatch.chdir(mine)
    assert len(loading.load_clips(clips)) == 6


def test_tables_of_several_places_can_be_one(mine):
    own, shipped = recordings.folder(mine), corpus.manifest().head(2)
    both = pd.concat([own, shipped], ignore_index=True)
    sounds = loading.load_clips(both)
    assert [len(y) for y in sounds[:6]] == [4800] * 6
    np.testing.assert_array_equal(sounds[6], corpus.load_clip(shipped["path"][0])[0])


def test_a_row_that_nobody_has_read_is_loaded_all_the_same(mine):
    rows = [{"path": "it/anna/ciao.wav", "language": "it", "root": str(mine)}]
    [y] = loading.load_clips(loading.table(rows))
    assert len(y) == 4800
    assert loading.table(rows).dtypes["source_sr"] == "Int64"
    mixed = loading.table([*rows, {"path": "a", "source_sr": 8000, "duration": 1.5, "unheard": 1}])
    assert mixed["source_sr"].isna().tolist() == [True, False]
    assert (mixed["source_sr"] == 8000).fillna(False).tolist() == [False, True]
    assert mixed["unheard"].tolist() == [False, True] and mixed["duration"][1] == 1.5
    assert loading.table([]).columns.tolist() == list(loading.COLUMNS)


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
@given(kinds=st.lists(st.sampled_from(["clip", *BROKEN, "notes.txt"]), max_size=8))
def test_every_file_is_a_clip_or_named(tmp_path_factory, kinds):
    root = tmp_path_factory.mktemp("all")
    store(root / "it" / "anna" / "first.wav")
    for i, kind in enumerate(kinds):
        if kind == "clip":
            store(root / "it" / "anna" / f"{i}.wav", tone(frequency=900 + i))
        else:
            data = BROKEN.get(kind, (b"Monday", ""))[0]
            (root / "it" / "anna" / f"{i}{kind}").write_bytes(data)
    clips = recordings.folder(root)
    here = {p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file()}
    kept = set(clips["path"])
    assert kept | set(clips.attrs["skipped"]) | set(clips.attrs["ignored"]) == here
    assert len(kept) + len(clips.attrs["skipped"]) + len(clips.attrs["ignored"]) == len(here)
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
