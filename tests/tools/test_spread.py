"""Spread work gives what it gives alone, and what is done is kept whoever dies."""

import os
import sys
import threading
import time

import joblib
import pandas as pd
import pytest
from joblib.externals.loky.process_executor import TerminatedWorkerError

from helpers.study import experiments, results
from tests.study.test_experiments import fake
from tools import experiments as tool
from tools.run_table import RunTable
from tools.spread import carried_out, lacking, workers


def test_processes_give_what_one_gives():
    def square(number):  # travels by itself: no process waits for what this module imports
        return number**2, os.getpid()

    with workers():
        alone = {task: square for task, (square, _) in carried_out(square, range(12))}
    with workers(processes=2):
        outcomes = list(carried_out(square, range(12)))
    assert {task: square for task, (square, _) in outcomes} == alone
    assert os.getpid() not in {pid for _, (_, pid) in outcomes}


def test_what_was_done_before_a_process_died_is_not_made_again(tmp_path):
    table, made, dead = RunTable(tmp_path / "runs.csv"), [], tmp_path / "dead"

    def dies_at_seven(number):
        if number == 7 and not dead.exists():
            dead.touch()
            os._exit(1)
        return number**2

    def go():
        for task, square in carried_out(dies_at_seven, lacking(range(12), str, table)):
            made.append(task)
            assert table.add({"run": str(task), "square": square})

    with workers(processes=2):
        with pytest.raises(TerminatedWorkerError):
            go()
        before = table.done()
        assert before == set(map(str, made)) and "7" not in before
        go()
    assert sorted(made) == list(range(12)), "made twice, or lost"
    assert len(pd.read_csv(table.path)) == 12


def test_what_another_command_makes_meanwhile_is_not_made_again(tmp_path):
    table, made = RunTable(tmp_path / "runs.csv"), []
    for task, _ in carried_out(lambda task: task, lacking("abcd", str, table)):
        made.append(task)
        table.add({"run": task})
        table.add({"run": "c"})  # the other
    assert made == ["a", "b", "d"]


def test_two_trainings_never_share_a_process():
    at_work, most = [], []

    def work(task):
        at_work.append(task)
        most.append(len(at_work))
        time.sleep(0.01)
        at_work.remove(task)
        return threading.get_ident()

    with joblib.parallel_config("threading", n_jobs=4):
        threads = {thread for _, thread in carried_out(work, range(20))}
    assert set(most) == {1} and len(threads) > 1


def test_who_fails_is_named():
    def work(task):
        raise ValueError("no such clip")

    with pytest.raises(RuntimeError, match="^run 3 on .+: no such clip$"):
        list(carried_out(work, ["run 3"]))


def test_a_table_made_by_several_is_the_one_made_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(experiments, "carry_out", fake)
    for name, backend in {"alone": "sequential", "spread": "threading"}.items():
        monkeypatch.setattr(results, "RUNS", tmp_path / f"{name}.csv")
        monkeypatch.setattr(results, "ANSWERS", tmp_path / f"{name}_answers.csv")
        with joblib.parallel_config(backend, n_jobs=3):
            tool.main(["rates"])
    for ending in (".csv", "_answers.csv"):
        alone, spread = (
            pd.read_csv(tmp_path / (name + ending)).sort_values("run").to_csv(index=False)
            for name in ("alone", "spread")
        )
        assert alone == spread and len(alone) > 1000


def test_what_a_machine_with_other_clips_makes_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "RUNS", tmp_path / "runs.csv")
    monkeypatch.setattr(results, "ANSWERS", tmp_path / "answers.csv")
    monkeypatch.setattr(experiments, "carry_out", fake)
    make = tool.make

    def elsewhere(run):
        row, told = make(run)
        return {**row, "run": "0123456789"}, told

    monkeypatch.setattr(tool, "make", elsewhere)
    with pytest.raises(SystemExit, match="a machine with other clips or another course made it"):
        tool.main(["rates"])
    assert not RunTable(results.RUNS).done()


def test_without_dask_the_command_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(SystemExit, match="Dask is missing; .* --group cluster"):
        with workers(dask="tcp://localhost:1"):
            pass
