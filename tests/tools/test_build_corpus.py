"""The shipped recordings are made as the manifest says, the same bytes every time."""

import csv
import io
import shutil
import subprocess

import av
import numpy as np
import pandas as pd
import pytest
import soundfile
from scipy.signal import welch

from helpers.audio import corpus
from tests.audio.sounds import encoded, muxed, tone
from tools import build_corpus
from tools.build_corpus import SR

RNG = np.random.default_rng(0)
HOP = SR // 50


def silence(seconds):
    return np.zeros(round(seconds * SR), np.int16)


def noise(seconds, peak=0.3):
    return np.round(32767 * peak * RNG.uniform(-1, 1, round(seconds * SR))).astype(np.int16)


# --- resampling


def level(y, hertz):
    """Return the power density at a frequency, in dB relative to that between 1 and 3 kHz."""
    f, power = welch(y, SR, window="blackmanharris", nperseg=1600)
    inside = power[(f > 1_000) & (f < 3_000)].mean()
    return 10 * np.log10(power[np.argmin(np.abs(f - hertz))] / inside)


def test_resampling_leaves_no_images_of_a_telephones_band():
    telephone = (3000 * RNG.standard_normal(8_000 * 20)).astype(np.int16)
    frame = av.AudioFrame.from_ndarray(telephone[np.newaxis], format="s16", layout="mono")
    frame.sample_rate = 8_000
    short = av.AudioResampler("s16", "mono", SR)  # FFmpeg's filter, unless told otherwise
    short = [f.to_ndarray()[0] for f in short.resample(frame) + short.resample(None)]
    by_ffmpeg = np.concatenate(short) / 32768
    ours = build_corpus.to_pcm(build_corpus.resample(telephone / 32768, 8_000)) / 32768
    assert [round(level(by_ffmpeg, f)) for f in (4_000, 4_200)] == [-6, -14]  # what it was
    assert max(level(ours, f) for f in range(4_000, 8_000, 50)) < -75
    assert abs(level(ours, 3_400)) < 1


def test_what_is_at_16_khz_stays_as_it_is(tmp_path):
    y = RNG.integers(-32768, 32768, SR, dtype=np.int16)
    (tmp_path / "clip.wav").write_bytes(encoded(y, SR, "WAV", "PCM_16"))
    got, source_sr = build_corpus.decode(tmp_path / "clip.wav")
    np.testing.assert_array_equal(got, y)
    assert got.dtype == np.int16 and source_sr == SR


@pytest.mark.parametrize("sr", [8_000, 44_100])
def test_other_rates_and_stereo_come_out_as_one_channel_at_16_khz(tmp_path, sr):
    y = tone(sr, 1, 440, channels=2)
    (tmp_path / "clip.ogg").write_bytes(encoded(y, sr, "OGG"))
    got, source_sr = build_corpus.decode(tmp_path / "clip.ogg")
    assert source_sr == sr and len(got) == SR
    np.testing.assert_allclose(got[2000:-2000] / 32768, tone(SR, 1)[2000:-2000], atol=0.02)


def test_bare_g722_is_decoded(tmp_path):
    (tmp_path / "clip.g722").write_bytes(muxed(tone(SR, 1), SR, "g722", "g722"))
    got, source_sr = build_corpus.decode(tmp_path / "clip.g722")
    assert source_sr == SR
    spectrum = np.abs(np.fft.rfft(got[1600:14400] * np.hanning(12800)))
    assert np.argmax(spectrum) * SR / 12800 == 440


