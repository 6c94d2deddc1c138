"""Recurrent layers: a register of their kinds, and each of them opened up at every step.

The formulas are derived, one time step at a time, in the notebooks ``07_simple_rnn``, ``08_gru``
and ``09_lstm``. Here they run over whole batches, for any layer that Keras can build.

`KINDS` holds what the course knows of each kind of layer. Whoever adds an entry can build networks
of it, size it, open it, train it in the recall task and in the experiments.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import scipy

from helpers.networks.backend import keras, tf
from helpers.networks.pooling import AttentionPooling

__all__ = [
    "KINDS",
    "Kind",
    "blocks",
    "gradient_norms",
    "kind_named",
    "kind_of",
    "summary",
    "trace",
]


@dataclass(frozen=True)
class Kind:
    """What the course knows of a kind of recurrent layer.

    Only ``make`` is needed to build, size and train networks of it; what follows ``pooling`` opens
    the layer up.

    Parameters
    ----------
    make : callable
        Takes the number of units, and Keras's options, ``return_sequences`` among them; returns
        the layer.
    pooling : callable, optional
        Returns a layer that makes one vector of all states. Without it the last state is taken.
    layer : type, optional
        The class of the layer that ``make`` returns: `keras.layers.RNN` for a cell of your own.
    cell : type, optional
        The class of that layer's cell. Its weights are to be called ``kernel``,
        ``recurrent_kernel`` and ``bias``, as in Keras's own cells, and hold the blocks side by
        side.
    blocks : tuple of str, optional
        Names of the gates' and the candidate's blocks of weights, in the order of their columns.
    states : tuple of str, optional
        What is handed from step to step, in Keras's order; the output, ``h``, comes first.
    gates : tuple of str, optional
        Names of the gates, as ``step`` returns them.
    step : callable, optional
        One time step in NumPy: ``step(x, states, weights, cell, activation, gate)`` takes the
        input (batch, features), a tuple of states (batch, units), the weights as `blocks` cuts
        them, the cell, its activation and its recurrent activation as functions of arrays; returns
        everything that the step computes under its name, the new states included.
    products : int, optional
        Products of two vectors, element by element, in one step.
    keeps : mapping of str to int, optional
        Blocks whose biases make the layer keep its state: 1 where a high bias does, -1 where a low
        one does.

    Examples
    --------
    >>> KINDS["LSTM"].states, KINDS["LSTM"].gates
    (('h', 'C'), ('f', 'i', 'o'))
    >>> [type(layer).__name__ for layer in KINDS["GRU mean"].layers(8)]
    ['GRU', 'GlobalAveragePooling1D']
    """

    make: Callable
    pooling: Callable | None = None
    layer: type | None = None
    cell: type | None = None
    blocks: tuple[str, ...] = ()
    states: tuple[str, ...] = ("h",)
    gates: tuple[str, ...] = ()
    step: Callable | None = None
    products: int = 0
    keeps: Mapping[str, int] = field(default_factory=dict)

    def layers(self, units: int) -> list:
        """Return new layers that, one after the other, make one vector of a sequence.

        Parameters
        ----------
        units : int
            Size of the state.

        Returns
        -------
        list of keras.layers.Layer
            The first takes (batch, steps, features), the last gives (batch, width).
        """
        if self.pooling is None:
            return [self.make(units)]
        return [self.make(units, return_sequences=True), self.pooling()]


# One time step of each layer.


def _simple_rnn_step(x, states, w, cell, activation, gate):
    (h,) = states
    U, V, b = w["h"]
    return {"h": activation(x @ U + h @ V + b.sum(0))}


def _gru_step(x, states, w, cell, activation, gate):
    (h,) = states
    (Wz, Uz, bz), (Wr, Ur, br), (Wh, Uh, bh) = w["z"], w["r"], w["h"]
    z = 1 - gate(x @ Wz + h @ Uz + bz.sum(0))  # Keras's z is what the formula calls 1 - z
    r = gate(x @ Wr + h @ Ur + br.sum(0))
    if cell.reset_after:
        candidate = x @ Wh + bh[:1].sum(0) + r * (h @ Uh + bh[1:].sum(0))
    else:
        candidate = x @ Wh + bh.sum(0) + (r * h) @ Uh
    h_tilde = activation(candidate)
    return {"z": z, "r": r, "h_tilde": h_tilde, "h": (1 - z) * h + z * h_tilde}


def _lstm_step(x, states, w, cell, activation, gate):
    h, C = states
    f, i, o = (gate(x @ W + h @ U + b.sum(0)) for W, U, b in (w[name] for name in "fio"))
    W, U, b = w["c"]
    c_tilde = activation(x @ W + h @ U + b.sum(0))
    C = f * C + i * c_tilde
    return {"f": f, "i": i, "o": o, "c_tilde": c_tilde, "C": C, "h": o * activation(C)}


def _bidirectional(units: int, **options):
    """Return a GRU for each direction; each has so many units, and the output twice as many."""
    return keras.layers.Bidirectional(keras.layers.GRU(units, **options))


KINDS: dict[str, Kind] = {
    "SimpleRNN": Kind(
        make=keras.layers.SimpleRNN,
        layer=keras.layers.SimpleRNN,
        cell=keras.layers.SimpleRNNCell,
        blocks=("h",),
        step=_simple_rnn_step,
    ),
    "GRU": Kind(
        make=keras.layers.GRU,
        layer=keras.layers.GRU,
        cell=keras.layers.GRUCell,
        blocks=("z", "r", "h"),
        gates=("z", "r"),
        step=_gru_step,
        products=3,  # z, 1 - z and r each meet a vector
        keeps={"z": 1},  # Keras's z, which is one minus the formula's
    ),
    "LSTM": Kind(
        make=keras.layers.LSTM,
        layer=keras.layers.LSTM,
        cell=keras.layers.LSTMCell,
        blocks=("i", "f", "c", "o"),
        states=("h", "C"),
        gates=("f", "i", "o"),
        step=_lstm_step,
        products=3,
        keeps={"i": -1, "f": 1},
    ),
    "GRU mean": Kind(make=keras.layers.GRU, pooling=keras.layers.GlobalAveragePooling1D),
    "GRU attention": Kind(make=keras.layers.GRU, pooling=AttentionPooling),
    "bidirectional GRU": Kind(make=_bidirectional),
    "bidirectional GRU mean": Kind(
        make=_bidirectional, pooling=keras.layers.GlobalAveragePooling1D
    ),
}
"""The kinds of layer by their names: the course's three, and what can be made of a GRU.

