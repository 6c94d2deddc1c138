"""From the bytes of a file to its sound, in whatever format a telephone or a browser wrote it.

soundfile reads what it can. PyAV reads the rest: M4A and AAC, 3GP and AMR, WebM, the sound of a
video, and MP3, because the decoder inside soundfile prints its complaints where Python cannot stop
them. What a file's header promises is compared with what the file holds, so that a recording that
breaks off is not taken for a shorter one.

`formats` tells the format from the bytes, `promises` reads the header's length, `decoders` asks the
two libraries; here stands what the course uses.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from helpers.audio import signals
from helpers.audio.decoding.decoders import (
    CodecError,
    DecodingError,
    decode_as,
    header,
    samples_of,
)
from helpers.audio.decoding.formats import PCM, SUFFIXES, kind_of, looks_like_sound
from helpers.audio.decoding.promises import compare_with_header

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
    "header",
    "looks_like_sound",
    "read",
]

ONE_FRAME = 0.025
"""Seconds; no features can be computed from a recording that is shorter than one frame."""
SILENCE = 1e-4
"""-80 dB of full scale; a recording that never exceeds it is called silent."""
RATES = (4_000, 768_000)
"""Lowest and highest sampling rate in hertz that a recording of speech may have."""


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
    helpers.audio.decoding.decoders.CodecError: no known format of sound; if it is a recording, \
convert it to WAV or FLAC
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
    y, sr
        As `decode`.

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
    helpers.audio.decoding.decoders.DecodingError: nowhere.wav: cannot be read \
(No such file or directory)
    """
    path = Path(path)
    try:
        return decode(path.read_bytes())
    except OSError as error:
        raise DecodingError(f"{path.name}: cannot be read ({error.strerror})") from error
    except DecodingError as error:
        raise type(error)(f"{path.name}: {error}") from error


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
    kind = kind_of(data)
    data, missing = compare_with_header(data, kind)
    try:
        channels, sr, promised, note = samples_of(data, kind)
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
