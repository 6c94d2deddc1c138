"""Experiments leak nothing, resume where they were stopped, and their tables hold what they say."""

from dataclasses import asdict, fields, replace

import numpy as np
import pandas as pd
import pytest
import soundfile

from helpers.networks import classifiers
from helpers.study import experiments, results
from helpers.study.dataset import Examples
from helpers.study.experiments import BASELINE, FOLDS, LENGTHS, TELEPHONES, Run
from tools import experiments as tool


@pytest.fixture(scope="module")
def table():
    """Return the runs that the course ships: read here, so that without them only tests fail."""
    return results.runs()


@pytest.mark.parametrize("kept_out", ["", *FOLDS])
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
    folds = " ".join(FOLDS).split()
    assert sorted(folds) == sorted(clips.loc[clips["unheard"], "speaker"].unique())
    lines = clips.loc[clips["unheard"] & (clips["source_sr"] == 8000), "speaker"].unique()
    assert sorted(TELEPHONES.split()) == sorted(lines)
    assert [len(set(fold.split()) & set(lines)) for fold in FOLDS] == [1] * len(FOLDS)


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


@pytest.mark.parametrize("languages", ["", "en es"], ids=["all languages", "two"])
def test_a_stored_row_and_every_answer_come_out_again(languages, table):
    run = tool.tried(BASELINE, tool.best_rate(BASELINE, table), seed=0, languages=languages)
    row, answers = experiments.carry_out(run)
    stored = table[table["run"] == tool.key(run)].iloc[0]
    for name in ("examples", "examples_3s", "parameters", "chance"):
        assert row[name] == pytest.approx(stored[name], rel=1e-4), name
    for name in ("accuracy", *(f"after_{s:g}" for s in LENGTHS), "validation_accuracy"):
        assert row[name] == pytest.approx(stored[name], abs=0.01), name
    told = results.answers()
    names = results.named(told)
    told = told[told["run"] == stored["run"]]
    assert told["voice"].tolist() == answers["voice"].tolist()
    assert told["language"].tolist() == answers["language"].tolist()
    counts, again = told[names].to_numpy(), answers[names].to_numpy()
    np.testing.assert_array_equal(counts.sum(axis=1), again.sum(axis=1))
    # On another processor the regression may round an excerpt or two to the other side.
    assert np.abs(counts - again).sum() <= 0.01 * counts.sum()


def test_an_answer_stands_in_the_column_of_its_language_and_the_row_of_its_voice():
    clips = experiments.clips()
    rows = np.array([0, 500, 1200])
    run = Run("GRU", 0.01, languages="es it ru")
    got = experiments._answers(run, [(rows[:2], np.array([2, 0])), (rows[2:], np.array([1]))])
    assert list(got.columns[3:]) == ["en", "es", "fr", "it", "ru"]
    got = got.set_index("voice")
    for row, name in zip(rows, ("ru", "es", "it"), strict=True):
        voice = got.loc[clips["voice"][row]]
        assert voice[name] >= 1 and voice["language"] == clips["language"][row]
    assert got[["en", "es", "fr", "it", "ru"]].to_numpy().sum() == 3


def test_the_tables_hold_one_row_a_run(table):
    names = ["run", *(field.name for field in fields(Run))]
    assert table.columns[: len(names)].tolist() == names
    assert not table.duplicated("run").any()
    for column in ("clips", "commit", "date", "keras", "tensorflow"):
        assert (table[column] != "").all()
    told = pd.read_csv(results.ANSWERS, dtype={"run": str})
    assert set(told["run"]) == set(table["run"])
    assert not told.duplicated(["run", "voice"]).any()


def test_every_stored_run_has_the_name_that_the_code_gives():
    table = results.read(results.RUNS)
    names = [tool.key(Run.of(row), row["clips"]) for row in table.to_dict("records")]
    assert names == table["run"].tolist()


def test_the_name_of_a_run_hangs_on_everything_that_decides_it(monkeypatch):
    run = Run("GRU", 0.01, seed=0)
    other = {
        "layer": "LSTM",
        "learning_rate": 0.02,
        "languages": "en es",
        "by": "sentence",
        "corpus": "",
        "kept_out": "july",
        "C": None,
        "fmax": 4000,
        "n_mfcc": 13,
    }
    names = {tool.key(run)}
    for field in fields(Run):
        value = getattr(run, field.name)
        changed = other.get(field.name, None if value is None else not value)
        if field.name not in other and not isinstance(value, bool):
            changed = value + 1
        if changed != value:
            names.add(tool.key(replace(run, **{field.name: changed})))
    assert len(names) == 1 + len(fields(Run)) - 2  # C and corpus have no other value here
    assert tool.key(run, "another corpus") not in names
    assert tool.key(replace(run, seconds=3)) == tool.key(run)  # 3 is 3.0
    for name, value in (("PARAMETERS", 9), ("LENGTHS", (1.0,)), ("EPOCHS", 1), ("PARTS", {})):
        with monkeypatch.context() as patch:
            patch.setattr(experiments, name, value)
            assert tool.key(run) not in names, name


