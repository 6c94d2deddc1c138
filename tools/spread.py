"""Work that is spread over the processors of this machine, or over the machines of a cluster.

joblib spreads it; who works is chosen where a command is called:

    python -m tools.experiments --processes 2             # of this machine
    python -m tools.experiments --dask tcp://host:8786    # a Dask cluster, with the course on it
"""

import argparse
import contextlib
import platform
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import joblib

from tools.run_table import RunTable

__all__ = ["add_arguments", "carried_out", "lacking", "workers"]

_ALONE = threading.Lock()
"""Seeds are set for a whole process: two trainings in one would draw each other's numbers."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Let a command's caller choose who works."""
    parser.add_argument("--processes", type=int, default=1, help="of this machine; 1 unless given")
    parser.add_argument("--dask", default="", help="address of a Dask scheduler: tcp://host:8786")


@contextlib.contextmanager
def workers(processes: int = 1, dask: str = "") -> Iterator[None]:
    """Let these work for what `carried_out` spreads within.

    Parameters
    ----------
    processes : int, optional
        Of this machine; 1 is this process itself, -1 is one for each core.
    dask : str, optional
        The address of a Dask scheduler, whose workers work instead. Of a cluster with one processor
        joblib makes no use; then it is said that this process works.
    """
    if not dask:
        with joblib.parallel_config("loky", n_jobs=processes):
            yield
        return
    try:
        from distributed import Client
    except ModuleNotFoundError:
        raise SystemExit("Dask is missing; python -m uv pip install --group cluster") from None
    with Client(dask) as client, joblib.parallel_config("dask"):
        if sum(client.ncores().values()) == 1:  # joblib takes that for nobody to share with
            print("the cluster has one processor; this process works instead", file=sys.stderr)
        yield


def lacking(tasks: Iterable, name: Callable, table: RunTable) -> Iterator:
    """Yield the tasks whose names a table lacks, also when their turn comes: another may be at it.

    Parameters
    ----------
    tasks : iterable
    name : callable
        Returns the name of a task.
    table : tools.run_table.RunTable
    """
    done = table.done()
    for task in tasks:
        if (key := name(task)) not in done and key not in table.done():
            yield task


def carried_out(work: Callable, tasks: Iterable) -> Iterator[tuple[Any, Any]]:
    """Yield each task with its outcome, in the order in which they are done.

    Whoever takes them can keep each outcome at once; what a worker that dies was at is given to
    another. Tasks are drawn as workers become free.

    Parameters
    ----------
    work : callable
        Takes a task. Workers import it, and run it once at a time.
    tasks : iterable

    Raises
    ------
    RuntimeError
        If the work fails with a ValueError or an OSError: the task, the machine, and its message.
    """
    spread = joblib.Parallel(
        return_as="generator_unordered", batch_size=1, pre_dispatch="n_jobs + 1"
    )
    # Bound, not passed: of what is passed and large, joblib gives Dask one copy, which dies with
    # its worker.
    return spread(joblib.delayed(partial(_alone, work, task))() for task in tasks)


def _alone(work: Callable, task) -> tuple:
    with _ALONE:
        try:
            return task, work(task)
        except (ValueError, OSError) as error:
            raise RuntimeError(f"{task} on {platform.node()}: {error}") from error
