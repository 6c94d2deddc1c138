"""Every term of the glossary is defined where its link leads, and used nowhere before."""

import re

import nbformat
import pytest
from nbformat.v4 import new_markdown_cell, new_notebook

from tools import glossary

NOTEBOOKS = glossary.NOTEBOOKS
ORDINARY = None  # a word of everyday English: that it is a term shows in no form of it
FORMS = {  # what a term looks like where it is more, or less, than its names and their plurals
    "alias": r"alias(?:es|ing|ed)?",
    "center=True": r"centred frames",
    "chance level": r"chance level|level of chance",
    "channel": ORDINARY,
    "convolution": r"(?<!circular )convol(?:ution|ve)s?",
    "covering": ORDINARY,
    "blur": ORDINARY,
    "filter": r"(?:a|the|digital|recursive) filter(?! bank)|filtering|filtered",
    "floor": ORDINARY,
    "fold": ORDINARY,
    "leak": ORDINARY,
    "loss": r"(?:training|validation) loss(?:es)?",
    "mask": r"masks?",
    "masking": r"masking|masked",
    "mel": r"mels?",
    "nat": r"nats?",
    "phase": r"phases?",
    "periodic window": r"periodic (?:window|hann|hamming|taper)s?",
    "range": ORDINARY,
    "reference": ORDINARY,
    "resolution": r"resolutions?",
    "seed": r"seeds?",
    "stop": r"stops? consonants?|plosives?",
    "symmetric window": r"symmetric (?:window|hann|hamming|taper)s?",
    "unit": r"units? (?:of|in) (?:a|the) layer",
    "vowel": r"vowels?",
    "window": r"windows?|windowing|windowed",
}
MARKUP = (
    r"\$\$.*?\$\$|\$[^$]+\$",  # formulas
    r"```.*?```|`[^`]+`",  # code
    r"\[[^\]]*\]\([^)]*\.ipynb[^)]*\)",  # a link to where something is explained
    r"\]\([^)]*\)",  # other addresses
)


@pytest.fixture(scope="module")
def road():
    """Return the sections of the road, and of its detours."""
    paths = glossary.course()
    return [s for path in paths for s in glossary.sections(path)]


def prose(section, number):
    """Return what a cell says of its own, without its markup and the promises of an opening."""
    text = section.cells[number]
    if number == 0:  # what one can do afterwards is said in words that are learned in between
        text = re.sub(r"^(?:# |[-*] ).*$", "", text, flags=re.M)
    if section.path.stem.startswith("00") and "\n|---" in text:  # the map
        return ""
    for markup in MARKUP:
        text = re.sub(markup, " ", text, flags=re.S)
    return text


def uses_before(term, link, sections):
    """Yield where a term is used in a cell before the one that defines it."""
    forms = FORMS.get(term.names[0], "|".join(map(glossary.pattern, term.names)))
    for section in sections:
        if section.path.stem.startswith("detour"):
            return
        for number in section.cells:
            text = section.cells[number]
            here = glossary.link_to(section) == link
            if here and any(glossary.is_bold(name, text) for name in term.names):
                return
            said = prose(section, number)
            if here:  # "What is a gate?" may be asked right before it is answered
                said = re.sub(r"^#.*$", "", said, flags=re.M)
            if forms and (used := re.search(rf"(?i)\b(?:{forms})\b", said)):
                yield f"{section.path.stem} cell {number} says {used[0]!r}"


def complaints(term, sections):
    """Yield what is wrong with a row of the glossary."""
    at = [s for s in sections if glossary.link_to(s) == term.link]
    if not at:
        found = glossary.defining(term, sections)
        better = f"; {glossary.link_to(found[0])} has it" if found else ""
        yield f"its link leads to no heading: {term.link or 'none'}{better}"
    elif not any(glossary.is_bold(name, "\n".join(at[0].cells.values())) for name in term.names):
        yield f"it is not in bold in the section that its link leads to: {term.link}"
    elif not term.is_symbol:
        yield from uses_before(term, term.link, sections)


GLOSSARY = nbformat.read(NOTEBOOKS / "glossary.ipynb", as_version=4)
TERMS = list(glossary.terms(GLOSSARY))


@pytest.mark.parametrize("term", TERMS, ids=lambda t: f"{'symbol-' * t.is_symbol}{t.names[0]}")
def test_a_term_is_defined_where_its_link_leads_and_used_nowhere_before(term, road):
    assert list(complaints(term, road)) == []


def test_no_term_stands_twice():
    names = [name.lower() for term in TERMS if not term.is_symbol for name in term.names]
    assert sorted(names) == sorted(set(names))


def test_every_form_is_of_a_term():
    assert set(FORMS) <= {term.names[0] for term in TERMS}


@pytest.fixture
def folder(tmp_path):
    """Return a folder with a course of two notebooks and a detour."""

    def write(name, *sources):
        cells = [new_markdown_cell(source) for source in sources]
        nbformat.write(new_notebook(cells=cells), tmp_path / f"{name}.ipynb")

    write("00_map", "# Map\n\n- take a hop", "## Way\n\n| | |\n|---|---|\n| a | hops |")
    write("01_one", "# One", "## What is a `hop`?", "A **hop**, [2 Hops](02_two.ipynb), `bin`")
    write("02_two", "# Two", "A bin, too early.", "## Where are bins?", "Two **bins** of a hop.")
    write("detour_x", "# Detour", "## Aside", "An **aside**.")
    return tmp_path


def row(term, link):
    return glossary.Term((term,), "", link, is_symbol=False)


HOP = "[01: What is a `hop`?](01_one.ipynb#What-is-a-hop?)"
BIN = "[02: Where are bins?](02_two.ipynb#Where-are-bins?)"


@pytest.mark.parametrize(
    ("term", "link", "complaint"),
    [
        ("hop", HOP, None),
        ("bin", BIN, "02_two cell 1 says 'bin'"),
        ("bin", HOP, "it is not in bold"),
        ("hop", "[2: Gone](02_two.ipynb#Gone)", "its link leads to no heading"),
        ("aside", "[detour: Aside](detour_x.ipynb#Aside)", None),
    ],
)
def test_what_is_wrong_with_a_row_is_said(folder, term, link, complaint):
    sections = [s for path in glossary.course(folder) for s in glossary.sections(path)]
    link = link.replace("[01:", "[1:").replace("[02:", "[2:")
    said = list(complaints(row(term, link), sections))
    assert [complaint in s for s in said] == ([True] if complaint else []), said


def test_a_term_counts_as_bold_where_it_stands_so_alone():
    assert glossary.is_bold("hop", "Two **Hops:** 10 ms")
    assert glossary.is_bold("wide-band", "**wide band** and narrow")
    assert not glossary.is_bold("hop", "**hop by hop**, a hop, *hop*, **shop**")


def test_links_are_made_to_the_first_place_in_bold(folder):
    sections = [s for path in glossary.course(folder) for s in glossary.sections(path)]
    table = "| term | meaning | explained in |\n|---|---|---|\n| **{}** | m | {} |"
    old = new_notebook(cells=[new_markdown_cell(table.format(n, "old")) for n in ("bin", "key")])
    assert glossary.relink(old, sections) == ["key"]
    assert old.cells[0].source == table.format("bin", BIN.replace("[02:", "[2:"))
    assert old.cells[1].source == table.format("key", "old")
