"""From the bytes of a file to its sound, in whatever format a telephone or a browser wrote it.

soundfile reads what it can. PyAV reads the rest: M4A and AAC, 3GP and AMR, WebM, the sound of a
video, and MP3, because the decoder inside soundfile prints its complaints where Python cannot stop
them. What a file's header promises is compared with what the file holds, so that a recording that
breaks off is not taken for a shorter one.
"""

from __future__ import annotations

import io
import math
import re
import struct
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import soundfile

from helpers.audio import signals

__all__ = [
    "ONE_FRAME",
    "SILENCE",
    "SUFFIXES",
    "CodecError",
    "DecodingError",
    "Sound",
    "decode",
    "decode_as",
    "examine",
    "looks_like_sound",
    "read",
]

ONE_FRAME = 0.025
"""Seconds; no features can be computed from a recording that is shorter than one frame."""
SILENCE = 1e-4
"""-80 dB of full scale; a recording that never exceeds it is called silent."""
RATES = (4_000, 768_000)
"""Lowest and highest sampling rate in hertz that a recording of speech may have."""
BLOCK = 2**26
"""Samples read at once, whatever a header says how many there are."""
SUFFIXES = frozenset(
    "3g2 3ga 3gp 3gpp aac aif aifc aiff alac amr au avi caf flac flv gsm m4a m4b m4v mka mkv mov "
    "mp2 mp3 mp4 mpeg mpga mpg oga ogg ogv opus pcm ra raw rf64 snd sph spx ts voc w64 wav wave "
    "weba webm wma wmv wv".split()
)
"""Endings, without the dot, that promise a recording."""


class DecodingError(ValueError):
    """A file holds no sound that can be used; the message says why."""


class CodecError(DecodingError):
    """No decoder reads the file."""


@dataclass(frozen=True)
class Sound:
    """The sound of a file, as `examine` returns it.

    Attributes
    ----------
    y : numpy.ndarray, shape (samples,), float32
        The signal.
    sr : int
        Its sampling rate in hertz.
    note : str
        What had to be decided while reading it; empty if nothing.
    """

    y: np.ndarray
    sr: int
    note: str = ""


def decode(data: bytes) -> tuple[np.ndarray, int]:
    """Return the sound in the bytes of a file.

    Parameters
    ----------
    data : bytes
        The contents of a file in any format that soundfile or PyAV reads: WAV, FLAC, Ogg, MP3,
        M4A, 3GP, WebM, AIFF and more. The sound of a video will do.

    Returns
    -------
    y : numpy.ndarray, shape (samples,), float32
        The signal; two channels are averaged, see `helpers.audio.signals.as_mono`.
    sr : int
        Its own sampling rate in hertz.

    Raises
    ------
    CodecError
        If no decoder reads it.
    DecodingError
        If it is empty, silent or shorter than 25 ms, breaks off or is damaged, has more than two
        channels, or samples that are not finite or far above full scale
        (`helpers.audio.signals.OVERSHOOT`).

    See Also
    --------
    read : the same for a file.

    Notes
    -----
    Most formats say how long the sound is, and so betray that a file breaks off. Bare AAC and AMR,
    and WebM as browsers stream it, do not: cut off, they are a shorter recording.

    Examples
    --------
    >>> from helpers import ROOT
    >>> y, sr = decode((ROOT / "assets/speech/en-US/allison/vm-goodbye.ogg").read_bytes())
    >>> y.ndim, sr
    (1, 16000)
    >>> decode(b"Dear diary")
    Traceback (most recent call last):
    ...
    helpers.audio.decoding.CodecError: no known format of sound; if it is a recording, convert it \
to WAV or FLAC
    """
    sound = examine(data)
    return sound.y, sound.sr


