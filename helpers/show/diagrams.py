"""One time step of a recurrent layer as a diagram: the formula's letters and live values.

Each function draws the flow of one step and returns a function that puts new values into it, so
that a slider can move through a signal. The steps are derived in the notebooks ``07_simple_rnn``,
``08_gru`` and ``09_lstm``.
"""

from collections.abc import Callable, Mapping

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch
from matplotlib.text import Text

__all__ = ["gru", "lstm", "simple_rnn"]

STATE, INPUT, GATE, CANDIDATE = "#0072B2", "#000000", "#D55E00", "#009E73"
"""Colours: what is handed on, what comes in, what opens and shuts, what is proposed."""


class _Flow:
    """Axes with boxes of values, round operations and arrows between them."""

    def __init__(self, ax: plt.Axes, width: float, height: float):
        self.ax, self.numbers = ax, {}
        ax.set(xlim=(0, width), ylim=(0, height), aspect="equal")
        ax.axis("off")

    def values(self, name: str, symbol: str, x: float, y: float, colour: str) -> None:
        """Draw a box that holds a vector's values under its symbol."""
        box = FancyBboxPatch(
            (x - 0.9, y - 0.34), 1.8, 0.68, boxstyle="round,pad=0.05", fc="white", ec=colour, lw=1.8
        )
        self.ax.add_patch(box)
        self.ax.text(x, y + 0.17, symbol, ha="center", va="center", color=colour, fontsize=14)
        self.numbers[name] = self.ax.text(x, y - 0.18, "", ha="center", va="center", fontsize=10.5)

    def operation(self, symbol: str, x: float, y: float) -> None:
        """Draw a round node that combines what flows into it."""
        word = symbol.isalpha()
        self.ax.add_patch(
            Circle((x, y), 0.26 if word else 0.2, fc="0.92", ec="0.3", lw=1.2, zorder=3)
        )
        size = 9 if word else 14
        self.ax.text(x, y - 0.01, symbol, ha="center", va="center", fontsize=size, zorder=4)

    def gate_input(self, formula: str, x: float, y: float) -> None:
        """Draw the arrow that feeds a box from beneath, and the formula of what it holds."""
        self.arrow((x, y - 0.85), (x, y - 0.4))
        self.ax.text(x, y - 1.06, formula, ha="center", va="center", fontsize=10.5)

    def arrow(self, *points: tuple[float, float], label: str = "", at=(0.0, 0.0)) -> None:
        """Draw a line through the points with a head at its end, and a label beside its middle."""
        xs, ys = zip(*points, strict=True)
        self.ax.plot(xs[:-1], ys[:-1], color="0.3", lw=1.4, solid_capstyle="round", zorder=1)
        head = FancyArrowPatch(
            points[-2], points[-1], arrowstyle="-|>", mutation_scale=13, shrinkA=0, shrinkB=0,
            color="0.3", lw=1.4, zorder=1,
        )  # fmt: skip
        self.ax.add_patch(head)
        if label:
            (x0, y0), (x1, y1) = points[-2], points[-1]
            self.ax.text(
                (x0 + x1) / 2 + at[0], (y0 + y1) / 2 + at[1], label, ha="center", va="center",
                fontsize=12,
            )  # fmt: skip

    def fill(self, now: Mapping[str, np.ndarray]) -> list[Text]:
        """Write the values of one step into the boxes; return the texts that changed."""
        for name, text in self.numbers.items():
            if name not in now:
                raise ValueError(f"no values for {name}; a step gives {', '.join(self.numbers)}")
            values = np.atleast_1d(now[name])
            shown = [f"{value:.2f}".replace("-", "−") for value in values[:2]]
            text.set_text("  ".join(shown) + (" …" if len(values) > 2 else ""))
        return list(self.numbers.values())


