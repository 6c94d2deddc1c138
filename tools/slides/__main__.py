"""Write the notebooks as decks of slides to ``build/slides``: ``make slides``.

    make slides              # or: python -m tools.slides [folder]
    make slides ARGS=--notes # with the instructor's notes: press S in the deck

Each deck is one file, which needs no server, no network and nothing beside it: it can be mailed, or
opened from a memory stick. That costs 2.3 MB a deck for reveal.js and MathJax.

What is a slide, a part of one, or skipped, is each cell's ``slideshow`` metadata, as in JupyterLab;
nbconvert's own exporter turns it into sections. Around them it would put a page that loads four
libraries from the network, and pictures without their descriptions; both come from here. Sphinx,
which writes the site, knows no slides but those that headings make.
"""

import argparse
import base64
import html
import importlib.util
import os
import re
import sys
from pathlib import Path
from string import Template

import nbformat
from nbconvert.exporters import SlidesExporter
from pygments.formatters import HtmlFormatter

from tools.execute import NOTEBOOKS
from tools.handout import without_solutions
from tools.lab import ROOT
from tools.slides.plan import screens
from tools.website.parts import figures_style, front_end, mathjax, moving
from tools.website.sources import pictured

__all__ = ["deck", "shown", "with_notes"]

STATIC = Path(__file__).parent / "static"
SLIDE = ROOT / "tools/jupyter/labextensions/course-present/static/slide.css"
TEACHING = ROOT / "teaching"
LEFT_OUT = {"setup", "check"}  # besides the solutions
FORMULAS = 'window.MathJax = {tex: {inlineMath: [["$", "$"]]}, options: {enableMenu: false}};'
ELSEWHERE = re.compile(r'<a [^>]*?href="(?!https?:)[^"]*"[^>]*>(.*?)</a>', re.DOTALL)
REVEAL = "_static/revealjs"


