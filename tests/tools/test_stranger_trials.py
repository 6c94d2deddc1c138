"""Trials with strangers are those that their groups promise, and none is made twice."""

import csv
from dataclasses import asdict, fields, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from helpers.audio import corpus
from helpers.study import crossing, learning, results, strangers
from helpers.study.crossing import Crossing
from helpers.study.experiments import BASELINE
from helpers.study.learning import clips
from helpers.study.strangers import Trial
from tests.audio import made
from tools import strangers as tool
from tools.run_table import key

LANGUAGES = ("en", "es", "fr", "it", "ru")
VOICES = ("en wadley", "es july", "fr armelle", "it paola", "ru dashk0")


def name_of(trial):
    return key((crossing if isinstance(trial, Crossing) else strangers).recipe(trial))


def strange_persons():
    table = clips()
    return set(table.loc[table["role"] == "stranger", "person"])


def differ(one, other):
    """Return the names of the fields in which two trials differ."""
    one, other = asdict(one), asdict(other)
    return {name for name in one if one[name] != other[name]}


COUNTS = {
    "crossing": 5 * 2 * (2 * 3 + 8),  # seeds, models, own and divided, crossed
    "steps": 5 * (6 + 5),
    "machine": 5 * 2 * 2,
    "telephone": 3 * (2 + 3) * 2 * 2,  # whom to add, the codec or not, models
    "folds": 3 * 8 * 2 * 2,
}


@pytest.mark.parametrize("group", tool.GROUPS)
def test_a_group_has_as_many_trials_as_it_says_and_none_twice(group):
    trials = list(tool.wanted(group))
    assert len(trials) == COUNTS[group] == len(set(map(name_of, trials)))
    assert {type(trial) for trial in trials} == {Crossing if group == "crossing" else Trial}
    seeds = {seed: sum(trial.seed == seed for trial in trials) for seed in range(5)}
    assert len(set(seeds.values()) - {0}) == 1  # as many with every seed
    assert sum(map(bool, seeds.values())) == (3 if group in ("telephone", "folds") else 5)


def test_each_step_has_one_thing_more_than_the_last():
    trials = list(tool.steps(3))
    networks, plain = trials[:6], trials[6:]
    assert [differ(a, b) for a, b in zip(networks, networks[1:], strict=False)] == [
        {"centred"}, {"layer"}, {"layer"}, {"changes"}, {"changes"}
    ]  # fmt: skip
    assert [trial.layer for trial in networks] == [
        "GRU", "GRU", "GRU mean", *["bidirectional GRU mean"] * 3
    ]  # fmt: skip
    assert [differ(plain[0], other) for other in plain] == [
        set(), {"centred"}, {"changes"}, *[{"centred", "changes"}] * 2
    ]  # fmt: skip
    assert {trial.layer for trial in plain} == {BASELINE}
    told = [set(), {"speed", "warp", "channel", "noise"}, {"rooms", "codecs"}]
    for some in (networks[3:], plain[:1] + plain[3:]):  # each with one more than the last
        changes = [set(trial.changes.split()) for trial in some]
        assert [b - a for a, b in zip([set(), *changes], changes, strict=False)] == told
    assert {trial.seed for trial in trials} == {3}
    assert not any(trial.added or trial.synthetic or trial.codec for trial in trials)
    assert tool.best(3) == (networks[4], plain[3])  # without what is done to the sound


def test_in_folds_each_person_is_a_stranger_once_with_each_seed_model_and_share():
    trials = list(tool.wanted("folds"))
    everybody = strange_persons()
    ways = {}
    for trial in trials:
        way = (trial.seed, trial.layer, trial.synthetic)
        ways.setdefault(way, []).append(everybody - set(trial.added.split()))
        assert set(trial.added.split()) < everybody
        assert replace(trial, added="", synthetic=0.0) in tool.best(trial.seed)
    assert len(ways) == 3 * 2 * 2
    for asked in ways.values():
        assert len(asked) == 8
        assert sorted(person for some in asked for person in some) == sorted(everybody)
    assert {trial.synthetic for trial in trials} == {0, 1 / 3}


def test_the_machine_is_heard_alone_or_with_the_main_voices_and_nobody_is_added():
    trials = list(tool.wanted("machine"))
    assert {trial.synthetic for trial in trials} == {1 / 3, 1}
    for trial in trials:
        assert replace(trial, synthetic=0.0) in tool.best(trial.seed) and not trial.added


