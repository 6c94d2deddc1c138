"""What is read of a deck from the cells: its screens, and what a lecture would miss."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell

from tools.slides import plan


def notebook(*cells):
    """Return a notebook of cells given as (slide type, code or None for text, tags)."""
    made = []
    for kind, source, *tags in cells:
        metadata = {"slideshow": {"slide_type": kind}, "tags": tags}
        make = new_markdown_cell if source is None else new_code_cell
        made.append(make(source or "", metadata=metadata))
    return nbformat.v4.new_notebook(cells=made)


GOOD = [
    ("slide", None),
    ("skip", "import numpy as np"),
    ("", "def double(x):\n    return [2 * y for y in x]"),
    ("skip", "hidden = 1"),
    ("subslide", "double(np.ones(3))"),
    ("fragment", "plot(hidden)", "figure"),
    ("slide", None),
]


def test_nothing_is_wrong_with_a_good_deck():
    good = notebook(*GOOD)
    assert list(plan.complaints(good)) == []
    assert plan.screens(good) == [[0, 2], [4, 5], [6]]


@pytest.mark.parametrize(
    ("at", "cell", "said"),
    [
        (0, ("", None), "the first cell is not a slide"),
        (6, ("skip", None), "the last cell is skipped"),
        (2, ("skip", "def double(x):\n    return 2 * x"), "shows double"),
        (2, ("", "def double(x):\n    return 2 * x", "figure"), "shows double"),
        (4, ("", "hidden + 1"), "shows hidden"),
        (4, ("", "later = early\nearly = 1"), None),  # in one cell the order is the reader's
        (5, ("fragment", "plot(hidden)"), "shows hidden"),
    ],
)
def test_a_fault_is_named(at, cell, said):
    cells = list(GOOD)
    cells[at] = cell
    found = list(plan.complaints(notebook(*cells)))
    assert found == [] if said is None else any(said in one for one in found)


def test_a_notebook_without_slides_says_so():
    assert list(plan.complaints(notebook(("", None), ("skip", "1")))) == ["no cell is a slide"]
