"""Training excerpts as other rooms, lines and throats might have made them.

A network takes whatever goes together with the answer in its training: a room, a microphone, one
person's throat. Here each excerpt is changed anew every time it is drawn, in the bands of its mel
spectrogram and by amounts that recordings really differ by, so that none of these can be relied on.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache

import librosa
import numpy as np

from helpers.audio.features import MFCCSetting

__all__ = ["CHANGES", "change", "stretched"]

CHANGES = ("speed", "warp", "channel", "noise", "telephone")
"""What can be changed, in the order in which it is done."""
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
