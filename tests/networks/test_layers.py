"""Opened layers agree with the layers themselves, in every configuration, or are refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.networks import layers
from helpers.networks.backend import keras, set_seed

KINDS = {"SimpleRNN": keras.layers.SimpleRNN, "GRU": keras.layers.GRU, "LSTM": keras.layers.LSTM}
ACTIVATIONS = [
    "tanh",
    "relu",
    "sigmoid",
    "linear",
    None,
    "hard_sigmoid",
    "elu",
    "softsign",
    "softmax",
]
NAMES = {
    "SimpleRNN": ["h"],
    "GRU": ["z", "r", "h_tilde", "h"],
    "LSTM": ["f", "i", "o", "c_tilde", "C", "h"],
}


def layer_of(kind, features, seed=0, scale=0.5, units=3, **options):
    """Build a layer whose every weight, biases too, is random."""
    layer = KINDS[kind](units, **options)
    layer.build((2, None, features))
    rng = np.random.default_rng(seed)
    layer.set_weights([scale * rng.standard_normal(w.shape) for w in layer.get_weights()])
    return layer


@st.composite
def cases(draw):
    """Draw a kind of layer, its options and its input."""
    kind = draw(st.sampled_from(sorted(KINDS)))
    options = {
        "activation": draw(st.sampled_from(ACTIVATIONS)),
        "use_bias": draw(st.booleans()),
        "go_backwards": draw(st.booleans()),
        "zero_output_for_mask": draw(st.booleans()),
        "unroll": draw(st.booleans()),
        "dtype": draw(st.sampled_from(["float32", "float64"])),
        "recurrent_dropout": draw(st.sampled_from([0.0, 0.3])),
        "dropout": draw(st.sampled_from([0.0, 0.3])),
        "units": draw(st.integers(2, 4)),
    }
    if kind != "SimpleRNN":
        options["recurrent_activation"] = draw(st.sampled_from(ACTIVATIONS))
    if kind == "GRU":
        options["reset_after"] = draw(st.booleans())
    if kind == "LSTM":
        options["unit_forget_bias"] = draw(st.booleans())
    batch, time, features = 2, draw(st.integers(1, 6)), draw(st.integers(1, 3))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    call = {}
    if draw(st.booleans()):
        call["mask"] = rng.random((batch, time)) < 0.6
        if options["unroll"] and options["go_backwards"]:
            options["zero_output_for_mask"] = False  # refused, see below
    if draw(st.booleans()):
        states = [rng.standard_normal((batch, options["units"])) for _ in layers.KINDS[kind].states]
        call["initial_state"] = [state.astype(options["dtype"]) for state in states]
    x = rng.standard_normal((batch, time, features)).astype(options["dtype"])
    return kind, features, options, x, call


@settings(max_examples=150, deadline=None)
@given(cases())
def test_h_is_what_the_layer_returns(case):
    kind, features, options, x, call = case
    layer = layer_of(kind, features, return_sequences=True, return_state=True, **options)
    output, *states = (np.asarray(value) for value in layer(x, **call))
    opened = layers.trace(layer, x, **call)
    assert list(opened) == NAMES[kind]
    assert all(v.shape == output.shape and v.dtype == output.dtype for v in opened.values())
    tolerance = 1e-5 if options["dtype"] == "float32" else 1e-12
    # Without a bound on the activation, rounding grows with the values.
    tolerance *= max(1, np.abs(output).max(initial=0))
    np.testing.assert_allclose(opened["h"], output, rtol=tolerance, atol=tolerance)
    if kind == "LSTM":
        np.testing.assert_allclose(opened["C"][:, -1], states[1], rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("kind", KINDS)
def test_a_layer_that_returns_its_last_output_is_opened_alike(kind):
    x = np.random.default_rng(1).standard_normal((2, 5, 3)).astype("float32")
    layer = layer_of(kind, 3)
    np.testing.assert_allclose(layers.trace(layer, x)["h"][:, -1], layer(x), atol=1e-6)


def test_the_update_gate_is_the_formulas_and_not_keras():
    x = np.random.default_rng(1).standard_normal((2, 6, 3)).astype("float32")
    opened = layers.trace(layer_of("GRU", 3), x)
    before = np.concatenate([np.zeros((2, 1, 3)), opened["h"][:, :-1]], axis=1)
    z = opened["z"]
    np.testing.assert_allclose((1 - z) * before + z * opened["h_tilde"], opened["h"], atol=1e-6)

    shut = layer_of("GRU", 3)
    kernel, recurrent, bias = shut.get_weights()
    bias[0, :3] = 50  # Keras's z: keep everything
    shut.set_weights([kernel, recurrent, bias])
    assert np.all(layers.trace(shut, x)["z"] < 1e-6)


@pytest.mark.parametrize("gate", ["i", "f", "o"])
def test_each_gate_of_an_lstm_stands_at_its_place(gate):
    x = np.random.default_rng(1).standard_normal((2, 6, 3)).astype("float32")
    layer = layer_of("LSTM", 3)
    kernel, recurrent, bias = layer.get_weights()
    at = 3 * {"i": 0, "f": 1, "o": 3}[gate]
    bias[at : at + 3] = 50
    layer.set_weights([kernel, recurrent, bias])
    opened = layers.trace(layer, x)
    assert np.all(opened[gate] > 1 - 1e-6)
    assert all(np.any(opened[other] < 0.99) for other in "fio" if other != gate)


def test_a_new_lstm_starts_with_its_forget_gate_ajar():
    layer = keras.layers.LSTM(4)
    layer.build((None, None, 2))
    assert np.all(layers.blocks(layer)["f"][2] == 1)
    assert all(np.all(layers.blocks(layer)[name][2] == 0) for name in "ico")


@pytest.mark.parametrize("kind", KINDS)
def test_a_stateful_layer_is_opened_where_it_stands_and_not_advanced(kind):
    x = np.random.default_rng(1).standard_normal((2, 8, 3)).astype("float32")
    layer = layer_of(kind, 3, stateful=True, return_sequences=True)
    whole = layer(x)
    layer.reset_state()
    layer(x[:, :5])
    for _ in range(2):
        np.testing.assert_allclose(layers.trace(layer, x[:, 5:])["h"], whole[:, 5:], atol=1e-6)


def test_the_mask_that_a_layer_attached_is_heeded():
    x = np.random.default_rng(1).standard_normal((2, 6, 3)).astype("float32")
    x[0, 3:] = 0
    masked = keras.layers.Masking()(x)
    layer = layer_of("GRU", 3, return_sequences=True)
    opened = layers.trace(layer, masked)["h"]
    np.testing.assert_allclose(opened, layer(masked), atol=1e-6)
    assert np.ptp(opened[0, 2:], axis=0).max() == 0


def test_an_activation_that_is_a_layer_is_called():
    x = np.random.default_rng(1).standard_normal((2, 6, 3)).astype("float32")
    layer = layer_of("SimpleRNN", 3, activation=keras.layers.LeakyReLU(0.3), return_sequences=True)
    np.testing.assert_allclose(layers.trace(layer, x)["h"], layer(x), atol=1e-5)


class Mine(keras.layers.GRU):
    """A subclass could compute anything."""


REFUSED = {
    "Bidirectional.*forward_layer": keras.layers.Bidirectional(keras.layers.GRU(2)),
    "wraps a GRUCell": keras.layers.RNN(keras.layers.GRUCell(2)),
    "wraps a StackedRNNCells": keras.layers.RNN([keras.layers.GRUCell(2)]),
    "Mine": Mine(2),
    "Dense": keras.layers.Dense(2),
    "ConvLSTM1D": keras.layers.ConvLSTM1D(2, 3),
    "model.layers": keras.Sequential([keras.layers.GRU(2)]),
    "str": "GRU",
}


@pytest.mark.parametrize("message", REFUSED)
def test_another_kind_of_layer_is_refused_by_name(message):
    with pytest.raises(TypeError, match=message):
        layers.trace(REFUSED[message], np.zeros((1, 2, 3)))


def test_a_layer_that_cannot_be_opened_yet_is_refused():
    with pytest.raises(ValueError, match="not built"):
        layers.trace(keras.layers.GRU(2), np.zeros((1, 2, 3)))
    half = keras.layers.GRU(2, dtype="mixed_float16")
    half.build((None, None, 3))
    with pytest.raises(ValueError, match="float16"):
        layers.trace(half, np.zeros((1, 2, 3)))
    options = dict(unroll=True, go_backwards=True, zero_output_for_mask=True)
    with pytest.raises(ValueError, match="wrong way round"):
        layers.trace(layer_of("GRU", 3, **options), np.zeros((1, 2, 3)), mask=[[True, False]])


@pytest.mark.parametrize("shape", [(5, 3), (2, 5, 4), (2, 0, 3), (2, 5, 3, 1)])
def test_an_input_that_does_not_fit_is_refused(shape):
    with pytest.raises(ValueError, match=r"takes \(batch, time, 3\)"):
        layers.trace(layer_of("GRU", 3), np.zeros(shape))


def test_states_and_masks_that_do_not_fit_are_refused():
    x = np.zeros((2, 5, 3))
    h = np.zeros((2, 3))
    with pytest.raises(ValueError, match=r"expected 2 \(h, C\) of shape \(2, 3\)"):
        layers.trace(layer_of("LSTM", 3), x, initial_state=h)
    with pytest.raises(ValueError, match="expected 1"):
        layers.trace(layer_of("GRU", 3), x, initial_state=[h, h])
    with pytest.raises(ValueError, match=r"1 of shape \(1, 3\)"):
        layers.trace(layer_of("GRU", 3), x, initial_state=h[:1])
    with pytest.raises(ValueError, match=r"mask has shape \(2, 4\)"):
        layers.trace(layer_of("GRU", 3), x, mask=np.ones((2, 4)))


class Counted:
    """A number that counts how often numbers are multiplied."""

    count = 0

    def __add__(self, _):
        """Adding is free."""
        return self

    __radd__ = __sub__ = __rsub__ = __add__

    def __mul__(self, _):
        """Multiplying is counted."""
        Counted.count += 1
        return self

    __rmul__ = __mul__


@settings(max_examples=40, deadline=None)
@given(
    kind=st.sampled_from(sorted(KINDS)),
    units=st.integers(1, 5),
    features=st.integers(1, 5),
    use_bias=st.booleans(),
    reset_after=st.booleans(),
)
def test_the_summary_counts_what_is_there(kind, units, features, use_bias, reset_after):
    options = {"reset_after": reset_after} if kind == "GRU" else {}
    layer = layer_of(kind, features, units=units, use_bias=use_bias, **options)
    row = layers.summary(layer).loc[kind]
    assert row["parameters"] == layer.count_params()
    assert (row["features"], row["units"]) == (features, units)
    assert row["states"] == len(layer.cell.state_size if kind == "LSTM" else [1])
    assert row["gates"] == sum(
        name in "zrfio" for name in layers.trace(layer, np.zeros((1, 1, features)))
    )

    def numbers(*shape):
        return np.full(shape, Counted(), dtype=object)

    def same(a):
        return a

    weights = {
        name: tuple(numbers(*w.shape) for w in block)
        for name, block in layers.blocks(layer).items()
    }
    states = [numbers(1, units) for _ in layers.KINDS[kind].states]
    Counted.count = 0
    step = layers.KINDS[kind].step
    step(numbers(1, features), tuple(states), weights, layer.cell, same, same)
    assert row["multiplications a step"] == Counted.count


def test_the_summary_of_the_three_layers():
    built = [layer_of(kind, 20, units=64) for kind in KINDS]
    table = layers.summary(*built)
    assert list(table.index) == list(KINDS)
    assert list(table["states"]) == [1, 1, 2]
    assert list(table["gates"]) == [0, 2, 3]
    assert list(table["weight matrices"]) == [2, 6, 8]
    assert list(table["parameters"]) == [5440, 16512, 21760]


@pytest.mark.parametrize("kind", ["SimpleRNN", "GRU", "LSTM"])
@pytest.mark.parametrize("options", [{}, {"return_sequences": True}, {"return_state": True}])
def test_reach_is_what_a_small_change_of_the_input_does(kind, options):
    set_seed(0)
    layer = getattr(keras.layers, kind)(3, dtype="float64", **options)
    layer.build((None, None, 2))
    x = np.random.default_rng(0).standard_normal((2, 5, 2))
    norms = layers.gradient_norms(layer, x)
    assert norms.shape == (2, 5)
    for t in range(5):
        jacobian = np.zeros((2, 3, 2))
        for feature in range(2):
            change = np.zeros_like(x)
            change[:, t, feature] = 1e-6
            above, below = (layers.trace(layer, x + s * change)["h"][:, -1] for s in (1, -1))
            jacobian[:, :, feature] = (above - below) / 2e-6
        np.testing.assert_allclose(norms[:, t], np.linalg.norm(jacobian, 2, (1, 2)), atol=1e-8)


def test_reach_refuses_what_it_would_disturb_or_not_understand():
    stateful = keras.layers.GRU(2, stateful=True)
    stateful.build((1, None, 2))
    with pytest.raises(ValueError, match="stateful"):
        layers.gradient_norms(stateful, np.zeros((1, 3, 2)))
    with pytest.raises(ValueError, match=r"shape \(3, 2\); expected \(batch, time, features\)"):
        layers.gradient_norms(keras.layers.GRU(2), np.zeros((3, 2)))


def test_reach_of_what_is_no_recurrent_layer_is_its_derivative_too():
    mean = keras.Sequential([keras.Input((4, 2)), keras.layers.GlobalAveragePooling1D()])
    np.testing.assert_allclose(layers.gradient_norms(mean, np.zeros((3, 4, 2))), 1 / 4)


def test_growing_values_are_passed_over_as_silently_as_the_layer_does():
    layer = layer_of("SimpleRNN", 1, scale=1e30, activation="linear", return_sequences=True)
    x = np.ones((1, 9, 1), np.float32)
    np.testing.assert_array_equal(
        np.isfinite(layers.trace(layer, x)["h"]), np.isfinite(layer(x).numpy())
    )


def test_a_stateful_layer_that_has_read_nothing_starts_from_zeros():
    layer = layer_of("GRU", 3, stateful=True, return_sequences=True)
    x = np.random.default_rng(1).standard_normal((2, 4, 3)).astype("float32")
    opened = layers.trace(layer, x)["h"]
    np.testing.assert_allclose(opened, layer(x), atol=1e-6)


def test_the_entry_of_a_kind_is_found_by_name_and_by_layer():
    for name in KINDS:
        assert layers.kind_of(layer_of(name, 2)) is layers.kind_named(name) is layers.KINDS[name]
    with pytest.raises(
        ValueError, match="no layer 'RNN'; there are SimpleRNN, GRU, LSTM, GRU mean"
    ):
        layers.kind_named("RNN")
    with pytest.raises(TypeError, match="^Dense is not supported: expected a keras SimpleRNN, GRU"):
        layers.kind_of(keras.layers.Dense(2))
