"""Experiments leak nothing, resume where they were stopped, and their tables hold what they say."""

from dataclasses import fields, replace

import numpy as np
import pandas as pd
import pytest
import soundfile

from helpers.networks import classifiers
from helpers.study import experiments, results
from helpers.study.dataset import Examples
from helpers.study.experiments import BASELINE, Run
from tools import experiments as tool

RUNS = results.runs()


@pytest.mark.parametrize("kept_out", ["", *tool.FOLDS])
def test_what_is_tested_is_not_trained_on(kept_out):
    clips = experiments.clips()
    parts = experiments._parts(Run("GRU", 0.01, seed=3, kept_out=kept_out))
    rows = np.concatenate(list(parts.values()))
    assert len(set(rows)) == len(rows) == len(clips)
    prompts = {name: set(clips["prompt"].iloc[rows]) for name, rows in parts.items()}
    assert not prompts["train"] & prompts["test"]
    assert not prompts["validation"] & (prompts["train"] | prompts["test"])
    learned = clips.iloc[np.concatenate([parts["train"], parts["validation"]])]
    tested = clips.iloc[parts["unheard"]]
    assert not set(learned["voice"]) & set(tested["voice"])
    every = clips.loc[clips["unheard"], "speaker"].unique()
    assert set(tested["speaker"]) == set(kept_out.split() or every)
    assert not clips["unheard"].iloc[parts["test"]].any()


def test_each_unheard_voice_is_kept_out_in_one_fold():
    clips = experiments.clips()
    folds = " ".join(tool.FOLDS).split()
    assert sorted(folds) == sorted(clips.loc[clips["unheard"], "speaker"].unique())


def test_examples_are_standardised_one_by_one_without_their_padding():
    rng = np.random.default_rng(0)
    x = rng.normal(5, 3, size=(4, 30, 6)).astype(np.float32)
    lengths = np.array([30, 7, 12, 30])
    for example, n in zip(x, lengths, strict=True):
        example[n:] = 0
    got = experiments._standardised(Examples(x, np.zeros(4, int), lengths, np.arange(4), ("en",)))
    for before, after, n in zip(x, got.x, lengths, strict=True):
        wanted = (before[:n] - before[:n].mean(axis=0)) / before[:n].std(axis=0)
        np.testing.assert_allclose(after[:n], wanted, atol=1e-4)
        assert not after[n:].any()


def test_the_baseline_sees_mean_and_variance_of_what_was_heard():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(2, 10, 3)).astype(np.float32)
    x[1, 4:] = 0
    examples = Examples(x, np.zeros(2, int), np.array([10, 4]), np.arange(2), ("en",))
    for steps, heard in ((10, (10, 4)), (6, (6, 4)), (2, (2, 2))):
        got = experiments._moments(examples, steps)
        for row, example, n in zip(got, x, heard, strict=True):
            wanted = np.concatenate([example[:n].mean(axis=0), example[:n].var(axis=0)])
            np.testing.assert_allclose(row, wanted, atol=1e-5)


def test_a_stored_row_comes_out_again():
    rate = tool.best_rate(BASELINE, RUNS)
    row, answers = experiments.carry_out(Run(BASELINE, rate, seed=0, languages="en es"))
    stored = RUNS[RUNS["run"] == tool.key(Run(BASELINE, rate, seed=0, languages="en es"))].iloc[0]
    for name in ("examples", "examples_3s", "parameters", "chance"):
        assert row[name] == pytest.approx(stored[name], rel=1e-4), name
    for name in ("accuracy", "after_0.25", "after_3", "validation_accuracy"):
        assert row[name] == pytest.approx(stored[name], abs=0.01), name
    names = ["en", "es", "fr", "it", "ru"]
    told = pd.read_csv(results.ANSWERS).set_index("run").loc[stored["run"]]
    np.testing.assert_array_equal(told["voice"], answers["voice"])
    assert (told[names].to_numpy().sum(axis=1) == answers[names].to_numpy().sum(axis=1)).all()


def test_the_tables_hold_one_row_a_run():
    names = ["run", *(field.name for field in fields(Run))]
    assert RUNS.columns[: len(names)].tolist() == names
    assert not RUNS.duplicated("run").any()
    made = [Run(**row) for row in RUNS[names[1:]].to_dict("records")]
    assert [tool.key(run) for run in made] == RUNS["run"].tolist()
    told = pd.read_csv(results.ANSWERS)
    assert set(told["run"]) == set(RUNS["run"])
    assert not told.duplicated(["run", "voice"]).any()


@pytest.mark.parametrize("group", [group for group in tool.GROUPS])
def test_every_experiment_was_carried_out(group):
    missing = [r for r in tool.wanted(group, results.RUNS) if tool.key(r) not in set(RUNS["run"])]
    assert not missing


def test_layers_have_matched_parameters_and_five_seeds():
    plain = RUNS[RUNS["run"].isin(map(tool.key, tool.wanted("layers", results.RUNS)))]
    assert (plain.groupby("layer")["seed"].nunique() == 5).all()
    networks_only = plain[plain["layer"].isin(classifiers.LAYERS)]
    assert networks_only["parameters"].between(24_000, 26_000).all()


def fake(run):
    """Stand for a training: a row and one answer."""
    row = {field.name: getattr(run, field.name) for field in fields(Run)}
    told = {"voice": "en x", "language": "en", "unheard": True}
    row |= {"epochs": 1, "accuracy": 0.5, "validation_accuracy": run.learning_rate}
    return row, pd.DataFrame([told | dict.fromkeys(("en", "es", "fr", "it", "ru"), 1)])


