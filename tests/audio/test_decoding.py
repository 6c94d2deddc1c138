"""Whatever people record is read, and whatever cannot be read is told by its true reason."""

import io
import re
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import ROOT
from helpers.audio import decoding
from helpers.audio.decoding import CodecError, DecodingError, decode, decoders, examine
from tests.audio.sounds import encoded, muxed, tone, wav

SECONDS = 2.44
DATA = Path(__file__).parent / "data"  # not every FFmpeg writes AMR: muxed(long(8_000), ...)


def long(sr):
    return tone(sr, SECONDS)


BY_SOUNDFILE = {
    f"{kind} {subtype}": encoded(long(16_000), 16_000, kind, subtype)
    for kind, subtype in [
        ("WAV", "PCM_16"),
        ("WAV", "PCM_24"),
        ("WAV", "FLOAT"),
        ("WAV", "ULAW"),
        ("WAV", "GSM610"),
        ("WAV", "MS_ADPCM"),
        ("WAV", "G721_32"),
        ("WAVEX", "PCM_16"),
        ("RF64", "PCM_16"),
        ("W64", "PCM_16"),
        ("AIFF", "PCM_16"),
        ("AU", "PCM_16"),
        ("CAF", "PCM_16"),
        ("FLAC", "PCM_16"),
        ("OGG", "VORBIS"),
        ("OGG", "OPUS"),
        ("MP3", "MPEG_LAYER_III"),
        ("NIST", "PCM_16"),
        ("VOC", "PCM_16"),
    ]
}
BY_FFMPEG = {
    "telephone, M4A": muxed(long(44_100), 44_100, "ipod", "aac"),
    "telephone, M4A, index first": muxed(
        long(44_100), 44_100, "ipod", "aac", movflags="+faststart"
    ),
    "telephone, 3GP with AAC": muxed(long(16_000), 16_000, "3gp", "aac"),
    "telephone, 3GP with AMR": (DATA / "tone-amr.3gp").read_bytes(),
    "telephone, AMR": (DATA / "tone.amr").read_bytes(),
    "telephone, bare AAC": muxed(long(44_100), 44_100, "adts", "aac"),
    "Chrome, WebM": muxed(long(48_000), 48_000, "webm", "libopus", live="1"),
    "Firefox, Ogg with Opus": muxed(long(48_000), 48_000, "ogg", "libopus"),
    "Safari, MP4 in fragments": muxed(
        long(48_000), 48_000, "mp4", "aac", movflags="frag_keyframe+empty_moov"
    ),
    "Matroska": muxed(long(44_100), 44_100, "matroska", "aac"),
    "film, MP4": muxed(long(44_100), 44_100, "mp4", "aac", picture=True),
    "film, AVI": muxed(long(44_100), 44_100, "avi", "libmp3lame", picture=True),
    "MOV with PCM": muxed(long(44_100), 44_100, "mov", "pcm_s16le"),
    "CAF with ALAC": muxed(long(44_100), 44_100, "caf", "alac"),
    "MP3": muxed(long(44_100), 44_100, "mp3", "libmp3lame"),
    "MP3 without Xing's header": muxed(long(44_100), 44_100, "mp3", "libmp3lame", write_xing="0"),
    "MPEG layer 2": muxed(long(44_100), 44_100, "mp2", "mp2"),
}
WHOLE = BY_SOUNDFILE | BY_FFMPEG


def reason(data):
    with pytest.raises(DecodingError) as caught:
        decode(data)
    return str(caught.value)


# --- what can be read


@pytest.mark.parametrize("name", WHOLE)
def test_what_people_record_is_read(name, capfd):
    assert decoding.looks_like_sound(WHOLE[name][:64])
    sound = examine(WHOLE[name])
    y, sr = sound.y, sound.sr
    assert y.dtype == np.float32 and y.ndim == 1 and sound.note == ""
    assert len(y) / sr == pytest.approx(SECONDS, abs=0.13)  # codecs fill their last frame
    middle = y[sr // 2 : sr // 2 + sr]
    assert np.argmax(np.abs(np.fft.rfft(middle * np.hanning(sr)))) == 440  # a bin is 1 Hz
    assert np.std(middle) == pytest.approx(0.4 / np.sqrt(2), rel=0.15)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["WAV PCM_16", "FLAC PCM_16", "OGG VORBIS", "WAV FLOAT"])