The states of those called *mean* and *attention* are pooled over time, where the others keep the
last one; a *bidirectional* layer reads the sequence from either end.
"""


def kind_named(name: str) -> Kind:
    """Return the entry of a kind of layer.

    Parameters
    ----------
    name : str
        A key of `KINDS`.

    Returns
    -------
    Kind

    Raises
    ------
    ValueError
        If there is no such kind.

    Examples
    --------
    >>> kind_named("GRU").gates
    ('z', 'r')
    """
    if name not in KINDS:
        raise ValueError(f"no layer {name!r}; there are {', '.join(KINDS)}")
    return KINDS[name]


def kind_of(layer) -> Kind:
    """Return the entry of a layer's kind.

    Parameters
    ----------
    layer : keras.layers.Layer
        A built layer whose step is known.

    Returns
    -------
    Kind

    Raises
    ------
    TypeError, ValueError
        As for `blocks`.

    Examples
    --------
    >>> layer = keras.layers.GRU(3)
    >>> layer.build((None, None, 2))
    >>> kind_of(layer).keeps
    {'z': 1}
    """
    return _kind(layer)[1]


def _kind(layer) -> tuple[str, Kind]:
    """Return the name and the entry of a layer's kind, or say why it cannot be opened."""
    known = {(k.layer, k.cell): (name, k) for name, k in KINDS.items() if k.step}
    found = known.get((type(layer), type(getattr(layer, "cell", None))))
    if found is None:
        raise TypeError(f"{type(layer).__name__} is not supported: {_hint(layer, known)}")
    if not layer.built:
        raise ValueError(
            f"{layer.name} is not built and has no weights yet; "
            "call it once, or layer.build((None, None, features))"
        )
    if layer.compute_dtype not in ("float32", "float64"):
        raise ValueError(
            f"{layer.name} computes in {layer.compute_dtype}, which is not supported; "
            "build it with dtype='float32' or 'float64'"
        )
    return found


