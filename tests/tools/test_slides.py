"""Decks of slides: what stands in their files, and what does not."""

import copy
import re

import nbformat
import pytest

from tools.slides import __main__ as slides
from tools.slides import plan
from tools.slides.__main__ import deck, with_notes

GREY = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg=="
)
NOTES = "# Class\n\nAn hour.\n\n## Why?\n\nAsk first.\n"
LOADED = re.compile(r"""<(?:script|link|img|audio)[^>]*(?:src|href)=(?!["']?data:)|@import""")


def code(kind, source, *tags, folded=False, **data):
    """Return a cell of code that has printed what it has not to say."""
    shown = [nbformat.v4.new_output("display_data", data)] if data else []
    cell = nbformat.v4.new_code_cell(source, outputs=shown)
    cell.metadata = nbformat.from_dict({"slideshow": {"slide_type": kind}, "tags": list(tags)})
    if folded:
        cell.metadata.jupyter = {"source_hidden": True}
    return cell


def text(kind, source):
    """Return a cell of text."""
    metadata = {"slideshow": {"slide_type": kind}}
    return nbformat.v4.new_markdown_cell(source, metadata=metadata)


@pytest.fixture
def notebook():
    """Return a notebook whose sources say whether its deck shows them."""
    picture = {"image/png": GREY, "text/plain": 'a "dot" < b'}
    cells = [
        text("slide", "# The lecture\n\nseen_1, [a page](02_windowing.ipynb#Why), [a source](https://a.b/)"),
        code("", "hidden_2", "setup"),
        text("slide", "## Why?"),
        code("", "seen_3", **{"text/plain": "seen_4"}),
        code("fragment", "hidden_5", "figure", **picture),
        code("", "hidden_6", folded=True, **{"text/plain": "seen_7"}),
        code("", "hidden_8", "predict", **{"text/html": "<p>seen_9</p>"}),
        text("skip", "hidden_10"),
        text("notes", "hidden_11"),
        code("", "seen_12", "exercise"),
        code("", "hidden_13", "check", **{"text/plain": "hidden_14"}),
        code("slide", "### BEGIN SOLUTION\nhidden_15\n### END SOLUTION", "solution"),
        text("subslide", "seen_16"),
    ]  # fmt: skip
    return nbformat.v4.new_notebook(cells=cells)


def test_a_deck_shows_what_a_lecture_shows_and_holds_no_more(notebook):
    page = deck(notebook, [])
    body = page[page.index("<main") : page.index("</main>")]
    assert [int(n) for n in re.findall(r"seen_(\d+)", body)] == [1, 3, 4, 7, 9, 12, 16]
    assert "hidden_" not in page and "SOLUTION" not in page
    assert body.count("<section") == 5  # two slides with three parts in all
    (picture,) = re.findall("<img [^>]*>", body)
    assert f'src="data:image/png;base64,{GREY}"' in picture
    assert """alt='a "dot" &lt; b'""" in picture
    assert "a page" in body and "02_windowing" not in body and 'href="https://a.b/"' in body
    assert "<title>The lecture</title>" in page


def test_a_deck_loads_nothing_and_has_notes_only_if_they_are_asked_for(notebook):
    bare, noted = deck(copy.deepcopy(notebook), []), deck(notebook, [], NOTES, "99.md")
    for page in (bare, noted):
        head, script = page.split("<script>", 1)
        assert not LOADED.search(head)
        assert "MathJax" in script and "Reveal.initialize" in script
        assert script.count("</script>") == 1
    said = "say('</script>')"  # would end the script too early
    assert slides.inlined(said) == said.replace("</", r"<\/")
    assert '<aside class="notes">' not in bare and "Ask first." not in bare
    found = re.findall(r'<aside class="notes">.*?<p>(.*?)</p>', noted, re.DOTALL)
    assert found == ["An hour.", "Ask first."]


def test_notes_that_no_slide_would_show_are_refused(notebook):
    with pytest.raises(ValueError, match="99.md: no slide has the heading 'How'"):
        with_notes(notebook, NOTES.replace("Why?", "How"), "99.md")


@pytest.mark.parametrize("path", sorted(slides.TEACHING.glob("*.md")), ids=lambda path: path.stem)
def test_every_note_of_the_course_has_its_slide(path):
    notebook = nbformat.read(slides.NOTEBOOKS / f"{path.stem}.ipynb", as_version=4)
    noted = with_notes(slides.shown(notebook), path.read_text(encoding="utf-8"), path.name)
    assert any(plan.kind(cell) == "notes" for cell in noted.cells)


def test_a_notebook_without_slides_is_no_deck():
    cells = [nbformat.v4.new_markdown_cell("# Not for a lecture"), text("skip", "")]
    assert deck(nbformat.v4.new_notebook(cells=cells), []) == ""


def test_what_is_written_is_one_file_a_deck_and_old_decks_go(
    notebook, tmp_path, monkeypatch, capsys
):
    notebooks, folder = tmp_path / "notebooks", tmp_path / "decks"
    notebooks.mkdir(), folder.mkdir()
    nbformat.write(notebook, notebooks / "99_lecture.ipynb")
    nbformat.write(nbformat.v4.new_notebook(), notebooks / "98_text.ipynb")
    (folder / "98_text.html").write_text("of last year")
    (folder / "mine.html").write_text("of somebody else")
    monkeypatch.setattr(slides, "NOTEBOOKS", notebooks)
    slides.main([str(folder)])
    assert {file.name for file in folder.iterdir()} == {"99_lecture.html", "mine.html"}
    said = capsys.readouterr().out
    assert "98_text.ipynb: no slides" in said and "1 decks" in said
