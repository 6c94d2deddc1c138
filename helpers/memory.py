"""How far back a recurrent layer remembers: measured by gradients, and by a task."""

from collections.abc import Mapping
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from helpers.networks import keras, set_seed, tf

__all__ = [
    "RESULTS",
    "gradient_norms",
    "keep_at_first",
    "plot_reach",
    "plot_recall",
    "recall_model",
    "recall_results",
    "recall_task",
    "train_recall",
]

RESULTS = Path(__file__).resolve().parent.parent / "assets" / "experiments" / "recall.csv"
"""One row for every training run of the recall task; ``tools/recall.py`` made it."""

BATCHES, BATCH_SIZE, LEARNING_RATE, NOISE, UNITS = 600, 64, 0.01, 1.0, 16


def gradient_norms(layer, x) -> np.ndarray:
    r"""Return how strongly the last output depends on the input of every step.

    Parameters
    ----------
    layer : keras.layers.RNN
        A built recurrent layer that is not stateful.
    x : array_like, shape (batch, time, features)
        The input at which the derivative is taken.

    Returns
    -------
    numpy.ndarray, shape (batch, time)
        :math:`\lVert\partial h_T/\partial x_t\rVert_2`, the largest singular value of the matrix
        of derivatives: the most that a small change of :math:`x_t` moves :math:`h_T`, relative to
        its size.

    Raises
    ------
    ValueError
        If the layer is stateful, or `x` has not three axes.

    Notes
    -----
    Derived in the notebook ``07_simple_rnn``. The matrix has a row for every unit; the input is
    repeated once for each, so that one backward pass gives all rows.

    Examples
    --------
    Without an activation, each step multiplies by the recurrent weight, here one half:

    >>> layer = keras.layers.SimpleRNN(1, activation=None)
    >>> layer.build((None, None, 1))
    >>> layer.set_weights([np.ones((1, 1)), np.full((1, 1), 0.5), np.zeros(1)])
    >>> gradient_norms(layer, np.zeros((1, 4, 1))).tolist()
    [[0.125, 0.25, 0.5, 1.0]]
    """
    if layer.stateful:
        raise ValueError(f"{layer.name} is stateful; a measurement would advance its memory")
    x = tf.convert_to_tensor(np.asarray(x, layer.compute_dtype))
    if x.ndim != 3:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (batch, time, features)")
    batch, units = len(x), layer.units
    copies = tf.repeat(x, units, axis=0)
    chosen = tf.tile(tf.eye(units, dtype=x.dtype), [batch, 1])
    with tf.GradientTape() as tape:
        tape.watch(copies)
        output = layer(copies)
        output = output[0] if layer.return_state else output
        last = output[:, -1] if layer.return_sequences else output
        total = tf.reduce_sum(last * chosen)
    rows = tape.gradient(total, copies).numpy().reshape(batch, units, *x.shape[1:])
    return np.linalg.norm(rows, ord=2, axis=(1, 3))


