"""Training excerpts as other rooms, lines and throats might have made them.

A network takes whatever goes together with the answer in its training: a room, a microphone, one
person's throat. Here each excerpt is changed anew every time it is drawn, by amounts that
recordings really differ by, so that none of these can be relied on. Most is done in the bands of
its mel spectrogram (`change`). What a codec does to a sound, and how a room smears it, cannot be
done to bands of 30 ms: so each clip is sent through codecs and put into rooms as a sound, once
(`version`), and which of its versions is drawn is left to chance.
"""

from __future__ import annotations

import io
from collections.abc import Collection
from functools import lru_cache

import librosa
import numpy as np
import scipy
import soundfile

from helpers.audio.features import MFCCSetting

__all__ = [
    "CHANGES",
    "SOUND_CHANGES",
    "change",
    "coded",
    "reverberated",
    "room",
    "stretched",
    "version",
]

CHANGES = ("speed", "warp", "channel", "noise", "telephone")
"""What can be changed in the bands, in the order in which it is done."""
SOUND_CHANGES = ("rooms", "codecs")
"""What can be changed in the sound, before its bands are computed, in this order."""
CODECS = ("none", "GSM 6.10", "u-law", "Opus")
"""Through which codecs a sound goes, each as often as any other."""
VERSIONS = len(CODECS)
"""How many versions there are of a clip."""
T60 = (0.2, 0.8)
"""Least and greatest reverberation time in seconds: of a furnished room, of a bare hall."""
DIRECT = (0.0, 12.0)
"""By how many decibels a voice itself is louder than its reverberation, at least and at most."""
SPEED, WARP = 0.15, 0.15
"""Largest change of speed and of frequencies, as a natural logarithm: by about 15 % either way."""
TILT = 4.0
"""Standard deviation in decibels of each cosine that makes up a channel's curve."""
FLOOR = (20.0, 50.0)
"""Least and greatest distance in decibels from the excerpt's loud parts down to the noise."""
LOW, HIGH = (100.0, 350.0), (3300.0, 3800.0)
"""Between which frequencies in hertz a telephone's band begins, and between which it ends."""


def stretched(frames: np.ndarray, steps: int) -> np.ndarray:
    """Return frames played in another time: as many as are asked for, by linear interpolation.

    Parameters
    ----------
    frames : numpy.ndarray, shape (frames, bands)
    steps : int
        At least 1.

    Returns
    -------
    numpy.ndarray, shape (steps, bands)

    Examples
    --------
    >>> stretched(np.array([[0.0], [1.0], [2.0]]), 5).ravel().tolist()
    [0.0, 0.5, 1.0, 1.5, 2.0]
    """
    return _between(frames, np.linspace(0, len(frames) - 1, steps))