def shown(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Return a notebook with the cells that its deck shows; none, if no cell is a slide.

    Solutions, checks, the cell that finds the course, and what is a note or skipped are left out,
    and so is the code of cells that are folded away, or have the tag ``figure`` or ``predict``.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
        It is changed in place, and returned.

    Returns
    -------
    nbformat.NotebookNode
    """
    screen = {number for numbers in screens(notebook) for number in numbers}
    tags = [set(cell.metadata.get("tags", [])) for cell in notebook.cells]
    for cell, its in zip(notebook.cells, tags, strict=True):
        folded = cell.metadata.get("jupyter", {}).get("source_hidden")
        if cell.cell_type == "code" and (folded or its & {"figure", "predict"}):
            cell.metadata.transient = {"remove_source": True}  # nbconvert's word
    notebook.cells = [
        cell
        for number, cell in enumerate(notebook.cells)
        if number in screen and not tags[number] & LEFT_OUT
    ]
    return without_solutions(notebook)


def with_notes(notebook: nbformat.NotebookNode, notes: str, name: str) -> nbformat.NotebookNode:
    """Return a deck's notebook with the instructor's notes, each after its slide's heading.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
        It is changed in place, and returned.
    notes : str
        Markdown: sections under the headings of slides, ``## How high?``. What stands before the
        first is shown with the first slide.
    name : str
        Of their file, for errors.

    Raises
    ------
    ValueError
        If no slide has the heading of a section.
    """
    before, *sections = re.split(r"^## +", notes, flags=re.MULTILINE)
    parts = [section.partition("\n") for section in sections]
    left = {title.strip(): text for title, _, text in parts}
    cells = []
    for cell in notebook.cells:
        cells.append(cell)
        title = re.match(r"#+ +(.*)", cell.source)
        text = left.pop(title[1].strip(), "") if title else ""
        if len(cells) == 1:
            text = re.sub(r"^# .*", "", before) + text
        if text.strip():
            note = {"slideshow": {"slide_type": "notes"}}
            cells.append(nbformat.v4.new_markdown_cell(text.strip(), metadata=note))
    if left:
        raise ValueError(f"{name}: no slide has the heading {', '.join(map(repr, left))}")
    notebook.cells = cells
    return notebook


def inlined(*scripts: str) -> str:
    r"""Return scripts as one that can stand in a page.

    Examples
    --------
    >>> print(inlined("say('<script></script>');"))
    say('<script><\/script>');
    """
    return "\n".join(scripts).replace("</script", r"<\/script")


def library(*names: str) -> str:
    """Return files of reveal.js."""
    folder = Path(importlib.util.find_spec("sphinx_revealjs").origin).parent / REVEAL
    return "\n".join((folder / name).read_text(encoding="utf-8") for name in names)


def deck(
    notebook: nbformat.NotebookNode, scripts: list[Path | None], notes: str = "", name: str = ""
) -> str:
    """Return the deck of a notebook as a page; an empty text, if no cell of it is a slide.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
        It is changed in place.
    scripts : list of pathlib.Path or None
        For each of its widgets in their order what makes it move, if it does.
    notes : str, optional
        The instructor's notes; see `with_notes`.
    name : str, optional
        Of their file, for errors.

    Returns
    -------
    str
    """
    names = iter([script and script.stem for script in scripts])
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = pictured(cell.outputs, names, _data, folder="")
    if not shown(notebook).cells:
        return ""
    title = re.match(r"#* *(.*)", notebook.cells[0].source)[1]
    if notes:
        with_notes(notebook, notes, name)
    exporter = SlidesExporter(
        raw_template="{% extends 'reveal/base.html.j2' %}",
        exclude_anchor_links=True,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
    )
    slides, _ = exporter.from_notebook_node(notebook)
    slides = ELSEWHERE.sub(r"\1", slides)  # a deck stands alone
    colours = HtmlFormatter(style="a11y-high-contrast-light").get_style_defs(".highlight")
    # A figure has controls, too, which are not to be drawn like those of a deck.
    own = re.sub(r"\.controls(?![-\w])", "aside.controls", library("dist/reveal.css"))
    style = [own, colours, figures_style()]
    script = [FORMULAS, mathjax().read_text("utf-8"), library("dist/reveal.js")]
    if notes:
        script.append(library("plugin/notes/notes.js"))
    script += [front_end(), (STATIC / "deck.js").read_text("utf-8")]
    moved = [one.read_text("utf-8") for one in scripts if one and f'"{one.stem}"' in slides]
    return Template((STATIC / "deck.html").read_text("utf-8")).substitute(
        title=html.escape(title),
        style="\n".join(
            [*style, SLIDE.read_text("utf-8"), (STATIC / "deck.css").read_text("utf-8")]
        ),
        slides=slides,
        script=inlined(*script, *moved),
    )


def _data(_: int, png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def main(arguments: list[str]) -> None:
    """Write the decks of all notebooks that have slides, and say how large they are."""
    parser = argparse.ArgumentParser(prog="python -m tools.slides", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "build" / "slides")
    parser.add_argument("--notes", action="store_true", help="with the instructor's notes")
    given = parser.parse_args(arguments)
    kept = Path(os.environ.get("WAVE_CACHE", ROOT / ".cache")) / "site"
    given.folder.mkdir(parents=True, exist_ok=True)
    sizes = []
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        file = given.folder / f"{path.stem}.html"
        file.unlink(missing_ok=True)  # of an earlier call
        said = TEACHING / f"{path.stem}.md"
        notes = said.read_text(encoding="utf-8") if given.notes and said.exists() else ""
        notebook, scripts = nbformat.read(path, as_version=4), moving(path, kept, draw=False)
        lives = any("interactive.explore(" in cell.source for cell in notebook.cells)
        try:
            page = deck(notebook, scripts, notes, said.name)
        except ValueError as error:
            sys.exit(str(error))
        if not page:
            print(f"{path.name}: no slides, for no cell is one", flush=True)
            continue
        file.write_text(page, encoding="utf-8")
        sizes.append(file.stat().st_size / 1e6)
        undrawn = lives and not scripts
        still = "; its figures stand still until `make site` has drawn them" if undrawn else ""
        print(f"{file.name}: {sizes[-1]:.1f} MB{still}", flush=True)
    print(f"{len(sizes)} decks, {sum(sizes):.0f} MB, in {given.folder}")


if __name__ == "__main__":
    main(sys.argv[1:])
