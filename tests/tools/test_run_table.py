"""A table of runs stays whole when its command is killed, started again, or started twice."""

import csv
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from tools.run_table import RunTable, key, provenance

ROOT = Path(__file__).resolve().parents[2]


def read(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def table(tmp_path):
    return RunTable(tmp_path / "new" / "runs.csv", tmp_path / "new" / "answers.csv")


def add(table, name, answers=3, accuracy=0.5):
    rows = [{"voice": f"v{i}", "right": i} for i in range(answers)]
    return table.add({"run": name, "accuracy": accuracy}, rows)


def test_a_run_and_what_belongs_to_it_are_stored_once(table):
    assert table.done() == set()
    assert [add(table, name) for name in ("a", "b", "a")] == [True, True, False]
    add(table, "a", accuracy=0.9)
    assert read(table.path) == [{"run": n, "accuracy": "0.5"} for n in "ab"]
    assert [row["run"] for row in read(table.parts[0])] == list("aaabbb")
    assert list(read(table.parts[0])[0]) == ["run", "voice", "right"]
    assert table.done() == {"a", "b"}


@pytest.mark.parametrize("cut", range(1, 40, 3))
def test_wherever_a_command_is_killed_the_next_one_makes_it_good(table, cut):
    add(table, "a")
    whole = [path.read_bytes() for path in (table.path, *table.parts)]
    add(table, "b")
    runs, answers = (path.read_bytes() for path in (table.path, *table.parts))
    # The answers are written first: some of them are there and the run is not, ...
    added = len(answers) - len(whole[1])
    table.path.write_bytes(whole[0])
    table.parts[0].write_bytes(answers[: len(whole[1]) + min(cut, added)])
    assert table.done() == {"a"}
    assert add(table, "b")
    assert (table.path.read_bytes(), table.parts[0].read_bytes()) == (runs, answers)
    # ... or all of them are, and half of the run's row.
    table.path.write_bytes(runs[: min(len(whole[0]) + cut, len(runs) - 1)])
    assert table.done() == {"a"}
    assert add(table, "c")
    assert [row["run"] for row in read(table.path)] == ["a", "c"]
    assert [row["run"] for row in read(table.parts[0])] == list("aaaccc")


def test_a_command_killed_before_the_first_row_leaves_a_table_that_works(table):
    table.path.parent.mkdir()
    for left in (b"", b"run,accu"):
        table.path.write_bytes(left)
        table.parts[0].write_bytes(b"run,voice,right\na,v0,0\na,v")
        assert table.done() == set()
        assert add(table, left.decode() or "first")
    assert len(read(table.path)) == 1 and len(read(table.parts[0])) == 3


def test_a_table_of_other_columns_is_left_alone(table):
    add(table, "a")
    before = [path.read_bytes() for path in (table.path, *table.parts)]
    with pytest.raises(ValueError, match=r"runs.csv has other columns .*\(accuracy, loss\).*away"):
        table.add({"run": "b", "loss": 1}, [{"voice": "v", "right": 1}])
    with pytest.raises(ValueError, match=r"answers.csv has other columns .*\(in another order\)"):
        table.add({"run": "b", "accuracy": 1}, [{"right": 1, "voice": "v"}])
    assert [path.read_bytes() for path in (table.path, *table.parts)] == before


WRITER = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    from tools.run_table import RunTable

    folder, who, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    table = RunTable(folder / "runs.csv", folder / "answers.csv")
    for number in range(count):
        for name in (f"{who}{number}", f"both{number}"):
            table.add({"run": name, "by": who}, [{"voice": v, "by": who} for v in range(5)])
    """
)


def start(folder, who, count):
    return subprocess.Popen([sys.executable, "-c", WRITER, str(folder), who, str(count)], cwd=ROOT)


def assert_whole(folder):
    runs, answers = read(folder / "runs.csv"), read(folder / "answers.csv")
    names = [row["run"] for row in runs]
    assert len(set(names)) == len(names)
    assert [row["run"] for row in answers] == [name for name in names for _ in range(5)]
    by = {row["run"]: row["by"] for row in runs}
    assert all(row["by"] == by[row["run"]] for row in answers)
    return set(names)


def test_commands_at_once_do_not_spoil_each_others_rows(tmp_path):
    writers = [start(tmp_path, who, 40) for who in "xyz"]
    assert [writer.wait(120) for writer in writers] == [0, 0, 0]
    assert len(assert_whole(tmp_path)) == 3 * 40 + 40


@pytest.mark.skipif(os.name == "nt", reason="sends a signal that Windows does not have")
def test_a_killed_command_loses_nothing_and_locks_nobody_out(tmp_path):
    for _ in range(3):
        writers = [start(tmp_path, who, 10_000) for who in "xy"]
        seen = len(read(tmp_path / "runs.csv")) if (tmp_path / "runs.csv").exists() else 0
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:  # until both are at it
            time.sleep(0.1)
            if (tmp_path / "runs.csv").exists():
                if len((tmp_path / "runs.csv").read_bytes().splitlines()) > seen + 50:
                    break
        for writer in writers:
            writer.send_signal(signal.SIGKILL)
            writer.wait(10)
        table = RunTable(tmp_path / "runs.csv", tmp_path / "answers.csv")
        before = table.done()
        table.add({"run": f"after{seen}", "by": "me"}, [{"voice": v, "by": "me"} for v in range(5)])
        assert assert_whole(tmp_path) == before | {f"after{seen}"}


def test_a_key_hangs_on_every_value_and_on_no_order():
    recipe = {"layer": "GRU", "rate": 0.01, "clip": None, "parts": {"a": 1, "b": (2, 3)}}
    shuffled = {"parts": {"b": [2.0, 3], "a": 1.0}, "clip": None, "rate": 0.01, "layer": "GRU"}
    assert key(recipe) == key(shuffled)
    others = [
        recipe | {"rate": 0.010000001},
        recipe | {"clip": 0},
        recipe | {"clip": False},
        recipe | {"layer": "GRU "},
        recipe | {"parts": {"a": 1, "b": (3, 2)}},
        recipe | {"more": None},
    ]
    assert len({key(each) for each in (recipe, *others)}) == 1 + len(others)
    with pytest.raises(ValueError, match="JSON compliant"):
        key({"rate": float("nan")})


def test_where_a_row_comes_from_is_told(monkeypatch, tmp_path):
    told = provenance("keras")
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    if head.returncode == 0:
        assert head.stdout.startswith(told["commit"].rstrip("+")) and len(told["commit"]) >= 12
    monkeypatch.setattr("tools.run_table.ROOT", tmp_path)
    assert provenance()["commit"] == ""