def test_a_sixth_language_or_another_sound_makes_other_runs(monkeypatch):
    run = Run("GRU", 0.01, seed=0)
    before = tool.key(run)
    clips = experiments.clips()
    main = clips.index[~clips["unheard"]][0]
    for column, value in (("sha256", "0" * 64), ("language", "de"), ("unheard", True)):
        changed = clips.copy()
        changed.loc[main, column] = value
        experiments.digest.cache_clear()
        monkeypatch.setattr(experiments, "_clips", lambda _, table=changed: table)
        assert tool.key(run) != before, column
        if column == "language":
            assert Run("GRU", 0.01, seed=0).languages == "de en es fr it ru"
    monkeypatch.setattr(experiments, "_clips", lambda _: clips.sample(frac=1, random_state=0))
    experiments.digest.cache_clear()
    assert tool.key(run) == before, "the order of the clips does not matter"
    monkeypatch.undo()
    experiments.digest.cache_clear()


def test_runs_that_were_made_with_other_clips_do_not_count(tmp_path, monkeypatch):
    table = pd.read_csv(results.RUNS, dtype=str, keep_default_na=False)
    table.loc[3:, "clips"] = "0123456789"
    monkeypatch.setattr(results, "RUNS", tmp_path / "runs.csv")
    table.to_csv(results.RUNS, index=False)
    assert results.runs()["run"].tolist() == table["run"][:3].tolist()
    assert set(results.answers()["run"]) == set(table["run"][:3])
    table["clips"] = "0123456789"
    table.to_csv(results.RUNS, index=False)
    with pytest.raises(
        ValueError, match=f"all {len(table)} runs were made with other clips.*make exp"
    ):
        results.runs()


def test_a_run_says_which_number_it_was_tuned_by(table):
    assert Run(BASELINE, C=0.1).tuned == Run("GRU", 0.1).tuned == 0.1
    for layer, given in (("GRU", {}), ("GRU", {"C": 1.0}), (BASELINE, {"learning_rate": 1.0})):
        with pytest.raises(ValueError, match=f"{layer}: .*a network takes a learning rate"):
            Run(layer, **given)
    networks = table["layer"] != BASELINE
    assert table["learning_rate"].notna().equals(networks)
    assert table["C"].isna().equals(networks)


def test_whoever_changes_the_clips_changes_a_copy():
    clips = experiments.clips()
    clips["language"] = "xx"
    del clips["voice"]
    assert set(experiments.clips()["language"]) == set("en es fr it ru".split())
    assert "voice" in experiments.clips()


@pytest.mark.parametrize("group", [group for group in tool.GROUPS])
def test_every_experiment_was_carried_out(group, table):
    missing = [run for run in tool.wanted(group) if tool.key(run) not in set(table["run"])]
    assert not missing


def test_layers_have_matched_parameters_and_five_seeds(table):
    plain = table[table["run"].isin(map(tool.key, tool.wanted("layers")))]
    assert (plain.groupby("layer")["seed"].nunique() == 5).all()
    networks_only = plain[plain["layer"].isin(classifiers.LAYERS)]
    assert networks_only["parameters"].between(24_000, 26_000).all()


def fake(run):
    """Stand for a training: a row and one answer."""
    told = {"voice": "en x", "language": "en", "unheard": True}
    row = {**asdict(run), "epochs": 1, "accuracy": 0.5, "validation_accuracy": run.tuned}
    return row, pd.DataFrame([told | dict.fromkeys(("en", "es", "fr", "it", "ru"), 1)])


def test_a_stopped_command_goes_on_where_it_was(tmp_path, monkeypatch):
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
    everything = list(tool.wanted("rates"))
    assert made == everything
    table = results.runs()
    assert table["run"].tolist() == list(map(tool.key, everything))
    assert results.answers()["run"].tolist() == table["run"].tolist()
    assert [Run.of(row) for row in table.to_dict("records")] == everything
    assert tool.best_rate("GRU", table) == max(tool.RATES["GRU"])
    assert tool.best_rate(BASELINE, table) == max(tool.RATES[BASELINE])


def test_each_frame_rate_has_its_own_best_rate(table):
    plain, longer = results.best_rates(table), results.best_rates(table, hop_ms=10)
    tried = table[table["seed"].isin(experiments.CHOOSING) & (table["hop_ms"] == 10)]
    means = tried.groupby("learning_rate")["validation_accuracy"].mean()
    assert longer["SimpleRNN"] == means.idxmax() != plain["SimpleRNN"]
    assert longer["GRU"] == plain["GRU"]
    chosen = results.chosen(table, hop_ms=10).set_index("layer")["learning_rate"]
    assert set(chosen["SimpleRNN"]) == {longer["SimpleRNN"]}


