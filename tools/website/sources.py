"""From a stored notebook to what Sphinx reads: pictures with their descriptions, folded cells."""

import base64
import html
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat

from tools.execute import WIDGET

__all__ = ["heading_anchor", "pictured", "prepared", "toctrees"]

STILL = re.compile(r'<p class="still".*?</p>')
UNSEEN = re.compile(r'<div style="position:absolute;width:1px;.*?</div>', re.DOTALL)
ALIVE = '<p class="still">In the notebook, this is alive.</p>'
FOLDED = {"setup": "Where the course lies", "check": "The check", "solution": "A solution"}


def heading_anchor(title: str) -> str:
    """Return the anchor of a heading as JupyterLab makes it, which the notebooks' links name.

    Examples
    --------
    >>> heading_anchor("What is a gate?")
    'What-is-a-gate?'
    """
    return title.replace(" ", "-")


def toctrees(start: nbformat.NotebookNode, names: set[str]) -> str:
    """Return the course's order, for Sphinx, out of the tables on its start page.

    Parameters
    ----------
    start : nbformat.NotebookNode
        The start page: rows of links to notebooks, each group below a row in bold, or in a table of
        its own whose second column has a name.
    names : set of str
        The notebooks that have a page; others are left out.

    Returns
    -------
    str
        A hidden ``toctree`` for each group.
    """
    groups, caption = {}, ""
    for line in "\n".join(c.source for c in start.cells if "| its question |" in c.source).split(
        "\n"
    ):
        if line.endswith("| its question |"):
            caption = line.split("|")[2].strip().capitalize() + "s"
        elif part := re.match(r"\| \*\*(.+?)\*\* \| \*\*(.+?)\*\*", line):
            caption = f"{part[1]}: {part[2]}"
        elif link := re.search(r"\]\((\w+)\.ipynb\)", line):
            groups.setdefault(caption, []).append(link[1])
    groups["To look up"] = ["glossary"]
    groups = {caption: [n for n in group if n in names] for caption, group in groups.items()}
    return "\n\n".join(
        "\n".join(["```{toctree}", ":hidden:", f':caption: "{caption}"', "", *group, "```"])
        for caption, group in groups.items()
        if group
    )


def pictured(
    outputs: list, scripts: Iterator[str | None], address: Callable[[int, bytes], str], folder: str
) -> list:
    """Return a code cell's outputs with its pictures as HTML, each described once.

    What asks to run the cell is left out, and so is what repeats a description for JupyterLab.

    Parameters
    ----------
    outputs : list of nbformat.NotebookNode
        They are changed in place.
    scripts : iterator of str or None
        For each widget what makes it move, without ``.js``, if it does.
    address : callable
        Returns where a page finds a picture, given its place among the outputs and its PNG.
    folder : str
        Where a page finds the scripts; empty if they are part of it.

    Returns
    -------
    list of nbformat.NotebookNode
    """
    for i, output in enumerate(outputs):
        data = output.get("data", {})
        if "image/png" in data:
            shown = _picture(address(i, base64.b64decode(data["image/png"])), data["text/plain"])
            if _is_widget(outputs, i):
                script = next(scripts, None)
                shown = _moving(script, folder, shown) if script else shown + ALIVE
            output.data = {"text/html": shown}
            output.metadata = {}
        elif "text/html" in data:
            # Read out as the picture's own; and nothing can be run here.
            output.data = {"text/html": STILL.sub("", UNSEEN.sub("", data["text/html"]))}
    return [one for one in outputs if one.get("data", {}).get("text/html") != ""]


def prepared(
    notebook: nbformat.NotebookNode, stem: str, scripts: list[str | None], pictures: Path
) -> nbformat.NotebookNode:
    """Prepare a stored notebook for Sphinx.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
        It is changed in place.
    stem : str
        The notebook's name.
    scripts : list of str or None
        For each of its widgets in their order what makes it move, without ``.js``, if it does.
    pictures : pathlib.Path
        The folder that the pictures are written to.

    Returns
    -------
    nbformat.NotebookNode
    """
    get = f'<a href="_static/notebooks/{stem}.ipynb" download>This page as a notebook</a>'
    notebook.cells[0].source += f'\n\n<p class="get">{get}</p>'
    scripts = iter(scripts)
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type != "code":
            continue
        tags = cell.metadata.get("tags", [])
        if "predict" in tags:  # its code knows the answer
            cell.metadata["tags"] = [*tags, "remove-input"]
        elif cell.metadata.get("jupyter", {}).get("source_hidden"):
            said = next((said for tag, said in FOLDED.items() if tag in tags), "The code")
            cell.metadata["tags"] = [*tags, "hide-input"]
            cell.metadata["mystnb"] = {"code_prompt_show": said, "code_prompt_hide": said}

        def address(i: int, png: bytes, number: int = number) -> str:
            name = f"{stem}-{number}-{i}.png"
            (pictures / name).write_bytes(png)
            return f"_static/pictures/{name}"

        cell.outputs = pictured(cell.outputs, scripts, address, "_static/figures/")
    return notebook


def _is_widget(outputs: list, i: int) -> bool:
    """Return whether a picture is a living figure's: its line stands in the output that follows."""
    following = outputs[i + 1].get("data", {}).get("text/html", "") if i + 1 < len(outputs) else ""
    return WIDGET in outputs[i].get("metadata", {}) or bool(STILL.search(following))


def _picture(address: str, alt: str) -> str:
    later = "" if address.startswith("data:") else ' loading="lazy"'
    return f'<img class="picture" src="{address}" alt="{html.escape(alt)}"{later}>'


def _moving(script: str, folder: str, still: str) -> str:
    place = f'data-figure="{script}"' + (f' data-script="{folder}{script}.js"' if folder else "")
    return f'<div class="moving" {place}>{still}</div>'
