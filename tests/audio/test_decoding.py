"""Whatever people record is read, and whatever cannot be read is told by its true reason."""

import io
import itertools
import re
import struct
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import ROOT
from helpers.audio import decoding
from helpers.audio.decoding import (
    CodecError,
    DecodingError,
    decode,
    decoders,
    examine,
    formats,
    promises,
)
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


def test_whatever_had_to_be_decided_is_told(monkeypatch):
    y = np.stack([tone(), -tone()])
    told = y, 16_000, 0.0, "a damaged part is left out"
    monkeypatch.setattr(decoding, "samples_of", lambda *_: told)
    note = examine(b"any").note
    assert note.startswith("a damaged part is left out; its two channels are each other's negative")


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
    assert reason(encoded(y[:8000], 16_000, "OGG")[:5000]) == "breaks off within its first piece"


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


# --- what headers say, planted as their standards lay them out


def mpeg_header(version, layer, bits, rate, padding=0, protection=1):
    """Return a header of MPEG audio; version 3 is MPEG 1, 2 is MPEG 2, 0 is MPEG 2.5."""
    second = 0xE0 | version << 3 | (4 - layer) << 1 | protection
    return bytes([0xFF, second, bits << 4 | rate << 2 | padding << 1, 0])


@pytest.mark.parametrize("version", [3, 2, 0])
@pytest.mark.parametrize("layer", [1, 2, 3])
def test_every_frame_of_mpeg_is_as_long_as_ffmpeg_finds_it(version, layer):
    for bits, rate, padding in itertools.product(range(1, 15), range(3), range(2)):
        head = mpeg_header(version, layer, bits, rate, padding)
        length, _ = formats._mpeg_frame(b"before" + head, 6)
        with av.open(io.BytesIO((head + bytes(length - 4)) * 8), format="mp3") as container:
            sizes = [packet.size for packet in container.demux() if packet.size]
        assert set(sizes) == {length}, head


def test_what_is_no_header_of_mpeg_is_none():
    whole = mpeg_header(3, 3, 9, 0)
    assert formats._mpeg_frame(whole, 0)
    reserved = [mpeg_header(1, 3, 9, 0), mpeg_header(3, 4, 9, 0), mpeg_header(3, 3, 0, 0),
                mpeg_header(3, 3, 15, 0), mpeg_header(3, 3, 9, 3)]  # fmt: skip
    for head in [*reserved, whole[:3], b"\xfe" + whole[1:], b"\xff\xdb" + whole[2:], b""]:
        assert formats._mpeg_frame(head, 0) is None, head


def test_frames_of_one_stream_share_version_layer_and_rate_alone():
    def fixed(*fields):
        return formats._mpeg_frame(mpeg_header(*fields), 0)[1]

    plain = fixed(3, 3, 9, 1)
    assert fixed(3, 3, 4, 1) == fixed(3, 3, 9, 1, 1) == fixed(3, 3, 9, 1, 0, 0) == plain
    others = {fixed(2, 3, 9, 1), fixed(3, 2, 9, 1), fixed(3, 3, 9, 0), fixed(3, 3, 9, 2)}
    assert len(others) == 4 and plain not in others