def test_one_voice_from_the_telephone_is_left_out_at_a_time():
    table = corpus.manifest()
    of_corpus = set(table.loc[table["unheard"], "speaker"])
    on_line = set(table.loc[table["unheard"] & (table["line"] == "telephone"), "speaker"])
    nobody, others, *left_out = (set(added.split()) for added in tool.telephones())
    assert nobody == set() and others == of_corpus - on_line
    assert len(left_out) == len(on_line) > 1
    assert {frozenset(of_corpus - added) for added in left_out} == {
        frozenset({voice}) for voice in on_line
    }
    trials = list(tool.wanted("telephone"))
    assert {trial.added for trial in trials} == set(tool.telephones())
    for trial in trials:
        assert set(trial.added.split()) <= strange_persons()  # or it could not be carried out
        assert replace(trial, codec=not trial.codec) in trials
        assert differ(trial, next(tool.steps(trial.seed))) <= {
            "added", "codec", *("layer units learning_rate batches C".split()
                                if trial.layer == BASELINE else ())
        }  # fmt: skip


def test_crossings_of_as_many_voices_spread_them_in_both_ways():
    trials = list(tool.wanted("crossing"))
    own = [trial for trial in trials if not trial.crossed]
    for trial in own:
        assert replace(trial, voices=trial.people, crossed=True, divided=True) in trials
        assert replace(trial, voices=trial.people, crossed=True) in trials
    assert sum(trial.divided for trial in trials) == len(own)
    assert {trial.voices for trial in own} == {1, 2, 4}
    whole = [trial for trial in trials if trial.crossed and not trial.divided]
    assert {trial.voices for trial in whole} == {1, 2, 4, 5, 8, 10, 16, 20}
    models = {(t.layer, t.centred, t.changes, t.batches, t.C) for t in trials}
    assert models == {
        (BASELINE, False, "", 0, 0.1),
        ("GRU mean", True, "speed warp channel noise", 300, None),
    }


class Stopped(Exception):
    """A command was stopped."""


@pytest.fixture
def carried(tmp_path, monkeypatch):
    """Return the trials that are carried out, none of them really; tables lie in a new folder."""
    carried = []

    def pretend(outcome):
        def carry_out(trial):
            carried.append(trial)
            said = {"role": "stranger", **dict.fromkeys(LANGUAGES, 2)}
            told = [{"voice": voice, "language": voice[:2], **said} for voice in VOICES]
            return asdict(trial) | {"parameters": 7} | outcome, pd.DataFrame(told)

        return carry_out

    of_people = {"persons": 3, "known": 0.123456789, "chance": 0.25}
    monkeypatch.setattr(strangers, "carry_out", pretend(of_people))
    monkeypatch.setattr(tool, "certainty", lambda: carried.append("certainty"))
    monkeypatch.setattr(crossing, "carry_out", pretend({"people": 5, "heard": 35}))
    monkeypatch.setattr(results, "FOLDER", tmp_path)
    return carried


def test_tables_of_crossings_and_of_people_are_kept_apart(carried, tmp_path):
    tool.main(["crossing"])
    assert {path.name for path in tmp_path.iterdir()} == {"crossing.csv", "crossing_answers.csv"}
    tool.main(["machine", "steps"])
    names = ("crossing.csv", "crossing_answers.csv", "strangers.csv", "strangers_answers.csv")
    counts = [len(pd.read_csv(tmp_path / name)) for name in names]
    people = COUNTS["machine"] + COUNTS["steps"]
    assert counts == [COUNTS["crossing"], 5 * COUNTS["crossing"], people, 5 * people]
    assert carried == [t for group in ("crossing", "machine", "steps") for t in tool.wanted(group)]
    assert {path.name for path in tmp_path.iterdir()} == set(names)


def test_a_trial_that_is_in_a_table_is_not_made_again(carried, tmp_path):
    tool.main(["machine"])
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    carried.clear()
    tool.main(["machine"])
    assert not carried and before == {path: path.read_bytes() for path in tmp_path.iterdir()}


def test_a_stopped_command_goes_on_where_it_was(carried, monkeypatch):
    whole, trials = strangers.carry_out, list(tool.wanted("steps"))

    def stops_at_the_fourth(trial):
        if len(carried) == 3:
            raise Stopped
        return whole(trial)

    with monkeypatch.context() as patch:
        patch.setattr(strangers, "carry_out", stops_at_the_fourth)
        with pytest.raises(Stopped):
            tool.main(["steps"])
    assert results.trials("strangers")[0]["run"].tolist() == list(map(name_of, trials[:3]))
    tool.main(["steps"])
    assert carried == trials