def read(path: str | Path) -> tuple[np.ndarray, int]:
    """Return the sound of a file.

    Parameters
    ----------
    path : str or pathlib.Path
        A file in any format that `decode` reads.

    Returns
    -------
    y : numpy.ndarray, shape (samples,), float32
        The signal; two channels are averaged, see `helpers.audio.signals.as_mono`.
    sr : int
        Its own sampling rate in hertz.

    Raises
    ------
    DecodingError
        If there is no such file, or for a reason that `decode` names; the message begins with the
        file's name.

    Examples
    --------
    >>> read("nowhere.wav")
    Traceback (most recent call last):
    ...
    helpers.audio.decoding.DecodingError: nowhere.wav: cannot be read (No such file or directory)
    """
    path = Path(path)
    try:
        return decode(path.read_bytes())
    except OSError as error:
        raise DecodingError(f"{path.name}: cannot be read ({error.strerror})") from error
    except DecodingError as error:
        raise type(error)(f"{path.name}: {error}") from error


def looks_like_sound(data: bytes) -> bool:
    """Return whether the first bytes of a file are those of a format of sound or video.

    Parameters
    ----------
    data : bytes
        The first 64 bytes or more.

    Examples
    --------
    >>> looks_like_sound(b"RIFF....WAVEfmt "), looks_like_sound(b"RIFF....WEBPVP8 ")
    (True, False)
    """
    return _kind(data) is not None


def examine(data: bytes) -> Sound:
    """Return the sound in the bytes of a file, with a note on what had to be decided.

    Parameters
    ----------
    data : bytes
        As for `decode`.

    Returns
    -------
    Sound

    Raises
    ------
    DecodingError
        As `decode`.
    """
    if not data:
        raise DecodingError("the file is empty")
    kind = _kind(data) or _hidden_mpeg(data)
    data, missing = _compare_with_header(data, kind)
    try:
        channels, sr, promised, note = _samples(data, kind)
    except DecodingError as error:
        if missing:  # the true reason
            raise DecodingError(missing.said(None)) from error
        raise
    if not RATES[0] <= sr <= RATES[1]:
        raise DecodingError(
            f"its sampling rate is {sr} Hz; expected {RATES[0]} to {RATES[1]} for speech"
        )
    seconds = channels.shape[1] / sr
    if missing and missing.seconds(seconds) >= ONE_FRAME:
        raise DecodingError(missing.said(seconds))
    if promised and promised - seconds >= ONE_FRAME:
        raise DecodingError(
            f"only {seconds:.2f} of {promised:.2f} s can be decoded; the file is cut off or damaged"
        )
    if seconds < ONE_FRAME:
        raise DecodingError(
            f"lasts {1000 * seconds:.0f} ms; expected {1000 * ONE_FRAME:.0f} or more"
        )
    peak = float(np.max(np.abs(channels)))
    if kind not in PCM and signals.OVERSHOOT < peak < np.inf:
        raise DecodingError(f"is damaged: it reaches {peak:.3g} times full scale")
    try:
        y = signals.as_mono(channels)
    except ValueError as error:
        raise DecodingError(str(error).removeprefix("y: ")) from error
    if np.max(np.abs(y)) <= SILENCE:
        raise DecodingError("silent: no sample is above -80 dB of full scale")
    if signals.channels_cancel(channels):
        cancel = "its two channels are each other's negative and cancel; the first is taken"
        note = f"{note}; {cancel}" if note else cancel
    return Sound(y, sr, note)


# Titles and names in a file may be in any encoding. From its version 19 on PyAV does not mind.
LENIENT = {"metadata_errors": "ignore"} if int(av.__version__.split(".")[0]) < 19 else {}
CONVERT = "if it is a recording, convert it to WAV or FLAC"


# --- which format it is


