"""What the site and the decks are made of besides the notebooks: their figures, MathJax."""

import hashlib
import importlib.util
import json
import re
import shutil
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from tools.lab import ROOT

__all__ = ["SHOW", "STATIC", "figures_style", "front_end", "mathjax", "moving"]

STATIC = Path(__file__).parent / "static"
SHOW = ROOT / "helpers" / "show"


def moving(path: Path, kept: Path, *, draw: bool = True) -> list[Path | None]:
    """Return the scripts of a notebook's widgets in their order, None for what stands still.

    Parameters
    ----------
    path : pathlib.Path
        The notebook. It is executed if that has not been done since it, or ``helpers``, changed.
    kept : pathlib.Path
        The folder that keeps what was drawn.
    draw : bool, optional
        Without, nothing is executed, and what has not been drawn stands still.

    Returns
    -------
    list of pathlib.Path or None
    """
    source = path.read_text(encoding="utf-8")
    if "interactive.explore(" not in source:
        return []
    notebook = nbformat.reads(source, as_version=4)
    digest = hashlib.sha256()
    for cell in notebook.cells:
        digest.update(cell.source.encode())
    for module in sorted([*(ROOT / "helpers").rglob("*.py"), Path(__file__).parent / "figures.py"]):
        digest.update(module.read_bytes())
    folder = kept.resolve() / f"{path.stem}-{digest.hexdigest()[:16]}"
    answer = folder / f"{path.stem}.json"
    if not answer.exists() and not draw:
        return []
    if not answer.exists():
        for old in kept.glob(f"{path.stem}-*"):
            shutil.rmtree(old)
        folder.mkdir(parents=True)
        last = (
            "from pathlib import Path; from tools.website import figures; "
            f"figures.keep_all(Path({str(folder)!r}), {path.stem!r})"
        )
        notebook.cells.append(nbformat.v4.new_code_cell(last))
        where = {"metadata": {"path": path.parent}}
        NotebookClient(notebook, timeout=3600, resources=where).execute()
    scripts = []
    for one in json.loads(answer.read_text()):
        scripts.append(folder / f"{one['name']}.js" if one["states"] else None)
    return scripts


def front_end() -> str:
    """Return the figures' front end as one script, without a page's modules.

    A browser loads no module from a file, only from a server.
    """
    parts = [SHOW / "widget.js", SHOW / "interactive.js", STATIC / "page.js"]
    code = "\n".join(part.read_text(encoding="utf-8") for part in parts)
    code = re.sub(r"^export \{.*\};$", "", code, flags=re.MULTILINE)
    code = code.replace("export default widget(", "const explorer = widget(")
    return f"(() => {{\n{code}\n}})();\n"


def mathjax() -> Path:
    """Return MathJax as one file, which draws formulas without fonts of its own."""
    folder = Path(importlib.util.find_spec("sphinx-mathjax-offline").origin).parent
    return folder / "static" / "mathjax" / "tex-svg.js"


def figures_style() -> str:
    """Return the figures' style sheet."""
    return "\n".join((SHOW / one).read_text("utf-8") for one in ("widget.css", "interactive.css"))
