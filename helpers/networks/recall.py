"""A task that asks a recurrent layer for what it heard long ago: data, models, stored results."""

import numpy as np
import pandas as pd

from helpers import ROOT
from helpers.networks import layers
from helpers.networks.backend import keras, set_seed

__all__ = ["LEARNED", "RESULTS", "best", "build", "keep_at_first", "results", "sequences", "train"]

RESULTS = ROOT / "assets" / "experiments" / "recall.csv"
"""One row for every training run of the recall task; ``tools/recall.py`` made it."""

LEARNED = 0.9
"""The accuracy above which a run counts as one that learned; chance is 0.5."""

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
        A built layer with biases, or one of another kind whose entry in
        `helpers.networks.layers.KINDS` says which biases keep its state. In a GRU the update gate
        of the formula is shut; in an LSTM the forget gate is opened and the input gate shut.
    bias : float, optional
        How far, before the sigmoid. At 5 the layer keeps 0.993 of its state at a step, and half of
        it for 103 steps. A GRU's is that of Keras's gate, which is one minus the formula's: 5 here
        is :math:`b_z=-5` there. Whatever these biases were before, they are set, not moved.

    Raises
    ------
    ValueError
        If the layer has no such gates or no biases, or is not built yet.
    TypeError
        If the layer is of a kind whose gates are not known.

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
    kind = layers.kind_of(layer)
    if not kind.keeps or layer.cell.bias is None:
        raise ValueError(
            f"{layer.name} has no gate with a bias; expected a layer with gates, such as a GRU or "
            "an LSTM, built with use_bias=True"
        )
    biases, units = np.asarray(layer.cell.bias).copy(), layer.cell.units
    first = np.atleast_2d(biases)[0]  # a view: of two rows of biases, one is enough
    for name, sign in kind.keeps.items():
        start = kind.blocks.index(name) * units
        first[start : start + units] = sign * bias
    layer.cell.bias.assign(biases)


def build(kind: str, gate_bias: float | None = None) -> keras.Model:
    """Build a model that reads a sequence and guesses the bit it opened with.

    Parameters
    ----------
    kind : str
        A key of `helpers.networks.layers.KINDS`: "SimpleRNN", "GRU", "LSTM", ...
    gate_bias : float, optional
        How far the gates are set to keep the state; see `keep_at_first`. Without it the layer
        starts as Keras starts it.

    Returns
    -------
    keras.Model
        The recurrent layer with 16 units, and a Dense layer that gives the logit of the bit.

    Raises
    ------
    ValueError
        If there is no such kind of layer, or a bias is given and it has no gates.

    Examples
    --------
    >>> build("SimpleRNN").count_params()
    321
    """
    recurrent = layers.kind_named(kind).layers(UNITS)
    model = keras.Sequential([keras.Input((None, 2)), *recurrent, keras.layers.Dense(1)])
    if gate_bias is not None:
        keep_at_first(recurrent[0], gate_bias)
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


def results(batches: int = BATCHES) -> pd.DataFrame:
    """Return the stored results of the recall task, a row a training run.

    Parameters
    ----------
    batches : int, optional
        The runs that trained on so many: 600, or 3000 for the layers as Keras starts them, at
        delays of 20 and 40 and three of the learning rates.

    Returns
    -------
    pandas.DataFrame
        With ``layer``, ``gate_bias`` (NaN where the layer starts as Keras starts it),
        ``learning_rate``, ``delay``, ``seed``, ``batches``, ``accuracy``, ``parameters`` and
        ``seconds``, and with how and when the run was made. Every layer was trained with the same
        learning rates, seeds and delays.

    Raises
    ------
    ValueError
        If no run with so many batches is stored.

    See Also
    --------
    best : the runs at each layer's best learning rate.

    Examples
    --------
    >>> sorted(results()["layer"].unique())
    ['GRU', 'LSTM', 'SimpleRNN']
    """
    table = pd.read_csv(RESULTS)
    stored = sorted(table["batches"].unique())
    if batches not in stored:
        raise ValueError(
            f"no run with {batches} batches is stored; there are some with "
            f"{' and with '.join(map(str, stored))}"
        )
    return table[table["batches"] == batches].reset_index(drop=True)


def best(table: pd.DataFrame) -> pd.DataFrame:
    """Return the runs at the learning rate that is best in the mean, for each layer and delay.

    Parameters
    ----------
    table : pandas.DataFrame
        As `results` returns it.

    Returns
    -------
    pandas.DataFrame
        Some of its rows: for each layer, start and delay, the runs of all seeds at the learning
        rate whose mean accuracy is highest; the lowest such rate where several are.

    Notes
    -----
    The rate is chosen by the accuracies that are then shown, which makes them too high where the
    seeds do not agree; all layers have the same number of rates to choose from.

    Examples
    --------
    >>> chosen = best(results())
    >>> rates = chosen.groupby(["layer", "gate_bias", "delay"], dropna=False)["learning_rate"]
    >>> int(rates.nunique().max())
    1
    """
    setting = ["layer", "gate_bias", "delay"]
    means = table.groupby([*setting, "learning_rate"], dropna=False)["accuracy"].mean()
    means = means.reset_index()
    rows = means.groupby(setting, dropna=False)["accuracy"].idxmax()
    return table.merge(means.loc[rows, [*setting, "learning_rate"]])
