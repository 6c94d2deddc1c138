"""Print the site's pages to ``build/pdf``, a file for each notebook: ``make pdf``.

Chromium prints what ``make site`` has written: formulas and figures as on the page, tagged, with
their descriptions, an outline and page numbers. What is folded on the page is not printed.
"""

import argparse
import sys
from pathlib import Path

from tools import browser as real
from tools.execute import NOTEBOOKS
from tools.lab import ROOT

__all__ = ["printed"]

STYLE = """
.skip-to-content, .headerlink, .related-pages, .moving .controls { display: none !important; }
.content { width: 100% !important; max-width: none; }
.content pre { font-size: 12.5px; }
a:not([href]) { color: inherit; text-decoration: none; }
h1, h2, h3 { break-after: avoid; }
pre, table, .cell_output .picture, mjx-container { break-inside: avoid; }
"""
READY = """async (style) => {
  document.head.append(Object.assign(document.createElement("style"), { textContent: style }));
  for (const link of document.querySelectorAll("a[href]")) {
    const { protocol, pathname } = link;  // another page's is another file
    if (protocol === "file:" && pathname !== location.pathname) link.removeAttribute("href");
  }
  await window.MathJax?.startup.promise;
  const pictures = [...document.images];
  pictures.forEach((one) => { one.loading = "eager"; });
  await Promise.all(pictures.map((one) => one.decode()));
}"""
FOOT = (
    '<div style="font: 8px sans-serif; width: 100%; padding: 0 16mm; text-align: right">'
    '<span class="pageNumber"></span> / <span class="totalPages"></span></div>'
)


def printed(page, source: Path) -> bytes:
    """Return a page of the site as a PDF of A4 pages.

    Parameters
    ----------
    page : playwright.sync_api.Page
    source : pathlib.Path
        The page's file.

    Returns
    -------
    bytes
    """
    page.emulate_media(media="print", color_scheme="light")
    page.goto(source.resolve().as_uri())
    page.evaluate(READY, STYLE)
    return page.pdf(
        format="A4",
        scale=0.8,  # 88 columns of code
        margin={"top": "16mm", "bottom": "18mm", "left": "16mm", "right": "16mm"},
        tagged=True,
        outline=True,
        display_header_footer=True,
        header_template="<span></span>",
        footer_template=FOOT,
    )


def main(arguments: list[str]) -> None:
    """Print the pages of all notebooks, and say how large the files are."""
    parser = argparse.ArgumentParser(prog="python -m tools.website.pdf", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "build" / "pdf")
    parser.add_argument("--site", type=Path, default=ROOT / "build" / "site")
    given = parser.parse_args(arguments)
    if missing := real.missing():
        sys.exit(missing)
    sources = [given.site / f"{path.stem}.html" for path in sorted(NOTEBOOKS.glob("*.ipynb"))]
    if not all(source.exists() for source in sources):
        sys.exit(f"{given.site} lacks pages: make site")
    given.folder.mkdir(parents=True, exist_ok=True)
    with real.browse() as browser:
        page = browser.new_page()
        page.set_default_timeout(real.PATIENCE * 1000)
        for source in sources:
            file = given.folder / f"{source.stem}.pdf"
            file.write_bytes(printed(page, source))
            print(f"{file.name}: {file.stat().st_size / 1e6:.1f} MB", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
