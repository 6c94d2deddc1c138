"""Every layer of the recall task has the same chances, and its table goes on where it stopped."""

from collections import Counter
from dataclasses import asdict, fields, replace

import pandas as pd
import pytest

from helpers.networks import recall
from helpers.networks.backend import keras
from tools import recall as tool
from tools.run_table import key


def test_every_layer_has_the_same_rates_seeds_delays_and_batches():
    for batches, starts in ((recall.BATCHES, 5), (tool.LONGER_BATCHES, 3)):
        trials = [trial for trial in tool.trials() if trial.batches == batches]
        chances = {}
        for trial in trials:
            equal = replace(trial, layer="", gate_bias=None)
            chances.setdefault((trial.layer, trial.gate_bias), Counter())[equal] += 1
        assert len(chances) == starts
        first, *others = chances.values()
        assert all(other == first for other in others) and set(first.values()) == {1}
    names = [key(asdict(trial)) for trial in tool.trials()]
    assert len(set(names)) == len(names)


def test_a_changed_default_is_another_run():
    trial = next(tool.trials())
    for name in ("batch_size", "units", "noise", "global_clipnorm", "batches"):
        assert key(asdict(replace(trial, **{name: 9}))) != key(asdict(trial))


def fake(calls):
    def train(kind, delay, seed, gate_bias=None, *, batches, learning_rate):
        calls.append((kind, gate_bias, learning_rate, delay, seed, batches))
        if len(calls) == 4:
            raise KeyboardInterrupt
        frames = keras.Input((2,))
        return keras.Model(frames, keras.layers.Dense(3)(frames)), learning_rate

    return train


def test_a_stopped_command_goes_on_where_it_was(tmp_path, monkeypatch):
    calls = []
    monkeypatch.setattr(recall, "RESULTS", tmp_path / "recall.csv")
    monkeypatch.setattr(recall, "train", fake(calls))
    monkeypatch.setattr(tool, "DELAYS", (5, 20))
    monkeypatch.setattr(tool, "SEEDS", range(2))
    with pytest.raises(KeyboardInterrupt):
        tool.main()
    tool.main(["LSTM"])
    tool.main()
    made = list(tool.trials())
    assert len(calls) == len(made) + 1  # the one that was stopped was made again
    tool.main()
    assert len(calls) == len(made) + 1
    table = pd.read_csv(recall.RESULTS)
    assert set(table["run"]) == {key(asdict(trial)) for trial in made}
    assert [f.name for f in fields(tool.Trial)] == table.columns[1:11].tolist()
    assert (table["accuracy"] == table["learning_rate"]).all() and (table["parameters"] == 9).all()
    with pytest.raises(SystemExit, match="no layer RNN; there are SimpleRNN, GRU, LSTM"):
        tool.main(["RNN"])


def test_every_stored_run_has_the_name_that_the_code_gives():
    table = pd.read_csv(recall.RESULTS, dtype={"run": str})
    names = [f.name for f in fields(tool.Trial)]
    rows = table[names].astype(object).where(table[names].notna(), None).to_dict("records")
    assert table["run"].tolist() == [key(row) for row in rows]
    assert not table.duplicated("run").any()


def test_every_run_was_made():
    missing = {key(asdict(trial)) for trial in tool.trials()}
    missing -= set(pd.read_csv(recall.RESULTS, dtype={"run": str})["run"])
    assert not missing