def test_what_soundfile_reads_is_read_to_the_last_bit(name, monkeypatch):
    data = WHOLE[name]
    expected, sr = soundfile.read(io.BytesIO(data), dtype="float32")
    for block in (decoders.BLOCK, 1000, len(expected)):
        monkeypatch.setattr(decoders, "BLOCK", block)
        y, got = decode(data)
        assert got == sr
        np.testing.assert_array_equal(y, expected)


@pytest.mark.parametrize("size", [0, 2**31 - 37, 2**31 - 1, 2**31, 2**32 - 37, 2**32 - 1])
def test_a_recorder_that_was_stopped_did_not_know_the_length(size):
    y, sr = decode(wav(long(8_000), 8_000, size))
    expected, _ = decode(wav(long(8_000), 8_000))
    np.testing.assert_array_equal(y, expected)
    assert sr == 8_000


@pytest.mark.parametrize("size", [None, 0])
def test_what_stands_behind_the_samples_is_no_sound(size):
    tags = struct.pack("<4sI", b"LIST", 4) + b"INFO"
    if size is None:
        y, _ = decode(wav(long(8_000), 8_000, behind=tags))
        assert len(y) == round(SECONDS * 8_000)
    else:
        assert reason(wav(np.zeros(0), 8_000, behind=tags)) == "lasts 0 ms; expected 25 or more"


def test_an_mp3_is_found_behind_whatever_stands_before_it(capfd):
    for name in ("MP3", "MP3 without Xing's header"):
        data = WHOLE[name]
        tag = b"ID3\x04\0\0\0\0\x07\x68" + bytes(1000)
        for before in (bytes(1000), bytes(range(256)) * 5, tag):
            y, sr = decode(before + data)
            assert len(y) / sr == pytest.approx(SECONDS, abs=0.1)
    assert capfd.readouterr() == ("", "")


def test_an_mp3_with_broken_headers_is_read_without_a_word(capfd):
    data = bytearray(BY_SOUNDFILE["MP3 MPEG_LAYER_III"])
    frames = [at.start() for at in re.finditer(rb"\xff\xf3", data)]
    for at in frames[10:12]:
        data[at : at + 4] = b"\0\0\0\0"
    sound = examine(bytes(data))
    assert len(sound.y) / sound.sr == pytest.approx(SECONDS, abs=0.2)
    assert capfd.readouterr() == ("", "")


def test_titles_may_be_in_any_encoding():
    data = muxed(long(16_000), 16_000, "ipod", "aac", title="QZQZQ")
    assert b"QZQZQ" in data
    assert decode(data.replace(b"QZQZQ", b"\xff\xfe\xc3Z\xe9"))[1] == 16_000


# --- channels and scale


def test_two_channels_are_averaged():
    left, right = tone(seconds=1, frequency=300), tone(seconds=1, frequency=700)
    y, _ = decode(encoded(np.stack([left, right], 1), 16_000, "WAV", "FLOAT"))
    np.testing.assert_allclose(y, (left + right) / 2, atol=1e-7)


@pytest.mark.parametrize("noise", [0, 1e-3])
def test_channels_that_cancel_give_the_first_and_a_note(noise):
    left = tone(seconds=1)
    right = noise * np.random.default_rng(0).standard_normal(len(left)) - left
    sound = examine(encoded(np.stack([left, right], 1), 16_000, "WAV", "FLOAT"))
    np.testing.assert_allclose(sound.y, left, atol=1e-7)
    assert "each other's negative" in sound.note


def test_a_codec_may_overshoot_full_scale_and_no_more():
    y = np.float32(4.5) * tone(seconds=1).astype(np.float32)  # reaches 1.8
    np.testing.assert_array_equal(decode(encoded(y, 16_000, "WAV", "FLOAT"))[0], y)
    said = reason(encoded(32768 * tone(seconds=1), 16_000, "WAV", "FLOAT"))
    assert re.match(r"reaches 1310\d, and 1 is full scale; divide .* 32768 for 16 bits", said)


