"""What a window does to a spectrum, in the nine numbers by which windows are compared."""

from dataclasses import dataclass

import numpy as np
import scipy  # loads scipy.optimize where it is first used: it takes longer than all else here

__all__ = ["FiguresOfMerit", "figures_of_merit"]

GRID = 64  # points a bin on which lobes are looked for, before they are found exactly
RIPPLE = 10 ** (1 / 20)  # how far a flat top may rise above its middle: 1 dB
NOISE = 1e-13  # of the spectrum's peak: beneath it, lobes are rounding errors (-260 dB)


@dataclass(frozen=True)
class FiguresOfMerit:
    """What `figures_of_merit` returns. A bin is the sampling rate divided by the window's length.

    Attributes
    ----------
    coherent_gain : float
        Mean of the window: the factor by which it shrinks a sinusoid's line.
    enbw_bins : float
        Equivalent noise bandwidth: width of the ideal band that lets as much white noise through.
    scalloping_loss_db : float
        By how much a sinusoid halfway between two bins appears weaker than one on a bin.
    worst_case_loss_db : float
        Scalloping loss and noise bandwidth in decibels: the worst loss of signal to noise.
    highest_sidelobe_db : float
        Relative to the main lobe; ``-inf`` if there is no side lobe.
    sidelobe_falloff_db_per_octave : float
        Slope that the side lobes tend to, negative where they fall; ``nan`` if there are fewer
        than two.
    bandwidth_3db_bins, bandwidth_6db_bins : float
        Width of the main lobe 3 and 6 dB below its peak (at half the power, and half the
        magnitude); ``nan`` if the spectrum never falls so low.
    mainlobe_width_bins : float
        Distance of the minima to the left and to the right of the main lobe.
    """

    coherent_gain: float
    enbw_bins: float
    scalloping_loss_db: float
    worst_case_loss_db: float
    highest_sidelobe_db: float
    sidelobe_falloff_db_per_octave: float
    bandwidth_3db_bins: float
    bandwidth_6db_bins: float
    mainlobe_width_bins: float


def _checked(window: np.ndarray) -> np.ndarray:
    """Return a window as float64, or raise an error that says why it cannot be measured."""
    w = np.asarray(window)
    if w.ndim != 1:
        raise ValueError(f"window has shape {w.shape}; expected one row of samples")
    if len(w) < 2:
        count = "1 sample" if len(w) else "0 samples"
        raise ValueError(f"window has {count}; expected at least two")
    if w.dtype.kind == "c":
        raise ValueError("window is complex; expected real numbers, e.g. its real part")
    if w.dtype.kind not in "biuf":
        raise ValueError(f"window has samples of type {w.dtype}; expected real numbers")
    w = w.astype(np.float64)
    if not np.all(np.isfinite(w)):
        first = int(np.flatnonzero(~np.isfinite(w))[0])
        raise ValueError(f"window: sample {first} is {w[first]}; expected finite numbers")
    largest = np.max(np.abs(w))
    if largest == 0 or abs(np.sum(w / largest)) < 1e-12 * len(w):
        raise ValueError(
            "window sums to 0, so nothing passes at frequency 0; "
            "pass the samples of the window alone, not of a windowed signal"
        )
    return w


def _magnitude(w: np.ndarray, bins: float) -> float:
    """Return the magnitude of the DTFT at a frequency in bins, relative to frequency 0."""
    n = np.arange(len(w))
    return float(np.abs(np.sum(w * np.exp(-2j * np.pi * bins / len(w) * n))))


def _crossing(w: np.ndarray, grid: np.ndarray, level: float) -> float:
    """Return where in bins the spectrum first falls to a level; nan if it never does."""
    below = grid <= level
    if not below.any():
        return np.nan
    i = int(np.argmax(below))
    around = (max(i - 1.5, 0) / GRID, (i + 0.5) / GRID)  # wider, for levels right on the grid
    return scipy.optimize.brentq(lambda b: _magnitude(w, b) - level, *around)


def _minimum(w: np.ndarray, i: int) -> float:
    """Return where in bins the first minimum near a grid point lies; the grid may step over one."""
    bins = np.linspace(i - 2, i + 1, 97) / GRID
    near = np.array([_magnitude(w, b) for b in bins])
    k = 1 + int(np.argmax((near[1:-1] <= near[:-2]) & (near[1:-1] <= near[2:])))
    around = (bins[k - 1], bins[k + 1])
    return float(
        scipy.optimize.minimize_scalar(
            lambda b: _magnitude(w, b), bounds=around, method="bounded", options={"xatol": 1e-7}
        ).x
    )


def _peak(w: np.ndarray, i: int) -> float:
    """Return the height of the maximum around a grid point."""
    around = ((i - 1) / GRID, (i + 1) / GRID)
    return -float(
        scipy.optimize.minimize_scalar(
            lambda b: -_magnitude(w, b), bounds=around, method="bounded"
        ).fun
    )


