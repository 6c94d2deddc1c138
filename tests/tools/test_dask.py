"""Two Dask workers make what this process makes alone, whoever is killed: `make test-cluster`."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time

import pandas as pd
import pytest

# How many threads share a sum decides a network's last digits: as many here as in the workers.
os.environ |= {"TF_NUM_INTRAOP_THREADS": "1", "OMP_NUM_THREADS": "1"}

dask = pytest.importorskip("dask", reason="Dask is not installed; make test-cluster")
distributed = pytest.importorskip("distributed", reason="Dask is not installed; make test-cluster")

from helpers import ROOT  # noqa: E402
from helpers.audio import corpus  # noqa: E402
from helpers.study import results, store  # noqa: E402
from helpers.study.experiments import BASELINE, Run  # noqa: E402
from tests.study.test_experiments import mine  # noqa: E402, F401
from tools import experiments as tool  # noqa: E402
from tools.spread import carried_out, workers  # noqa: E402

pytestmark = pytest.mark.filterwarnings("default")  # Dask's own
CLIPS = corpus.manifest().iloc[::8].reset_index(drop=True)
DASK = [sys.executable, "-m", "dask"]
PATIENT = {f"DASK_DISTRIBUTED__COMM__TIMEOUTS__{name}": "300s" for name in ("CONNECT", "TCP")}
COLUMNS = ["seconds_per_epoch", "date", "commit"]
"""What rightly differs between two runs of the same."""


def until(condition, seconds=900):
    """Wait for something."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


class Cluster:
    """A scheduler and workers, as they are started by hand."""

    def __init__(self, folder):
        self.folder, self.file = folder, folder / "scheduler.json"
        self.processes = []
        self._start(ROOT, "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
        until(lambda: self.file.exists() and self.file.read_text().strip())
        self.address = json.loads(self.file.read_text())["address"]

    def _start(self, where, *arguments):
        command = [*DASK, *arguments, "--scheduler-file", str(self.file)]
        log = open(self.folder / f"{len(self.processes)}.log", "wb")
        started = subprocess.Popen(
            command, cwd=where, stdout=log, stderr=log, env=os.environ | PATIENT
        )
        self.processes.append(started)

    def worker(self, where=ROOT):
        """Start a worker in a folder of the course."""
        local = str(self.folder / f"local{len(self.processes)}")
        options = ("--nthreads", "1", "--no-dashboard", "--local-directory", local)
        self._start(where, "worker", *options)
        with distributed.Client(self.address) as client:
            client.wait_for_workers(len(self.processes) - 1, timeout=900)

    def pids(self):
        """Return the processes of the workers."""
        with distributed.Client(self.address) as client:
            return list(client.run(os.getpid).values())

    def stop(self):
        """End everything."""
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            process.wait(60)


@pytest.fixture(scope="module", autouse=True)
def patient():
    """Let a busy machine take its time."""
    timeouts = dict.fromkeys(("connect", "tcp"), "300s")
    with dask.config.set({"distributed.comm.timeouts": timeouts}):
        yield


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """Return two workers."""
    started = Cluster(tmp_path_factory.mktemp("dask"))
    try:
        started.worker()
        started.worker()
        yield started
    finally:
        started.stop()


def keep(folder):
    return store.keep(CLIPS, cache=folder, progress=False)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.glob("*.npz")}


def test_features_are_the_same_bit_for_bit_though_a_worker_is_killed(
    cluster, tmp_path, monkeypatch
):
    monkeypatch.setattr(store, "PIECE", 30.0)
    keep(tmp_path / "alone")
    victim, seen = cluster.pids()[0], {}

    def kill():
        until(lambda: len(list((tmp_path / "spread").glob("*.npz"))) >= 3)
        os.kill(victim, signal.SIGKILL)
        seen.update({p: p.stat().st_mtime_ns for p in (tmp_path / "spread").glob("*.npz")})

    killer = threading.Thread(target=kill)
    killer.start()
    with workers(dask=cluster.address):
        kept = keep(tmp_path / "spread")
    killer.join()
    assert 3 <= len(seen) < len(kept.pieces), "killed too late to show anything"
    assert contents(tmp_path / "spread") == contents(tmp_path / "alone")
    assert all(path.stat().st_mtime_ns == then for path, then in seen.items()), "written twice"


def test_the_rows_of_the_tables_are_those_made_alone(cluster, mine, tmp_path, monkeypatch):  # noqa: F811
    monkeypatch.setattr(tool, "RATES", {BASELINE: (0.1, 1.0), "GRU": (0.01,)})
    monkeypatch.setattr(tool, "SEEDS", range(2))
    monkeypatch.setattr(tool, "LAYERS", ("GRU",))
    tables = {}
    for name in ("alone", "spread"):
        monkeypatch.setattr(results, "FOLDER", tmp_path / name)
        with workers(dask=cluster.address if name == "spread" else ""):
            tool.main(["rates", "layers"], mine)
        read = [pd.read_csv(path, dtype=str) for path in results.tables(mine)]
        tables[name] = [t.sort_values(list(t)).drop(columns=COLUMNS, errors="ignore") for t in read]
    assert len(tables["alone"][0]) == 6 + 4
    for alone, spread in zip(tables["alone"], tables["spread"], strict=True):
        assert spread.to_csv(index=False) == alone.to_csv(index=False)


def test_a_task_whose_worker_is_killed_is_made_once_by_another(cluster):
    def slow(task):  # travels by itself: workers do not wait for what this module imports
        time.sleep(0.5)
        return os.getpid()

    made, killed = [], None
    with workers(dask=cluster.address):
        for task, pid in carried_out(slow, range(8)):
            made.append(task)
            if not killed:
                killed = pid
                os.kill(pid, signal.SIGKILL)
    assert sorted(made) == list(range(8))


def test_a_worker_without_the_corpus_says_so(tmp_path, capsys):
    for folder in ("helpers", "tools"):
        shutil.copytree(ROOT / folder, tmp_path / "course" / folder)
    lacking = Cluster(tmp_path)
    try:
        lacking.worker(tmp_path / "course")
        with workers(dask=lacking.address):
            assert "one processor" in capsys.readouterr().err
        lacking.worker(tmp_path / "course")
        with workers(dask=lacking.address):
            assert capsys.readouterr().err == ""
            with pytest.raises(RuntimeError, match=r"Run\(layer='logistic.* on .*manifest.csv"):
                list(carried_out(tool.make, [Run(BASELINE, C=1.0)]))
            with pytest.raises(ValueError, match="on .*cannot be read .*No such file"):
                keep(tmp_path / "kept")
    finally:
        lacking.stop()