def test_three_frames_in_a_row_within_64_kib_are_mpeg():
    def frames(*rates):
        heads = [mpeg_header(3, 3, 9, rate) for rate in rates]
        return b"".join(head + bytes(formats._mpeg_frame(head, 0)[0] - 4) for head in heads)

    whole = frames(1, 1, 1)
    for before in (b"", b"\xff", b"\xff\xfb", bytes(65_535)):
        assert formats._hidden_mpeg(before + whole) == "mpeg"
    for data in (bytes(65_536) + whole, frames(1, 1), frames(1, 1, 0), bytes(9), b""):
        assert formats._hidden_mpeg(data) is None
    assert formats._hidden_mpeg(frames(0) + whole) == "mpeg"


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"RIFF....WAVEfmt ", "wav"), (b"RF64....WAVEds64", "wav"), (b"BW64....WAVEds64", "wav"),
        (b"RIFX....WAVEfmt ", "wav"), (b"RIFF....AVI LIST", "avi"), (b"RIFF....CDXA....", None),
        (b"FORM....AIFFCOMM", "aiff"), (b"FORM....AIFCFVER", "aiff"),
        (b"FORM....8SVXVHDR", "other"), (b"FORM....ILBMBMHD", None),
        (b"riff\x2e\x91\xcf\x11", "w64"), (b".snd", "au"),
        (b"dns.", "au"), (b"caff\0\1\0\0", "caf"), (b"fLaC", "flac"), (b"OggS", "ogg"),
        (b"\x1aE\xdf\xa3", "matroska"), (b"#!AMR\n", "amr"), (b"FLV\x01\x05", "flv"),
        (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "asf"), (b"NIST_1A\n   1024\n", "sphere"),
        (b"Creative Voice File\x1a", "other"), (b"\0\0\0\x18ftypM4A ....", "mp4"),
        (b"\0\0\0\x08wide\0\0\0\0mdat", "mp4"), (b"\0\0\0\x18ftypM4A", None),
        (b"\0\0\0\x18ftypavif....", None), (b"\0\0\0\x18ftypcrx ....", None),
        (b"\xff\xf1", "adts"), (b"\xff\xf9\x50", "adts"), (b"\xff", None), (b"\xff\xf7", None),
        (mpeg_header(3, 3, 9, 0), "mpeg"), (mpeg_header(2, 2, 9, 0), "mpeg"),
        (b"ID3\4\0\0\0\0\0\5" + b"12345" + b"fLaC", "flac"),
        (b"ID3\4\0\0\0\0\1\2" + bytes(130) + b"OggS", "ogg"),
        (b"ID3\4\0\0\0\1\0\0" + bytes(2**14) + b"fLaC", "flac"),
        (b"ID3\4\0\0\1\0\0\0" + bytes(2**21) + b"fLaC", "flac"),
        (b"ID3\4\0\0\0\0\0\5" + b"1234" + b"fLaC", "mpeg"), (b"ID3\4\0\0\0\0\0", None),
        (b"ID3\4\0\0\0\0\0\5" + b"12345" + b"ID3\4\0\0\0\0\0\0fLaC", "mpeg"),
    ],
)  # fmt: skip
def test_the_first_bytes_tell_the_format(data, kind):
    assert formats._kind_at_start(data) == kind


def test_how_much_is_missing_is_told_as_far_as_it_is_known():
    half, ends, nothing = (
        promises.Missing(0.5),
        promises.Missing(ends=1.25),
        promises.Missing(),
    )
    assert half.seconds(3.0) == 3.0 and promises.Missing(0.75).seconds(3.0) == pytest.approx(1)
    assert ends.seconds(3.0) == nothing.seconds(3.0) == np.inf
    assert half.said(3.0) == "breaks off after 3.00 of 6.00 s"
    assert ends.said(3.0) == ends.said(None) == "breaks off; its last whole piece ends at 1.25 s"
    assert promises.Missing(ends=0.0).said(None) == "breaks off within its first piece"
    assert half.said(None) == nothing.said(3.0) == "breaks off; copy it again"


@pytest.mark.parametrize(
    ("packet", "rate"),
    [
        (b"\x01vorbis" + struct.pack("<IBI", 0, 1, 44_100), 44_100),
        (b"\x01vorbis" + struct.pack("<IBI", 0, 1, 44_100)[:-1], 0),
        (b"OpusHead" + bytes(11), 48_000),
        (b"Speex   " + bytes(28) + struct.pack("<I", 8_000), 8_000),
        (b"Speex   " + bytes(28) + struct.pack("<I", 8_000)[:-1], 0),
        # The stream's information: 10 bytes of sizes, then 20 bits of the rate (RFC 9639).
        (b"\x7fFLAC" + bytes(22) + struct.pack(">I", 96_000 << 12 | 0xABC), 96_000),
        (b"\x7fFLAC" + bytes(22) + struct.pack(">I", 96_000 << 12)[:2], 0),
        (b"fishead\0" + bytes(60), 0),
    ],
)
def test_an_ogg_stream_tells_its_rate(packet, rate):
    assert promises._ogg_rate(packet) == rate


@pytest.mark.parametrize(("there", "share"), [(2000, None), (2400, None), (1500, 0.75), (0, 0)])
def test_a_sphere_or_au_file_is_held_against_its_header(there, share):
    text = b"NIST_1A\n   1024\nchannel_count -i 2\nsample_n_bytes -i 2\nsample_count -i 500\n"
    files = {"sphere": text.ljust(1024) + bytes(there)}
    for magic, order in ((b".snd", ">"), (b"dns.", "<")):
        files[magic] = (
            magic + struct.pack(f"{order}5I", 32, 2000, 3, 8000, 2).ljust(28) + bytes(there)
        )
    for kind, data in files.items():
        got = promises.compare_with_header(data, "sphere" if kind == "sphere" else "au")
        assert got == (data, None if share is None else promises.Missing(share)), kind
    unknown = b".snd" + struct.pack(">5I", 32, 0xFFFFFFFF, 3, 8000, 2).ljust(28) + bytes(there)
    assert promises.compare_with_header(unknown, "au") == (unknown, None)
    assert promises.compare_with_header(text[:60].ljust(1024), "sphere")[1] is None


