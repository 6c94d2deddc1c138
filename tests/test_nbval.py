"""The checker that compares the stored outputs of notebooks does check."""

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from tests.test_controls import MOVES
from tools.execute import first_cell

ROOT = Path(__file__).resolve().parent.parent


def run_nbval(*paths, jobs=0):
    """Return the exit status of nbval on notebooks, as `make test` calls it."""
    command = [sys.executable, "-m", "pytest", "-q", "-n", str(jobs), "--dist", "loadscope"]
    command += ["--nbval", "-p", "no:cacheprovider", *paths]
    return subprocess.run(command, cwd=ROOT, capture_output=True).returncode


def write(path, *cells):
    """Write a notebook of cells, given as (source, text that they claim to have printed)."""
    notebook = nbformat.v4.new_notebook()
    for count, (source, text) in enumerate(cells, 1):
        outputs = [nbformat.v4.new_output("stream", name="stdout", text=text)]
        cell = nbformat.v4.new_code_cell(source, execution_count=count, outputs=outputs)
        notebook.cells.append(cell)
    nbformat.write(notebook, path)
    return path


@pytest.mark.parametrize(
    ("source", "stored", "passes"),
    [
        ("print(1 + 1)", "2\n", True),
        ("print(1 + 1)", "3\n", False),
        ("print(2)\nraise ValueError", "2\n", False),
    ],
    ids=["as stored", "altered", "raises"],
)
def test_the_checker_checks(tmp_path, source, stored, passes):
    assert (run_nbval(write(tmp_path / "n.ipynb", (source, stored))) == 0) is passes


def test_in_two_processes_each_notebook_keeps_its_kernel_and_its_order(tmp_path):
    cells = [("n = 0; print(n)", "0\n")]
    cells += [(f"assert n == {i}; n += 1; print(n)", f"{i + 1}\n") for i in range(6)]
    assert run_nbval(*(write(tmp_path / f"{k}.ipynb", *cells) for k in "abc"), jobs=2) == 0


def test_a_cell_that_takes_too_long_is_named_without_the_steps_of_its_progress(tmp_path):
    source = (
        "from IPython.display import display\nimport time\nbar = display('0', display_id=True)\n"
        "for step in range(30):\n    bar.update(str(step))\ntime.sleep(60)"
    )
    path = write(tmp_path / "slow.ipynb", ("print(1)", "1\n"), (source, ""))
    command = [sys.executable, "-m", "pytest", "-q", "--nbval", "-p", "no:cacheprovider"]
    command += ["-p", "conftest", "--nbval-cell-timeout=3", str(path)]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout
    assert "Cell 1: Timeout of 3 seconds exceeded executing cell" in said
    assert "unhandled" not in said


def test_a_later_cell_that_changes_what_a_figure_reads_is_found(tmp_path):
    """What can be found so is tried in test_controls."""
    folder = tmp_path / "notebooks"
    folder.mkdir()
    for name in ("helpers", "tests"):
        tmp_path.joinpath(name).symlink_to(ROOT / name)
    notebook = nbformat.v4.new_notebook(cells=[first_cell()])
    for source in (MOVES, "line = None"):
        cell = nbformat.v4.new_code_cell(source, metadata={"tags": ["nbval-ignore-output"]})
        notebook.cells.append(cell)
    nbformat.write(notebook, folder / "n.ipynb")
    command = [sys.executable, "-m", "pytest", "-q", "--nbval", "-p", "no:cacheprovider"]
    command += ["-p", "conftest", str(folder / "n.ipynb")]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout
    assert "1 failed, 4 passed" in said
    assert "A line. With k = 0 it raises AttributeError" in said
