"""Whoever adds a kind of layer adds one entry: all that is done with layers is done with it."""

import numpy as np
import pytest

from helpers.audio.features import MFCCSetting
from helpers.networks import classifiers, layers, recall
from helpers.networks.backend import keras, set_seed

# Keras hands its variables to h5py as it did before NumPy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

SETTING = MFCCSetting(n_mfcc=5, n_mels=20)
MOMENTS = (np.full(5, 0.5), np.full(5, 2.0))
LANGUAGES = ("it", "ru")
X = np.random.default_rng(0).standard_normal((3, 12, 5)).astype(np.float32)


@keras.saving.register_keras_serializable("test_kinds")
class MinimalCell(keras.layers.Layer):
    """The minimal gated unit (Zhou et al. 2016, arXiv:1603.09420): one gate, f."""

    def __init__(self, units, use_bias=True, **kwargs):
        super().__init__(**kwargs)
        self.units, self.state_size, self.use_bias = units, units, use_bias
        self.activation, self.recurrent_activation = keras.ops.tanh, keras.ops.sigmoid

    def build(self, shape):
        """Make the weights of f and of the candidate, side by side."""
        columns = 2 * self.units
        self.kernel = self.add_weight(shape=(shape[-1], columns), name="kernel")
        self.recurrent_kernel = self.add_weight(shape=(self.units, columns), name="recurrent")
        self.bias = self.add_weight(shape=(columns,), name="bias") if self.use_bias else None

    def call(self, x, states, training=False):
        """Return the output and the new state."""
        (h,) = states
        (Wf, Wh), (Uf, Uh), (bf, bh) = (
            keras.ops.split(w, 2, axis=-1) for w in (self.kernel, self.recurrent_kernel, self.bias)
        )
        f = keras.ops.sigmoid(x @ Wf + h @ Uf + bf)
        candidate = keras.ops.tanh(x @ Wh + (f * h) @ Uh + bh)
        h = (1 - f) * h + f * candidate
        return h, [h]

    def get_config(self):
        """Return what the cell is made from."""
        return {**super().get_config(), "units": self.units, "use_bias": self.use_bias}


def minimal_step(x, states, w, cell, activation, gate):
    """Compute a step of the minimal gated unit in NumPy."""
    (h,) = states
    (Wf, Uf, bf), (Wh, Uh, bh) = w["f"], w["h"]
    f = gate(x @ Wf + h @ Uf + bf.sum(0))
    h_tilde = activation(x @ Wh + (f * h) @ Uh + bh.sum(0))
    return {"f": f, "h_tilde": h_tilde, "h": (1 - f) * h + f * h_tilde}


@pytest.fixture
def minimal(monkeypatch):
    """Register the minimal gated unit: all that is to be done for a new kind of layer."""
    monkeypatch.setitem(
        layers.KINDS,
        "minimal",
        layers.Kind(
            make=lambda units, **options: keras.layers.RNN(MinimalCell(units), **options),
            layer=keras.layers.RNN,
            cell=MinimalCell,
            blocks=("f", "h"),
            gates=("f",),
            step=minimal_step,
            products=3,
            keeps={"f": -1},
        ),
    )


def build(name, units=4):
    """Return a network whose every weight, biases too, is random."""
    set_seed(0)
    model = classifiers.build(name, units, SETTING, LANGUAGES, MOMENTS)
    rng = np.random.default_rng(1)
    model.set_weights([0.7 * rng.standard_normal(w.shape) for w in model.get_weights()])
    return model


def test_a_new_kind_is_opened_and_counted(minimal):
    layer = layers.KINDS["minimal"].make(4, return_sequences=True)
    output = layer(X)
    opened = layers.trace(layer, X)
    assert list(opened) == ["f", "h_tilde", "h"]
    np.testing.assert_allclose(opened["h"], output, atol=1e-6)
    mask = np.random.default_rng(2).random((3, 12)) < 0.6
    np.testing.assert_allclose(
        layers.trace(layer, X, mask=mask)["h"], layer(X, mask=mask), atol=1e-6
    )
    row = layers.summary(layer).loc["minimal"]
    assert row["parameters"] == layer.count_params() and row["gates"] == row["states"] == 1
    assert row["weight matrices"] == 4
    assert row["multiplications a step"] == 2 * 4 * (5 + 4) + 3 * 4
    assert layers.gradient_norms(layer, X).shape == (3, 12)
    with pytest.raises(TypeError, match="SimpleRNN, GRU, LSTM or minimal layer"):
        layers.trace(keras.layers.Dense(2), X)