def _hint(layer, known: Mapping) -> str:
    """Return what to open in place of something that cannot be opened."""
    names = [name for name, _ in known.values()]
    hint = f"expected a keras {', '.join(names[:-1])} or {names[-1]} layer"
    if isinstance(layer, keras.layers.Bidirectional):
        return "open its forward_layer and its backward_layer, one at a time"
    if isinstance(layer, keras.layers.RNN):
        return f"it wraps a {type(layer.cell).__name__}; {hint} itself, whose formula is known"
    if isinstance(layer, keras.Model):
        return "open one of its layers: model.layers lists them"
    return hint


def _array(layer, values) -> np.ndarray:
    """Return an array, tensor or variable as a new array in the layer's precision."""
    return np.asarray(values).astype(layer.compute_dtype)


def blocks(layer) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Cut a layer's weights into one block per gate and candidate, under Keras's names.

    Keras stores the blocks side by side: ``z, r, h`` in a GRU, ``i, f, c, o`` in an LSTM.

    Parameters
    ----------
    layer : keras.layers.SimpleRNN, keras.layers.GRU or keras.layers.LSTM
        A built layer.

    Returns
    -------
    dict of str to tuple of numpy.ndarray
        For each block the input weights, shape ``(features, units)``; the recurrent weights, shape
        ``(units, units)``; and the biases, shape ``(rows, units)``. There is one row of biases,
        two in a GRU with ``reset_after=True`` (for the input and for the recurrent product), none
        without ``use_bias``. A GRU's block ``z`` is Keras's; see `trace`.

    Raises
    ------
    TypeError, ValueError
        If the layer is of another kind, not built, or computes in half precision.

    Notes
    -----
    Keras's order is shown in the notebooks ``08_gru`` and ``09_lstm``.

    Examples
    --------
    >>> layer = keras.layers.LSTM(3)
    >>> layer.build((None, None, 2))
    >>> {name: [w.shape for w in block] for name, block in blocks(layer).items()}["f"]
    [(2, 3), (3, 3), (1, 3)]
    >>> blocks(layer)["f"][2]
    array([[1., 1., 1.]], dtype=float32)
    """
    (_, kind), cell = _kind(layer), layer.cell
    names = kind.blocks
    kernel, recurrent = _array(layer, cell.kernel), _array(layer, cell.recurrent_kernel)
    bias = np.zeros((0, kernel.shape[1]), kernel.dtype)
    if cell.bias is not None:
        bias = np.atleast_2d(_array(layer, cell.bias))
    cut = (np.split(weights, len(names), axis=1) for weights in (kernel, recurrent, bias))
    return dict(zip(names, zip(*cut, strict=True), strict=True))


def _activation(function: Callable) -> Callable:
    """Return an activation as a function of arrays."""
    known = {
        keras.activations.linear: lambda a: a,
        keras.activations.tanh: np.tanh,
        keras.activations.sigmoid: scipy.special.expit,
        keras.activations.relu: lambda a: np.maximum(a, 0),
        keras.activations.hard_sigmoid: lambda a: np.clip(a / 6 + 0.5, 0, 1),
    }
    if function in known:
        return known[function]
    return lambda a: keras.ops.convert_to_numpy(function(keras.ops.convert_to_tensor(a)))


def _stepper(layer, kind: Kind) -> Callable:
    """Return the layer's time step as a function of the input and the states."""
    weights, cell = blocks(layer), layer.cell
    functions = [
        _activation(function) if (function := getattr(cell, name, None)) is not None else None
        for name in ("activation", "recurrent_activation")
    ]
    return lambda x, *states: kind.step(x, states, weights, cell, *functions)


def _first_states(layer, names, given, batch: int) -> list[np.ndarray]:
    """Return the states before the first step, checked."""
    shape = (batch, layer.cell.units)
    if given is None and layer.stateful and layer.states is not None:
        given = layer.states
    if given is None:
        return [np.zeros(shape, layer.compute_dtype) for _ in names]
    if not isinstance(given, list | tuple):
        given = [given]
    states = [_array(layer, state) for state in given]
    if len(states) != len(names) or any(state.shape != shape for state in states):
        shapes = ", ".join(str(state.shape) for state in states)
        raise ValueError(
            f"initial_state of {layer.name}: {len(states)} of shape {shapes}; "
            f"expected {len(names)} ({', '.join(names)}) of shape {shape}"
        )
    return states


