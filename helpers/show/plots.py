"""Figures in the style of the course, each with a description in words."""

from __future__ import annotations

import html
import io
from base64 import b64encode
from collections.abc import Mapping
from typing import TYPE_CHECKING

import librosa
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import HTML, display
from PIL import Image

from helpers import ROOT
from helpers.audio import signals

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["reach", "recall", "show", "spectrogram", "use_style", "waveform"]

STYLE = ROOT / "assets" / "course.mplstyle"


def use_style() -> None:
    """Draw all figures from here on in the course's style (``assets/course.mplstyle``).

    Examples
    --------
    >>> use_style()
    >>> plt.rcParams["axes.prop_cycle"].by_key()["color"][0]
    '#0072B2'
    """
    plt.style.use(STYLE)


def described(alt: str) -> str:
    """Return a description in words, or refuse an empty one.

    Parameters
    ----------
    alt : str
        What a picture shows, for those who cannot see it.

    Returns
    -------
    str
        The description.

    Raises
    ------
    ValueError
        If the description is empty.

    Examples
    --------
    >>> described("A straight line.")
    'A straight line.'
    """
    if not alt or not alt.strip():
        raise ValueError("alt is empty; say in words what the figure shows")
    return alt


def unseen(alt: str) -> str:
    """Return a description as HTML that screen readers read and nobody sees.

    JupyterLab gives a picture no alternative text of its own.

    Parameters
    ----------
    alt : str

    Returns
    -------
    str

    Examples
    --------
    >>> unseen("a < b")[-14:]
    'a &lt; b</div>'
    """
    # Without the margin, its pixel would make what is around it scroll: a stop of the tab key.
    style = "position:absolute;width:1px;height:1px;margin:-1px;"
    style += "overflow:hidden;clip-path:inset(50%)"
    return f'<div style="{style}">{html.escape(alt)}</div>'


def picture(fig: plt.Figure, alt: str) -> tuple[dict, dict]:
    """Return a figure as a MIME bundle and its metadata, described in words.

    Parameters
    ----------
    fig : matplotlib.figure.Figure
    alt : str
        What the figure shows, for those who cannot see it.

    Returns
    -------
    data, metadata : dict
        ``image/png`` with its alternative text, and the text as ``text/plain``.

    Raises
    ------
    ValueError
        If the description is empty.
    """
    described(alt)
    drawn, png = io.BytesIO(), io.BytesIO()
    fig.savefig(drawn, format="png", pil_kwargs={"compress_level": 0})  # read again at once
    # A palette shrinks a figure to less than half. It covers all colours, not only frequent ones:
    # beside a spectrogram a thin blue line must stay blue.
    drawn_in_rgb = Image.open(drawn).convert("RGB")
    method, dither = Image.Quantize.MAXCOVERAGE, Image.Dither.NONE
    drawn_in_rgb.quantize(256, method=method, dither=dither).save(png, "png")
    data = {"image/png": b64encode(png.getvalue()).decode(), "text/plain": alt}
    return data, {"image/png": {"alt": alt}}


def show(fig: plt.Figure, alt: str) -> None:
    """Show a figure with a description in words, and close it.

    Parameters
    ----------
    fig : matplotlib.figure.Figure
    alt : str
        What the figure shows: the description that a screen reader speaks.

    Raises
    ------
    ValueError
        If the description is empty.

    Examples
    --------
    >>> fig, ax = plt.subplots()
    >>> line, = ax.plot([0, 1], [0, 1])
    >>> picture(fig, "A straight line that rises from 0 to 1.")[0]["text/plain"]
    'A straight line that rises from 0 to 1.'
    >>> plt.close(fig)

    and ``show(fig, "A straight line that rises from 0 to 1.")`` as a notebook's last line.
    """
    data, metadata = picture(fig, alt)
    plt.close(fig)
    display(data, metadata=metadata, raw=True)
    display(HTML(unseen(alt)))


