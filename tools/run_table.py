"""Tables that training runs add their rows to: nothing is made twice, and nothing is lost.

A command that makes runs is stopped, killed, started again, and started twice at once. The table
stays whole through all of it:

- a run is named by everything that decides its outcome (`key`), so that a changed default is
  another run;
- its row is written last, after the rows that belong to it in other tables, so that what stands in
  the table is complete; the rest of a killed run is cut off by whoever writes next;
- who reads or writes keeps the others out, and a process that dies lets them in.
"""

from __future__ import annotations

import contextlib
import csv
import datetime
import hashlib
import json
import os
import platform
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

__all__ = ["RunTable", "key", "provenance"]


def key(recipe: Mapping) -> str:
    """Return the name of a run: a digest of all that decides its outcome, defaults included.

    Parameters
    ----------
    recipe : mapping of str to int, float, str, bool, None, or mappings and sequences of these
        Names and values; their order does not matter, and 1 and 1.0 are the same.

    Returns
    -------
    str
        Ten hexadecimal digits.

    Examples
    --------
    >>> key({"layer": "GRU", "seed": 0}) == key({"seed": 0.0, "layer": "GRU"})
    True
    >>> key({"layer": "GRU", "seed": 0}) == key({"layer": "GRU", "seed": 1})
    False
    """

    def plain(value):
        if isinstance(value, Mapping):
            return {name: plain(value[name]) for name in value}
        if isinstance(value, Sequence) and not isinstance(value, str):
            return [plain(item) for item in value]
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
        return value

    text = json.dumps(plain(recipe), sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def provenance(*packages: str) -> dict[str, str]:
    """Return when and with what a run was made, as columns of its row.

    Parameters
    ----------
    *packages : str
        Packages whose versions are told.

    Returns
    -------
    dict of str to str
        ``commit`` (with a ``+`` where the code was changed after it; empty outside a git
        repository), ``date``, ``python``, a version for each package, ``machine``.

    Examples
    --------
    >>> list(provenance("keras"))
    ['commit', 'date', 'python', 'keras', 'machine']
    """
    return {
        "commit": _commit(),
        "date": datetime.date.today().isoformat(),
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
        "machine": platform.machine(),
    }


def _commit() -> str:
    """Return the commit of the code, marked where helpers or tools differ from it."""

    def git(*arguments: str) -> str:
        run = subprocess.run(
            ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True
        )
        return run.stdout.strip()

    try:
        changed = git("status", "--porcelain", "--", "helpers", "tools")
        return git("rev-parse", "--short=12", "HEAD") + ("+" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return ""


if os.name == "nt":
    import msvcrt

    def _lock(file) -> None:
        while True:
            try:
                file.seek(2**30)  # past all rows: Windows forbids others to read what is locked
                return msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
            except OSError:  # somebody else has held it for ten seconds
                time.sleep(0.1)

    def _unlock(file) -> None:
        file.seek(2**30)
        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _lock(file) -> None:
        fcntl.flock(file, fcntl.LOCK_EX)

    def _unlock(file) -> None:
        fcntl.flock(file, fcntl.LOCK_UN)


class RunTable:
    """A CSV file with a row for each run, and files whose rows belong to these runs.

    The first column of every file is ``run``, the name that `key` gives.

    Parameters
    ----------
    path : pathlib.Path
        The table of runs. It need not exist yet.
    *parts : pathlib.Path
        Tables with any number of rows for each run.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     table = RunTable(Path(folder) / "runs.csv")
    ...     added = [table.add({"run": "a1", "accuracy": 0.5}) for _ in range(2)]
    ...     added, sorted(table.done())
    ([True, False], ['a1'])
    """

    def __init__(self, path: Path, *parts: Path):
        self.path, self.parts = Path(path), [Path(part) for part in parts]

    def done(self) -> set[str]:
        """Return the names of the runs whose rows are in the table."""
        if not self.path.exists():
            return set()
        with self._alone():
            return self._done()

    def add(self, row: Mapping, *rows: Sequence[Mapping]) -> bool:
        """Add a run, unless somebody else was faster.

        Parameters
        ----------
        row : mapping of str to object
            Its row; ``run`` comes first.
        *rows : sequence of mapping
            For each of the other tables, in their order, the rows that belong to the run; each is
            given ``run`` as its first column.

        Returns
        -------
        bool
            False if the run is in the table already, which then stays as it is.

        Raises
        ------
        ValueError
            If a table that exists has other columns than these rows. Nothing is written then.
        """
        parts = [
            (path, [{"run": row["run"], **each} for each in some])
            for path, some in zip(self.parts, rows, strict=True)
        ]
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._alone():
            done = self._done()
            for path, some in (*parts, (self.path, [row])):
                _refuse_other_columns(path, some)
            if row["run"] in done:
                return False
            for path, some in parts:
                _cut_off_unfinished(path, done)
                _append(path, some)
            _append(self.path, [row])
            return True

    def _done(self) -> set[str]:
        _cut_off_half_a_line(self.path)
        with self.path.open(newline="", encoding="utf-8") as file:
            return {row["run"] for row in csv.DictReader(file)}

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other processes out; the system frees the lock of one that dies."""
        with self.path.open("ab") as file:
            _lock(file)
            try:
                yield
            finally:
                _unlock(file)


def _cut_off_half_a_line(path: Path) -> None:
    """Cut off what a killed process has written of a line."""
    with path.open("r+b") as file:
        text = file.read()
        if text and not text.endswith(b"\n"):
            file.truncate(text.rfind(b"\n") + 1)


def _cut_off_unfinished(path: Path, done: set[str]) -> None:
    """Cut off the last rows if their run has no row of its own: it was killed before that."""
    if not path.exists():
        return
    _cut_off_half_a_line(path)
    header, *lines = path.read_bytes().splitlines(keepends=True) or [b""]
    while lines and lines[-1].split(b",", 1)[0].decode() not in done:
        lines.pop()
    with path.open("r+b") as file:
        file.truncate(len(header) + sum(map(len, lines)))


def _refuse_other_columns(path: Path, rows: Sequence[Mapping]) -> None:
    """Say so if a table has other columns than the rows that are to be added."""
    if not path.exists() or not rows:
        return
    with path.open(newline="", encoding="utf-8") as file:
        header = next(csv.reader(file), None)
    if header and header != list(rows[0]):
        differ = sorted(set(header) ^ set(rows[0])) or ["in another order"]
        raise ValueError(
            f"{path} has other columns than these rows ({', '.join(differ)}); "
            "move it away to begin anew"
        )


def _append(path: Path, rows: Sequence[Mapping]) -> None:
    """Add rows to a table, with the names of the columns where it is new."""
    if not rows:
        return
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        if not file.tell():
            writer.writeheader()
        writer.writerows(rows)
        file.flush()
        os.fsync(file.fileno())
