"""Recurrent layers opened up: every gate, candidate and state of a Keras layer at every step.

The formulas are derived, one time step at a time, in the notebooks ``07_simple_rnn``, ``08_gru``
and ``09_lstm``. Here they run over whole batches, for any layer that Keras can build.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import scipy

from helpers.networks.backend import keras, tf

__all__ = ["STATES", "blocks", "gradient_norms", "summary", "trace"]

STATES = {"SimpleRNN": ("h",), "GRU": ("h",), "LSTM": ("h", "C")}
"""The states that each kind of layer hands from step to step, in Keras's order."""

_BLOCKS = {"SimpleRNN": ("h",), "GRU": ("z", "r", "h"), "LSTM": ("i", "f", "c", "o")}


def _kind(layer) -> str:
    """Return the layer's kind, or say why it cannot be opened."""
    if type(layer) not in (keras.layers.SimpleRNN, keras.layers.GRU, keras.layers.LSTM):
        name = type(layer).__name__
        hint = "expected a keras SimpleRNN, GRU or LSTM layer"
        if isinstance(layer, keras.layers.Bidirectional):
            hint = "open its forward_layer and its backward_layer, one at a time"
        elif isinstance(layer, keras.layers.RNN):
            cell = type(layer.cell).__name__
            hint = f"it wraps a {cell}; {hint} itself, whose formula is known"
        elif isinstance(layer, keras.Model):
            hint = "open one of its layers: model.layers lists them"
        raise TypeError(f"{name} is not supported: {hint}")
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
    return type(layer).__name__


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
    names, cell = _BLOCKS[_kind(layer)], layer.cell
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


# One time step of each layer: input (batch, features) and states (batch, units) to everything the
# step computes, the new states among it.


def _simple_rnn_step(x, h, w, activation, _):
    U, V, b = w["h"]
    return {"h": activation(x @ U + h @ V + b.sum(0))}


def _gru_step(x, h, w, activation, gate, *, reset_after):
    (Wz, Uz, bz), (Wr, Ur, br), (Wh, Uh, bh) = w["z"], w["r"], w["h"]
    z = 1 - gate(x @ Wz + h @ Uz + bz.sum(0))  # Keras's z is what the formula calls 1 - z
    r = gate(x @ Wr + h @ Ur + br.sum(0))
    if reset_after:
        candidate = x @ Wh + bh[:1].sum(0) + r * (h @ Uh + bh[1:].sum(0))
    else:
        candidate = x @ Wh + bh.sum(0) + (r * h) @ Uh
    h_tilde = activation(candidate)
    return {"z": z, "r": r, "h_tilde": h_tilde, "h": (1 - z) * h + z * h_tilde}


def _lstm_step(x, h, C, w, activation, gate):
    f, i, o = (gate(x @ W + h @ U + b.sum(0)) for W, U, b in (w[name] for name in "fio"))
    W, U, b = w["c"]
    c_tilde = activation(x @ W + h @ U + b.sum(0))
    C = f * C + i * c_tilde
    return {"f": f, "i": i, "o": o, "c_tilde": c_tilde, "C": C, "h": o * activation(C)}


def _stepper(layer, kind: str) -> Callable:
    """Return the layer's time step as a function of the input and the states."""
    w, activation = blocks(layer), _activation(layer.activation)
    if kind == "SimpleRNN":
        return lambda x, h: _simple_rnn_step(x, h, w, activation, None)
    gate = _activation(layer.recurrent_activation)
    if kind == "GRU":
        reset_after = layer.reset_after
        return lambda x, h: _gru_step(x, h, w, activation, gate, reset_after=reset_after)
    return lambda x, h, C: _lstm_step(x, h, C, w, activation, gate)


def _first_states(layer, names, given, batch: int) -> list[np.ndarray]:
    """Return the states before the first step, checked."""
    shape = (batch, layer.units)
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
    not training: dropout rests.

    Parameters
    ----------
    layer : keras.layers.SimpleRNN, keras.layers.GRU or keras.layers.LSTM
        A built layer, trained or not.
    x : array_like, shape (batch, time, features)
        Its input. A mask that a Keras layer attached to it is heeded.
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
    *output*, repeats the output before it, or is 0 if there is none yet or the layer has
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
    kind = _kind(layer)
    if mask is None:
        mask = getattr(x, "_keras_mask", None)
    x = _array(layer, x)
    features = layer.cell.kernel.shape[0]
    if x.ndim != 3 or x.shape[2] != features or x.shape[1] == 0:
        raise ValueError(
            f"x has shape {x.shape}; {layer.name} takes (batch, time, {features}), time at least 1"
        )
    states = _first_states(layer, STATES[kind], initial_state, len(x))
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
            names = STATES[kind]
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
        kind, cut = _kind(layer), blocks(layer)
        matrices = [weights for block in cut.values() for weights in block[:2]]
        biases = [block[2] for block in cut.values()]
        gates = len(cut) - 1
        # Each gate meets one vector element by element; a GRU's z meets a second one, as 1 - z.
        products = gates + (kind == "GRU")
        rows.append(
            {
                "layer": kind,
                "features": matrices[0].shape[0],
                "units": layer.units,
                "states": len(STATES[kind]),
                "gates": gates,
                "weight matrices": len(matrices),
                "parameters": sum(weights.size for weights in matrices + biases),
                "multiplications a step": sum(weights.size for weights in matrices)
                + products * layer.units,
            }
        )
    return pd.DataFrame(rows).set_index("layer")


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
