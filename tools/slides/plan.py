"""Read what a notebook shows as slides, and what a lecture would miss: ``tools.slides.plan 03``.

What becomes of a cell stands in its metadata, in the form that JupyterLab's own property inspector
writes: ``slideshow.slide_type`` is ``slide`` (a new question), ``subslide`` (the next screen of the
same question), ``fragment`` (comes when asked for, on the same screen), ``skip``, or nothing: then
it stands on the screen of the cell before. The tag ``figure`` leaves a cell's code out of a slide.
"""

import ast
import builtins
import sys
from collections.abc import Iterator

import nbformat

from tools.execute import NOTEBOOKS

__all__ = ["complaints", "kind", "screens"]

STARTS = ("slide", "subslide")


def kind(cell: nbformat.NotebookNode) -> str:
    """Return the slide type of a cell; ``""`` if it stands with the cell before."""
    return cell.metadata.get("slideshow", {}).get("slide_type", "").strip("-")


def screens(notebook: nbformat.NotebookNode) -> list[list[int]]:
    """Return the numbers of the cells on each screen of a deck.

    Parameters
    ----------
    notebook : nbformat.NotebookNode

    Returns
    -------
    list of list of int

    Examples
    --------
    >>> from nbformat.v4 import new_markdown_cell, new_notebook
    >>> types = ["slide", "", "skip", "subslide", "fragment"]
    >>> cells = [new_markdown_cell(metadata={"slideshow": {"slide_type": t}}) for t in types]
    >>> screens(new_notebook(cells=cells))
    [[0, 1], [3, 4]]
    """
    found = []
    for number, cell in enumerate(notebook.cells):
        if kind(cell) in STARTS:
            found.append([number])
        elif kind(cell) not in ("skip", "notes") and found:
            found[-1].append(number)
    return found


def _names(source: str, keep: type) -> set[str]:
    """Return the names of variables and functions that code stores, or loads, anywhere in it."""
    tree = ast.parse(source)
    names = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, keep)}
    if keep is ast.Store:
        definitions = (ast.FunctionDef, ast.ClassDef)
        names |= {n.name for n in ast.walk(tree) if isinstance(n, definitions)}
        names |= {n.arg for n in ast.walk(tree) if isinstance(n, ast.arg)}
        imports = [n for n in ast.walk(tree) if isinstance(n, ast.Import | ast.ImportFrom)]
        names |= {(a.asname or a.name).split(".")[0] for n in imports for a in n.names}
    return names


def complaints(notebook: nbformat.NotebookNode) -> Iterator[str]:
    """Yield what is wrong with a notebook as a deck, as far as its cells tell.

    Whether all fits on a screen is seen in a browser only: see ``tools.slides.look`` and ``live``.
    """
    cells = notebook.cells
    if not screens(notebook):
        yield "no cell is a slide"
        return
    if kind(cells[0]) != "slide":
        yield "the first cell is not a slide: the deck would open blank"
    if kind(cells[-1]) in ("skip", "notes"):
        yield "the last cell is skipped: a deck that is started there opens blank"
    on_screen = {number for screen in screens(notebook) for number in screen}
    known = set(dir(builtins))
    for number, cell in enumerate(cells):
        tags = cell.metadata.get("tags", [])
        if cell.cell_type != "code":
            continue
        imported = "\n".join(
            line for line in cell.source.splitlines() if line.startswith(("import ", "from "))
        )
        known |= _names(imported, ast.Store)
        if number not in on_screen or "figure" in tags or "predict" in tags:
            continue
        known |= _names(cell.source, ast.Store)
        for name in sorted(_names(cell.source, ast.Load) - known):
            yield f"cell {number} shows {name}, which stands in no cell that is shown before"


def main(arguments: list[str]) -> None:
    """Print the screens of some notebooks, and what is wrong with them."""
    for path in sorted(p for p in NOTEBOOKS.glob("*.ipynb") if p.stem.startswith(tuple(arguments))):
        notebook = nbformat.read(path, as_version=4)
        for number, screen in enumerate(screens(notebook), 1):
            for i in screen:
                cell = notebook.cells[i]
                size = f"{len(cell.source.split())} words"
                if cell.cell_type == "code":
                    size = f"{len(cell.source.splitlines())} lines"
                    size += ", hidden" * ("figure" in cell.metadata.get("tags", []))
                first = cell.source.strip().splitlines()[0][:60] if cell.source.strip() else ""
                print(f"{number:3} {i:3} {kind(cell) or '-':8} {size:18} {first}")
        print(f"{path.stem}: {len(screens(notebook))} slides")
        for one in complaints(notebook):
            print("  " + one)


if __name__ == "__main__":
    main(sys.argv[1:])
