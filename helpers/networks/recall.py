"""A task that asks a recurrent layer for what it heard long ago: data, models, stored results."""

import numpy as np
import pandas as pd

from helpers import ROOT
from helpers.networks.backend import keras, set_seed

__all__ = ["RESULTS", "build", "keep_at_first", "results", "sequences", "train"]

RESULTS = ROOT / "assets" / "experiments" / "recall.csv"
"""One row for every training run of the recall task; ``tools/recall.py`` made it."""

BATCHES, BATCH_SIZE, LEARNING_RATE, NOISE, UNITS = 600, 64, 0.01, 1.0, 16
GLOBAL_CLIPNORM = 1.0


def sequences(delay: int, examples: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
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
    >>> x, bit = sequences(delay=3, examples=2, seed=0)
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


def build(kind: str, gate_bias: float | None = None) -> keras.Model:
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
    >>> build("SimpleRNN").count_params()
    321
    """
    layer = getattr(keras.layers, kind)(UNITS)
    model = keras.Sequential([keras.Input((None, 2)), layer, keras.layers.Dense(1)])
    if gate_bias is not None:
        keep_at_first(layer, gate_bias)
    return model


def train(
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
        As for `build`.
    delay : int
        Steps between the bit and the end.
    seed : int
        Of weights and data.
    batches : int, optional
        Batches of 64 sequences, none seen twice.
    learning_rate : float, optional
        Of Adam. Where the gradient of all weights together is longer than 1, it is scaled to that
        length (Pascanu et al. 2013); Keras's ``clipnorm`` would scale each weight matrix by itself.

    Returns
    -------
    model : keras.Model
    accuracy : float
        On 1000 fresh sequences; chance is 0.5.

    Examples
    --------
    >>> model, accuracy = train("SimpleRNN", delay=1, seed=0)
    >>> accuracy
    1.0
    """
    set_seed(seed)
    model = build(kind, gate_bias)
    model.compile(
        keras.optimizers.Adam(learning_rate, global_clipnorm=GLOBAL_CLIPNORM),
        keras.losses.BinaryCrossentropy(from_logits=True),
    )
    x, bit = sequences(delay, BATCH_SIZE * batches, 2 * seed)
    model.fit(x, bit[:, None], batch_size=BATCH_SIZE, shuffle=False, verbose=0)
    x, bit = sequences(delay, 1000, 2 * seed + 1)
    return model, float(np.mean((model(x).numpy()[:, 0] > 0) == bit))


def results() -> pd.DataFrame:
    """Return the stored results of the recall task, a row a training run.

    Returns
    -------
    pandas.DataFrame
        With ``layer``, ``gate_bias`` (empty for Keras's own start), ``learning_rate``, ``delay``,
        ``seed`` and ``accuracy``, and with how and when the run was made.

    Examples
    --------
    >>> sorted(results()["layer"].unique())
    ['GRU', 'LSTM', 'SimpleRNN']
    """
    return pd.read_csv(RESULTS)