def _envelope(grid: np.ndarray, peaks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where in bins, and at what level in dB, side lobes given by grid points peak."""
    peaks = peaks[grid[peaks] > NOISE]
    left, middle, right = (20 * np.log10(np.maximum(grid[peaks + i], NOISE)) for i in (-1, 0, 1))
    shift = (left - right) / (left - 2 * middle + right) / 2  # to the top of a parabola
    return (peaks + shift) / GRID, middle - (left - right) * shift / 4


def _falloff(bins: np.ndarray, level: np.ndarray, length: int) -> float:
    """Return the slope in dB an octave that side lobes tend to.

    The spectrum of a sampled window repeats, and its side lobes overlap those of the repetitions.
    If the lobes of the continuous shape fall as ``b ** -p``, the sum over all repetitions falls as
    ``sin(x) ** -p`` with ``x = pi * b / length``, and for some shapes as ``cos(x) * sin(x) ** -p``.
    So a line is fitted over the logarithm of the sine, with and without the cosine, to the highest
    lobe in each quarter of an octave. That is done in three ranges of two octaves, since lobes at
    high frequencies have settled and lobes at low frequencies are hardly overlapped; the best fit
    is taken.
    """
    fits = []
    for top in (0.4, 0.25, 0.125):
        within = bins < top * length
        if not within.any():
            break
        b, db = bins[within], level[within]
        quarter = np.floor(4 * np.log2(b / b[-1]) + 1e-9)
        keep = [
            np.flatnonzero(quarter == q)[np.argmax(db[quarter == q])]
            for q in np.unique(quarter[quarter >= -8])
        ]
        if len(keep) < (6 if fits else 2):
            break
        x = np.pi * b[keep] / length
        line = np.stack([np.log2(np.sin(x)), np.ones(len(x))], axis=1)
        for cosine in (np.ones(len(x)), np.cos(x)):
            y = db[keep] - 20 * np.log10(cosine)
            fit = np.linalg.lstsq(line, y, rcond=None)[0]
            fits.append((np.mean((y - line @ fit) ** 2), fit[0]))
    # Through two lobes both curves pass exactly: the first then, not the smaller rounding error.
    return float(min(fits, key=lambda fit: round(fit[0], 9))[1]) if fits else np.nan


def figures_of_merit(window: np.ndarray) -> FiguresOfMerit:
    """Measure a window by its discrete-time Fourier transform.

    Notebook ``03_window_dtfts`` derives each figure. Apart from the coherent gain, none depends on
    the window's scale.

    Parameters
    ----------
    window : array_like, shape (length,)
        The window's samples, two or more; it may be symmetric, periodic or neither.

    Returns
    -------
    FiguresOfMerit

    Raises
    ------
    ValueError
        If the window is not one-dimensional, has fewer than two samples, or samples that are not
        finite real numbers; if it sums to zero, or lets another frequency pass more than 1 dB
        better than frequency 0.

    Notes
    -----
    The main lobe ends at the first local minimum of the magnitude below half its peak, whether or
    not the magnitude is zero there; so a ripple on a flat top belongs to the main lobe. Lobes are
    first looked for on a grid of 64 points a bin, then found exactly by computing the transform's
    sum between the grid's points. Levels below -260 dB are rounding errors.

    The fall-off is the slope of a straight line through the side lobes. It is exact to 0.5 dB an
    octave once they have settled, which takes a Hann window of 32 samples, a Hamming window of 128
    or a 4-term Blackman-Harris window of 1024; for a shorter window it only describes the few side
    lobes that there are.

    Source: F. J. Harris, "On the use of windows for harmonic analysis with the discrete Fourier
    transform", Proc. IEEE 66(1), 1978, pages 51 to 83.

    Examples
    --------
    >>> from scipy.signal import get_window
    >>> hann = figures_of_merit(get_window("hann", 400))
    >>> round(hann.enbw_bins, 2), round(hann.highest_sidelobe_db, 1)
    (1.5, -31.5)
    >>> figures_of_merit([1.0, -1.0])
    Traceback (most recent call last):
    ...
    ValueError: window sums to 0, so nothing passes at frequency 0; pass the samples of the \
window alone, not of a windowed signal
    """
    w = _checked(window)
    length, largest = len(w), float(np.max(np.abs(w)))
    w = w / largest  # so that no sum overflows
    mean = float(np.mean(w)) * largest
    w = w / np.sum(w)  # so that the transform is 1 at frequency 0
    grid = np.abs(np.fft.rfft(w, GRID * length))
    top = int(np.argmax(grid))
    if grid[top] > RIPPLE:
        raise ValueError(
            f"window lets {top / GRID:g} bins pass {20 * np.log10(grid[top]):.1f} dB better than "
            "frequency 0; a window's main lobe lies at frequency 0"
        )
    inner = np.arange(1, len(grid) - 1)
    rises, falls = grid[inner] > grid[inner - 1], grid[inner] > grid[inner + 1]
    valleys = inner[~rises & ~falls & (grid[inner] < 0.5)]
    peaks = inner[rises & falls & (inner > valleys[0])] if len(valleys) else inner[:0]

    at_half_rate = len(valleys) and grid[-1] > grid[-2]  # a lobe that ends the spectrum
    highest = grid[-1] if at_half_rate else 0.0
    if len(peaks):
        highest = max(highest, _peak(w, peaks[np.argmax(grid[peaks])]))
    scalloping = -20 * np.log10(_magnitude(w, 0.5))
    enbw = length * float(np.sum(w**2))
    return FiguresOfMerit(
        coherent_gain=mean,
        enbw_bins=enbw,
        scalloping_loss_db=float(scalloping),
        worst_case_loss_db=float(scalloping + 10 * np.log10(enbw)),
        highest_sidelobe_db=float(20 * np.log10(highest)) if highest else -np.inf,
        sidelobe_falloff_db_per_octave=_falloff(*_envelope(grid, peaks), length),
        bandwidth_3db_bins=2 * _crossing(w, grid, np.sqrt(0.5)),
        bandwidth_6db_bins=2 * _crossing(w, grid, 0.5),
        mainlobe_width_bins=2 * _minimum(w, valleys[0]) if len(valleys) else float(length),
    )