def test_a_stopped_command_goes_on_where_it_was(tmp_path, monkeypatch, capsys):
    made = []

    def stops_after_three(run):
        if len(made) == 3:
            raise KeyboardInterrupt
        made.append(run)
        return fake(run)

    monkeypatch.setattr(results, "RUNS", tmp_path / "runs.csv")
    monkeypatch.setattr(results, "ANSWERS", tmp_path / "answers.csv")
    monkeypatch.setattr(experiments, "carry_out", stops_after_three)
    with pytest.raises(KeyboardInterrupt):
        tool.main(["rates"])
    half = (tmp_path / "answers.csv").read_text().splitlines()[-1].replace(",", "-half,", 1)
    with (tmp_path / "answers.csv").open("a") as file:
        file.write(half + "\n")  # answers whose row was never written
    monkeypatch.setattr(experiments, "carry_out", lambda run: made.append(run) or fake(run))
    tool.main(["rates"])
    tool.main(["rates"])
    everything = list(tool.wanted("rates", tmp_path / "runs.csv"))
    assert made == everything
    table = results.runs()
    assert table["run"].tolist() == list(map(tool.key, everything))
    assert pd.read_csv(tmp_path / "answers.csv")["run"].tolist() == table["run"].tolist()
    assert tool.best_rate("GRU", table) == max(tool.RATES["GRU"])


def test_a_table_of_other_columns_is_left_alone(tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text("run,layer\n1,GRU\n")
    with pytest.raises(SystemExit, match="other columns than these rows"):
        tool.append(path, [{"run": 2, "layer": "LSTM", "seed": 0}])
    assert path.read_text() == "run,layer\n1,GRU\n"


def test_each_frame_rate_has_its_own_best_rate(tmp_path):
    plain, longer = results.best_rates(RUNS), results.best_rates(RUNS, hop_ms=10)
    tried = RUNS[RUNS["seed"].isin(experiments.CHOOSING) & (RUNS["hop_ms"] == 10)]
    means = tried.groupby("learning_rate")["validation_accuracy"].mean()
    assert longer["SimpleRNN"] == means.idxmax() != plain["SimpleRNN"]
    assert longer["GRU"] == plain["GRU"]
    chosen = results.chosen(RUNS, hop_ms=10).set_index("layer")["learning_rate"]
    assert set(chosen["SimpleRNN"]) == {longer["SimpleRNN"]}


def test_shuffled_frames_stay_within_the_time_that_is_asked_about(tmp_path):
    run = Run("GRU", 0.01, 0, seconds=0.25)
    rows = np.flatnonzero(~experiments.clips()["unheard"])[:20]
    ordered = experiments._examples(run, rows, 3.0)
    mixed = experiments._examples(replace(run, shuffled=True), rows, 3.0)
    n = run.steps
    assert not np.array_equal(ordered.x[:, :n], mixed.x[:, :n])
    np.testing.assert_array_equal(
        np.sort(ordered.x[:, :n], axis=1), np.sort(mixed.x[:, :n], axis=1)
    )


def test_rates_are_chosen_before_they_are_used(tmp_path):
    with pytest.raises(SystemExit, match="first make the runs of the group 'rates'"):
        tool.best_rate("GRU", RUNS[RUNS["seed"] == 100])
    with pytest.raises(SystemExit, match="no group nonsense; there are rates, layers"):
        tool.main(["nonsense"])


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """Return a folder of recordings: two languages, told by the pitch, with two speakers each."""
    rng = np.random.default_rng(0)
    for language, hertz in (("aa", 300), ("bb", 900)):
        for speaker, clips in (("anna", 40), ("bruno", 10)):
            folder = tmp_path / "mine" / language / speaker
            folder.mkdir(parents=True)
            for number in range(clips):
                t = np.arange(12_000 + 100 * number) / 16_000
                y = 0.3 * np.sin(2 * np.pi * (hertz + 5 * number) * t)
                y += 0.01 * rng.standard_normal(len(t))
                soundfile.write(folder / f"sentence{number}.wav", y, 16_000)
    (tmp_path / "mine" / "aa" / "anna" / "broken.wav").write_bytes(b"RIFF")
    monkeypatch.setattr(results, "FOLDER", tmp_path / "tables")
    return str(tmp_path / "mine")


def test_experiments_go_with_recordings_of_ones_own(mine, capsys, monkeypatch):
    rates = {BASELINE: (0.1, 1.0), "GRU": (0.01,), "SimpleRNN": (0.001,)}
    monkeypatch.setattr(tool, "RATES", rates)
    monkeypatch.setattr(tool, "SEEDS", range(1))
    monkeypatch.setattr(tool, "LAYERS", ("GRU",))
    with pytest.raises(FileNotFoundError, match=f"make experiments CORPUS={mine}"):
        results.runs(mine)
    tool.main(["rates", "layers"], mine)
    assert "broken.wav" in capsys.readouterr().out
    plain = results.runs(mine).query("seed == 0").set_index("layer")
    assert (plain["corpus"] == mine).all() and (plain["languages"] == "aa bb").all()
    assert plain.loc[BASELINE, "accuracy"] == 1
    told = results.answers(mine)
    assert results.named(told) == ["aa", "bb"]
    unheard = told.loc[told["unheard"], "voice"].unique().tolist()
    assert sorted(unheard) == ["aa bruno", "bb bruno"]  # of whom there is less
    with pytest.raises(SystemExit, match="no group remedies; there are rates, layers"):
        tool.main(["remedies"], mine)
