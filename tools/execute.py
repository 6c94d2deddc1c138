"""Execute notebooks top to bottom in a fresh kernel and store their outputs, small and clean.

    make run                 # all notebooks
    make run NB=03_window    # those whose name begins so

What belongs to one run is not stored: times of execution, the Python's version, and the live half
of an interactive figure, of which the picture remains.
"""

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
WIDGET = "application/vnd.jupyter.widget-view+json"


def clean(notebook: nbformat.NotebookNode) -> None:
    """Drop what belongs to one run, and what only a running kernel can use."""
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        }
    )
    for cell in (c for c in notebook.cells if c.cell_type == "code"):
        cell.metadata.pop("execution", None)
        for output in cell.outputs:
            if "image/png" in output.get("data", {}) or "text/html" in output.get("data", {}):
                output.data.pop(WIDGET, None)


def execute(path: Path) -> None:
    """Execute one notebook in place; raise where a cell does or writes to stderr."""
    notebook = nbformat.read(path, as_version=4)
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