FORMATS = {  # kind: the name that people know it by, and FFmpeg's name of the format
    "wav": ("WAV", "wav"),
    "w64": ("W64", "w64"),
    "aiff": ("AIFF", "aiff"),
    "au": ("AU", "au"),
    "caf": ("CAF", "caf"),
    "flac": ("FLAC", "flac"),
    "ogg": ("Ogg", "ogg"),
    "mpeg": ("MP3", "mp3"),
    "adts": ("AAC", "aac"),
    "mp4": ("MP4 (M4A, 3GP, MOV)", "mov"),
    "matroska": ("WebM or Matroska", "matroska"),
    "amr": ("AMR", "amr"),
    "asf": ("WMA", "asf"),
    "avi": ("AVI", "avi"),
    "flv": ("FLV", "flv"),
    "sphere": ("NIST SPHERE", "nistsphere"),
    "other": ("", ""),  # soundfile's alone
}
STARTS = {
    b"fLaC": "flac",
    b"OggS": "ogg",
    b".snd": "au",
    b"dns.": "au",
    b"caff": "caf",
    b"\x1aE\xdf\xa3": "matroska",
    b"#!AMR": "amr",
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11": "asf",
    b"riff\x2e\x91\xcf\x11": "w64",
    b"FLV\x01": "flv",
    b"NIST_1A": "sphere",
    b"Creative Voice File": "other",
}
PCM = {"wav", "w64", "aiff", "au", "caf", "mp4", "matroska"}  # which may hold floats of any scale
WITHOUT_SOUNDFILE = {"mpeg", "adts", "mp4", "matroska", "amr", "asf", "avi", "flv"}
BOXES = {b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"styp"}


def _kind(data: bytes) -> str | None:
    """Return the format that the first bytes name, None if it is none of sound."""
    if data[:4] in (b"RIFF", b"RF64", b"BW64", b"RIFX"):
        return {b"WAVE": "wav", b"AVI ": "avi"}.get(data[8:12])
    if data[:4] == b"FORM":
        return {b"AIFF": "aiff", b"AIFC": "aiff", b"8SVX": "other"}.get(data[8:12])
    if data[4:8] in BOXES and len(data) >= 16:
        # Still pictures lie in the same boxes as films.
        return None if data[8:12] in (b"heic", b"heix", b"mif1", b"avif", b"crx ") else "mp4"
    for start, kind in STARTS.items():
        if data.startswith(start):
            return kind
    if data[:3] == b"ID3" and len(data) >= 10:
        size = sum((byte & 0x7F) << 7 * (3 - i) for i, byte in enumerate(data[6:10]))
        behind = data[10 + size :]
        return (_kind(behind) if behind[:3] != b"ID3" else None) or "mpeg"
    if len(data) >= 2 and data[0] == 0xFF and data[1] & 0xF6 == 0xF0:
        return "adts"
    return "mpeg" if _mpeg_frame(data, 0) else None