def test_shuffled_frames_stay_within_the_time_that_is_asked_about():
    run = Run("GRU", 0.01, 0, seconds=0.25)
    rows = np.flatnonzero(~experiments.clips()["unheard"])[:20]
    ordered = experiments._examples(run, rows, 3.0, part="test")
    mixed = experiments._examples(replace(run, shuffled=True), rows, 3.0, part="test")
    n = run.steps
    assert not np.array_equal(ordered.x[:, :n], mixed.x[:, :n])
    np.testing.assert_array_equal(
        np.sort(ordered.x[:, :n], axis=1), np.sort(mixed.x[:, :n], axis=1)
    )


def test_rates_are_chosen_before_they_are_used(table):
    with pytest.raises(SystemExit, match="first make the runs of the group 'rates'"):
        tool.best_rate("GRU", table[table["seed"] == 100])
    with pytest.raises(SystemExit, match="no group nonsense; there are rates, layers"):
        tool.main(["nonsense"])


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"languages": "en xx"}, "languages: the corpus has no xx; there are en, es, fr, it, ru"),
        ({"kept_out": "nobody"}, "kept_out: the corpus has no nobody; there are armelle, .*wadley"),
        ({"by": "mood"}, "no column 'mood' to split by"),
        ({"layer": "RNN"}, "no layer 'RNN'; there are SimpleRNN"),
    ],
)
def test_a_run_that_cannot_be_says_why(changed, message):
    with pytest.raises(ValueError, match=message):
        experiments.carry_out(replace(Run("GRU", 0.01, seed=0), **changed))


def tones(folder, seconds):
    """Write recordings: two languages, told by the pitch, with the speakers and lengths given."""
    rng = np.random.default_rng(0)
    for language, hertz in (("aa", 300), ("bb", 900)):
        for speaker, lengths in seconds.items():
            (folder / language / speaker).mkdir(parents=True)
            for number, length in enumerate(lengths):
                t = np.arange(round(16_000 * length)) / 16_000
                y = 0.3 * np.sin(2 * np.pi * (hertz + 5 * number) * t)
                y += 0.01 * rng.standard_normal(len(t))
                path = folder / language / speaker / f"sentence{number}.wav"
                soundfile.write(path, y, 16_000)
    return str(folder)


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """Return a folder of recordings with two speakers a language, and one that is broken."""
    lengths = {"anna": 0.75 + np.arange(40) / 160, "bruno": 0.75 + np.arange(10) / 160}
    folder = tones(tmp_path / "mine", lengths)
    (tmp_path / "mine" / "aa" / "anna" / "broken.wav").write_bytes(b"RIFF")
    monkeypatch.setattr(results, "FOLDER", tmp_path / "tables")
    return folder


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
    assert len(results.chosen(results.runs(mine))) == 2
    told = results.answers(mine)
    assert results.named(told) == ["aa", "bb"]
    unheard = told.loc[told["unheard"], "voice"].unique().tolist()
    assert sorted(unheard) == ["aa bruno", "bb bruno"]  # of whom there is less
    with pytest.raises(SystemExit, match="no group remedies; there are rates, layers"):
        tool.main(["remedies"], mine)


@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        (
            {"anna": [1.0] * 40, "bruno": [0.5] * 10},
            "voices not trained on: all 20 clips are shorter than 0.6 s.*add longer recordings",
        ),
        ({"anna": [0.5] * 40}, "training: all .* clips are shorter than 0.6 s"),
        ({"anna": [1.0] * 2}, "seed 0 deals none of the 2 sentences to .*some thirty at least"),
    ],
    ids=["all strangers short", "everything short", "two sentences"],
)
@pytest.mark.parametrize("layer", [BASELINE, "GRU"])
def test_too_short_recordings_are_told_of_before_anything_is_trained(
    tmp_path, monkeypatch, lengths, message, layer
):
    folder = tones(tmp_path / "short", lengths)
    run = tool.tried(layer, 0.01, seed=0, corpus=folder)

    def trains(*_):
        raise AssertionError("trained")

    monkeypatch.setattr(experiments, "_network", trains)
    monkeypatch.setattr(experiments, "_regression", trains)
    with pytest.raises(ValueError, match=message):
        experiments.carry_out(run)


def test_a_stranger_all_of_whose_clips_are_short_is_named(tmp_path):
    folder = tones(tmp_path / "some", {"anna": [1.0] * 40, "bruno": [0.5] * 8})
    rng = np.random.default_rng(0)
    for number in range(8):  # one stranger can be asked about, the other cannot
        path = tmp_path / "some" / "bb" / "bruno" / f"sentence{number}.wav"
        soundfile.write(path, 0.1 * rng.standard_normal(16_000), 16_000)
    with pytest.raises(ValueError, match="^aa bruno: all clips are shorter than 0.6 s"):
        experiments.carry_out(Run(BASELINE, C=1.0, corpus=folder))
