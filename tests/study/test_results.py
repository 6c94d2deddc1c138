"""The tables of runs give back what was planted in them."""

import json
from dataclasses import asdict, replace

import numpy as np
import pandas as pd
import pytest

from helpers.study import experiments, learning, results
from helpers.study.experiments import BASELINE, CHOOSING, Run

ALL = "en es fr it ru"
FIRST, SECOND = CHOOSING


def row(accuracy, layer, rate, seed, **changed):
    """Return the row of a run, as a table has it."""
    tuned = {"C": rate} if layer == BASELINE else {"learning_rate": rate}
    run = Run(layer, seed=seed, **{"languages": ALL} | tuned | changed)
    return (
        {"run": f"{layer} {rate} {seed} {changed}"}
        | asdict(run)
        | {"validation_accuracy": accuracy}
    )


@pytest.fixture
def table():
    """Return runs in which GRU is best at 0.01, and with 10 ms at 0.1; the baseline at 3."""
    return pd.DataFrame(
        [
            row(0.50, "GRU", 0.01, FIRST),
            row(0.70, "GRU", 0.01, SECOND),
            row(0.55, "GRU", 0.1, FIRST),
            row(0.57, "GRU", 0.1, SECOND),
            row(0.99, "GRU", 0.1, 0),  # of no seed that chooses
            row(0.60, "GRU", 0.01, 0),
            row(0.61, "GRU", 0.01, 1),
            row(0.98, "GRU", 0.1, FIRST, global_clipnorm=0.0),  # not a plain run
            row(0.62, "GRU", 0.01, 0, global_clipnorm=0.0),
            row(0.63, "GRU", 0.01, 0, languages="en es"),
            row(0.97, "GRU", 0.1, SECOND, hop_ms=10),
            row(0.20, "GRU", 0.01, SECOND, hop_ms=10),
            row(0.90, "GRU", 0.1, 5, hop_ms=10),
            row(0.91, "GRU", 0.01, 5, hop_ms=10),
            row(0.40, "LSTM", 0.01, FIRST),
            row(0.41, "LSTM", 0.01, 0),
            row(0.42, "LSTM", 0.01, 5, hop_ms=10),  # tried at one rate only
            row(0.30, BASELINE, 3.0, FIRST),
            row(0.29, BASELINE, 0.3, FIRST),
            row(0.31, BASELINE, 3.0, 0),
            row(0.99, BASELINE, 0.3, 0),
            row(0.64, "GRU", 0.1, 0, global_clipnorm=0.0),  # at the best rate of its own
        ]
    )


def accuracies(rows):
    return sorted(rows["validation_accuracy"])


def test_rates_are_compared_by_the_mean_of_the_seeds_that_choose(table):
    got = results.validated(table)
    assert got.index.name == "learning rate or C" and got.columns.name == "layer"
    wanted = pd.DataFrame(
        {"GRU": [0.60, 0.56, np.nan, np.nan], "LSTM": [0.40, np.nan, np.nan, np.nan],
         BASELINE: [np.nan, np.nan, 0.29, 0.30]},
        index=[0.01, 0.1, 0.3, 3.0],
    )  # fmt: skip
    pd.testing.assert_frame_equal(got, wanted[sorted(wanted)], check_names=False)
    no_clipping = results.validated(table, global_clipnorm=0.0)
    assert no_clipping.to_dict() == {"GRU": {0.1: 0.98}}
    assert results.validated(table, hop_ms=10)["GRU"].to_dict() == {0.01: 0.20, 0.1: 0.97}


def test_the_best_rate_is_that_of_the_highest_mean_at_each_frame_rate(table):
    assert results.best_rates(table).to_dict() == {"GRU": 0.01, "LSTM": 0.01, BASELINE: 3.0}
    longer = results.best_rates(table, hop_ms=10).to_dict()
    assert longer == {"GRU": 0.1, "LSTM": 0.01, BASELINE: 3.0}
    # Where no rate was tried without clipping, that of the same frame rate with it.
    assert results.best_rates(table, hop_ms=10, global_clipnorm=0.0).to_dict() == longer


