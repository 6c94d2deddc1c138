"""Execute notebooks top to bottom in a fresh kernel and store their outputs, small and clean.

    make run                 # all notebooks
    make run NB=03_window    # those whose name begins so

What belongs to one run is not stored: times of execution, the Python's version, and the live half
of an interactive figure, of which the picture remains. The first code cell, which finds the course
or says how to get it, is put there: it is ``tools/first_cell.py`` in every notebook. So is the time
that a reader takes.
"""

import re
import sys
import tomllib
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from tools.lab import ROOT, STORED
from tools.reading_time import minutes

NOTEBOOKS = ROOT / "notebooks"
WIDGET = "application/vnd.jupyter.widget-view+json"


def first_cell(address: str | None = None) -> nbformat.NotebookNode:
    """Return the cell that finds the course, or says where to get it: `tools.address` changes it.

    Parameters
    ----------
    address : str, optional
        Of the course's repository; if not given, the one in pyproject.toml.

    Returns
    -------
    nbformat.NotebookNode
    """
    if address is None:
        project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
        address = project["tool"]["course"]["address"]
    address = address or "ADDRESS-OF-THE-COURSE"
    source = (ROOT / "tools" / "first_cell.py").read_text(encoding="utf-8").rstrip("\n")
    hidden = {"jupyter": {"source_hidden": True}, "tags": ["setup"]}
    hidden["slideshow"] = {"slide_type": "skip"}
    return nbformat.v4.new_code_cell(
        source.replace("ADDRESS", address), metadata=hidden, id="setup"
    )


def put_first_cell(notebook: nbformat.NotebookNode) -> None:
    """Let the first code cell be the one that finds the course; a notebook of text needs none."""
    code = [i for i, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
    if code:
        old = "setup" in notebook.cells[code[0]].metadata.get("tags", [])
        notebook.cells[code[0] : code[0] + old] = [first_cell()]


def promise_time(notebook: nbformat.NotebookNode) -> None:
    """Let the opening cell say how long a new reader takes, where it says "about … minutes"."""
    opening = notebook.cells[0]
    opening.source = re.sub(
        r"about \d+ minutes", f"about {minutes(notebook)} minutes", opening.source
    )


def clean(notebook: nbformat.NotebookNode) -> None:
    """Drop what belongs to one run, and what only a running kernel can use."""
    notebook.metadata = nbformat.from_dict(STORED)
    for cell in (c for c in notebook.cells if c.cell_type == "code"):
        cell.metadata.pop("execution", None)
        for output in cell.outputs:
            if "image/png" in output.get("data", {}) or "text/html" in output.get("data", {}):
                output.data.pop(WIDGET, None)


def execute(path: Path) -> None:
    """Execute one notebook in place; stop where a cell raises, or writes to stderr."""
    notebook = nbformat.read(path, as_version=4)
    put_first_cell(notebook)
    client = NotebookClient(
        notebook,
        timeout=600,
        record_timing=False,
        coalesce_streams=True,  # one output, however the kernel cut it
        resources={"metadata": {"path": path.parent}},
    )
    client.execute()
    for number, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", []):
            if output.get("name") == "stderr":
                raise SystemExit(f"{path.name} cell {number} wrote to stderr: {output.text}")
    clean(notebook)
    promise_time(notebook)
    nbformat.write(notebook, path)
    print(f"{path.name}: {path.stat().st_size / 1e6:.2f} MB")


def main() -> None:
    """Execute the notebooks whose names begin as the argument says."""
    prefix = sys.argv[1] if len(sys.argv) > 1 else ""
    paths = sorted(NOTEBOOKS.glob(f"{prefix}*.ipynb"))
    if not paths:
        raise SystemExit(f"no notebook's name begins with {prefix!r}")
    for path in paths:
        execute(path)


if __name__ == "__main__":
    main()
