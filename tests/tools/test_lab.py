"""What JupyterLab shows and stores of a notebook; a browser opens one in tests/browser."""

import asyncio
import json
import platform
from concurrent.futures import ThreadPoolExecutor

import nbformat
from nbformat.v4 import new_code_cell, new_notebook

from tools.lab import STORED, Notebooks


def finish(action):
    """Carry out a coroutine, in a thread of its own: a browser's test may have left a loop here."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, action).result()


def test_a_notebook_is_shown_as_this_python_would_write_it_and_stored_as_it_was(tmp_path):
    path = tmp_path / "n.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell("1", id="a")], metadata=STORED), path)
    before = path.read_bytes()
    contents = Notebooks(root_dir=str(tmp_path))
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


def test_a_notebook_for_another_kernel_is_left_alone(tmp_path):
    path = tmp_path / "n.ipynb"
    other = {"kernelspec": {"name": "julia", "display_name": "Julia", "language": "julia"}}
    contents = Notebooks(root_dir=str(tmp_path))
    content = json.loads(nbformat.writes(new_notebook(metadata=other)))
    finish(contents.save({"type": "notebook", "format": "json", "content": content}, "n.ipynb"))
    assert nbformat.read(path, as_version=4).metadata == other