def test_an_empty_prompt_is_no_clip_and_a_damaged_one_ends_the_build(tmp_path):
    (tmp_path / "empty.g722").write_bytes(b"")
    assert len(build_corpus.decode(tmp_path / "empty.g722")[0]) == 0
    data = encoded(tone(SR, 20), SR, "FLAC")
    (tmp_path / "half.flac").write_bytes(data[: len(data) // 2])
    with pytest.raises(SystemExit, match=r"half\.flac: .*lost sync"):
        build_corpus.decode(tmp_path / "half.flac")


def test_samples_beyond_full_scale_are_clipped():
    got = build_corpus.to_pcm(np.array([-1.5, -1, -0.5, 0, 0.5, 1, 1.5]))
    assert got.tolist() == [-32768, -32768, -16384, 0, 16384, 32767, 32767]


# --- trimming


@pytest.mark.parametrize("before", [0, 0.02, 0.3, 1.5])
@pytest.mark.parametrize("after", [0, 0.02, 0.3, 1.5])
def test_silence_around_speech_is_cut_to_the_margin(before, after):
    speech = noise(0.5)
    y = np.concatenate([silence(before), speech, silence(after)])
    got = build_corpus.trim(y)
    margins = [min(seconds, build_corpus.MARGIN) * SR for seconds in (before, after)]
    assert abs(len(got) - (len(speech) + sum(margins))) < HOP  # speech ends within a block
    start = round(margins[0] - 0) if before <= build_corpus.MARGIN else None
    found = np.flatnonzero(got)[[0, -1]]
    assert found[1] - found[0] + 1 == len(np.trim_zeros(speech)), "speech was cut"
    assert start is None or abs(found[0] - start) < 2 * HOP


def test_a_pause_within_speech_stays():
    y = np.concatenate([noise(0.2), silence(2), noise(0.2)])
    np.testing.assert_array_equal(build_corpus.trim(y), y)


def test_what_is_40_db_below_the_speech_is_silence():
    speech = noise(0.5)
    for db, kept in ((-46, False), (-34, True)):
        hum = (noise(1, 0.3 * 10 ** (db / 20))).astype(np.int16)
        got = build_corpus.trim(np.concatenate([hum, speech, hum]))
        assert (len(got) > 2 * SR) == kept


@pytest.mark.parametrize("y", [silence(0), silence(1), noise(1, 0.0005), silence(0.01)])
def test_nothing_is_left_of_a_recording_without_speech(y):
    assert len(build_corpus.trim(y)) == 0


def test_only_the_loud_are_turned_down():
    soft, loud = noise(0.1, 0.6), noise(0.1, 0.99)
    np.testing.assert_array_equal(build_corpus.turn_down(soft), soft)
    got = build_corpus.turn_down(loud)
    assert np.abs(got).max() == round(0.7 * 32768)
    np.testing.assert_allclose(got, loud * (np.abs(got).max() / np.abs(loud).max()), atol=1)
    lowest = build_corpus.turn_down(np.array([-32768, 0], np.int16))  # abs() of it overflows
    assert lowest.tolist() == [-round(0.7 * 32768), 0]


# --- serial numbers


def pages(ogg):
    """Return serial number and checksum of every page."""
    found, at = [], 0
    while at < len(ogg):
        segments = ogg[at + 26]
        found.append((ogg[at + 14 : at + 18], ogg[at + 22 : at + 26]))
        at += 27 + segments + sum(ogg[at + 27 : at + 27 + segments])
    return found


def test_the_same_samples_give_the_same_bytes(tmp_path):
    y = noise(3)
    for name in "ab":
        build_corpus.encode(y, tmp_path / f"{name}.ogg")
    data = (tmp_path / "a.ogg").read_bytes()
    assert data == (tmp_path / "b.ogg").read_bytes()
    assert encoded(y, SR, "OGG") != encoded(y, SR, "OGG"), "libsndfile draws no number any more"
    assert {serial for serial, _ in pages(data)} == {b"\1\0\0\0"} and len(pages(data)) > 2


def test_a_new_serial_number_changes_no_sample_and_its_checksums_are_libogg_s():
    original = encoded(noise(3), SR, "OGG")
    fixed = build_corpus.fix_serial(original, 7)
    expected, _ = soundfile.read(io.BytesIO(original))
    np.testing.assert_array_equal(soundfile.read(io.BytesIO(fixed))[0], expected)
    # Back under its first number, the file must be what libogg wrote, checksums included.
    first = int.from_bytes(pages(original)[0][0], "little")
    assert build_corpus.fix_serial(fixed, first) == original


# --- packages, rows, the whole


@pytest.mark.skipif(not shutil.which("dpkg-deb"), reason="needs Debian's dpkg-deb")
def test_a_package_of_another_version_is_refused(tmp_path):
    control = tmp_path / "prompts/DEBIAN/control"
    control.parent.mkdir(parents=True)
    control.write_text(
        "Package: prompts\nVersion: 2:1.0-3\nArchitecture: all\n"
        "Maintainer: A <a@example.org>\nDescription: prompts\n"
    )
    (tmp_path / "prompts/usr").mkdir()
    (tmp_path / "prompts/usr/ciao.wav").write_bytes(b"ciao")
    deb = tmp_path / "prompts_1.0-3_all.deb"
    subprocess.run(["dpkg-deb", "-b", tmp_path / "prompts", deb], check=True, capture_output=True)
    build_corpus.unpack(tmp_path, "prompts", "2:1.0-3", tmp_path / "there")
    assert (tmp_path / "there/usr/ciao.wav").read_bytes() == b"ciao"
    with pytest.raises(SystemExit, match="version 2:1.0-3; the corpus is made from 2:1.0-2"):
        build_corpus.unpack(tmp_path, "prompts", "2:1.0-2", tmp_path / "other")
    assert not (tmp_path / "other").exists()
    with pytest.raises(SystemExit, match="0 files songs_.*deb; expected 1"):
        build_corpus.unpack(tmp_path, "songs", "1", tmp_path / "other")


def test_packages_are_asked_for_in_their_version(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(
        build_corpus.subprocess,
        "run",
        lambda command, **options: asked.append(command) or subprocess.CompletedProcess(command, 1),
    )
    with pytest.raises(SystemExit, match="snapshot.debian.org"):
        build_corpus.download(tmp_path)
    assert "klettres-data=4:22.12.3-1" in asked[0]


def test_versions_and_credits_are_the_manifests():
    for name in build_corpus.COLLECTIONS:
        rows = corpus.manifest(corpus.SPEECH.parent / name).drop_duplicates(["language", "speaker"])
        fields = [
            "language",
            "speaker",
            "package",
            "version",
            "licence",
            "credit",
            "line",
            "person",
        ]
        voices = [voice for voice in build_corpus.VOICES if voice.collection == name]
        made = {tuple(getattr(voice, field) for field in fields) for voice in voices}
        assert made == set(rows[fields].itertuples(index=False, name=None))


def test_a_clip_is_made_and_its_row_says_so(tmp_path):
    voice = build_corpus.VOICES[0]
    y = np.concatenate([silence(1), noise(0.5), silence(1)])
    (tmp_path / "ciao.wav").write_bytes(encoded(y, SR, "WAV", "PCM_16"))
    row = build_corpus.make_clip((tmp_path / "ciao.wav", "digits/1", voice, tmp_path / "speech"))
    assert row["path"] == "en-US/allison/digits__1.ogg" and list(row) == build_corpus.COLUMNS
    info = soundfile.info(tmp_path / "speech" / row["path"])
    assert info.duration == pytest.approx(float(row["duration"]), abs=1e-3)
    assert info.duration == pytest.approx(0.6, abs=0.02) and info.samplerate == SR


@pytest.mark.parametrize(("seconds", "unheard", "made"), [
    (0.1, "0", False), (0.3, "0", True), (10, "0", True), (10, "1", False), (21, "0", False),
])  # fmt: skip
def test_very_short_and_long_prompts_are_left_out(tmp_path, seconds, unheard, made):
    voice = build_corpus.VOICES[0]._replace(unheard=unheard)
    (tmp_path / "ciao.wav").write_bytes(encoded(noise(seconds), SR, "WAV", "PCM_16"))
    row = build_corpus.make_clip((tmp_path / "ciao.wav", "ciao", voice, tmp_path / "speech"))
    assert (row is not None) == made


def test_a_long_reading_is_cut_at_its_pauses_and_nothing_is_lost():
    parts = [noise(seconds) for seconds in (3, 4, 5, 2, 3)]
    hiss = noise(0.3, 0.3 * 10 ** (-15 / 20))  # a noisy line
    y = np.concatenate([np.concatenate([part, hiss]) for part in parts])
    got = build_corpus.pieces(y)
    np.testing.assert_array_equal(np.concatenate(got), y)
    assert len(got) > 2 and all(len(piece) <= 8 * SR for piece in got)
    pauses = np.cumsum([len(part) + len(hiss) for part in parts]) - len(hiss) / 2
    for cut in np.cumsum([len(piece) for piece in got])[:-1]:
        assert np.abs(pauses - cut).min() < len(hiss) / 2


@pytest.mark.parametrize("seconds", [0.5, 8])
def test_a_short_reading_stays_whole(seconds):
    (got,) = build_corpus.pieces(noise(seconds))
    assert len(got) == seconds * SR


def test_a_long_recording_makes_several_clips(tmp_path):
    voice = build_corpus.VOICES[-1]._replace(long="1", unheard="1", content="sentences")
    y = np.concatenate([noise(5), silence(1), noise(4), silence(1)])
    (tmp_path / "reading.wav").write_bytes(encoded(y, SR, "WAV", "PCM_16"))
    job = (tmp_path / "reading.wav", "reading", voice, tmp_path / "there")
    rows = build_corpus.make_clips(job)
    assert [row["prompt"] for row in rows] == ["reading-01", "reading-02"]
    assert all((tmp_path / "there" / row["path"]).is_file() for row in rows)


def test_what_is_recorded_beyond_full_scale_is_brought_back(tmp_path):
    loud = tone(SR, 1, 440)
    loud = loud * (2.5 / np.abs(loud).max())
    soundfile.write(tmp_path / "loud.wav", loud, SR, "FLOAT")
    got, _ = build_corpus.decode(tmp_path / "loud.wav")
    assert np.abs(got.astype(int)).max() >= 32767
    assert np.corrcoef(got, loud)[0, 1] > 0.9999


def test_words_are_told_from_sentences_by_the_median_of_the_voices():
    rows = [
        {"prompt": "a", "content": "", "duration": "0.9"},
        {"prompt": "a", "content": "", "duration": "1.0"},
        {"prompt": "a", "content": "", "duration": "3.0"},
        {"prompt": "b", "content": "", "duration": "1.3"},
        {"prompt": "c", "content": "letters", "duration": "4"},
    ]
    build_corpus.fill_content(rows)
    assert [row["content"] for row in rows] == ["words"] * 3 + ["sentences", "letters"]


def test_a_person_says_the_same_bytes_once():
    def row(path, person, digest):
        return {"path": path, "person": person, "sha256": digest}

    rows = [row("b", "anna", "1"), row("a", "anna", "1"), row("c", "june", "1")]
    assert [r["path"] for r in build_corpus.without_twins(rows)] == ["a", "c"]


def test_voices_share_the_prompts_that_are_taken():
    ours = {f"stamp/{i}": i for i in range(100)}
    theirs = {k: v for k, v in ours.items() if v % 10}
    some, others = build_corpus.share(ours, 30), build_corpus.share(theirs, 30)
    assert len(some) == len(others) == 30 and len(some.keys() & others.keys()) > 22
    assert build_corpus.share(ours, 500) == ours


def test_the_words_beside_a_stamp_are_read_in_its_language(tmp_path):
    voice = build_corpus.VOICES[0]._replace(language="es", suffix="_desc_es.ogg")
    text = "A dog.\nast.utf8=Un perru.\nes.utf8=Un perro.\nes_MX.utf8=Un can.\n"
    (tmp_path / "dog.txt").write_text(text, encoding="utf-8")
    assert build_corpus.text_of(tmp_path / "dog_desc_es.ogg", voice) == "Un perro."
    assert build_corpus.text_of(tmp_path / "cat_desc_es.ogg", voice) == ""


@pytest.mark.parametrize(("prompt", "speech"), [
    ("vm-goodbye", True), ("digits/1", True), ("silence/1", False), ("beep", False),
    ("tt-weasels", False), ("letters/ascii33", True), ("descending-2tone", False),
    ("demo-echotest", True), ("ktuberling/tux-laugh", False), ("ktuberling/tux-scarf", True),
    ("hedgewars/Ow3", False), ("hedgewars/Ohdear", True), ("ktuberling/robin_je-ris", False),
])  # fmt: skip
def test_what_is_no_speech_is_left_out_by_its_name(prompt, speech):
    assert (build_corpus.NOT_SPEECH.match(prompt) is None) == speech


def test_what_a_rebuild_changes_is_counted_and_what_is_gone_is_taken_away(tmp_path):
    def row(path, digest):
        return dict.fromkeys(build_corpus.COLUMNS, "") | {"path": path, "sha256": digest}

    speech, built = tmp_path / "speech", tmp_path / "built"
    for folder, names in ((speech, "abc"), (built, "bcd")):
        (folder / "it").mkdir(parents=True)
        for name in names:
            (folder / "it" / f"{name}.ogg").write_text(folder.name)
    before = [row(f"it/{name}.ogg", name) for name in "abc"]
    build_corpus.put(shutil.copytree(speech, tmp_path / "before"), before, speech)
    rows = [row("it/d.ogg", "d"), row("it/b.ogg", "b"), row("it/c.ogg", "other")]
    told = build_corpus.compare(rows, speech / "manifest.csv")
    for part in ("1 the same", "1 other bytes", "1 new", "1 gone"):
        assert part in told
    build_corpus.put(built, rows, speech)
    assert sorted(p.name for p in speech.rglob("*.ogg")) == ["b.ogg", "c.ogg", "d.ogg"]
    assert (speech / "it/b.ogg").read_text() == "built"
    with open(speech / "manifest.csv", newline="", encoding="utf-8") as file:
        assert [r["path"] for r in csv.DictReader(file)] == ["it/b.ogg", "it/c.ogg", "it/d.ogg"]


def test_what_is_put_there_is_read_back_whole(tmp_path):
    rows = corpus.manifest().drop(columns="root").groupby("speaker").head(2)
    told = rows.assign(**rows[["unheard", "synthetic"]].astype(int)).astype(str).to_dict("records")
    (tmp_path / "built").mkdir()
    build_corpus.put(tmp_path / "built", told, tmp_path / "speech")
    got = corpus.manifest(tmp_path / "speech").drop(columns="root")
    wanted = rows.sort_values("path").reset_index(drop=True)
    pd.testing.assert_frame_equal(got.sort_values("path").reset_index(drop=True), wanted)
    with open(tmp_path / "speech" / "sources.csv", newline="", encoding="utf-8") as file:
        of = [(row["package"], row["speaker"]) for row in csv.DictReader(file)]
    assert len(of) == len(set(of)) < len(rows)