def test_a_changed_default_makes_trials_anew_beside_the_old_ones(carried, monkeypatch):
    tool.main(["machine"])
    monkeypatch.setattr(strangers, "TEST", 0.3)
    tool.main(["machine"])
    assert len(carried) == 2 * COUNTS["machine"]
    assert len(results.trials("strangers")[0]) == 2 * COUNTS["machine"]


def test_what_is_written_is_read_again_and_names_the_trial(carried, tmp_path):
    tool.main(["machine"])
    tool.main(["crossing"])
    for name, kind in (("strangers", Trial), ("crossing", Crossing)):
        made, told = results.trials(name)
        trials = [trial for trial in carried if isinstance(trial, kind)]
        assert [of_row(kind, row) for row in made.to_dict("records")] == trials
        assert made["run"].tolist() == list(map(name_of, trials))
        assert told["run"].tolist() == [run for run in made["run"] for _ in LANGUAGES]
        assert (made["clips"] == learning.digest()).all() and (told["right"] == 0.2).all()
        assert {"commit", "date", "python", "keras", "tensorflow", "machine"} <= set(made)
    with (tmp_path / "strangers.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["known"] for row in rows} == {"0.12346"}  # rounded, but for what was asked
    assert {row["synthetic"] for row in rows} == {str(1 / 3), "1.0"}


def of_row(kind, row):
    """Return the trial of a row: nothing in it is of NumPy."""
    values = {field.name: row.get(field.name, field.default) for field in fields(kind)}
    for name in ("learning_rate", "C"):
        values[name] = None if np.isnan(values[name]) else values[name]
    return kind(**values)


def test_without_a_group_all_are_made(carried, monkeypatch):
    one = {"crossing": Crossing(BASELINE, C=2.0)}
    one |= {g: Trial(BASELINE, C=float(i + 3)) for i, g in enumerate(tool.GROUPS[1:])}
    monkeypatch.setattr(tool, "wanted", lambda group, recordings: iter([one[group]]))
    tool.main([])
    assert carried == ["certainty", *(one[group] for group in tool.GROUPS)] and len(carried) == 6
    carried.clear()
    tool.main(["certainty"])
    assert carried == ["certainty"]


def test_a_group_that_is_none_is_named_before_anything_is_made(carried, tmp_path):
    message = "no group nonsense; there are crossing, steps, machine, telephone, folds, certainty$"
    with pytest.raises(SystemExit, match=message):
        tool.main(["steps", "nonsense"])
    assert not carried and not list(tmp_path.iterdir())


@pytest.mark.parametrize(("name", "kind"), [("strangers", Trial), ("crossing", Crossing)])
def test_every_stored_trial_has_the_name_that_the_code_gives_and_its_answers(name, kind):
    made, told = results.trials(name)
    names = [name_of(of_row(kind, row)) for row in made.to_dict("records")]
    assert names == made["run"].tolist() and made["run"].is_unique
    assert set(told["run"]) == set(names) and not told.duplicated(["run", "voice"]).any()


@pytest.fixture
def asked(tmp_path, monkeypatch):
    """Return the trials that are asked, none of them really, and what they gave."""
    asked, rng = [], np.random.default_rng(0)
    table = clips()
    rows = {role: np.flatnonzero(table["role"] == role)[::40] for role in ("main", "stranger")}

    def ask(trial):
        gave = [(SimpleNamespace(clip=r), rng.dirichlet(np.ones(5), len(r))) for r in rows.values()]
        gave[0][1][0] = 0, 0, 1, 0, 0  # whoever is quite sure gives nothing to the others
        asked.append((trial, gave))
        return {}, gave

    monkeypatch.setattr(strangers, "ask", ask)
    monkeypatch.setattr(results, "FOLDER", tmp_path)
    return asked


def test_what_is_stored_of_a_certainty_is_read_again_excerpt_by_excerpt(asked):
    tool.certainty()
    assert [trial for trial, _ in asked] == list(tool.sure())
    told, table = results.certainty(), clips()
    at = 0
    for trial, gave in asked:
        for examples, p in gave:
            rows = told.iloc[at : at + len(p)]
            at += len(p)
            assert set(rows["layer"]) == {trial.layer} and set(rows["seed"]) == {trial.seed}
            for name in ("role", "language", "person", "prompt"):
                assert rows[name].tolist() == table[name].iloc[examples.clip].tolist()
            np.testing.assert_allclose(rows[list(LANGUAGES)], p, atol=2e-3)
    assert at == len(told) and (told[list(LANGUAGES)] > 0).all(axis=None)


def test_a_certainty_is_stored_once_and_anew_where_it_was_made_otherwise(asked, monkeypatch):
    for _ in range(2):
        tool.certainty()
    assert len(asked) == len(list(tool.sure()))
    monkeypatch.setattr(strangers, "TEST", 0.3)
    tool.certainty()
    assert len(asked) == 2 * len(list(tool.sure()))
    (path,) = results.FOLDER.iterdir()  # and nothing unfinished beside it
    assert path.name == "certainty.npz"


def test_a_certainty_that_is_missing_or_old_says_how_it_is_made(asked, monkeypatch):
    with pytest.raises(FileNotFoundError, match="^certainty.npz is not stored; make it with: py"):
        results.certainty()
    tool.certainty()
    path = results.FOLDER / "certainty.npz"
    whole = path.read_bytes()
    for broken in (b"", whole[: len(whole) // 2], whole[:-9] + b"x" * 9):
        path.write_bytes(broken)
        with pytest.raises(ValueError, match="^certainty.npz is damaged; delete it, and make it"):
            results.certainty()
    path.write_bytes(whole)
    monkeypatch.setattr(learning, "digest", lambda recordings="": "other")
    with pytest.raises(ValueError, match="^certainty.npz was made with other clips.*; make it wi"):
        results.certainty()


def test_the_stored_certainty_is_of_the_models_that_the_code_names():
    with np.load(results.CERTAINTY) as kept:
        assert kept["runs"].tolist() == list(map(name_of, tool.sure()))
    told, table = results.certainty(), results.trials("strangers")[1]
    told["named"] = told[list(LANGUAGES)].idxmax(axis=1)
    for trial in tool.sure():  # the trials of the table answered the same
        of_trial = table[table["run"] == name_of(trial)]
        here = told[(told["layer"] == trial.layer) & (told["seed"] == trial.seed)]
        strange = here[here["role"] == "stranger"]
        counts = pd.crosstab(strange["language"], strange["named"]).reindex(columns=LANGUAGES)
        stored = of_trial.groupby("language")[list(LANGUAGES)].sum()
        np.testing.assert_allclose(counts.fillna(0), stored, atol=3)


def test_recordings_of_ones_own_have_tables_of_their_own(tmp_path, monkeypatch):
    clips = [c for c in made.spoken(clips=8) if c.language != "fr" or c.speaker == 0]
    mine = str(made.common_voice(tmp_path / "speech", clips))
    monkeypatch.setattr(results, "FOLDER", tmp_path / "tables")
    whole = tool.steps

    def regressions(seed, recordings):
        every = list(whole(seed, recordings))
        assert {trial.corpus for trial in every} == {mine} and len(every) == COUNTS["steps"] / 5
        return [trial for trial in every if trial.layer == BASELINE and not trial.changes]

    monkeypatch.setattr(tool, "steps", regressions)
    tool.main([], mine)
    assert [path.name for path in (tmp_path / "tables").iterdir()] == [Path(mine).name]
    trials, told = results.trials("strangers", mine)
    assert (trials["corpus"] == mine).all() and len(trials) == 2 * len(tool.SEEDS)
    assert results.named(told) == ["de", "en"] and set(told["role"]) == {"stranger"}
    assert told["fr"].sum(), "nobody is named the language of which no stranger is there"
    own = np.where(told["language"] == "de", told["de"], told["en"])
    np.testing.assert_allclose(told["right"], own / told[["de", "en", "fr"]].sum(axis=1))
    with pytest.raises(SystemExit, match="no group crossing; there are steps$"):
        tool.main(["crossing"], mine)
    message = "no trials 'strangers' with somebody/else are stored; .*CORPUS=somebody/else$"
    with pytest.raises(FileNotFoundError, match=message):
        results.trials("strangers", "somebody/else")


def test_where_nobody_is_left_to_ask_that_is_said(tmp_path, monkeypatch):
    mine = made.common_voice(tmp_path, [clip for clip in made.spoken() if clip.speaker == 0])
    monkeypatch.setattr(results, "FOLDER", tmp_path / "tables")
    with pytest.raises(SystemExit, match="nobody is left to ask .* record a second speaker"):
        tool.main([], str(mine))
    assert not (tmp_path / "tables").exists()