def trace(layer, x, *, initial_state=None, mask=None) -> dict[str, np.ndarray]:
    r"""Return every gate, candidate and state of a recurrent layer at every step.

    The layer's formula is computed in NumPy from its weights, as the layer computes it when it is
    not training, without dropout.

    Parameters
    ----------
    layer : keras.layers.SimpleRNN, keras.layers.GRU or keras.layers.LSTM
        A built layer, trained or not.
    x : array_like, shape (batch, time, features)
        Its input. A mask that a Keras layer attached to it is used.
    initial_state : array_like or sequence of array_like, optional
        The states before the first step, each of shape ``(batch, units)``: `h`, and for an LSTM
        ``[h, C]``. By default zeros, or what a stateful layer remembers; the layer's own memory is
        not advanced.
    mask : array_like of bool, shape (batch, time), optional
        False where a step is padding.

    Returns
    -------
    dict of str to numpy.ndarray
        Arrays of shape ``(batch, time, units)`` in the layer's own precision: ``h`` of a
        SimpleRNN; ``z, r, h_tilde, h`` of a GRU; ``f, i, o, c_tilde, C, h`` of an LSTM. ``h`` is
        what the layer returns with ``return_sequences=True``, whether it was built so or not.

    Raises
    ------
    TypeError
        If the layer is of another kind (Bidirectional, a custom cell, a subclass).
    ValueError
        If the layer is not built or computes in half precision, if a shape does not fit, or for
        ``unroll=True`` with ``go_backwards``, ``zero_output_for_mask`` and a mask, where Keras 3.15
        applies the mask the wrong way round.

    Notes
    -----
    ``z`` is the update gate of the course's formula,
    :math:`h_t = (1-z_t)\odot h_{t-1} + z_t\odot\tilde h_t`: 1 takes the new. Keras's own ``z`` is
    one minus this. Both, and `reset_after`, are shown in the notebook ``08_gru``.

    Masked steps follow Keras on a CPU: the states stay what they were, and ``h``, being the
    *output*, repeats the output before it; it is 0 at the beginning, or if the layer has
    ``zero_output_for_mask``. Gates and candidates of a masked step are given as computed; the
    layer discards them. With ``go_backwards`` the steps are in the order in which they are taken,
    last input first, as in the layer's output.

    Examples
    --------
    >>> layer = keras.layers.GRU(3, return_sequences=True)
    >>> x = np.ones((1, 5, 2), "float32")
    >>> output = layer(x)
    >>> opened = trace(layer, x)
    >>> {name: values.shape for name, values in opened.items()}
    {'z': (1, 5, 3), 'r': (1, 5, 3), 'h_tilde': (1, 5, 3), 'h': (1, 5, 3)}
    >>> bool(np.allclose(opened["h"], output, atol=1e-6))
    True
    """
    _, kind = _kind(layer)
    if mask is None:
        mask = getattr(x, "_keras_mask", None)
    x = _array(layer, x)
    features = layer.cell.kernel.shape[0]
    if x.ndim != 3 or x.shape[2] != features or x.shape[1] == 0:
        raise ValueError(
            f"x has shape {x.shape}; {layer.name} takes (batch, time, {features}), time at least 1"
        )
    states = _first_states(layer, kind.states, initial_state, len(x))
    if mask is None:
        mask = np.ones(x.shape[:2], bool)
    elif layer.unroll and layer.go_backwards and layer.zero_output_for_mask:
        raise ValueError(
            "unroll=True with go_backwards, zero_output_for_mask and a mask is not supported: "
            "Keras applies the mask the wrong way round; build the layer with unroll=False"
        )
    mask = np.asarray(mask, bool)
    if mask.shape != x.shape[:2]:
        raise ValueError(f"mask has shape {mask.shape}; expected (batch, time) = {x.shape[:2]}")
    if layer.go_backwards:
        x, mask = x[:, ::-1], mask[:, ::-1]

    step = _stepper(layer, kind)
    output = np.zeros_like(states[0])
    steps = []
    with np.errstate(over="ignore", invalid="ignore"):  # as silent as the layer where values grow
        for t in range(x.shape[1]):
            keep = mask[:, t, None]
            now = step(x[:, t], *states)
            before = np.zeros_like(output) if layer.zero_output_for_mask else output
            output = np.where(keep, now["h"], before)
            names = kind.states
            states = [np.where(keep, now[n], s) for n, s in zip(names, states, strict=True)]
            steps.append(now | dict(zip(names, states, strict=True)) | {"h": output})
    return {name: np.stack([now[name] for now in steps], axis=1) for name in steps[0]}


