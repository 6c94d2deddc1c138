"""The measured reach is the derivative, the task asks for memory alone, and the table is whole."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.networks import layers, recall
from helpers.networks.backend import keras, set_seed
from helpers.show import plots


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


@settings(max_examples=20)
@given(delay=st.integers(0, 30), seed=st.integers(0, 99))
def test_only_the_first_step_tells_the_bit(delay, seed):
    x, bit = recall.sequences(delay, 400, seed)
    assert x.shape == (400, delay + 1, 2)
    assert np.array_equal(x[:, 0, 0] > 0, bit == 1)
    assert np.all(x[:, 0, 1] == 1) and np.all(x[:, 1:, 1] == 0)
    later = x[:, 1:, 0]  # uncorrelated with the bit: within 5 standard deviations
    assert np.all(np.abs(np.mean(later * (2 * bit - 1)[:, None], axis=0)) < 5 / np.sqrt(400))


def test_a_negative_delay_is_refused():
    with pytest.raises(ValueError, match="delay is -1"):
        recall.sequences(-1, 4, 0)


@pytest.mark.parametrize("kind, reset_after", [("GRU", True), ("GRU", False), ("LSTM", True)])
def test_a_layer_set_to_keep_keeps(kind, reset_after):
    options = {"reset_after": reset_after} if kind == "GRU" else {}
    layer = getattr(keras.layers, kind)(4, **options)
    layer.build((None, None, 2))
    recall.keep_at_first(layer, 20.0)
    state = np.full((1, 4), 0.5, np.float32)
    names = layers.KINDS[kind].states
    x = np.random.default_rng(0).standard_normal((1, 50, 2))
    opened = layers.trace(layer, x, initial_state=[state] * len(names))
    np.testing.assert_allclose(opened[names[-1]][0, -1], 0.5, atol=1e-5)


def test_a_layer_without_gates_or_biases_cannot_be_set_to_keep():
    for layer in (keras.layers.SimpleRNN(2), keras.layers.GRU(2, use_bias=False)):
        layer.build((None, None, 2))
        with pytest.raises(ValueError, match="no gate with a bias"):
            recall.keep_at_first(layer)


def test_training_repeats_itself():
    runs = [recall.train("GRU", 3, seed=4, batches=20) for _ in range(2)]
    assert runs[0][1] == runs[1][1]
    for one, other in zip(*(model.get_weights() for model, _ in runs), strict=True):
        assert np.array_equal(one, other)


def test_every_run_of_the_experiment_is_stored_once():
    """Every layer, however it starts, has the same rates, delays, seeds and batches."""
    results = recall.results()
    key = ["layer", "gate_bias", "learning_rate", "delay", "seed"]
    assert not results.duplicated(key).any()
    chances = results.groupby(key[:2], dropna=False)[key[2:]].apply(
        lambda rows: tuple(sorted(map(tuple, rows.to_numpy().tolist())))
    )
    assert len(chances) == 5 and chances.nunique() == 1
    assert len(chances.iloc[0]) == 3 * 6 * 5
    assert results["accuracy"].between(0, 1).all()
    assert (results["batches"] == 600).all() and (results["global_clipnorm"] == 1).all()
    for (kind, _), rows in results.groupby(["layer", "units"]):
        assert set(rows["parameters"]) == {recall.build(kind).count_params()}


def test_more_batches_are_stored_apart():
    longer = recall.results(batches=3000)
    assert set(longer["batches"]) == {3000} and longer["gate_bias"].isna().all()
    assert longer.groupby(["layer", "delay"]).size().to_dict() == {
        (layer, delay): 15 for layer in ("GRU", "LSTM", "SimpleRNN") for delay in (20, 40)
    }
    with pytest.raises(ValueError, match="no run with 7 batches is stored; .* 600 and with 3000"):
        recall.results(batches=7)


def test_the_best_rate_is_chosen_for_each_layer_start_and_delay():
    rows = [
        ("GRU", bias, delay, rate, seed, accuracy)
        for (bias, delay), accuracies in {
            (None, 5): {0.1: (0.5, 0.7), 0.2: (0.8, 0.9), 0.3: (1.0, 0.6)},
            (None, 10): {0.1: (0.6, 0.7), 0.2: (0.5, 0.5), 0.3: (0.6, 0.6)},
            (5.0, 5): {0.1: (0.1, 0.2), 0.2: (0.1, 0.2), 0.3: (0.1, 0.3)},
            (5.0, 10): {0.1: (1.0, 1.0), 0.2: (1.0, 1.0), 0.3: (0.9, 1.0)},
        }.items()
        for rate, both in accuracies.items()
        for seed, accuracy in enumerate(both)
    ]
    names = ["layer", "gate_bias", "delay", "learning_rate", "seed", "accuracy"]
    table = pd.DataFrame(rows, columns=names).astype({"gate_bias": float})
    table = table.sample(frac=1, random_state=0)
    best = recall.best(table)
    assert set(best.columns) == set(table.columns) and len(best) == 8
    chosen = best.fillna({"gate_bias": 0}).groupby(["gate_bias", "delay"])["learning_rate"].unique()
    assert {at: rates.tolist() for at, rates in chosen.items()} == {
        (0, 5): [0.2],
        (0, 10): [0.1],
        (5, 5): [0.3],
        (5, 10): [0.1],  # as good as 0.2
    }
    first = best[best["gate_bias"].isna() & (best["delay"] == 5)]
    assert sorted(first["accuracy"]) == [0.8, 0.9]


def drawn(runs, starts):
    """Return the table and the lines of the figure, as pairs of coordinates."""
    import matplotlib.pyplot as plt

    names = ["layer", "gate_bias", "learning_rate", "delay", "seed", "accuracy"]
    table = pd.DataFrame(runs, columns=names).astype({"gate_bias": float})
    fig, ax = plt.subplots()
    try:
        means = plots.recall(ax, table.sample(frac=1, random_state=0), starts)
        return means, [line.get_xydata() for line in ax.get_lines()]
    finally:
        plt.close(fig)


def test_the_figure_of_the_experiment_shows_every_run_beside_the_mean():
    accuracies = {5: (1.0, 1.0, 0.7), 10: (0.5, 0.5, 0.5)}
    runs = [
        (layer, bias, 0.1, delay, seed, accuracy)
        for layer, bias in (("GRU", None), ("GRU", 5.0), ("LSTM", None))
        for delay, of_seeds in accuracies.items()
        for seed, accuracy in enumerate(of_seeds)
    ]
    starts = {"mine": ("GRU", None), "shut": ("GRU", 5.0)}
    means, lines = drawn(runs, starts)
    assert list(means) == ["mine", "shut"]
    assert means["mine"].to_dict() == pytest.approx({5: 0.9, 10: 0.5})
    np.testing.assert_allclose(lines[0], [[5, 0.9], [10, 0.5]])
    dots = np.concatenate([lines[1], lines[3]])
    assert sorted(dots[:, 1]) == sorted(2 * [*accuracies[5], *accuracies[10]])
    places = np.sort(dots[:, 0])
    assert np.min(places[1:] / places[:-1]) > 1.02  # no two of the twelve on one place
    for delay in (5, 10):  # nearer to their delay than to the other, and around it
        near = places[np.abs(np.log(places / delay)) < np.log(2) / 2]
        assert len(near) == 6 and np.prod(near) == pytest.approx(delay**6)
    assert np.all(lines[1][:3, 0] < lines[3][:3, 0])


def test_the_figure_of_the_experiment_refuses_runs_that_are_not_chosen():
    runs = [("GRU", None, rate, 5, 0, 1.0) for rate in (0.1, 0.2)]
    with pytest.raises(ValueError, match=r"mine: several learning rates .* recall\.best"):
        drawn(runs, {"mine": ("GRU", None)})
    with pytest.raises(ValueError, match=r"shut: no run of GRU with gate_bias=5"):
        drawn(runs, {"shut": ("GRU", 5.0)})