def recall_task(delay: int, examples: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Make sequences that open with a bit and go on with noise.

    Parameters
    ----------
    delay : int
        Steps of noise between the bit and the end.
    examples : int
    seed : int

    Returns
    -------
    x : numpy.ndarray, shape (examples, delay + 1, 2), float32
        The first feature is the bit, -1 or 1, at the first step and noise of standard deviation 1
        after it; the second is 1 at the first step and 0 after it, and so tells them apart.
    bit : numpy.ndarray, shape (examples,), float32
        What is to be recalled at the end: 0 or 1.

    Raises
    ------
    ValueError
        If the delay is negative.

    Examples
    --------
    >>> x, bit = recall_task(delay=3, examples=2, seed=0)
    >>> x.shape, x[:, 0, 0].tolist(), bit.tolist()
    ((2, 4, 2), [1.0, 1.0], [1.0, 1.0])
    """
    if delay < 0:
        raise ValueError(f"delay is {delay}; expected 0 steps or more")
    rng = np.random.default_rng(seed)
    bit = rng.integers(0, 2, examples)
    x = np.zeros((examples, delay + 1, 2), np.float32)
    x[:, :, 0] = NOISE * rng.standard_normal((examples, delay + 1))
    x[:, 0, 0] = 2 * bit - 1
    x[:, 0, 1] = 1
    return x, bit.astype(np.float32)


def keep_at_first(layer, bias: float = 5.0) -> None:
    """Set the gates' biases so that an untrained layer keeps its state.

    Parameters
    ----------
    layer : keras.layers.GRU or keras.layers.LSTM
        A built layer with biases. In a GRU the update gate is shut; in an LSTM the forget gate is
        opened and the input gate shut.
    bias : float, optional
        How far: at 5 the layer keeps 0.993 of its state at a step, and half of it for 103 steps.

    Raises
    ------
    ValueError
        If the layer has no such gates or no biases.

    Notes
    -----
    Gers et al. (2000) and Jozefowicz et al. (2015) start the forget gate open; Tallec and Ollivier
    (2018, arXiv:1804.11188) shut the input gate as far, and derive how far from the delays that
    are expected.

    Examples
    --------
    >>> layer = keras.layers.LSTM(1)
    >>> layer.build((None, None, 1))
    >>> keep_at_first(layer)
    >>> layer.get_weights()[2].tolist()  # of the blocks i, f, c, o
    [-5.0, 5.0, 0.0, 0.0]
    """
    if not isinstance(layer, keras.layers.GRU | keras.layers.LSTM) or not layer.use_bias:
        raise ValueError(f"{layer.name} has no gate with a bias; expected a GRU or LSTM with one")
    kernel, recurrent, biases = layer.get_weights()
    if isinstance(layer, keras.layers.LSTM):
        biases[: layer.units], biases[layer.units : 2 * layer.units] = -bias, bias
    else:
        np.atleast_2d(biases)[0, : layer.units] = bias  # the first block: Keras's z
    layer.set_weights([kernel, recurrent, biases])


def recall_model(kind: str, gate_bias: float | None = None) -> keras.Model:
    """Build a model that reads a sequence and guesses the bit it opened with.

    Parameters
    ----------
    kind : {"SimpleRNN", "GRU", "LSTM"}
    gate_bias : float, optional
        How far the gates are set to keep the state; see `keep_at_first`. Keras's own start unless
        given.

    Returns
    -------
    keras.Model
        The recurrent layer with 16 units, and a Dense layer that gives the logit of the bit.

    Examples
    --------
    >>> recall_model("SimpleRNN").count_params()
    321
    """
    layer = getattr(keras.layers, kind)(UNITS)
    model = keras.Sequential([keras.Input((None, 2)), layer, keras.layers.Dense(1)])
    if gate_bias is not None:
        keep_at_first(layer, gate_bias)
    return model


def train_recall(
    kind: str,
    delay: int,
    seed: int,
    gate_bias: float | None = None,
    *,
    batches: int = BATCHES,
    learning_rate: float = LEARNING_RATE,
) -> tuple[keras.Model, float]:
    """Train a model on the recall task and test it on fresh sequences.

    Parameters
    ----------
    kind, gate_bias
        As for `recall_model`.
    delay : int
        Steps between the bit and the end.
    seed : int
        Of weights and data.
    batches : int, optional
        Batches of 64 sequences, none seen twice.
    learning_rate : float, optional
        Of Adam; gradients are clipped at norm 1.

    Returns
    -------
    model : keras.Model
    accuracy : float
        On 1000 fresh sequences; chance is 0.5.

    Examples
    --------
    >>> model, accuracy = train_recall("SimpleRNN", delay=1, seed=0)
    >>> accuracy
    1.0
    """
    set_seed(seed)
    model = recall_model(kind, gate_bias)
    model.compile(
        keras.optimizers.Adam(learning_rate, clipnorm=1.0),
        keras.losses.BinaryCrossentropy(from_logits=True),
    )
    x, bit = recall_task(delay, BATCH_SIZE * batches, 2 * seed)
    model.fit(x, bit[:, None], batch_size=BATCH_SIZE, shuffle=False, verbose=0)
    x, bit = recall_task(delay, 1000, 2 * seed + 1)
    return model, float(np.mean((model(x).numpy()[:, 0] > 0) == bit))


def recall_results() -> pd.DataFrame:
    """Return the stored results of the recall task, a row a training run.

    Returns
    -------
    pandas.DataFrame
        With ``layer``, ``gate_bias`` (empty for Keras's own start), ``learning_rate``, ``delay``,
        ``seed`` and ``accuracy``, and with how and when the run was made.

    Examples
    --------
    >>> sorted(recall_results()["layer"].unique())
    ['GRU', 'LSTM', 'SimpleRNN']
    """
    return pd.read_csv(RESULTS)


def plot_reach(ax: plt.Axes, reach: Mapping[str, np.ndarray]) -> None:
    """Draw how strongly the last output depends on the past, for several layers.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    reach : mapping of str to numpy.ndarray, shape (batch, time)
        What `gradient_norms` returned, under the names to be shown. Lines are medians over the
        batch, shades its middle half.

    Examples
    --------
    >>> fig, ax = plt.subplots()
    >>> plot_reach(ax, {"halves": np.array([[0.125, 0.25, 0.5, 1.0]])})
    >>> ax.get_lines()[0].get_xdata().tolist()
    [3, 2, 1, 0]
    >>> plt.close(fig)
    """
    for name, norms in reach.items():
        steps_back = np.arange(norms.shape[1])[::-1]
        low, median, high = np.quantile(np.maximum(norms, 1e-30), (0.25, 0.5, 0.75), axis=0)
        (line,) = ax.semilogy(steps_back, median, label=name)
        ax.fill_between(steps_back, low, high, color=line.get_color(), alpha=0.2, linewidth=0)
    ax.set(xlabel="steps back, $T-t$", ylabel=r"$\|\partial h_T/\partial x_t\|$", ylim=(1e-10, 30))
    ax.legend()


def plot_recall(
    ax: plt.Axes, results: pd.DataFrame, starts: Mapping[str, tuple[str, float | None]]
) -> pd.DataFrame:
    """Draw the accuracy of the recall task against the delay.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    results : pandas.DataFrame
        As `recall_results` returns it.
    starts : mapping of str to tuple
        The kind of layer and its gates' bias, as for `recall_model`, under the names to be shown.
        Where there are runs with several learning rates, the best in the mean counts, delay by
        delay.

    Returns
    -------
    pandas.DataFrame
        The mean over the seeds: a row a delay, a column a name. Dots in the figure are runs.

    Examples
    --------
    >>> fig, ax = plt.subplots()
    >>> table = plot_recall(ax, recall_results(), {"simple": ("SimpleRNN", None)})
    >>> table.index.tolist()
    [5, 10, 20, 40, 80, 160]
    >>> plt.close(fig)
    """
    table = {}
    for number, (name, (kind, gate_bias)) in enumerate(starts.items()):
        runs = results[results["layer"] == kind]
        bias = runs["gate_bias"]
        runs = runs[bias.isna() if gate_bias is None else bias == gate_bias]
        means = runs.groupby(["delay", "learning_rate"])["accuracy"].mean().unstack()
        table[name] = means.max(axis=1)
        best = runs["delay"].map(means.idxmax(axis=1)) == runs["learning_rate"]
        (line,) = ax.plot(means.index, table[name], marker="none", label=name)
        shifted = runs["delay"][best] * 1.04 ** (number - (len(starts) - 1) / 2)
        ax.plot(shifted, runs["accuracy"][best], "o", color=line.get_color(), alpha=0.5)
    ax.axhline(0.5, color="0.4", linestyle="--", linewidth=1)
    ax.text(4.3, 0.505, "chance", va="bottom")
    ax.set(xscale="log", xlabel="delay in steps", ylabel="accuracy", ylim=(0.4, 1.03))
    ax.set(xlim=(4.2, 190))
    ax.set_xticks(means.index, means.index)
    ax.minorticks_off()
    ax.legend()
    return pd.DataFrame(table)
