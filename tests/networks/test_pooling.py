"""Attention pooling is the mean that its formula says, at any scale, type and padding."""

import numpy as np
import pytest

from helpers.networks.backend import keras
from helpers.networks.pooling import AttentionPooling

MASK = np.array([[True] * 6, [True, True, False, True, False, False]])


def weighted(**options):
    """Return a layer with random weights for states of 4 numbers, and its W, b and v."""
    rng = np.random.default_rng(3)
    pooling = AttentionPooling(**options)
    pooling.build((None, None, 4))
    weights = [rng.standard_normal(w.shape) for w in pooling.get_weights()]
    assert [w.shape for w in weights] == [(4, 4), (4,), (4, 1)]
    pooling.set_weights(weights)
    return pooling, weights


@pytest.mark.parametrize(
    ("dtype", "kept", "computed"),
    [("float64", "float64", "float64"), ("mixed_float16", "float32", "float16")],
)
def test_every_part_has_the_layers_own_type(dtype, kept, computed):
    pooling, _ = weighted(dtype=dtype)
    assert [w.dtype for w in pooling.weights] == [kept] * 3
    h = np.random.default_rng(4).standard_normal((2, 6, 4))
    assert pooling.hidden(h).dtype == pooling.score(h).dtype == pooling(h).dtype == computed


@pytest.mark.parametrize("mask", [None, MASK], ids=["whole", "padded"])
def test_states_are_weighted_by_the_softmax_of_their_scores(mask):
    pooling, (W, b, v) = weighted(dtype="float64")
    h = np.random.default_rng(4).standard_normal((2, 6, 4))
    output = pooling(h, mask=mask).numpy()
    assert output.dtype == np.float64
    for row, kept, got in zip(h, np.ones_like(MASK) if mask is None else mask, output, strict=True):
        score = np.exp(np.tanh(row[kept] @ W + b) @ v)
        np.testing.assert_allclose(got, (score * row[kept]).sum(0) / score.sum(), atol=1e-12)


def test_scores_may_be_large():
    pooling, (W, b, v) = weighted()
    pooling.set_weights([W, b, 1e5 * v])  # exp of the scores is infinite
    h = np.random.default_rng(5).standard_normal((2, 6, 4)).astype(np.float32)
    best = np.argmax(np.tanh(h @ W + b) @ v, axis=1)[:, 0]
    np.testing.assert_allclose(pooling(h).numpy(), h[[0, 1], best], atol=1e-5)


def test_the_mask_of_padded_sequences_arrives_and_ends_here():
    h = np.random.default_rng(6).standard_normal((2, 6, 4)).astype(np.float32)
    h[~MASK] = 0
    pooling, _ = weighted()
    masked = keras.layers.Masking()(h)
    output = pooling(masked)
    np.testing.assert_allclose(output, pooling(h, mask=MASK), atol=1e-6)
    assert getattr(output, "_keras_mask", None) is None
    assert pooling.supports_masking and pooling.compute_mask(h, MASK) is None


def test_the_shape_is_known_before_any_state_is():
    pooling = AttentionPooling(name="attention")
    assert pooling.name == "attention"
    assert pooling.compute_output_shape((None, 7, 4)) == (None, 4)
    model = keras.Sequential([keras.Input((None, 4)), pooling, keras.layers.Dense(1)])
    assert model.output_shape == (None, 1) and pooling.count_params() == 4 * 4 + 4 + 4
    again = keras.Sequential.from_config(model.get_config())
    assert again.layers[0].name == "attention"