def summary(*layers) -> pd.DataFrame:
    r"""Compare layers: what they keep, what they learn and what a step costs.

    Parameters
    ----------
    *layers : keras.layers.SimpleRNN, keras.layers.GRU or keras.layers.LSTM
        Built layers.

    Returns
    -------
    pandas.DataFrame
        A row a layer, indexed by its kind, all counted from the weights themselves:

        - ``features``, ``units``: lengths of the input and of a state;
        - ``states``: vectors handed from one step to the next;
        - ``gates``: blocks that are neither the candidate nor the state itself;
        - ``weight matrices``: two a block, one for the input and one for the state before. Where a
          formula writes :math:`W[h_{t-1}, x_t]`, the two are one;
        - ``parameters``: entries of these matrices and of the biases;
        - ``multiplications a step``: those of the matrix products and of the element-wise products
          (:math:`\odot`) for one sequence; activations are not counted.

    Raises
    ------
    TypeError, ValueError
        As for `blocks`.

    Notes
    -----
    Derived in the notebook ``09_lstm``.

    Examples
    --------
    >>> layers = [kind(64) for kind in (keras.layers.SimpleRNN, keras.layers.GRU)]
    >>> for layer in layers:
    ...     layer.build((None, None, 20))
    >>> summary(*layers)[["gates", "parameters"]].T
    layer       SimpleRNN    GRU
    gates               0      2
    parameters       5440  16512
    """
    rows = []
    for layer in layers:
        (name, kind), cut = _kind(layer), blocks(layer)
        matrices = [weights for block in cut.values() for weights in block[:2]]
        biases = [block[2] for block in cut.values()]
        rows.append(
            {
                "layer": name,
                "features": matrices[0].shape[0],
                "units": layer.cell.units,
                "states": len(kind.states),
                "gates": len(kind.gates),
                "weight matrices": len(matrices),
                "parameters": sum(weights.size for weights in matrices + biases),
                "multiplications a step": sum(weights.size for weights in matrices)
                + kind.products * layer.cell.units,
            }
        )
    return pd.DataFrame(rows).set_index("layer")


def gradient_norms(layer, x) -> np.ndarray:
    r"""Return how strongly the last output depends on the input of every step.

    Parameters
    ----------
    layer : keras.layers.Layer
        A recurrent layer that is not stateful, or any other that gives one vector a sequence.
    x : array_like, shape (batch, time, features)
        The input at which the derivative is taken.

    Returns
    -------
    numpy.ndarray, shape (batch, time)
        :math:`\lVert\partial h_T/\partial x_t\rVert_2`, the largest singular value of the matrix
        of derivatives. A small change of :math:`x_t` changes :math:`h_T` by at most this many
        times its own size.

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
    if getattr(layer, "stateful", False):
        raise ValueError(f"{layer.name} is stateful; a measurement would advance its memory")
    x = tf.convert_to_tensor(np.asarray(x, layer.compute_dtype))
    if x.ndim != 3:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (batch, time, features)")

    def last(inputs):
        output = layer(inputs)
        output = output[0] if getattr(layer, "return_state", False) else output
        return output[:, -1] if getattr(layer, "return_sequences", False) else output

    batch, units = len(x), last(x[:1]).shape[-1]
    copies = tf.repeat(x, units, axis=0)
    chosen = tf.tile(tf.eye(units, dtype=x.dtype), [batch, 1])
    with tf.GradientTape() as tape:
        tape.watch(copies)
        total = tf.reduce_sum(last(copies) * chosen)
    rows = tape.gradient(total, copies).numpy().reshape(batch, units, *x.shape[1:])
    return np.linalg.norm(rows, ord=2, axis=(1, 3))
