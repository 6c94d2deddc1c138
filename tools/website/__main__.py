"""Write the whole course as pages to ``build/site``, which need no server and no network.

    make site                # or: python -m tools.website [folder]

Sphinx with MyST-NB reads the stored notebooks and their outputs; formulas are MathJax's, which is
copied beside them; the search is Sphinx's own. The moving figures are drawn by executing the
notebooks once more, each in every state that its page can show (see `tools.website.figures`).
What was drawn is kept in ``.cache/site`` until the notebook or ``helpers`` change.
"""

import argparse
import os
import shutil
import sys
from pathlib import Path

import nbformat
from sphinx.application import Sphinx

from tools.execute import NOTEBOOKS
from tools.lab import ROOT
from tools.website.parts import STATIC, figures_style, front_end, mathjax, moving
from tools.website.sources import prepared, toctrees

START = "00_start_here"
TITLE = "From a wave to a language"
SAID = {
    'class="caption" role="heading"': 'class="caption" role="heading" aria-level="2"',
    '<aside class="sidebar-drawer': '<aside aria-label="The course" class="sidebar-drawer',
    '<aside class="toc-drawer': '<aside aria-label="This page" class="toc-drawer',
    '<div id="search-results">': '<h1>Search</h1><div id="search-results">',
    "<th></th>": "<td></td>",  # a corner of a table heads nothing
    '<th class="head"><p></p></th>': '<td class="head"><p></p></td>',
}
"""What the theme leaves out for those who listen to a page, and what is written for it."""


def write(folder: Path, notebooks: list[Path], source: Path, scripts: dict[str, list]) -> None:
    """Write the pages of some notebooks, the start page among them.

    Parameters
    ----------
    folder : pathlib.Path
        Where the pages go; what is there is replaced.
    notebooks : list of pathlib.Path
    source : pathlib.Path
        A folder for what Sphinx reads.
    scripts : dict of str to list of pathlib.Path or None
        What `moving` returns for a notebook, under its name; the figures of others stand still.

    Raises
    ------
    SystemExit
        If Sphinx warns: of a link that leads nowhere, a formula or a table that it cannot read.
    """
    for old in (folder, source):
        shutil.rmtree(old, ignore_errors=True)
    static = source / "_static"
    for part in ("pictures", "figures", "notebooks"):
        (static / part).mkdir(parents=True)
    names = {path.stem for path in notebooks}
    for path in notebooks:
        for script in filter(None, scripts.get(path.stem, [])):
            shutil.copy(script, static / "figures")
        shutil.copy(path, static / "notebooks")
        notebook = nbformat.read(path, as_version=4)
        stems = [script and script.stem for script in scripts.get(path.stem, [])]
        notebook = prepared(notebook, path.stem, stems, static / "pictures")
        if path.stem == START:
            notebook.cells.append(nbformat.v4.new_markdown_cell(toctrees(notebook, names)))
        nbformat.write(notebook, source / path.name)
    (static / "page.js").write_text(front_end(), encoding="utf-8")
    shutil.copy(mathjax(), static / "mathjax.js")
    style = (STATIC / "site.css").read_text(encoding="utf-8")
    (static / "site.css").write_text(f"{figures_style()}\n{style}", encoding="utf-8")
    settings = {
        "project": TITLE,
        "language": "en",
        "extensions": ["myst_nb"],
        "root_doc": START,
        "nb_execution_mode": "off",
        "nb_merge_streams": True,
        "myst_enable_extensions": ["dollarmath", "amsmath"],
        "myst_heading_anchors": 3,
        "myst_heading_slug_func": "tools.website.sources.heading_anchor",
        "mathjax_path": "mathjax.js",
        "html_theme": "furo",
        "html_title": TITLE,
        "html_static_path": ["_static"],
        "html_css_files": ["site.css"],
        "html_js_files": [("page.js", {"defer": "defer"})],
        "html_copy_source": False,
        "html_show_search_summary": False,  # read from the pages, which a file may not do
        "html_show_sphinx": False,
        "html_show_copyright": False,
    }
    app = Sphinx(
        source,
        None,
        folder,
        source / ".doctrees",
        "html",
        confoverrides=settings,
        warningiserror=True,
        status=None,
    )
    app.build()
    if app.statuscode:
        raise SystemExit("Sphinx warned; mend what it names above")
    say_what_is_left_out(folder)
    page = f'<!doctype html><meta http-equiv="refresh" content="0; url={START}.html">'
    (folder / "index.html").write_text(f"{page}<title>{TITLE}</title>", encoding="utf-8")


def say_what_is_left_out(folder: Path) -> None:
    """Name the parts of all pages, and give headings their levels, where the theme does not.

    Raises
    ------
    SystemExit
        If something of it is found on no page: the theme has changed.
    """
    found = set()
    for path in folder.glob("*.html"):
        page = path.read_text(encoding="utf-8")
        found |= {old for old in SAID if old in page}
        for old, new in SAID.items():
            page = page.replace(old, new)
        path.write_text(page, encoding="utf-8")
    if lost := SAID.keys() - found:
        raise SystemExit(f"no page has {lost}; the theme has changed, and SAID must")


def main(arguments: list[str]) -> None:
    """Write the pages of all notebooks and say how large they are."""
    parser = argparse.ArgumentParser(prog="python -m tools.website", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "build" / "site")
    parser.add_argument("--still", action="store_true", help="execute nothing; no figure moves")
    given = parser.parse_args(arguments)
    kept = Path(os.environ.get("WAVE_CACHE", ROOT / ".cache")) / "site"
    notebooks = sorted(NOTEBOOKS.glob("*.ipynb"))
    scripts = {}
    for path in [] if given.still else notebooks:
        scripts[path.stem] = moving(path, kept)
        if scripts[path.stem]:
            sizes = [f"{s.stat().st_size / 1e6:.2f} MB" if s else "-" for s in scripts[path.stem]]
            print(f"{path.stem}: figures of {', '.join(sizes)}", flush=True)
    write(given.folder, notebooks, ROOT / "build" / "site-source", scripts)
    size = sum(file.stat().st_size for file in given.folder.rglob("*") if file.is_file())
    print(f"{len(notebooks)} pages, {size / 1e6:.1f} MB: open {given.folder / 'index.html'}")


if __name__ == "__main__":
    main(sys.argv[1:])
