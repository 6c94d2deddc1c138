"""Write the course's address, where others get it, into all places that show it.

    make address                                          # as pyproject.toml has it
    make address ADDRESS=https://github.com/me/course     # and into pyproject.toml, first
    make address ADDRESS=none                             # nowhere any more

With an address, the README begins with buttons that open the course in a hosted service, and the
first cell of each notebook says how to get it. Without one there are no buttons: none is dead.
"""

import argparse
import re
import tomllib
from pathlib import Path
from urllib.parse import quote, urlsplit

import nbformat

from tools.execute import first_cell
from tools.lab import ROOT, START

__all__ = ["badges", "main", "stored"]

BADGES = re.compile(r"(?<=<!-- badges: `make address` -->\n).*?(?=<!-- end -->)", re.S)
ADDRESS = re.compile(r'(?<=^address = ")[^"]*(?="$)', re.M)


def stored(root: Path = ROOT) -> str:
    """Return the address in pyproject.toml, empty if there is none."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    return project["tool"]["course"]["address"]


def badges(address: str) -> str:
    """Return the README's buttons, a line each.

    Parameters
    ----------
    address : str
        Of a repository; empty if it has none.

    Returns
    -------
    str
        Markdown: Binder for every address; GitHub's own services where it is there.

    Examples
    --------
    >>> print(badges("https://github.com/me/course").splitlines()[1])
    [![open in Binder](https://mybinder.org/badge_logo.svg)](https://mybinder.org/v2/gh/me/course\
/HEAD?urlpath=lab/tree/notebooks/00_start_here.ipynb)
    >>> badges("")
    ''
    """
    if not address:
        return ""
    parts = urlsplit(address.removesuffix(".git"))
    name = parts.path.strip("/")
    place = {
        "github.com": f"gh/{name}",
        "gitlab.com": f"gl/{quote(name, safe='')}",
    }.get(parts.netloc, f"git/{quote(address, safe='')}")
    shown = [
        (
            "open in Binder",
            "https://mybinder.org/badge_logo.svg",
            f"https://mybinder.org/v2/{place}/HEAD?urlpath=lab/tree/{START}",
        )
    ]
    if parts.netloc == "github.com":
        home = f"https://github.com/{name}"
        test = f"{home}/actions/workflows/test.yml"
        codespace = "https://github.com/codespaces/badge.svg"
        shown.insert(0, ("tests", f"{test}/badge.svg", test))
        shown.append(("open in Codespaces", codespace, f"https://codespaces.new/{name}"))
        colab = "https://colab.research.google.com"
        there = f"{colab}/github/{name}/blob/HEAD/{START}"
        shown.append(("open in Colab", f"{colab}/assets/colab-badge.svg", there))
    lines = [f"[![{said}]({picture})]({link})\n" for said, picture, link in shown]
    if parts.netloc == "github.com":
        lines.append(f"[download]({home}/archive/HEAD.zip)\n")
    return "".join(lines)


def main(address: str = "", root: Path = ROOT) -> None:
    """Write the address; "none" takes it away, and without one it is the one that is stored."""
    if address == "none":
        address = ""
    elif not address:
        address = stored(root)
    if address and not re.fullmatch(r"https?://[\w.-]+(:\d+)?/[\w./~-]+", address):
        raise SystemExit(f"{address}: no address such as https://github.com/me/course")
    for name, pattern, text in (
        ("pyproject.toml", ADDRESS, address),
        ("README.md", BADGES, badges(address)),
    ):
        path = root / name
        old = path.read_text(encoding="utf-8")
        new, found = pattern.subn(lambda _, text=text: text, old)
        if found != 1:
            raise SystemExit(f"{name}: the place for the address is not there")
        if new != old:
            path.write_text(new, encoding="utf-8")
    for path in sorted((root / "notebooks").glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        for cell in notebook.cells:
            if "setup" in cell.metadata.get("tags", []):
                if cell.source != (source := first_cell(address).source):
                    cell.source = source  # it prints nothing: its output stays right
                    nbformat.write(notebook, path)
    print(f"The course is at {address}." if address else "The course has no address.")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("address", nargs="?", default="", help='of the repository, or "none"')
    main(parser.parse_args().address)
