"""What is stored of an execution belongs to no machine, and a notebook alone says what it lacks."""

import re
import subprocess
import sys

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tools import execute
from tools.lab import ROOT, STORED


def test_what_belongs_to_one_run_is_dropped():
    picture = {"image/png": "aGVsbG8=", "text/plain": "a wave", execute.WIDGET: {"model_id": "1"}}
    bar = {"text/plain": "epoch 1", execute.WIDGET: {"model_id": "2"}}
    shown = [new_output("display_data", data) for data in (picture, bar)]
    cell = new_code_cell(
        "fit()",
        metadata={"execution": {"iopub.status.busy": "2026-01-01T00:00:00Z"}, "tags": ["a"]},
        outputs=shown,
    )
    notebook = new_notebook(
        cells=[cell], metadata={"language_info": {"name": "python", "version": "3.11"}}
    )
    execute.clean(notebook)
    assert notebook.metadata == STORED
    assert notebook.cells[0].metadata == {"tags": ["a"]}
    first, second = notebook.cells[0].outputs
    assert sorted(first.data) == ["image/png", "text/plain"]
    assert (
        execute.WIDGET in second.data
    )  # nothing else is left of it: the tests of notebooks say so


def test_a_notebook_is_executed_with_the_cell_that_finds_the_course(tmp_path):
    path = tmp_path / "n.ipynb"
    cells = [
        new_markdown_cell("# Title\nIt takes about 90 minutes."),
        new_code_cell("print(1 + 1)"),
    ]
    nbformat.write(new_notebook(cells=cells), path)
    (tmp_path / "helpers").symlink_to(ROOT / "helpers")
    folder = tmp_path / "notebooks"
    folder.mkdir()
    path = path.rename(folder / path.name)
    for _ in range(2):  # the second time it is there already
        execute.execute(path)
        stored = nbformat.read(path, as_version=4)
        assert [c.source for c in stored.cells[1:]] == [execute.first_cell().source, "print(1 + 1)"]
        assert stored.cells[2].outputs[0].text == "2\n"
        assert stored.cells[0].source == "# Title\nIt takes about 5 minutes."


@pytest.mark.parametrize(
    ("source", "said"), [("import sys; sys.stderr.write('old')", "old"), ("1 / 0", "ZeroDivision")]
)
def test_a_cell_that_raises_or_warns_is_not_stored(tmp_path, source, said):
    folder = tmp_path / "notebooks"
    folder.mkdir()
    (tmp_path / "helpers").symlink_to(ROOT / "helpers")
    cells = [new_markdown_cell("# Title"), new_code_cell(source)]
    nbformat.write(new_notebook(cells=cells), folder / "n.ipynb")
    before = (folder / "n.ipynb").read_bytes()
    with pytest.raises((SystemExit, Exception), match=said):
        execute.execute(folder / "n.ipynb")
    assert (folder / "n.ipynb").read_bytes() == before


def test_a_notebook_without_its_course_says_in_one_sentence_how_to_get_it(tmp_path):
    """As IPython shows it, which is what a student sees."""
    code = (
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "shell = InteractiveShell.instance(colors='nocolor')\n"
        f"shell.run_cell({execute.first_cell().source!r})\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    said = done.stdout + done.stderr
    assert said.startswith("This notebook needs the folder of its course around it")
    assert "make lab" in said and "%cd course/notebooks" in said
    assert "Traceback" not in said and "ModuleNotFoundError" not in said


def test_the_address_stands_in_one_place(monkeypatch, tmp_path):
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    address = "https://example.org/wave"
    (tmp_path / "pyproject.toml").write_text(
        re.sub('address = ".*"', f'address = "{address}"', text)
    )
    (tmp_path / "tools").symlink_to(ROOT / "tools")
    monkeypatch.setattr(execute, "ROOT", tmp_path)
    assert f"git clone --depth 1 {address} course" in execute.first_cell().source