def test_a_new_kind_is_in_the_recall_task(minimal):
    model = recall.build("minimal", gate_bias=20.0)
    state = np.full((1, recall.UNITS), 0.5, np.float32)
    x, _ = recall.sequences(30, 1, seed=0)
    opened = layers.trace(model.layers[0], x, initial_state=state)
    np.testing.assert_allclose(opened["h"][0, -1], 0.5, atol=1e-5)
    _, accuracy = recall.train("minimal", 2, seed=0)
    assert accuracy == 1


@pytest.mark.parametrize("name", ["minimal", *layers.KINDS])
def test_every_kind_is_built_sized_padded_asked_at_every_step_and_saved(name, minimal, tmp_path):
    model = build(name)
    assert model.output_shape == (None, 2)
    padded = np.concatenate([X, np.zeros((3, 4, 5), np.float32)], axis=1)
    np.testing.assert_allclose(model(padded), model(X), atol=1e-6)

    every = classifiers.every_step(model)(padded).numpy()
    assert every.shape == (3, 16, 2)
    for t in (1, 5, 12):
        np.testing.assert_allclose(every[:, t - 1], model(X[:, :t]), atol=1e-6)
    np.testing.assert_allclose(every[:, -1], model(X), atol=1e-6)

    model.save(tmp_path / "saved.keras")
    loaded = classifiers.load(tmp_path / "saved.keras")
    np.testing.assert_array_equal(loaded(X), model(X))

    def count(units):
        network = classifiers.build(name, units, SETTING, LANGUAGES, MOMENTS)
        return sum(int(np.prod(w.shape)) for w in network.trainable_weights)

    units = classifiers.units_for(name, 900, features=5, classes=2)
    off = abs(count(units) - 900)
    assert off <= min(abs(count(units + 1) - 900), abs(count(units - 1) - 900))


@pytest.mark.parametrize("name", ["GRU mean", "bidirectional GRU mean"])
def test_states_are_averaged_over_what_is_no_padding(name):
    model = build(name)
    _, _, normalise, recurrent, _, output = model.layers
    padded = np.concatenate([X, np.zeros((3, 4, 5), np.float32)], axis=1)
    states = recurrent(normalise(X)).numpy()
    np.testing.assert_allclose(output(states.mean(axis=1)), model(padded), atol=1e-6)


def test_sizing_and_copying_a_network_draw_no_random_numbers():
    def weights(between):
        set_seed(5)
        between()
        return classifiers.build("GRU", 4, SETTING, LANGUAGES, MOMENTS).get_weights()

    model = build("GRU")
    plain = weights(lambda: None)
    for between in (
        lambda: classifiers.units_for("GRU", 500, features=5, classes=2),
        lambda: classifiers.every_step(model),
    ):
        for one, other in zip(plain, weights(between), strict=True):
            np.testing.assert_array_equal(one, other)


def test_networks_that_are_no_chain_are_asked_at_every_step_too():
    frames = keras.Input((None, 5))
    x = classifiers.Features(SETTING, LANGUAGES)(frames)
    x = keras.layers.Normalization(mean=MOMENTS[0], variance=MOMENTS[1])(x)
    first = keras.layers.SimpleRNN(4)(x)
    second = keras.layers.LSTM(4)(keras.layers.GRU(3, return_sequences=True)(x))
    added = keras.layers.Add()([first, second])
    branched = keras.Model(frames, keras.layers.Dense(2, activation="softmax")(added))
    joined = keras.layers.Concatenate()([first, second])  # not known to work step by step
    other = keras.Model(frames, keras.layers.Dense(2)(joined))
    for model in (branched, other):
        stepwise = classifiers.every_step(model)
        assert stepwise.name == model.name
        every = stepwise(X).numpy()
        for t in (1, 7, 12):
            np.testing.assert_allclose(every[:, t - 1], model(X[:, :t]), atol=1e-6)


def test_a_layer_that_reads_backwards_is_given_every_beginning():
    frames = keras.Input((None, 5))
    backwards = keras.layers.GRU(4, go_backwards=True)(frames)
    model = keras.Model(frames, keras.layers.Dense(2)(backwards))
    every = classifiers.every_step(model)(X).numpy()
    np.testing.assert_allclose(every[:, 6], model(X[:, :7]), atol=1e-6)