# --- what cannot be read


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "the file is empty"),
        (b"recorded on Monday", "no known format of sound; if it is a recording, convert it"),
        (bytes(range(256)) * 9, "no known format"),
        (bytes(9999), "no known format"),
        (encoded(np.zeros(9999), 16_000, "FLAC"), "silent: no sample is above -80 dB"),
        (encoded(np.zeros(0), 16_000, "WAV"), "lasts 0 ms"),
        (encoded(tone(seconds=0.024), 16_000, "WAV"), "lasts 24 ms; expected 25 or more"),
        (encoded(np.append(tone(), np.nan), 16_000, "WAV", "FLOAT"), "sample 4800 is nan"),
        (encoded(np.append(tone(), -np.inf), 16_000, "WAV", "FLOAT"), "sample 4800 is -inf"),
        (encoded(tone(channels=6), 16_000, "WAV"), "6 channels; expected 1 or 2"),
        (encoded(tone(), 10, "WAV"), "its sampling rate is 10 Hz; expected 4000 to 768000"),
        (muxed(long(16_000), 16_000, "mp4", None, picture=True), "holds pictures and no sound"),
        (b"RIFF" + bytes(4) + b"WAVE" + bytes(999), "begins like WAV but|breaks off"),
        (b"\x1aE\xdf\xa3" + bytes(999), "begins like WebM or Matroska but cannot be decoded"),
        (b"fLaC" + bytes(999), "begins like FLAC but cannot be decoded"),
    ],
)  # fmt: skip
def test_the_reason_is_the_true_one(data, why):
    assert re.match(why, reason(data))


def test_only_what_no_decoder_reads_is_a_codecs_fault():
    with pytest.raises(CodecError):
        decode(b"none")
    with pytest.raises(DecodingError) as caught:
        decode(wav(np.zeros(9999), 16_000))
    assert not isinstance(caught.value, CodecError)


