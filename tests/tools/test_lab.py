"""What JupyterLab shows and stores of a notebook; a browser opens one in tests/browser."""

import asyncio
import json
import platform
from concurrent.futures import ThreadPoolExecutor

import nbformat
import pytest
from nbformat.sign import MemorySignatureStore, NotebookNotary
from nbformat.v4 import new_code_cell, new_notebook

from tools.lab import STORED, Notebooks, address


def finish(action):
    """Carry out a coroutine, in a thread of its own: a browser's test may have left a loop here."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, action).result()


@pytest.fixture
def contents(tmp_path):
    """Return what JupyterLab reads and stores by, in an empty folder.

    Which notebooks are trusted is kept in memory: the usual database would be this user's own, and
    left open, which Python 3.13 complains of whenever it gets to it.
    """
    notary = NotebookNotary(store_factory=MemorySignatureStore, secret=b"of this test")
    return Notebooks(root_dir=str(tmp_path), notary=notary)


def test_a_notebook_is_shown_as_this_python_would_write_it_and_stored_as_it_was(contents, tmp_path):
    path = tmp_path / "n.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell("1", id="a")], metadata=STORED), path)
    before = path.read_bytes()
    model = finish(contents.get("n.ipynb"))
    shown = model["content"]["metadata"]
    assert shown["language_info"]["version"] == platform.python_version()
    assert shown["kernelspec"]["display_name"] != STORED["kernelspec"]["display_name"]
    finish(
        contents.save(
            {"type": "notebook", "format": "json", "content": model["content"]}, "n.ipynb"
        )
    )
    assert path.read_bytes() == before


def test_a_notebook_for_another_kernel_is_left_alone(contents, tmp_path):
    path = tmp_path / "n.ipynb"
    other = {"kernelspec": {"name": "julia", "display_name": "Julia", "language": "julia"}}
    content = json.loads(nbformat.writes(new_notebook(metadata=other)))
    finish(contents.save({"type": "notebook", "format": "json", "content": content}, "n.ipynb"))
    assert nbformat.read(path, as_version=4).metadata == other


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("glossary", "glossary.ipynb has no slides"),
        ("no such", "0 notebooks begin with 'no such'"),
        ("0", "notebooks begin with '0'"),
    ],
)
def test_what_cannot_be_presented_is_said_before_anything_starts(name, said):
    with pytest.raises(SystemExit, match=said):
        address(name)
