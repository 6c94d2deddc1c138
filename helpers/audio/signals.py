"""What every function of ``helpers`` asks of a signal, its frames and its mel bands.

Functions that take sound call these checks first, so that bad input is named and never becomes a
silently wrong answer.
"""

import numpy as np

__all__ = [
    "OVERSHOOT",
    "as_mono",
    "channels_cancel",
    "check_framing",
    "check_length",
    "check_mel",
    "check_sr",
]

OVERSHOOT = 2.0
"""Full scale is 1. Samples beyond it are treated alike in files, tables, features and players.

Up to 2 they are kept as they are: a codec or a mix may overshoot. Only a player's samples have to
fit; the whole sound is turned down, and its caption says so. Beyond 2 (6 dB) it is another scale,
such as that of 16-bit integers, which nobody should guess: it is refused.
"""


def as_mono(y: np.ndarray, name: str = "y", *, any_scale: bool = False) -> np.ndarray:
    """Return a signal as one channel of floating-point samples.

    Parameters
    ----------
    y : array_like, shape (samples,), (channels, samples) or (samples, channels)
        Floating-point samples are kept as they are; integers are divided by their type's full
        scale. Two channels are averaged, whichever axis they lie on; where they are each other's
        negative and would cancel, the first is taken.
    name : str, optional
        What error messages call it.
    any_scale : bool, optional
        Whether floating-point samples may exceed `OVERSHOOT`. Let them where the scale makes no
        difference, or is seen.

    Returns
    -------
    numpy.ndarray, shape (samples,), float32 or float64
        float64 where ``y`` was, float32 otherwise.

    Raises
    ------
    ValueError
        If there are no samples, more than two channels, or samples that are not finite or exceed
        `OVERSHOOT`.

    Examples
    --------
    >>> as_mono(np.array([-32768, 0, 16384], dtype=np.int16))
    array([-1. ,  0. ,  0.5], dtype=float32)
    >>> as_mono(np.ones((6, 16_000)), "clip.wav")
    Traceback (most recent call last):
    ...
    ValueError: clip.wav: 6 channels; expected 1 or 2
    >>> as_mono([0.0, -32768.0])
    Traceback (most recent call last):
    ...
    ValueError: y: reaches 32768, and 1 is full scale; divide the samples by the full scale they \
were made with, such as 32768 for 16 bits
    """
    y = np.asarray(y)
    if y.size == 0:
        raise ValueError(f"{name}: no samples; expected at least one")
    if y.ndim not in (1, 2):
        raise ValueError(f"{name}: {y.ndim} dimensions; expected samples, or samples and channels")
    if np.issubdtype(y.dtype, np.integer):
        kind = np.iinfo(y.dtype)
        half = 2 ** (kind.bits - 1)
        middle = half if kind.min == 0 else 0
        y = ((y - float(middle)) / half).astype(np.float32)
    elif not np.issubdtype(y.dtype, np.floating):
        raise ValueError(f"{name}: samples of type {y.dtype}; expected real numbers")
    elif y.dtype != np.float64:
        y = y.astype(np.float32)
    if not np.all(np.isfinite(y)):
        first = int(np.flatnonzero(~np.isfinite(y.ravel()))[0])
        raise ValueError(
            f"{name}: sample {first} is {y.ravel()[first]}; replace what is not finite, "
            "e.g. with numpy.nan_to_num"
        )
    if not any_scale and (peak := float(np.max(np.abs(y)))) > OVERSHOOT:
        raise ValueError(
            f"{name}: reaches {peak:.5g}, and 1 is full scale; divide the samples by the full "
            "scale they were made with, such as 32768 for 16 bits"
        )
    if y.ndim == 1:
        return y
    channels = min(y.shape)
    if channels > 2:
        raise ValueError(f"{name}: {channels} channels; expected 1 or 2")
    if y.shape == (2, 2):
        raise ValueError(f"{name}: shape (2, 2) does not say which axis the channels lie on")
    axis = int(np.argmin(y.shape))
    if channels_cancel(y):
        return np.ascontiguousarray(y.take(0, axis=axis))
    return y.mean(axis=axis)