def simple_rnn(ax: plt.Axes, now: Mapping[str, np.ndarray]) -> Callable:
    r"""Draw one step of :math:`h_t = \sigma_h(U_h x_t + V_h h_{t-1} + b_h)` and its output.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    now : mapping of str to array_like
        The values of one step for one sequence: ``x``, ``h_before``, ``h`` and ``y``. The first
        two entries of each vector are shown.

    Returns
    -------
    callable
        Takes the values of another step, shows these and returns the texts that changed.

    Raises
    ------
    ValueError
        If a value is missing.

    Examples
    --------
    >>> fig, ax = plt.subplots()
    >>> show_step = simple_rnn(ax, {"x": [1.0, 2.0], "h_before": [0.0], "h": [0.5], "y": [0.25]})
    >>> [text.get_text() for text in ax.texts if "2.00" in text.get_text()]
    ['1.00  2.00']
    >>> plt.close(fig)
    """
    flow = _Flow(ax, 12.2, 4.4)
    flow.values("h_before", "$h_{t-1}$", 1.1, 2.2, STATE)
    flow.values("x", "$x_t$", 3.7, 0.5, INPUT)
    flow.values("h", "$h_t$", 7.6, 2.2, STATE)
    flow.values("y", "$y_t$", 11.0, 3.8, CANDIDATE)
    flow.operation("+", 3.7, 2.2)
    flow.operation(r"$\sigma_h$", 5.4, 2.2)
    flow.operation(r"$\sigma_y$", 11.0, 2.2)
    flow.arrow((2.05, 2.2), (3.5, 2.2), label="$V_h$", at=(0, 0.27))
    flow.arrow((3.7, 0.9), (3.7, 2.0), label="$U_h$", at=(0.36, 0))
    flow.arrow((3.7, 3.4), (3.7, 2.4), label="$b_h$", at=(0, 0.75))
    flow.arrow((3.9, 2.2), (5.2, 2.2))
    flow.arrow((5.6, 2.2), (6.65, 2.2))
    flow.arrow((8.55, 2.2), (10.8, 2.2), label="$W_y,\\ b_y$", at=(0, 0.27))
    flow.arrow((11.0, 2.4), (11.0, 3.4))
    flow.arrow((7.6, 1.8), (7.6, 0.5), (9.6, 0.5), label="to step $t+1$", at=(0.2, 0.28))
    flow.fill(now)
    return flow.fill


def gru(ax: plt.Axes, now: Mapping[str, np.ndarray]) -> Callable:
    r"""Draw one step of a GRU, :math:`h_t = (1-z_t)\odot h_{t-1} + z_t\odot\tilde h_t`.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    now : mapping of str to array_like
        The values of one step for one sequence: ``x``, ``h_before``, ``z``, ``r``, ``h_tilde`` and
        ``h``, as `helpers.networks.layers.trace` names them.

    Returns
    -------
    callable
        As `simple_rnn`.

    Raises
    ------
    ValueError
        If a value is missing.

    Examples
    --------
    >>> fig, ax = plt.subplots()
    >>> step = {name: [0.5] for name in ("x", "h_before", "z", "r", "h_tilde", "h")}
    >>> show_step = gru(ax, step)
    >>> len(show_step(step | {"z": [1.0]}))
    6
    >>> plt.close(fig)
    """
    flow = _Flow(ax, 13.4, 6.0)
    flow.values("h_before", "$h_{t-1}$", 1.1, 5.4, STATE)
    flow.values("r", "$r_t$", 3.3, 2.9, GATE)
    flow.values("h_tilde", r"$\tilde h_t$", 5.8, 1.9, CANDIDATE)
    flow.values("x", "$x_t$", 5.8, 0.5, INPUT)
    flow.values("z", "$z_t$", 8.2, 3.9, GATE)
    flow.values("h", "$h_t$", 12.3, 5.4, STATE)
    flow.operation(r"$\odot$", 3.3, 4.2)
    flow.operation(r"$\odot$", 8.2, 5.4)
    flow.operation(r"$\odot$", 10.4, 3.9)
    flow.operation("+", 10.4, 5.4)
    flow.arrow((2.05, 5.4), (8.0, 5.4))
    flow.arrow((8.4, 5.4), (10.2, 5.4))
    flow.arrow((10.6, 5.4), (11.35, 5.4))
    flow.arrow((12.3, 5.0), (12.3, 4.4), label="to step $t+1$", at=(0, -0.55))
    flow.arrow((3.3, 5.4), (3.3, 4.4))
    flow.arrow((3.3, 3.3), (3.3, 4.0))
    flow.gate_input(r"$\sigma(W_r[h_{t-1}, x_t] + b_r)$", 3.3, 2.9)
    flow.arrow((3.5, 4.2), (5.8, 4.2), (5.8, 2.3))
    flow.arrow((5.8, 0.9), (5.8, 1.5))
    candidate = r"$\tanh(W_h[r_t\odot h_{t-1}, x_t] + b_h)$"
    ax.text(6.0, 1.2, candidate, ha="left", va="center", fontsize=10.5)
    flow.arrow((6.75, 1.9), (10.4, 1.9), (10.4, 3.7))
    flow.arrow((8.2, 4.3), (8.2, 5.2), label="$1-z_t$", at=(0.55, 0))
    flow.arrow((9.15, 3.9), (10.2, 3.9), label="$z_t$", at=(0, 0.25))
    flow.gate_input(r"$\sigma(W_z[h_{t-1}, x_t] + b_z)$", 8.2, 3.9)
    flow.arrow((10.4, 4.1), (10.4, 5.2))
    flow.fill(now)
    return flow.fill