def box(name, size=8, length=None):
    """Return a box of an MP4 file of so many bytes, which says another length if one is given."""
    return struct.pack(">I4s", size if length is None else length, name) + bytes(size - 8)


@pytest.mark.parametrize(
    ("data", "whole"),
    [
        (box(b"ftyp", 16) + box(b"moov", 20) + box(b"mdat", 9), True),
        (box(b"ftyp", 16) + box(b"mdat", 20) + box(b"moov"), True),
        (box(b"ftyp", 16) + box(b"mdat", 20), False),
        (box(b"moov", 20) + box(b"mdat", 20, 21), False),
        (box(b"moov", 20) + box(b"mdat", 20, 0), True),
        (box(b"moov", 20) + box(b"mdat", 20, 7) + b"no box", True),
        (struct.pack(">I4sQ", 1, b"mdat", 30) + bytes(14) + box(b"moov"), True),
        (box(b"moov") + struct.pack(">I4sQ", 1, b"mdat", 31) + bytes(14), False),
    ],
)
def test_the_boxes_of_an_mp4_must_be_whole_and_describe_the_sound(data, whole):
    assert promises.compare_with_header(data, "mp4")[1] == (None if whole else promises.Missing())


def test_an_avi_must_be_as_long_as_it_says():
    data = b"RIFF" + struct.pack("<I", 100) + b"AVI " + bytes(96)
    assert promises.compare_with_header(data, "avi") == (data, None)
    assert promises.compare_with_header(data[:-1], "avi")[1] == promises.Missing()
    unknown = b"RIFF" + struct.pack("<I", 2**32 - 1) + b"AVI " + bytes(96)
    assert promises.compare_with_header(unknown, "avi")[1] is None


@pytest.mark.parametrize(
    ("kind", "start", "order", "of_name", "counts_itself", "to"),
    [("wav", 12, "<I", 4, False, 2), ("aiff", 12, ">I", 4, False, 2), ("caf", 8, ">q", 4, False, 1),
     ("w64", 40, "<Q", 16, True, 8)],
)  # fmt: skip
def test_chunks_begin_where_the_one_before_ends(kind, start, order, of_name, counts_itself, to):
    data, wanted = bytes(start), []
    for i, length in enumerate([16, 5, 0, 11, 8]):
        name = bytes([65 + i]) * of_name
        head = name + struct.pack(order, length + counts_itself * 24)
        wanted.append((name, len(data) + len(head), length))
        data += head + bytes(length)
        data += bytes(-len(data) % to)
    layout = promises.LAYOUTS[kind]
    assert list(promises._chunks(data, layout, layout.start)) == wanted
    assert list(promises._chunks(data + name, layout, layout.start)) == wanted


def test_a_recording_as_long_as_one_frame_is_enough():
    assert len(decode(encoded(tone(seconds=0.025), 16_000, "WAV"))[0]) == 400


HEADERS = {
    "a.wav": encoded(tone(8_000, 1.5), 8_000, "WAV"),
    "a.flac": encoded(tone(44_100, 1.5), 44_100, "FLAC"),
    "a.mp3": encoded(tone(32_000, 1.5), 32_000, "MP3"),
    "a.m4a": muxed(tone(44_100, 1.5), 44_100, "ipod", "aac"),
}


@pytest.mark.parametrize("name", HEADERS)
def test_a_header_says_what_decoding_finds(tmp_path, name):
    (tmp_path / name).write_bytes(HEADERS[name])
    seconds, sr = decoding.header(tmp_path / name)
    y, found = decoding.decode(HEADERS[name])
    assert sr == found and seconds == pytest.approx(len(y) / sr, abs=0.05)


def test_a_header_that_does_not_say_how_long_is_no_fault(tmp_path):
    live = muxed(tone(48_000, 1), 48_000, "webm", "libopus", live="1")
    (tmp_path / "a.webm").write_bytes(live)
    seconds, sr = decoding.header(tmp_path / "a.webm")
    assert np.isnan(seconds) and sr == 48_000


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "the file is empty"),
        (b"recorded on Monday", "cannot be read .*convert it to WAV"),
        (muxed(tone(), 16_000, "mp4", None, picture=True), "holds no sound"),
        (None, "no such file"),
    ],
)
def test_a_header_of_no_sound_is_refused(tmp_path, data, why):
    if data is not None:
        (tmp_path / "a.mp3").write_bytes(data)
    with pytest.raises(decoding.DecodingError, match=why):
        decoding.header(tmp_path / "a.mp3")
