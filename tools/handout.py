"""Write the notebooks without the solutions to ``handout/``, to give to a class: ``make handout``.

They run from there as they are. A solution is a cell with the tag ``solution``; its notebook is the
only place where it stands. What is said of it beneath, or computed with it, has the tag ``answer``
and is left out, too.
"""

import re
from pathlib import Path

import nbformat

from tools.lab import ROOT

__all__ = ["main", "without_solutions"]

LEFT_OUT = {"solution", "answer"}
PROMISE = re.compile(r"\s*([^.:\n]*\bsolution is folded away[^.]*\.|\(The answer stands below\.\))")


def without_solutions(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Return a notebook without the cells of its solutions, nor the sentence that promises them.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
        It is changed in place, and returned.

    Returns
    -------
    nbformat.NotebookNode

    Examples
    --------
    >>> from nbformat.v4 import new_code_cell, new_notebook
    >>> solution = new_code_cell("return 2 * x", metadata={"tags": ["solution"]})
    >>> without_solutions(new_notebook(cells=[new_code_cell("..."), solution])).cells[0].source
    '...'
    """
    notebook.cells = [c for c in notebook.cells if not LEFT_OUT & set(c.metadata.get("tags", []))]
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = PROMISE.sub("", cell.source)
    return notebook


def main(folder: Path = ROOT / "handout") -> None:
    """Write all notebooks; replace what an earlier call has written."""
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.ipynb"):
        old.unlink()
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        nbformat.write(without_solutions(notebook), folder / path.name)
    print(f"{len(list(folder.glob('*.ipynb')))} notebooks without solutions in {folder.name}/")


if __name__ == "__main__":
    main()