def waveform(
    y: np.ndarray, sr: int, ax: plt.Axes, *, start: float = 0.0, **style
) -> list[plt.Line2D]:
    """Draw a signal against time.

    Parameters
    ----------
    y : numpy.ndarray, shape (samples,)
        The signal; stereo is averaged, integers are scaled to full scale.
    sr : int
        Sampling rate in hertz.
    ax : matplotlib.axes.Axes
    start : float, optional
        Time of the first sample, in seconds.
    **style
        Passed on to ``ax.plot``.

    Returns
    -------
    list of matplotlib.lines.Line2D
        The line drawn.

    Raises
    ------
    ValueError
        If the signal or the sampling rate cannot be used; see `helpers.audio.signals`.

    Examples
    --------
    >>> fig, ax = plt.subplots()
    >>> line, = waveform(np.zeros(16_000), 16_000, ax)
    >>> ax.get_xlabel()
    'time in s'
    >>> plt.close(fig)
    """
    signals.check_sr(sr)
    y = signals.as_mono(y, any_scale=True)
    t = start + np.arange(len(y)) / sr
    lines = ax.plot(t, y, **{"linewidth": 0.8, **style})
    ax.set(xlabel="time in s", ylabel="amplitude")
    return lines


def spectrogram(
    db: np.ndarray,
    sr: int,
    hop_length: int,
    ax: plt.Axes,
    *,
    y_axis: str = "linear",
    colorbar: bool = True,
    **style,
) -> plt.cm.ScalarMappable:
    """Draw a spectrogram: a matrix of levels in colour, one column for each frame.

    Parameters
    ----------
    db : numpy.ndarray, shape (bins, frames)
        Levels in decibels.
    sr : int
        Sampling rate in hertz.
    hop_length : int
        Samples from one frame to the next.
    ax : matplotlib.axes.Axes
    y_axis : {"linear", "mel"}, optional
        What the rows are: "linear" for bins from 0 Hz to half the sampling rate, "mel" for
        librosa's mel bands over that range (Slaney's scale), each drawn equally high.
    colorbar : bool, optional
        Whether to draw the scale of colours beside the axes.
    **style
        Passed on to ``librosa.display.specshow``.

    Returns
    -------
    matplotlib.cm.ScalarMappable
        The image drawn.

    Raises
    ------
    ValueError
        If `db` is not a matrix of finite numbers, `y_axis` is not one of the two, or the sampling
        rate or the hop length is not positive.

    Examples
    --------
    >>> fig, ax = plt.subplots()
    >>> image = spectrogram(np.zeros((201, 50)), 16_000, 160, ax)
    >>> ax.get_ylabel()
    'frequency in kHz'
    >>> plt.close(fig)
    """
    signals.check_sr(sr)
    signals.check_length("hop_length", hop_length)
    db = np.asarray(db)
    if db.ndim != 2:
        raise ValueError(f"db has shape {db.shape}; expected a matrix (bins, frames)")
    if not np.all(np.isfinite(db)):
        raise ValueError(
            f"db has {np.sum(~np.isfinite(db))} values that are not finite; put a floor under the "
            "power before you take its logarithm, as librosa.power_to_db does"
        )
    if y_axis not in ("linear", "mel"):
        raise ValueError(f'y_axis is {y_axis!r}; expected "linear" or "mel"')
    # librosa would choose the colours by the sign of the levels, and draws mel bands on an axis
    # that is not Slaney's scale.
    style = {"cmap": plt.rcParams["image.cmap"], **style}
    rows = "linear" if y_axis == "linear" else None
    image = librosa.display.specshow(
        db, sr=sr, hop_length=hop_length, x_axis="time", y_axis=rows, ax=ax, **style
    )
    if y_axis == "linear":
        ax.yaxis.set_major_formatter(lambda hertz, _: f"{hertz / 1000:g}")
    else:
        hertz = [f for f in (500, 1000, 2000, 4000, 8000) if f < sr / 2]
        share = librosa.hz_to_mel(hertz) / librosa.hz_to_mel(sr / 2)
        # Band b has its middle at the share (b + 1) / (bands + 1) of the scale.
        ax.set_yticks(share * (len(db) + 1) - 1, [f"{f / 1000:g}" for f in hertz])
    ax.grid(False)
    ax.set(xlabel="time in s", ylabel="frequency in kHz")
    if colorbar:
        ax.figure.colorbar(image, ax=ax, label="level in dB")
    return image