def _between(rows: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Return the rows at these places, each place between two rows a mixture of both."""
    below = np.minimum(at.astype(int), max(len(rows) - 2, 0))
    share = (at - below)[:, np.newaxis]
    return rows[below] * (1 - share) + rows[np.minimum(below + 1, len(rows) - 1)] * share


@lru_cache
def _centres(setting: MFCCSetting) -> np.ndarray:
    """Return the frequency in hertz at which each mel filter peaks."""
    fmax = setting.sr / 2 if setting.fmax is None else setting.fmax
    edges = librosa.mel_frequencies(
        setting.n_mels + 2, fmin=setting.fmin, fmax=fmax, htk=setting.htk
    )
    return edges[1:-1]


def change(
    bands: np.ndarray,
    changes: Collection[str],
    rng: np.random.Generator,
    setting: MFCCSetting,
) -> np.ndarray:
    """Return an excerpt as another throat, room or line might have made it.

    Parameters
    ----------
    bands : numpy.ndarray, shape (frames, n_mels)
        A mel spectrogram in decibels.
    changes : collection of str
        Some of `CHANGES`. *speed*: up to 15 % faster or slower. *warp*: all frequencies up to 15 %
        higher or lower, as in a shorter or longer throat. *channel*: a smooth curve over
        frequency, as of a microphone. *noise*: a steady noise 20 to 50 dB below the loud parts.
        *telephone*: in half of all excerpts nothing outside a telephone's band.
    rng : numpy.random.Generator
    setting : MFCCSetting
        That the bands were computed with.

    Returns
    -------
    numpy.ndarray, shape (other frames, n_mels)

    Raises
    ------
    ValueError
        If there is no such change, or the setting has another number of bands.

    Examples
    --------
    >>> bands, rng = np.zeros((100, 40)), np.random.default_rng(0)
    >>> change(bands, {"speed"}, rng, MFCCSetting(n_mfcc=40, n_mels=40)).shape
    (104, 40)
    """
    if unknown := set(changes) - set(CHANGES):
        raise ValueError(f"no change {', '.join(sorted(unknown))}; there are {', '.join(CHANGES)}")
    if bands.ndim != 2 or bands.shape[1] != setting.n_mels:
        raise ValueError(
            f"bands have shape {bands.shape}; the setting has {setting.n_mels} mel bands a frame"
        )
    centres = _centres(setting)
    if "speed" in changes:
        factor = np.exp(rng.uniform(-SPEED, SPEED))
        bands = stretched(bands, max(1, round(len(bands) * factor)))
    if "warp" in changes:
        factor = np.exp(rng.uniform(-WARP, WARP))
        at = np.interp(centres * factor, centres, np.arange(len(centres)))
        bands = _between(bands.T, at).T
    if "channel" in changes:
        bands = bands + _curve(rng, len(centres), 3)
    if "noise" in changes:
        level = np.percentile(bands, 95) - rng.uniform(*FLOOR) + _curve(rng, len(centres), 2)
        bands = 10 * np.logaddexp(bands * np.log(10) / 10, level * np.log(10) / 10) / np.log(10)
    if "telephone" in changes and rng.random() < 0.5:
        outside = (centres < rng.uniform(*LOW)) | (centres > rng.uniform(*HIGH))
        bands = np.where(outside, bands.min(), bands)
    return bands


def _curve(rng: np.random.Generator, n_bands: int, cosines: int) -> np.ndarray:
    """Return a smooth random curve over the bands, in decibels."""
    at = (np.arange(n_bands) + 0.5) / n_bands
    return sum(rng.normal(0, TILT) * np.cos(np.pi * k * at) for k in range(1, cosines + 1))


def coded(y: np.ndarray, sr: int, codec: str) -> np.ndarray:
    """Return a sound as it comes out of a codec.

    Parameters
    ----------
    y : numpy.ndarray, shape (samples,)
    sr : int
        Sampling rate in hertz.
    codec : str
        One of `CODECS`. *GSM 6.10* is that of the first mobile telephones, *u-law* that of American
        telephone lines: both have 8000 samples a second. *Opus* has 6 kbit/s here, the least that
        it can.

    Returns
    -------
    numpy.ndarray, shape (samples,)
        At the same sampling rate.

    Raises
    ------
    ValueError
        If there is no such codec, or Opus cannot have the sampling rate.

    Notes
    -----
    libsndfile's own coders, which `soundfile` calls; what they delay it takes back.

    Examples
    --------
    >>> coded(np.zeros(16_000, np.float32), 16_000, "u-law").shape
    (16000,)
    """
    if codec not in CODECS:
        raise ValueError(f"no codec {codec!r}; there are {', '.join(CODECS)}")
    if codec == "none":
        return y
    if codec == "Opus":
        return _written(y, sr, format="OGG", subtype="OPUS", compression_level=1.0)[: len(y)]
    low = librosa.resample(y, orig_sr=sr, target_sr=8000)
    kind = {"GSM 6.10": "GSM610", "u-law": "ULAW"}[codec]
    heard = _written(np.clip(low, -1, 1), 8000, format="WAV", subtype=kind)[: len(low)]
    return librosa.resample(heard, orig_sr=8000, target_sr=sr)


def _written(y: np.ndarray, sr: int, **kind) -> np.ndarray:
    """Return a sound as it is read from a file that it was written to."""
    file = io.BytesIO()
    soundfile.write(file, y, sr, **kind)
    file.seek(0)
    return soundfile.read(file, dtype="float32")[0]


def room(sr: int, t60: float, direct: float, rng: np.random.Generator) -> np.ndarray:
    r"""Return the impulse response of a room: the sound itself, then noise that dies away.

    Parameters
    ----------
    sr : int
        Sampling rate in hertz.
    t60 : float
        Reverberation time in seconds: how long the noise takes to fall by 60 dB.
    direct : float
        By how many decibels the first sample holds more energy than all others together.
    rng : numpy.random.Generator
        Draws the noise.

    Returns
    -------
    numpy.ndarray, shape (1 + t60 * sr,)
        The first sample is 1.

    Raises
    ------
    ValueError
        If the reverberation time is shorter than a sample.

    Notes
    -----
    Moorer (1979), *Computer Music Journal* 3(2): late reverberation is close to Gaussian noise
    times :math:`10^{-3t/T_{60}}`. Early echoes off single walls, which a real room has too, are
    left out.

    Examples
    --------
    >>> response = room(16_000, 0.3, 6.0, np.random.default_rng(0))
    >>> len(response), float(response[0])
    (4801, 1.0)
    """
    count = round(t60 * sr)
    if count < 1:
        raise ValueError(f"t60 is {t60} s; expected at least one sample, {1 / sr:.2g} s")
    tail = rng.standard_normal(count) * 10 ** (-3 * np.arange(count) / count)
    tail *= 10 ** (-direct / 20) / np.linalg.norm(tail)
    return np.concatenate([[1.0], tail])


def reverberated(y: np.ndarray, response: np.ndarray) -> np.ndarray:
    """Return a sound as it is heard in a room, as long as before and no louder at its peak.

    Parameters
    ----------
    y : numpy.ndarray, shape (samples,)
    response : numpy.ndarray, shape (any,)
        As `room` returns it.

    Returns
    -------
    numpy.ndarray of float32, shape (samples,)

    Examples
    --------
    >>> reverberated(np.array([0.5, 0.0, 0.0]), np.array([1.0, 0.5])).tolist()
    [0.5, 0.25, 0.0]
    """
    heard = scipy.signal.fftconvolve(y, response)[: len(y)]
    louder = np.max(np.abs(heard), initial=0) / max(np.max(np.abs(y), initial=0), 1e-9)
    return (heard / max(louder, 1)).astype(np.float32)


def version(y: np.ndarray, sr: int, number: int, changes: Collection[str], seed: int) -> np.ndarray:
    """Return one of the versions of a clip: in a room, through a codec.

    Parameters
    ----------
    y : numpy.ndarray, shape (samples,)
    sr : int
        Sampling rate in hertz.
    number : int
        Which, from 0 to `VERSIONS` - 1.
    changes : collection of str
        Of `SOUND_CHANGES`. *rooms*: all versions but the first are in a room, each in one of its
        own. *codecs*: each goes through another codec of `CODECS`; with rooms it is left to chance
        which version goes through which.
    seed : int
        Of the clip: draws its rooms, and which version goes through which codec.

    Returns
    -------
    numpy.ndarray, shape (samples,)

    Raises
    ------
    ValueError
        If there is no such version or change.

    Examples
    --------
    >>> y = np.zeros(16_000, np.float32)
    >>> version(y, 16_000, 3, ("rooms", "codecs"), seed=0).shape
    (16000,)
    """
    if unknown := set(changes) - set(SOUND_CHANGES):
        raise ValueError(
            f"no change {', '.join(sorted(unknown))}; there are {', '.join(SOUND_CHANGES)}"
        )
    if not 0 <= number < VERSIONS:
        raise ValueError(f"version {number}; expected 0 to {VERSIONS - 1}")
    codecs = CODECS
    if "rooms" in changes:
        codecs = np.random.default_rng(seed).permutation(CODECS)
        if number:
            rng = np.random.default_rng((seed, number))
            response = room(sr, rng.uniform(*T60), rng.uniform(*DIRECT), rng)
            y = reverberated(y, response)
    return coded(y, sr, str(codecs[number])) if "codecs" in changes else y