def lstm(ax: plt.Axes, now: Mapping[str, np.ndarray]) -> Callable:
    r"""Draw one step of an LSTM, :math:`C_t = f_t\odot C_{t-1} + i_t\odot\tilde C_t`.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    now : mapping of str to array_like
        The values of one step for one sequence: ``C_before``, ``f``, ``i``, ``c_tilde``, ``C``,
        ``o`` and ``h``, as `helpers.networks.layers.trace` names them.

    Returns
    -------
    callable
        As `simple_rnn`.

    Raises
    ------
    ValueError
        If a value is missing.

    Examples
    --------
    >>> fig, ax = plt.subplots()
    >>> step = {name: [0.5] for name in ("C_before", "f", "i", "c_tilde", "C", "o", "h")}
    >>> show_step = lstm(ax, step)
    >>> len(show_step(step | {"f": [1.0]}))
    7
    >>> plt.close(fig)
    """
    flow = _Flow(ax, 14.2, 6.0)
    flow.values("C_before", "$C_{t-1}$", 1.1, 5.4, STATE)
    flow.values("f", "$f_t$", 2.9, 3.3, GATE)
    flow.values("i", "$i_t$", 5.5, 3.3, GATE)
    flow.values("c_tilde", r"$\tilde C_t$", 8.7, 3.3, CANDIDATE)
    flow.values("C", "$C_t$", 9.0, 5.4, STATE)
    flow.values("o", "$o_t$", 11.2, 1.5, GATE)
    flow.values("h", "$h_t$", 13.1, 3.0, STATE)
    flow.operation(r"$\odot$", 2.9, 5.4)
    flow.operation(r"$\odot$", 7.1, 3.3)
    flow.operation("+", 7.1, 5.4)
    flow.operation("tanh", 11.2, 4.3)
    flow.operation(r"$\odot$", 11.2, 3.0)
    flow.arrow((2.05, 5.4), (2.7, 5.4))
    flow.arrow((3.1, 5.4), (6.9, 5.4))
    flow.arrow((7.3, 5.4), (8.05, 5.4))
    flow.arrow((9.95, 5.4), (13.9, 5.4), label="to step $t+1$", at=(0.5, 0.25))
    flow.arrow((2.9, 3.7), (2.9, 5.2))
    flow.gate_input(r"$\sigma(W_f[h_{t-1}, x_t] + b_f)$", 2.9, 3.3)
    flow.arrow((6.45, 3.3), (6.9, 3.3))
    flow.gate_input(r"$\sigma(W_i[h_{t-1}, x_t] + b_i)$", 5.5, 3.3)
    flow.arrow((7.75, 3.3), (7.3, 3.3))
    flow.gate_input(r"$\tanh(W_c[h_{t-1}, x_t] + b_c)$", 8.7, 3.3)
    flow.arrow((7.1, 3.5), (7.1, 5.2))
    flow.arrow((11.2, 5.4), (11.2, 4.55))
    flow.arrow((11.2, 4.05), (11.2, 3.2))
    flow.arrow((11.2, 1.9), (11.2, 2.8))
    flow.gate_input(r"$\sigma(W_o[h_{t-1}, x_t] + b_o)$", 11.2, 1.5)
    flow.arrow((11.4, 3.0), (12.15, 3.0))
    flow.arrow((13.1, 3.4), (13.1, 4.0), label="to step $t+1$", at=(0, 0.5))
    flow.fill(now)
    return flow.fill