def test_chosen_are_the_runs_at_the_best_rate_with_seeds_that_did_not_choose(table):
    assert accuracies(results.chosen(table)) == [0.31, 0.41, 0.60, 0.61]
    assert accuracies(results.chosen(table, global_clipnorm=0.0)) == [0.64]
    assert accuracies(results.chosen(table, languages="en es")) == [0.63]
    assert accuracies(results.chosen(table, hop_ms=10)) == [0.42, 0.90]
    assert results.chosen(table, by="prompt").empty
    assert accuracies(results.chosen(table, layer="GRU")) == [0.60, 0.61]
    assert accuracies(results.chosen(table, seed=1)) == [0.61]
    assert list(results.chosen(table)) == list(table)


def test_what_is_asked_about_all_languages_is_not_answered_by_a_longer_name(table):
    """All languages are the most languages, not the longest text."""
    table.loc[9, "languages"] = "abcdefghijklmnopqrst uvwxyz"
    assert accuracies(results.chosen(table)) == [0.31, 0.41, 0.60, 0.61]


def test_plain_runs_of_ones_own_recordings_are_those_of_that_folder(table):
    own = table.assign(corpus="mine", languages="aa bb")
    assert results.best_rates(own).equals(results.best_rates(table))
    assert accuracies(results.chosen(own)) == [0.31, 0.41, 0.60, 0.61, 0.63]


def test_a_field_that_no_run_has_is_named(table):
    with pytest.raises(TypeError, match="a run has no field mood, tempo"):
        results.chosen(table, tempo=1, mood="", seconds=3.0)


def test_tables_lie_with_the_course_or_in_a_folder_of_ones_own(tmp_path):
    assert results.tables() == (results.RUNS, results.ANSWERS)
    runs, answers = results.tables(str(tmp_path / "mine"))
    assert runs == results.RUNS.parent / "mine" / "runs.csv"
    assert answers == results.RUNS.parent / "mine" / "answers.csv"
    assert results.tables(f"{tmp_path}/x/../mine/") == (runs, answers)