def _mpeg_frame(data: bytes, at: int) -> tuple[int, bytes] | None:
    """Return length and fixed bits of the MPEG audio frame that begins here, None if none does.

    Source: ISO/IEC 11172-3, section 2.4.1.3, and 13818-3 for the lower sampling rates.
    """
    head = data[at : at + 4]
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    version, layer = head[1] >> 3 & 3, 4 - (head[1] >> 1 & 3)  # 3: MPEG 1; 2: MPEG 2; 0: 2.5
    rate, bits = head[2] >> 2 & 3, head[2] >> 4
    if version == 1 or layer == 4 or rate == 3 or bits in (0, 15):
        return None
    sr = (44_100, 48_000, 32_000)[rate] >> {3: 0, 2: 1, 0: 2}[version]
    if version == 3:
        step = {
            1: [32 * i for i in range(15)],
            2: [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
            3: [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
        }[layer]
    elif layer == 1:
        step = [0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256]
    else:
        step = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160]
    padding = head[2] >> 1 & 1
    if layer == 1:
        length = (12_000 * step[bits] // sr + padding) * 4
    else:
        length = (72_000 if layer == 3 and version != 3 else 144_000) * step[bits] // sr + padding
    return length, bytes([head[1] & 0xFE, head[2] & 0x0C])


def _hidden_mpeg(data: bytes, within: int = 65_536) -> str | None:
    """Return "mpeg" if three MPEG frames in a row follow a beginning that is something else."""
    at = data.find(b"\xff")
    while 0 <= at < within:
        here, kinds = at, []
        while len(kinds) < 3 and (frame := _mpeg_frame(data, here)):
            kinds.append(frame[1])
            here += frame[0]
        if len(kinds) == 3 and len(set(kinds)) == 1:
            return "mpeg"
        at = data.find(b"\xff", at + 1)
    return None


# --- what its header promises


@dataclass(frozen=True)
class Missing:
    """What a file's header promises and the file does not hold."""

    share: float | None = None  # of the sound that is there; None: nobody knows
    ends: float | None = None  # seconds, where the last whole piece ends

    def seconds(self, there: float) -> float:
        """Return how many seconds are missing, when so many are there."""
        return there * (1 / self.share - 1) if self.share else np.inf

    def said(self, there: float | None) -> str:
        """Return the reason in words."""
        if self.share and there is not None:
            return f"breaks off after {there:.2f} of {there / self.share:.2f} s"
        if self.ends is not None:
            return f"breaks off; its last whole piece ends at {self.ends:.2f} s"
        return "breaks off; copy it again"


@dataclass(frozen=True)
class Layout:
    """How a format of chunks is laid out."""

    start: int  # of the first chunk
    name: bytes  # of the chunk that holds the samples
    length: str  # of a chunk, as `struct` has it
    of_name: int = 4  # bytes
    within: bool = False  # whether a chunk's length counts its own name and length
    align: int = 2


LAYOUTS = {
    "wav": Layout(12, b"data", "<I"),
    "aiff": Layout(12, b"SSND", ">I"),
    "caf": Layout(8, b"data", ">q", align=1),
    "w64": Layout(
        40, b"data\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a", "<Q", 16, within=True, align=8
    ),
}


def _compare_with_header(data: bytes, kind: str | None) -> tuple[bytes, Missing | None]:
    """Return the bytes, with the length of the samples put right, and what is missing of them."""
    if kind in LAYOUTS:
        return _compare_chunks(data, LAYOUTS[kind])
    if kind == "au" and len(data) >= 24:
        start, size = struct.unpack(">II" if data[:4] == b".snd" else "<II", data[4:12])
        there = len(data) - start
        unknown = size == 0xFFFFFFFF
        return data, None if unknown or there >= size else Missing(max(there, 0) / size)
    if kind == "sphere":
        return data, _missing_of_sphere(data)
    if kind == "avi":
        [size] = struct.unpack_from("<I", data, 4)
        return data, Missing() if len(data) < 8 + size < 0x7FFFF000 else None
    if kind == "ogg":
        return data, _missing_pages(data)
    if kind == "mp4":
        return data, _missing_boxes(data)
    return data, None


def _chunks(data: bytes, layout: Layout, start: int):
    """Yield name, begin and length of each chunk; the last one may promise more than there is."""
    head = layout.of_name + struct.calcsize(layout.length)
    at = start
    while at + head <= len(data):
        name = data[at : at + layout.of_name]
        [length] = struct.unpack_from(layout.length, data, at + layout.of_name)
        length -= head if layout.within else 0
        yield name, at + head, length
        at += head + max(length, 0)
        at += -at % layout.align if layout.align > 2 else length % layout.align


def _compare_chunks(data: bytes, layout: Layout) -> tuple[bytes, Missing | None]:
    """Compare the chunk of samples with what is there.

    A recorder that writes while it records cannot know the length beforehand. If it is stopped
    rudely, the header says 0, or the most that it can say; the samples then go on to the end.
    """
    if data[:4] == b"RIFX":
        layout = Layout(layout.start, layout.name, ">I")
    long = 0  # the length of the samples where 32 bits are too few
    for name, begin, length in _chunks(data, layout, layout.start):
        there = len(data) - begin
        if name == b"ds64" and there >= 16:
            [long] = struct.unpack_from("<Q", data, begin + 8)
        if name != layout.name:
            if length > there:
                return data, Missing()
            continue
        if length == 0xFFFFFFFF and data[:4] in (b"RF64", b"BW64"):
            length = long
        most = length < 0 or 0x7FFFF000 <= length > there
        if layout.length.endswith("I") and (most or length == 0 and _is_sound(data, begin, layout)):
            there -= there % 2
            size = struct.pack(layout.length, min(there, 0xFFFFFFFF))
            return data[: begin - 4] + size + data[begin : begin + there], None
        if most or length <= there:
            return data, None
        return data, Missing(there / length) if there else Missing()
    return data, Missing()


def _is_sound(data: bytes, begin: int, layout: Layout) -> bool:
    """Return whether what follows an empty chunk of samples are the samples, and no more chunks."""
    end = begin
    for name, start, length in _chunks(data, layout, begin):
        if not name.isascii() or start + length > len(data):
            return True
        end = start + length
    return len(data) - end > 1


def _missing_pages(data: bytes) -> Missing | None:
    """Return what is missing of an Ogg file, whose pages each tell their length (RFC 3533)."""
    at, sr, ends = 0, 0, 0.0
    while at < len(data):
        if data[at : at + 4] != b"OggS" or at + 27 > len(data):
            at = data.find(b"OggS", at + 1) if at + 27 <= len(data) else -1
            if at < 0:
                return Missing(ends=ends)
            continue
        segments = data[at + 26]
        body = at + 27 + segments
        end = body + sum(data[at + 27 : body])
        if end > len(data):
            return Missing(ends=ends)
        sr = sr or _ogg_rate(data[body : body + 64])
        [granule] = struct.unpack_from("<q", data, at + 6)
        ends = granule / sr if sr and granule > 0 else ends
        at = end
    return None


def _ogg_rate(packet: bytes) -> int:
    """Return the rate that an Ogg stream's positions are counted in, 0 if it is not known."""
    if packet.startswith(b"\x01vorbis") and len(packet) >= 16:
        return struct.unpack_from("<I", packet, 12)[0]
    if packet.startswith(b"OpusHead"):
        return 48_000
    if packet.startswith(b"Speex   ") and len(packet) >= 40:
        return struct.unpack_from("<I", packet, 36)[0]
    if packet.startswith(b"\x7fFLAC") and len(packet) >= 30:
        return int.from_bytes(packet[27:30]) >> 4
    return 0


def _missing_of_sphere(data: bytes) -> Missing | None:
    """Return what is missing of a file of NIST's, whose header is text."""
    field = rb"%s -i (\d+)"
    names = (b"sample_count", b"sample_n_bytes", b"channel_count")
    found = [re.search(field % name, data[:1024]) for name in names]
    if not all(found):
        return None
    promised = math.prod(int(match[1]) for match in found)
    there = max(len(data) - 1024, 0)
    return Missing(there / promised) if there < promised else None


def _missing_boxes(data: bytes) -> Missing | None:
    """Return what is missing of an MP4 file; the box that describes its samples may come last."""
    at, names = 0, set()
    while at + 8 <= len(data):
        length, name = struct.unpack_from(">I4s", data, at)
        if length == 1 and at + 16 <= len(data):
            [length] = struct.unpack_from(">Q", data, at + 8)
        names.add(name)
        if length == 0:  # to the end of the file
            at = len(data)
        elif length < 8:
            break  # damaged: for the decoder to say
        else:
            at += length
    return Missing() if at > len(data) or b"moov" not in names else None


# --- the decoders


def _samples(data: bytes, kind: str | None) -> tuple[np.ndarray, int, float, str]:
    """Return samples of shape (channels, samples), rate, the seconds that are promised, a note."""
    if kind is None and data[:1] == b"\xff":
        # Perhaps MPEG whose first frame is damaged: libsndfile would hand it to mpg123, which
        # prints its complaints.
        kind = "mpeg"
    name, demuxer = FORMATS[kind or "other"]
    said = ""
    if kind not in WITHOUT_SOUNDFILE:
        try:
            return _by_soundfile(data)
        except (soundfile.LibsndfileError, RuntimeError, ValueError, MemoryError) as error:
            said = getattr(error, "error_string", str(error)).rstrip(".")
    if not demuxer:
        raise CodecError(f"no known format of sound; {CONVERT}")
    try:
        return decode_as(data, demuxer)
    except (av.FFmpegError, ValueError, MemoryError, OverflowError, LookupError) as error:
        if isinstance(error, DecodingError):
            raise
        said = said or getattr(error, "strerror", None) or str(error)
    raise CodecError(f"begins like {name} but cannot be decoded ({said}); {CONVERT}")


class _Bytes(io.BytesIO):
    """The bytes of a file as an operating system has them: a seek to nowhere leaves one in place.

    A damaged header can send libsndfile before the first byte. `io.BytesIO` raises then, and what
    is raised inside a call from C cannot be caught: it is printed into the notebook.
    """

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        try:
            return super().seek(offset, whence)
        except (ValueError, OverflowError):
            return self.tell()


def _by_soundfile(data: bytes) -> tuple[np.ndarray, int, float, str]:
    with soundfile.SoundFile(_Bytes(data)) as file:
        sr, promised = file.samplerate, file.frames
        # A telephone's codecs in a WAV cannot be wound back, so `read` must be told how many.
        most = BLOCK // file.channels
        blocks = [file.read(min(promised, most), dtype="float32", always_2d=True)]
        while len(blocks[-1]) == most:
            blocks.append(file.read(most, dtype="float32", always_2d=True))
    y = np.concatenate(blocks) if len(blocks) > 1 else blocks[0]
    return y.T, sr, promised / sr if promised < 2**40 else 0.0, ""


def decode_as(data: bytes, demuxer: str) -> tuple[np.ndarray, int, float, str]:
    """Return what FFmpeg finds in the bytes of a file, taken for a given format.

    `decode` finds out the format by itself, and asks more. This is for formats that no bytes tell,
    such as bare G.722 or GSM.

    Parameters
    ----------
    data : bytes
        The contents of the file.
    demuxer : str
        FFmpeg's name of the format, such as ``"g722"``.

    Returns
    -------
    y : numpy.ndarray, shape (channels, samples), float32
        The samples, integers divided by their full scale.
    sr : int
        Sampling rate in hertz.
    promised : float
        Seconds that the file says it lasts, if that is clearly more than was found; otherwise 0.
    note : str
        What was left out; empty if nothing.

    Raises
    ------
    av.FFmpegError
        If FFmpeg cannot open it.
    DecodingError
        If it holds no sound, is damaged, or changes its sampling rate on the way.

    Examples
    --------
    >>> y, sr, promised, note = decode_as(bytes(range(200)), "g722")
    >>> y.shape, sr
    ((1, 400), 16000)
    """
    parts, lost, sr = [], 0, 0
    with av.open(io.BytesIO(data), format=demuxer, **LENIENT) as container:
        if not container.streams.audio:
            raise DecodingError("holds pictures and no sound")
        stream = container.streams.audio[0]
        promised = float(stream.duration * stream.time_base) if stream.duration else 0.0
        if not promised and container.duration and len(container.streams) == 1:
            promised = container.duration / av.time_base
        # Packed, not a plane for each channel: PyAV reads planes past the eighth from nowhere.
        resampler = av.AudioResampler(format="flt")
        packets = container.demux(stream)
        while True:
            try:
                frames = next(packets).decode()
            except StopIteration:  # also after an error of the container's
                break
            except av.FFmpegError:
                lost += bool(parts)  # what comes before the first sound is no loss
                continue
            for frame in frames:
                if frame.sample_rate != (sr := sr or frame.sample_rate):
                    raise DecodingError(
                        f"changes its sampling rate from {sr} to {frame.sample_rate} Hz on the way"
                    )
                for part in resampler.resample(frame):
                    parts.append(part.to_ndarray().reshape(-1, part.layout.nb_channels).T)
    if not parts:
        raise DecodingError("holds no sound")
    damaged = f"{lost} of its {lost + len(parts)} pieces cannot be decoded"
    y = np.concatenate(parts, axis=1)
    exact = promised if promised - y.shape[1] / sr >= 0.1 else 0.0  # rounded to whole pieces
    if lost > 0.05 * (lost + len(parts)) and not exact:
        raise DecodingError(f"is damaged: {damaged}")
    return y, sr, exact, f"{damaged} and are left out" if lost else ""
