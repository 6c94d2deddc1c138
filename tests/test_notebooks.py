"""Stored notebooks are clean, and the checker that compares them does check."""

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def run_nbval(*paths, jobs=0):
    """Return the exit status of nbval on notebooks, as `make test` calls it."""
    command = [sys.executable, "-m", "pytest", "-q", "-n", str(jobs), "--dist", "loadscope"]
    command += ["--nbval", "-p", "no:cacheprovider", *paths]
    return subprocess.run(command, cwd=ROOT, capture_output=True).returncode


def code(source, text=None, count=1):
    """Return a code cell that claims to have printed the text (None: it was never run)."""
    cell = nbformat.v4.new_code_cell(source)
    if text is not None:
        cell.execution_count = count
        cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text=text)]
    return cell


def write(path, *cells):
    """Write a notebook; return its path."""
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook = nbformat.v4.new_notebook(cells=list(cells), metadata={"kernelspec": kernel})
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
    assert (run_nbval(write(tmp_path / "n.ipynb", code(source, stored))) == 0) is passes


def test_in_two_processes_each_notebook_keeps_its_kernel_and_its_order(tmp_path):
    cells = [code("n = 0; print(n)", "0\n")]
    cells += [code(f"assert n == {i}; n += 1; print(n)", f"{i + 1}\n") for i in range(6)]
    assert run_nbval(*(write(tmp_path / f"{k}.ipynb", *cells) for k in "abc"), jobs=2) == 0


def check_stored(path):
    """Fail unless the notebook was executed top to bottom and shows nothing it should not."""
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert notebook.metadata["kernelspec"]["name"] == "python3"
    code = [c for c in notebook.cells if c.cell_type == "code"]
    assert [c.execution_count for c in code] == list(range(1, len(code) + 1)), "not executed"
    assert path.stat().st_size <= 2_500_000
    for output in (o for c in code for o in c.outputs):
        assert output.output_type != "error"
        assert output.get("name") != "stderr", output.text
        text = output.get("text", "") + str(output.get("data", {}).get("text/plain", ""))
        assert str(ROOT) not in text, "a path of this machine"
        assert " at 0x" not in text, "a memory address"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_stored_notebook_is_executed_in_order_and_clean(path):
    check_stored(path)


@pytest.mark.parametrize(
    ("stored", "complaint"),
    [
        (None, "not executed"),  # nbval compares nothing here and would let it pass
        (f"{ROOT}\n", "a path of this machine"),
        ("<object object at 0x7f00>\n", "a memory address"),
    ],
    ids=["never executed", "path", "address"],
)
def test_an_unclean_notebook_is_noticed(tmp_path, stored, complaint):
    with pytest.raises(AssertionError, match=complaint):
        check_stored(write(tmp_path / "n.ipynb", code("print(1 + 1)", stored)))


def test_there_are_notebooks_to_check():
    assert NOTEBOOKS