def test_what_is_read_is_of_its_kind_and_empty_text_stays_text(tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text(
        "run,layer,learning_rate,C,global_clipnorm,seconds,seed,corpus,languages,commit,hop_ms,extra\n"
        "007,GRU,1,,1,3,0,,nan,00123,8000,\n"
        "1e5,GRU,nan,2,0,1,4,NA,en es,None,4000,1.5\n"
    )
    got = results.read(path)
    assert got["run"].tolist() == ["007", "1e5"]
    assert got["commit"].tolist() == ["00123", "None"]
    assert got["corpus"].tolist() == ["", "NA"]
    assert got["languages"].tolist() == ["nan", "en es"]
    numbers = got[["learning_rate", "C", "global_clipnorm", "seconds", "extra"]]
    assert {kind.kind for kind in numbers.dtypes} == {"f"}
    wanted = [[1, np.nan, 1, 3, np.nan], [np.nan, 2, 0, 1, 1.5]]
    np.testing.assert_array_equal(numbers.to_numpy(), wanted)
    assert got["seed"].tolist() == [0, 4] and got["hop_ms"].dtype.kind == "i"


@pytest.fixture
def mine(tmp_path, monkeypatch, table):
    """Keep tables of recordings of one's own; of the clips as they are now are three runs."""
    monkeypatch.setattr(results, "FOLDER", tmp_path)
    monkeypatch.setattr(experiments, "digest", {"some/mine": "now", "": "the course's"}.get)
    (tmp_path / "mine").mkdir()
    table = table.head(4).assign(corpus="some/mine", clips=["old", "now", "now", "now"])
    table["run"] = ["020", "021", "022", "023"]
    table.to_csv(tmp_path / "mine" / "runs.csv", index=False)
    lines = ["run,voice,language,unheard,aa,bb,other"]
    lines += [f"02{run},NA,bb,True,3,1,9" for run in (2, 1, 0)]
    lines += ["021,aa y,aa,False,2,0,9", "09,aa y,aa,False,2,0,9"]
    (tmp_path / "mine" / "answers.csv").write_text("\n".join(lines) + "\n")
    return tmp_path / "mine"


def test_runs_with_other_clips_are_left_out(mine, table):
    got = results.runs("some/mine")
    assert got["run"].tolist() == ["021", "022", "023"] and got.index.tolist() == [0, 1, 2]
    assert Run.of(got.iloc[0]) == replace(Run.of(table.iloc[1]), corpus="some/mine")


def test_answers_say_which_share_was_right_and_of_which_run(mine):
    got = results.answers("some/mine")
    assert results.named(got) == ["aa", "bb"]
    assert got["run"].tolist() == ["022", "021", "021"]
    assert got["voice"].tolist() == ["NA", "NA", "aa y"]
    assert got["right"].tolist() == [0.25, 0.25, 1.0]
    assert got["learning_rate"].tolist() == [0.1, 0.01, 0.01]
    assert "validation_accuracy" not in got


def test_missing_tables_say_how_they_are_made(mine, monkeypatch):
    old = pd.read_csv(mine / "runs.csv").assign(clips="old")
    old.to_csv(mine / "runs.csv", index=False)
    command = "make experiments CORPUS=some/mine$"
    with pytest.raises(ValueError, match=f"^runs.csv: all 4 runs were made with other.*{command}"):
        results.runs("some/mine")
    (mine / "runs.csv").write_text("")
    with pytest.raises(FileNotFoundError, match=f"no experiments with some/mine are.*{command}"):
        results.runs("some/mine")
    monkeypatch.setattr(results, "RUNS", mine / "none.csv")
    message = "the corpus of the course are stored; make them with: make experiments$"
    with pytest.raises(FileNotFoundError, match=message):
        results.runs()


STUDY = """\
run,layer,learning_rate,C,seed,changes,added,known,chance,clips,commit,date
020,GRU,0.003,,0,,,0.9,0.25,old,00123,2026-01-01
021,GRU,0.003,,1,,,0.75,0.5,now,00123,2026-01-01
022,logistic regression,,0.1,0,warp noise,july NA,,,now,1e5,2026-01-02
1e3,GRU,1,,2,,nan,1,0.25,now,None,2026-01-02
"""
STUDY_ANSWERS = """\
run,language,told
022,aa,x 1 3
020,aa,x 4 0
021,bb,y 1 3
021,aa,x 2 0;NA 0 1
1e3,bb,y 5 0
09,bb,y 5 0
"""
VOICES = pd.DataFrame(
    [["aa x", "aa", "stranger"], ["aa NA", "aa", "stranger"], ["bb y", "bb", "main"]],
    columns=["voice", "language", "role"],
)


@pytest.fixture
def study(tmp_path, monkeypatch):
    """Plant a study of four trials, of which one was made with other clips."""
    monkeypatch.setattr(results, "FOLDER", tmp_path)
    monkeypatch.setattr(learning, "digest", {"": "now", "some/mine": "old"}.get)
    monkeypatch.setattr(learning, "clips", lambda recordings: VOICES)
    (tmp_path / "strangers.csv").write_text(STUDY)
    (tmp_path / "strangers_answers.csv").write_text(STUDY_ANSWERS)
    return tmp_path / "strangers.csv"


def test_trials_with_other_clips_are_left_out_and_so_are_their_answers(study):
    made, told = results.trials("strangers")
    assert made["run"].tolist() == ["021", "022", "1e3"] and made.index.tolist() == [0, 1, 2]
    assert told["run"].tolist() == ["022", "021", "021", "021", "1e3"]
    assert told.index.tolist() == [0, 1, 2, 3, 4]
    assert (made["clips"] == "now").all() and "date" in made and "date" not in told


def test_a_share_named_rightly_is_of_the_voices_own_language_and_of_all_languages(study):
    _, told = results.trials("strangers")
    assert results.named(told) == ["aa", "bb"]
    assert told["voice"].tolist() == ["aa x", "bb y", "aa x", "aa NA", "bb y"]
    assert told["right"].tolist() == [0.25, 0.75, 1.0, 0.0, 0.0]
    assert told["role"].tolist() == ["stranger", "main", "stranger", "stranger", "main"]


def test_what_is_packed_is_read_again_whatever_voices_are_called(study):
    told = pd.DataFrame({
        "voice": ["aa x y 1", "bb", "aa 50 %; é;3B %3B"],
        "language": ["aa", "bb", "aa"], "role": "stranger", "aa": [10, 2, 0], "bb": [0, 7, 31],
    })  # fmt: skip
    told.loc[1, "voice"] = "bb -"
    rows = [{"run": "021", **row} for row in results.packed(told)]
    pd.DataFrame(rows).to_csv(study.with_name("strangers_answers.csv"), index=False)
    columns = ["voice", "language", "role"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(learning, "clips", {"": told[columns]}.get)
        again = results.trials("strangers")[1]
    wanted = told.sort_values("language", kind="stable").reset_index(drop=True)
    pd.testing.assert_frame_equal(again[list(told)], wanted)


def test_an_answer_has_the_fields_of_its_trial_beside_it(study):
    made, told = results.trials("strangers")
    by_run = made.set_index("run")
    for row in told.to_dict("records"):
        for name in ("layer", "learning_rate", "C", "seed", "changes", "added"):
            assert row[name] == by_run[name][row["run"]] or (
                np.isnan(row[name]) and np.isnan(by_run[name][row["run"]])
            )
    assert not {"clips", "commit", "clips_x", "run_x"} & set(told)


def test_in_trials_empty_text_stays_text_and_a_missing_number_is_none(study):
    made, told = results.trials("strangers")
    assert made["changes"].tolist() == ["", "warp noise", ""]
    assert made["added"].tolist() == ["", "july NA", "nan"]
    assert made["commit"].tolist() == ["00123", "1e5", "None"]
    numbers = made[["learning_rate", "C", "known", "chance"]]
    assert {kind.kind for kind in numbers.dtypes} == {"f"}
    wanted = [[0.003, np.nan, 0.75, 0.5], [np.nan, 0.1, np.nan, np.nan], [1, np.nan, 1, 0.25]]
    np.testing.assert_array_equal(numbers.to_numpy(), wanted)
    assert told["changes"].tolist() == ["warp noise", "", "", "", ""]


def test_a_number_that_is_none_is_none_however_it_is_written(study):
    """Whoever learns from the machine alone knows nobody, which `tools.strangers` writes as nan."""
    study.write_text(STUDY.replace("july NA,,,", "july NA,nan,nan,"))
    made, _ = results.trials("strangers")
    np.testing.assert_array_equal(made["known"].to_numpy(float), [0.75, np.nan, 1])
    assert made["known"].dtype.kind == made["chance"].dtype.kind == "f"


def test_trials_that_are_missing_or_old_say_how_they_are_made(study):
    with pytest.raises(FileNotFoundError, match="^no trials 'crossing' are stored.*: make exp"):
        results.trials("crossing")
    study.write_text(STUDY.replace(",now,", ",old,"))
    message = "^strangers.csv: all 4 trials were made with other clips.*again with: make exp"
    with pytest.raises(ValueError, match=message):
        results.trials("strangers")


def test_a_run_that_was_read_from_a_table_has_numbers_that_keras_can_save():
    run = Run.of(pd.DataFrame([asdict(Run("GRU", 0.01, seed=3, hop_ms=10))]).iloc[0])
    assert [type(value) for value in asdict(run).values() if isinstance(value, int | float)] == [
        float, int, int, float, float, bool, bool,
    ]  # fmt: skip
    assert json.loads(json.dumps(asdict(run))) == asdict(run)
