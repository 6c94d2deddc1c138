"""Let every link of the glossary lead to the section that defines its term.

    python -m tools.glossary

The tables of ``notebooks/glossary.ipynb`` are the only source of the terms. A term is defined where
it stands in bold for the first time, on the road (notebooks 00, 01, …) or else in a detour. The
third column is written anew; a term that is nowhere in bold is named and keeps its link.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import nbformat

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
ROW = re.compile(r"^\| (?P<term>[^|\n]+) \| (?P<meaning>[^|\n]+) \| *(?P<link>[^|\n]*?) *\|$", re.M)
HEAD = ("term", "symbol", "---")


class Section(NamedTuple):
    """A heading of a notebook with the markdown cells beneath it."""

    path: Path
    heading: str
    cells: dict[int, str]
    """The cells' text by their number in the notebook."""


class Term(NamedTuple):
    """A row of the glossary."""

    names: tuple[str, ...]
    """The term and its other names; for a symbol, the term in bold in its meaning."""
    meaning: str
    link: str
    is_symbol: bool


def course(folder: Path = NOTEBOOKS) -> list[Path]:
    """Return the notebooks in the order in which a term is looked for: the road, then detours."""
    return sorted(folder.glob("[0-9]*.ipynb")) + sorted(folder.glob("detour_*.ipynb"))


def sections(path: Path) -> list[Section]:
    """Return a notebook's sections in their order; a cell belongs to the last heading above it."""
    found: list[Section] = []
    for number, cell in enumerate(nbformat.read(path, as_version=4).cells):
        if cell.cell_type == "markdown":
            heading = re.match(r"#+ (.*)", cell.source)
            if heading or not found:
                found.append(Section(path, heading[1].strip() if heading else "", {}))
            found[-1].cells[number] = cell.source
    return found


def anchor(heading: str) -> str:
    """Return how a link names a heading in JupyterLab.

    Examples
    --------
    >>> anchor("What is a `Gate`?")
    'What-is-a-Gate?'
    """
    return re.sub(r"[`*]", "", heading).replace(" ", "-")


def names_of(cell: str) -> tuple[str, ...]:
    """Return the names in the first column of a row.

    Examples
    --------
    >>> names_of("**mel filter bank**, filter bank")
    ('mel filter bank', 'filter bank')
    """
    return tuple(name.strip(" *") for name in cell.split(","))


def terms(glossary: nbformat.NotebookNode) -> Iterator[Term]:
    """Yield the rows of all tables of the glossary."""
    for cell in glossary.cells:
        for row in ROW.finditer(cell.source):
            first = row["term"].strip()
            if first in HEAD or set(first) <= set("-:"):
                continue
            symbol = re.search(r"\*\*([^*]+)\*\*", row["meaning"])
            names = names_of(symbol[1] if symbol else first)
            yield Term(names, row["meaning"], row["link"], bool(symbol))


def pattern(name: str) -> str:
    """Return a regular expression for a term in the singular and in the plural.

    Examples
    --------
    >>> re.fullmatch(pattern("critical band"), "Critical bands").group()
    'Critical bands'
    >>> re.fullmatch(pattern("frequency"), "frequencies").group()
    'frequencies'
    """
    stem = r"[\s–-]".join(map(re.escape, re.split(r"[\s–-]", name)))
    if stem.endswith("y"):
        stem = stem[:-1] + "(?:y|ie)"
    elif stem.endswith("is"):
        stem = stem[:-2] + "[ie]s"
    return rf"(?i:{stem}(?:e?s)?)"


def is_bold(name: str, text: str) -> bool:
    """Return whether a term stands in bold in a text, alone."""
    return any(
        re.fullmatch(pattern(name), bold.strip(" .:,`"))
        for bold in re.findall(r"\*\*([^*]+)\*\*", text)
    )


def defining(term: Term, all_sections: list[Section]) -> tuple[Section, int] | None:
    """Return the section and the number of the cell where a term is first in bold."""
    for section in all_sections:
        for number, text in section.cells.items():
            if any(is_bold(name, text) for name in term.names):
                return section, number
    return None


def link_to(section: Section) -> str:
    """Return the link that the glossary has for a section."""
    stem = section.path.stem
    place = stem.split("_")[0].lstrip("0") or "0"
    place = "detour" if place == "detour" else place
    return f"[{place}: {section.heading}]({stem}.ipynb#{anchor(section.heading)})"


def relink(glossary: nbformat.NotebookNode, all_sections: list[Section]) -> list[str]:
    """Write the third column of the glossary anew; return the terms that are nowhere in bold."""
    missing = []

    def row(match: re.Match) -> str:
        first = match["term"].strip()
        if first in HEAD or set(first) <= set("-:"):
            return match[0]
        symbol = re.search(r"\*\*([^*]+)\*\*", match["meaning"])
        names = names_of(symbol[1] if symbol else first)
        found = defining(Term(names, "", "", bool(symbol)), all_sections)
        if found is None:
            missing.append(names[0])
            return match[0]
        return f"| {match['term']} | {match['meaning']} | {link_to(found[0])} |"

    for cell in glossary.cells:
        cell.source = ROW.sub(row, cell.source)
    return missing


def main() -> None:
    """Rewrite the glossary's links; name what is nowhere in bold."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else NOTEBOOKS
    path = NOTEBOOKS / "glossary.ipynb"
    glossary = nbformat.read(path, as_version=4)
    missing = relink(glossary, [s for p in course(folder) for s in sections(p)])
    nbformat.write(glossary, path)
    for name in missing:
        print(f"nowhere in bold: {name}")


if __name__ == "__main__":
    main()
