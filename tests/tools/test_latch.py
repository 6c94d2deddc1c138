"""What is stored of trained layers is what planted weights make them do."""

import numpy as np
import pandas as pd

from helpers.networks.backend import keras
from tools import latch


def planted(recurrent):
    """Return a model of one unit that keeps the bit, with its sign or turning it every step."""
    layer, dense = keras.layers.SimpleRNN(1), keras.layers.Dense(1)
    model = keras.Sequential([keras.Input((None, 2)), layer, dense])
    layer.set_weights([np.array([[0.3], [0.0]]), np.array([[recurrent]]), np.zeros(1)])
    dense.set_weights([np.ones((1, 1)), np.zeros(1)])
    return model


def test_a_bit_that_stands_and_one_that_turns_every_step():
    assert latch.recalled(planted(4.0), 9).tolist() == [1] * 10
    assert latch.recalled(planted(-4.0), 9).tolist() == [1, 0] * 5


def test_the_stored_table_has_every_seed_and_delay():
    table = pd.read_csv(latch.TABLE)
    delays = [*range(latch.STEPS + 1), latch.LONG]
    assert {s: list(rows) for s, rows in table.groupby("seed")["steps"]} == {
        seed: delays for seed in latch.SEEDS
    }
    short = table[table["steps"] <= latch.STEPS]
    assert short[["reach_before", "reach_after"]].notna().all(axis=None)
    assert table["accuracy"].between(0, 1).all()


def test_what_the_table_was_made_with_stands_beside_it(tmp_path, monkeypatch):
    made = pd.read_csv(latch.MADE, dtype=str)
    assert len(made) == 1 and made.notna().all(axis=None)
    monkeypatch.setattr(latch, "TABLE", tmp_path / "rows.csv")
    monkeypatch.setattr(latch, "MADE", tmp_path / "made.csv")
    monkeypatch.setattr(latch, "measure", lambda seed: pd.DataFrame({"seed": [seed], "x": [1 / 3]}))
    latch.main()
    assert pd.read_csv(tmp_path / "rows.csv").to_dict("list") == {
        "seed": list(latch.SEEDS), "x": [0.3333] * len(latch.SEEDS)
    }  # fmt: skip
    assert list(pd.read_csv(tmp_path / "made.csv")) == list(made)
