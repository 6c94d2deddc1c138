"""The two libraries that decode, asked one after the other."""

from __future__ import annotations

import io
from pathlib import Path

import av
import numpy as np
import soundfile

from helpers.audio.decoding.formats import FORMATS, WITHOUT_SOUNDFILE

__all__ = ["BLOCK", "CodecError", "DecodingError", "decode_as", "header", "samples_of"]

BLOCK = 2**26
"""Samples read at once, whatever a header says how many there are."""

# Titles and names in a file may be in any encoding. From its version 19 on PyAV does not mind.
LENIENT = {"metadata_errors": "ignore"} if int(av.__version__.split(".")[0]) < 19 else {}
CONVERT = "if it is a recording, convert it to WAV or FLAC"


class DecodingError(ValueError):
    """A file holds no sound that can be used; the message says why."""


class CodecError(DecodingError):
    """No decoder reads the file."""


def samples_of(data: bytes, kind: str | None) -> tuple[np.ndarray, int, float, str]:
    """Return samples of shape (channels, samples), rate, the seconds that are promised, a note."""
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


def header(path: str | Path) -> tuple[float, int]:
    """Return what a file says of its sound at its beginning, without decoding it.

    It takes a millisecond, and does not notice what is wrong with the sound itself: `decode` does.

    Parameters
    ----------
    path : str or pathlib.Path
        A file in any format that FFmpeg reads.

    Returns
    -------
    seconds : float
        How long it says that it lasts; ``nan`` where it does not say.
    sr : int
        Its sampling rate in hertz.

    Raises
    ------
    DecodingError
        If there is no such file, it is empty or holds no sound.

    Examples
    --------
    >>> from helpers import ROOT
    >>> seconds, sr = header(ROOT / "assets/speech/en-US/allison/vm-goodbye.ogg")
    >>> round(seconds, 1), sr
    (0.9, 16000)
    """
    try:
        if not Path(path).stat().st_size:
            raise DecodingError("the file is empty")
        with av.open(str(path), **LENIENT) as container:
            if not container.streams.audio:
                raise DecodingError("holds no sound")
            stream = container.streams.audio[0]
            if stream.duration:
                return float(stream.duration * stream.time_base), stream.codec_context.sample_rate
            seconds = container.duration / av.time_base if container.duration else float("nan")
            return seconds, stream.codec_context.sample_rate
    except FileNotFoundError as error:
        raise DecodingError("no such file") from error
    except (av.FFmpegError, ValueError, OSError) as error:
        if isinstance(error, DecodingError):
            raise
        said = getattr(error, "strerror", None) or str(error)
        raise CodecError(f"cannot be read ({said}); {CONVERT}") from error