def reach(ax: plt.Axes, norms: Mapping[str, np.ndarray]) -> None:
    """Draw how strongly the last output depends on the past, for several layers.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    norms : mapping of str to numpy.ndarray, shape (batch, time)
        What `helpers.networks.layers.gradient_norms` returned, under the names that the legend
        shows. Lines are medians over the batch; the shaded bands hold its middle half.

    Examples
    --------
    >>> fig, ax = plt.subplots()
    >>> reach(ax, {"halves": np.array([[0.125, 0.25, 0.5, 1.0]])})
    >>> ax.get_lines()[0].get_xdata().tolist()
    [3, 2, 1, 0]
    >>> plt.close(fig)
    """
    for name, each in norms.items():
        steps_back = np.arange(each.shape[1])[::-1]
        low, median, high = np.quantile(np.maximum(each, 1e-30), (0.25, 0.5, 0.75), axis=0)
        (line,) = ax.semilogy(steps_back, median, label=name)
        ax.fill_between(steps_back, low, high, color=line.get_color(), alpha=0.2, linewidth=0)
    ax.set(xlabel="steps back, $T-t$", ylabel=r"$\|\partial h_T/\partial x_t\|$", ylim=(1e-10, 30))
    ax.legend()


def recall(
    ax: plt.Axes, runs: pd.DataFrame, starts: Mapping[str, tuple[str, float | None]]
) -> pd.DataFrame:
    """Draw the accuracy of the recall task against the delay.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    runs : pandas.DataFrame
        One learning rate for each layer, start and delay, as `helpers.networks.recall.best` chooses
        it.
    starts : mapping of str to tuple
        The kind of layer and its gates' bias, as for `helpers.networks.recall.build`, under the
        names that the legend shows.

    Returns
    -------
    pandas.DataFrame
        The mean over the seeds, one row for each delay, one column for each name: the lines of the
        figure. Its dots are single runs; those of one delay stand side by side, by their start and
        then by their seed, so that equal ones do not hide each other.

    Raises
    ------
    ValueError
        If there is no run of a layer and start, or runs at several learning rates for one delay.

    Examples
    --------
    >>> from helpers.networks.recall import best, results
    >>> fig, ax = plt.subplots()
    >>> table = recall(ax, best(results()), {"simple": ("SimpleRNN", None)})
    >>> table.index.tolist()
    [5, 10, 20, 40, 80, 160]
    >>> plt.close(fig)
    """
    import pandas as pd  # only here: the signal notebooks do not wait for it

    delays = np.sort(runs["delay"].unique())
    room = min(0.8 * np.min(np.diff(np.log(delays)), initial=np.log(2)) / len(starts), 0.25)
    means = {}
    for number, (name, (kind, gate_bias)) in enumerate(starts.items()):
        bias = runs["gate_bias"]
        started = bias.isna() if gate_bias is None else bias == gate_bias
        own = runs[(runs["layer"] == kind) & started].sort_values(["delay", "seed"])
        by_delay = own.groupby("delay")
        if own.empty or by_delay["learning_rate"].nunique().max() > 1:
            found = "several learning rates for one delay" if len(own) else "no run"
            raise ValueError(
                f"{name}: {found} of {kind} with gate_bias={gate_bias}; "
                "draw recall.best(recall.results())"
            )
        means[name] = by_delay["accuracy"].mean()
        (line,) = ax.plot(means[name], marker="none", label=name)
        seat = (by_delay.cumcount() + 0.5) / by_delay["seed"].transform("size")  # 0 to 1
        beside = own["delay"] * np.exp(room * (number + seat - len(starts) / 2))
        size = 5 if len(starts) < 4 else 3.5
        ax.plot(beside, own["accuracy"], "o", markersize=size, color=line.get_color(), alpha=0.6)
    ax.axhline(0.5, color="0.4", linestyle="--", linewidth=1)
    ax.set(xlim=(delays[0] / 1.45, 1.45 * delays[-1]), ylim=(0.4, 1.03))
    ax.set(xscale="log", xlabel="delay in steps", ylabel="accuracy")
    ax.text(0.02, 0.505, "chance", va="bottom", transform=ax.get_yaxis_transform())
    ax.set_xticks(delays, delays)
    ax.minorticks_off()
    ax.legend()
    return pd.DataFrame(means)