def channels_cancel(y: np.ndarray) -> bool:
    """Return whether two channels are each other's negative, so that nothing is left of their mean.

    That happens where one of two microphones, or of two wires, is connected the wrong way round.

    Parameters
    ----------
    y : numpy.ndarray, shape (channels, samples) or (samples, channels)
        Floating-point samples.

    Returns
    -------
    bool
        Whether there are two channels, and the peak of their mean lies 40 dB or more beneath that
        of the channels.

    Examples
    --------
    >>> wave = np.sin(np.arange(100))
    >>> channels_cancel(np.stack([wave, -wave])), channels_cancel(np.stack([wave, wave]))
    (True, False)
    """
    if y.ndim != 2 or min(y.shape) != 2:
        return False
    peak = np.max(np.abs(y))
    return bool(peak > 0 and np.max(np.abs(y.mean(axis=int(np.argmin(y.shape))))) <= 0.01 * peak)


def check_sr(sr: float) -> None:
    """Raise an error if this cannot be a sampling rate.

    Parameters
    ----------
    sr : float
        Sampling rate in hertz.

    Raises
    ------
    ValueError
        If it is not a positive, finite number.

    Examples
    --------
    >>> check_sr(11_025)
    >>> check_sr(0)
    Traceback (most recent call last):
    ...
    ValueError: sr is 0; expected a positive number of hertz
    """
    if not 0 < sr < np.inf:
        raise ValueError(f"sr is {sr!r}; expected a positive number of hertz")


def check_length(name: str, value: int) -> None:
    """Raise an error if this cannot be a length in samples.

    Parameters
    ----------
    name : str
        What the error message calls it.
    value : int
        In samples.

    Raises
    ------
    ValueError
        If it is not a whole number, 1 or more.

    Examples
    --------
    >>> check_length("n_fft", 400)
    >>> check_length("n_fft", 0.025)
    Traceback (most recent call last):
    ...
    ValueError: n_fft is 0.025; expected a whole number of samples, 1 or more
    """
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{name} is {value!r}; expected a whole number of samples, 1 or more")


def check_framing(n_samples: int, frame_length: int, hop_length: int) -> None:
    """Raise an error if a signal cannot be cut into such frames.

    Parameters
    ----------
    n_samples : int
        Length of the signal (with its padding, if it has any).
    frame_length, hop_length : int
        In samples.

    Raises
    ------
    ValueError
        If a length is not a whole number, 1 or more, or the signal is shorter than one frame.

    Examples
    --------
    >>> check_framing(16_000, 400, 160)
    >>> check_framing(300, 400, 160)
    Traceback (most recent call last):
    ...
    ValueError: the signal has 300 samples, one frame 400; pad the signal or shorten the frame
    """
    check_length("frame_length", frame_length)
    check_length("hop_length", hop_length)
    if n_samples < frame_length:
        raise ValueError(
            f"the signal has {n_samples} samples, one frame {frame_length}; "
            "pad the signal or shorten the frame"
        )


def check_mel(
    sr: float, n_fft: int, n_mels: int, fmin: float = 0.0, fmax: float | None = None
) -> None:
    """Raise an error if such a mel filter bank cannot be built on the bins of a spectrum.

    Parameters
    ----------
    sr : float
        Sampling rate in hertz.
    n_fft : int
        Length of the transform in samples; it has ``1 + n_fft // 2`` bins.
    n_mels : int
        Number of filters.
    fmin, fmax : float, optional
        Lowest and highest frequency in hertz; ``fmax`` is half the sampling rate unless given.

    Raises
    ------
    ValueError
        If there are more filters than bins, ``fmin`` is not below ``fmax``, or ``fmax`` is above
        half the sampling rate.

    Examples
    --------
    >>> check_mel(16_000, 400, 128)
    >>> check_mel(16_000, 400, 40, fmax=11_025)
    Traceback (most recent call last):
    ...
    ValueError: fmax is 11025 Hz, above half the sampling rate (8000 Hz); lower it
    """
    check_sr(sr)
    top = sr / 2 if fmax is None else fmax
    if top > sr / 2:
        raise ValueError(
            f"fmax is {top:g} Hz, above half the sampling rate ({sr / 2:g} Hz); lower it"
        )
    if not 0 <= fmin < top:
        raise ValueError(f"fmin is {fmin:g} Hz and fmax {top:g} Hz; expected 0 <= fmin < fmax")
    if not 1 <= n_mels <= 1 + n_fft // 2:
        raise ValueError(
            f"{n_mels} mel filters on {1 + n_fft // 2} bins; take 1 to {1 + n_fft // 2} filters "
            "or a longer n_fft"
        )