def test_a_wav_cut_in_the_middle_says_where_and_of_how_much():
    data = wav(long(16_000), 16_000)
    assert reason(data[: 44 + 2 * 15_040]) == "breaks off after 0.94 of 2.44 s"
    gsm = BY_SOUNDFILE["WAV GSM610"]
    assert re.match(r"breaks off after 1\.2\d of 2\.4\d s", reason(gsm[: len(gsm) // 2]))


def test_an_ogg_cut_off_says_where_its_last_whole_piece_ends():
    y = np.random.default_rng(0).uniform(-0.5, 0.5, 16_000 * 20)
    data = encoded(y, 16_000, "OGG")
    said = reason(data[: len(data) // 2])
    [seconds] = re.findall(r"^breaks off; its last whole piece ends at (.*) s$", said)
    assert float(seconds) == pytest.approx(10, abs=2)


def test_an_m4a_without_its_index_breaks_off():
    data = BY_FFMPEG["telephone, M4A"]
    assert reason(data[: len(data) // 2]) == "breaks off; copy it again"


def test_an_m4a_that_lacks_its_last_bytes_breaks_off_though_its_index_is_there():
    data = BY_FFMPEG["telephone, M4A, index first"]
    assert reason(data[:-9]) == "breaks off; copy it again"


# What tells in its header how long it is, in whichever way.
SILENT = "VOC|AMR|bare|Chrome|without|layer 2"  # about it
PROMISING = [name for name in WHOLE if not re.search(SILENT, name)]


@pytest.mark.parametrize("name", PROMISING)
def test_no_recording_that_breaks_off_is_taken_for_a_shorter_one(name):
    data = WHOLE[name]
    whole, sr = decode(data)
    for at in np.linspace(0, len(data), 40, dtype=int)[1:-1]:
        try:
            y, _ = decode(data[:at])
        except DecodingError:
            continue
        # What FFmpeg reads gives its length in whole pieces of a codec.
        pieces = name in BY_FFMPEG or name.startswith("MP3")
        assert len(whole) - len(y) < (0.1 if pieces else 0.025) * sr, at


def test_a_header_that_leads_before_the_first_byte_is_no_error_inside_a_call_from_c():
    """Such an error is printed and passed over; here pytest turns it into a failure."""
    data = bytearray(BY_SOUNDFILE["AIFF PCM_16"])
    data[data.index(b"SSND") + 3] = 0xFF
    with pytest.raises(DecodingError):
        decode(bytes(data))


@pytest.mark.parametrize("channels", [8, 9, 17, 64])
def test_ffmpeg_reads_as_many_channels_as_soundfile(channels):
    y = np.random.default_rng(0).uniform(-1, 1, (4_000, channels)).astype("float32")
    data = encoded(y, 16_000, "WAV", "FLOAT")
    np.testing.assert_array_equal(decoding.decode_as(data, "wav")[0], y.T)


@settings(max_examples=300)
@given(data=st.data())
def test_a_damaged_file_is_read_or_refused_and_nothing_else(data):
    name = data.draw(st.sampled_from(sorted(WHOLE)))
    damaged = bytearray(WHOLE[name])
    for _ in range(data.draw(st.integers(0, 3))):
        within = data.draw(st.sampled_from([64, 512, len(damaged)]))  # headers are short
        at = data.draw(st.integers(0, min(within, len(damaged)) - 1))
        damaged[at] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        del damaged[data.draw(st.integers(0, len(damaged))) :]
    try:
        y, sr = decode(bytes(damaged))
    except DecodingError as error:
        assert 0 < len(str(error)) < 400
    else:
        assert np.isfinite(y).all() and len(y) >= decoding.ONE_FRAME * sr
        assert 4_000 <= sr <= 768_000


@settings(max_examples=100)
@given(st.binary(max_size=2000))
def test_any_bytes_at_all_are_refused_or_read(data):
    try:
        decode(data)
    except DecodingError:
        pass


def test_nothing_is_printed_whatever_is_broken():
    """In a process of its own: what C prints goes past Python."""
    code = (
        "import sys, numpy as np\n"
        "from helpers.audio import decoding\n"
        "from tests.audio.test_decoding import WHOLE\n"
        "rng = np.random.default_rng(0)\n"
        "like_mpeg = bytearray(WHOLE['MP3 MPEG_LAYER_III'][:46])\n"
        "like_mpeg[2] = 0\n"
        "for data in [*WHOLE.values(), like_mpeg]:\n"
        "    for part in (0.5, 1.0):\n"
        "        damaged = bytearray(data[: int(part * len(data))])\n"
        "        for at in rng.integers(len(damaged), size=20 * (len(data) > 46)):\n"
        "            damaged[at] ^= 0xff\n"
        "        try:\n"
        "            decoding.decode(bytes(damaged))\n"
        "        except decoding.DecodingError:\n"
        "            pass\n"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


# --- files


@pytest.mark.parametrize(
    "data",
    [
        b"\x89PNG\r\n\x1a\n" + bytes(60),
        b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(60),
        b"PK\x03\x04" + bytes(60),
        b"%PDF-1.7" + bytes(60),
        b"\xff\xfeM\x00o\x00n\x00d\x00a\x00y\x00",  # text in UTF-16
        b"RIFF\0\0\0\0WEBPVP8 " + bytes(60),
        b"\0\0\0\x18ftypheic" + bytes(60),
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(60),  # Thumbs.db, old spreadsheets
        b"\0\0\0\x01Bud1" + bytes(60),  # .DS_Store
        b"#EXTM3U\nciao.mp3\n",
        b"Monday",
        b"",
    ],
)
def test_what_is_no_recording_does_not_look_like_one(data):
    assert not decoding.looks_like_sound(data)


def test_a_file_is_read_and_named(tmp_path):
    (tmp_path / "ciao.m4a").write_bytes(BY_FFMPEG["telephone, M4A"])
    y, sr = decoding.read(tmp_path / "ciao.m4a")
    np.testing.assert_array_equal(y, decode(BY_FFMPEG["telephone, M4A"])[0])
    assert sr == 44_100 and decoding.read(str(tmp_path / "ciao.m4a"))[1] == sr
    (tmp_path / "notes.wav").write_text("none")
    with pytest.raises(CodecError, match=r"^notes\.wav: no known format"):
        decoding.read(tmp_path / "notes.wav")
    for name in ("nowhere.wav", ""):
        with pytest.raises(DecodingError, match="cannot be read"):
            decoding.read(tmp_path / name)
