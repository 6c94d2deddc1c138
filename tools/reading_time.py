"""Say how long a new reader takes for each notebook, as the notebooks promise at their top.

    python -m tools.reading_time            # all notebooks
    python -m tools.reading_time 02         # those whose name begins so

Six notebooks of Part 1 were read by readers to whom everything was new, in 55, 90, 120, 70, 75 and
75 minutes. These rates come within a tenth of them in the mean: 150 words of prose a minute, a
formula as one word; 12 lines of code a minute, those of predictions and of exercises' checks and
solutions left out; a minute for each figure; five for each exercise.
"""

import re
import sys
from pathlib import Path

import nbformat

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
WORDS, LINES, FIGURE, EXERCISE = 150, 12, 1, 5
FOLDED = {"setup", "predict", "exercise", "check", "solution"}


def minutes(notebook: nbformat.NotebookNode) -> int:
    """Return how many minutes a notebook takes a new reader, exercises included.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
        As stored, with its outputs.

    Returns
    -------
    int
        Rounded to 5 minutes, at least 5.

    Examples
    --------
    >>> from nbformat.v4 import new_markdown_cell, new_notebook
    >>> minutes(new_notebook(cells=[new_markdown_cell("word " * 3000)]))
    20
    """
    prose = [c.source for c in notebook.cells if c.cell_type == "markdown"]
    words = sum(len(re.sub(r"\$\$?[^$]+\$\$?", " X ", text).split()) for text in prose)
    code = [c for c in notebook.cells if c.cell_type == "code"]
    tags = [set(c.metadata.get("tags", [])) for c in code]
    shown = [c for c, its in zip(code, tags, strict=True) if not its & FOLDED]
    lines = sum(len(c.source.splitlines()) for c in shown)
    figures = sum("image/png" in o.get("data", {}) for c in shown for o in c.outputs)
    exercises = sum("exercise" in its for its in tags)
    total = words / WORDS + lines / LINES + FIGURE * figures + EXERCISE * exercises
    return max(5, 5 * round(total / 5))


def main() -> None:
    """Print a line for each notebook whose name begins as the argument says."""
    prefix = sys.argv[1] if len(sys.argv) > 1 else ""
    for path in sorted(NOTEBOOKS.glob(f"{prefix}*.ipynb")):
        print(f"{minutes(nbformat.read(path, as_version=4)):4d} min  {path.stem}")


if __name__ == "__main__":
    main()
