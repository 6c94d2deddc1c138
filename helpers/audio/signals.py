"""What counts as a signal, and which frames and mel bands it can bear.

Every function of ``helpers`` that takes sound asks here first, so that bad input is named and never
becomes a silently wrong answer.
"""

import numpy as np

__all__ = ["as_mono", "check_framing", "check_mel", "check_sr"]


def as_mono(y: np.ndarray, name: str = "y") -> np.ndarray:
    """Return a signal as one channel of floating-point samples.

    Parameters
    ----------
    y : array_like, shape (samples,), (channels, samples) or (samples, channels)
        Floating-point samples are taken as they are, integers are divided by their type's full
        scale, two channels are averaged, whichever axis they lie on.
    name : str, optional
        What error messages call it.

    Returns
    -------
    numpy.ndarray, shape (samples,), float32 or float64
        float64 where ``y`` was, float32 otherwise.

    Raises
    ------
    ValueError
        If there are no samples, more than two channels, or samples that are no finite numbers.

    Examples
    --------
    >>> as_mono(np.array([-32768, 0, 16384], dtype=np.int16))
    array([-1. ,  0. ,  0.5], dtype=float32)
    >>> as_mono(np.ones((6, 16_000)), "clip.wav")
    Traceback (most recent call last):
    ...
    ValueError: clip.wav: 6 channels; expected 1 or 2
    """
    y = np.asarray(y)
    if y.size == 0:
        raise ValueError(f"{name}: no samples; expected at least one")
    if y.ndim not in (1, 2):
        raise ValueError(f"{name}: {y.ndim} dimensions; expected samples, or samples and channels")
    if np.issubdtype(y.dtype, np.integer):
        kind = np.iinfo(y.dtype)
        half = (int(kind.max) + 1) // 2 if kind.min == 0 else int(kind.max) + 1
        y = ((y.astype(np.float64) - (half if kind.min == 0 else 0)) / half).astype(np.float32)
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
    if y.ndim == 1:
        return y
    channels = min(y.shape)
    if channels > 2:
        raise ValueError(f"{name}: {channels} channels; expected 1 or 2")
    if y.shape == (2, 2):
        raise ValueError(f"{name}: shape (2, 2) does not say which axis the channels lie on")
    return y.mean(axis=int(np.argmin(y.shape)), dtype=y.dtype)


def check_sr(sr: float) -> None:
    """Refuse what is no sampling rate.

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


def check_framing(n_samples: int, frame_length: int, hop_length: int) -> None:
    """Refuse frames that a signal cannot be cut into.

    Parameters
    ----------
    n_samples : int
        Length of the signal (with its padding, if it has any).
    frame_length, hop_length : int
        In samples.

    Raises
    ------
    ValueError
        If a length is no positive whole number, or not one frame fits.

    Examples
    --------
    >>> check_framing(16_000, 400, 160)
    >>> check_framing(300, 400, 160)
    Traceback (most recent call last):
    ...
    ValueError: the signal has 300 samples, one frame 400; pad the signal or shorten the frame
    """
    for name, value in (("frame_length", frame_length), ("hop_length", hop_length)):
        if not isinstance(value, int | np.integer) or value < 1:
            raise ValueError(f"{name} is {value!r}; expected a whole number of samples, 1 or more")
    if n_samples < frame_length:
        raise ValueError(
            f"the signal has {n_samples} samples, one frame {frame_length}; "
            "pad the signal or shorten the frame"
        )


def check_mel(
    sr: float, n_fft: int, n_mels: int, fmin: float = 0.0, fmax: float | None = None
) -> None:
    """Refuse a mel filter bank that cannot be built on the bins of a spectrum.

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
        If there are more filters than bins, or the range of frequencies is none.

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
