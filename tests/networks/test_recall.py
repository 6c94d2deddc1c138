"""The task asks for memory alone, training is what it says, and the table of runs is whole."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.networks import layers, recall
from helpers.networks.backend import keras, set_seed
from helpers.show import plots


@settings(max_examples=20)
@given(delay=st.integers(0, 30), seed=st.integers(0, 99))
def test_only_the_first_step_tells_the_bit(delay, seed):
    x, bit = recall.sequences(delay, 400, seed)
    assert x.shape == (400, delay + 1, 2)
    assert np.array_equal(x[:, 0, 0] > 0, bit == 1)
    assert np.all(x[:, 0, 1] == 1) and np.all(x[:, 1:, 1] == 0)
    later = x[:, 1:, 0]  # uncorrelated with the bit: within 5 standard deviations
    assert np.all(np.abs(np.mean(later * (2 * bit - 1)[:, None], axis=0)) < 5 / np.sqrt(400))


def test_either_bit_is_as_frequent_and_the_noise_has_the_deviation_1():
    x, bit = recall.sequences(9, 4000, seed=1)
    assert set(bit.tolist()) == {0, 1} and abs(bit.mean() - 0.5) < 0.04
    assert abs(x[:, 1:, 0].std() - 1) < 0.02 and x.dtype == bit.dtype == np.float32
    assert not np.array_equal(bit, recall.sequences(9, 4000, seed=2)[1])


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


@pytest.mark.parametrize(
    ("kind", "blocks"),  # Keras's order of the gates' columns, and what is to be kept by which
    [("GRU", {"z": 3.0, "r": None, "h": None}),
     ("LSTM", {"i": -3.0, "f": 3.0, "c": None, "o": None})],
)  # fmt: skip
def test_nothing_but_the_gates_that_keep_is_set(kind, blocks):
    layer = getattr(keras.layers, kind)(2)
    layer.build((None, None, 2))
    *matrices, biases = layer.get_weights()
    rng = np.random.default_rng(0)
    before = rng.standard_normal(biases.shape).astype(np.float32)
    layer.set_weights([*matrices, before])
    recall.keep_at_first(layer, 3.0)
    wanted = before.copy()
    for i, value in enumerate(blocks.values()):
        if value is not None:
            np.atleast_2d(wanted)[0, 2 * i : 2 * i + 2] = value
    for got, kept in zip(layer.get_weights(), [*matrices, wanted], strict=True):
        np.testing.assert_array_equal(got, kept)


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


def test_a_training_is_what_its_arguments_say():
    model, accuracy = recall.train("SimpleRNN", 8, seed=1, batches=3, learning_rate=0.02)
    adam = model.optimizer
    assert isinstance(adam, keras.optimizers.Adam) and int(adam.iterations) == 3
    assert float(adam.learning_rate) == pytest.approx(0.02)
    assert (adam.global_clipnorm, adam.clipnorm, adam.clipvalue) == (1, None, None)
    logits, truth = np.array([[2.0], [-1.0]]), np.array([[1.0], [1.0]])
    assert float(model.loss(truth, logits)) == pytest.approx(
        np.mean(np.log1p(np.exp(-logits))), rel=1e-5
    )

    def right(seed):
        x, bit = recall.sequences(8, 1000, seed)
        return np.mean((model(x).numpy()[:, 0] > 0) == (bit == 1))

    assert accuracy == right(3) and right(3) not in (right(2), right(4))


def test_a_training_reads_each_sequence_once_in_order():
    """The same by hand: three steps of Adam on three batches of 64."""
    model, _ = recall.train("GRU", 1, seed=2, gate_bias=2.0, batches=3)
    set_seed(2)
    again = recall.build("GRU", 2.0)
    again.compile(
        keras.optimizers.Adam(0.01, global_clipnorm=1.0),
        keras.losses.BinaryCrossentropy(from_logits=True),
    )
    x, bit = recall.sequences(1, 192, seed=4)
    for i in range(0, 192, 64):
        again.train_on_batch(x[i : i + 64], bit[i : i + 64, None])
    for one, other in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_every_run_of_the_experiment_is_stored_once():
    """Every layer, however it starts, has the same rates, delays, seeds and batches."""
    results = recall.results()
    key = ["layer", "gate_bias", "learning_rate", "delay", "seed"]
    assert not results.duplicated(key).any()
    chances = results.groupby(key[:2], dropna=False)[key[2:]].apply(
        lambda rows: tuple(sorted(map(tuple, rows.to_numpy().tolist())))
    )
    assert len(chances) == 5 and chances.nunique() == 1
    assert len(chances.iloc[0]) == 5 * 6 * 5
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


@pytest.mark.parametrize("enough", [recall.LEARNED, 0.95])
def test_what_the_notebooks_say_of_the_table_hangs_on_no_threshold(enough):
    learned = recall.results().assign(learned=lambda rows: rows["accuracy"] > enough)
    counts = learned.fillna({"gate_bias": 0}).pivot_table(
        "learned", ["layer", "gate_bias", "learning_rate"], "delay", aggfunc="sum"
    )
    long = [40, 80, 160]
    simple, gru, lstm = (counts.loc[kind, 0] for kind in ("SimpleRNN", "GRU", "LSTM"))
    assert (simple.loc[:0.01, [5, 10, 20]] == 5).all(axis=None)
    assert (simple[long] < 5).all(axis=None) and simple[long].idxmax().nunique() > 1
    assert (gru.loc[0.1] == 5).all() and (gru.loc[:0.03, long] < 5).all(axis=None)
    assert lstm[40].max() == lstm[40][0.001] == 2 and lstm[[80, 160]].max(axis=None) == 0
    assert (counts.loc["GRU", 5.0] == 5).all(axis=None)
    shut = counts.loc["LSTM", 5.0]
    assert (shut.loc[:0.03] == 5).all(axis=None) and shut.loc[0.1].min() < 5
    middle = counts.loc[(slice(None), 0, [0.003, 0.01, 0.03]), long].groupby("layer").max()
    assert (middle.loc["GRU"] <= middle.loc["SimpleRNN"] + 1).all()


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
