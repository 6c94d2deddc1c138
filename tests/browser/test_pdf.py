"""A page of the site on paper: tagged, described, and without a way back to where it was made."""

import pytest

from tools.browser import PATIENCE
from tools.website import pdf

PAGE = """<!doctype html><html lang="en"><title>Lines</title>
<h1>Lines</h1><h2 id="two">How high?</h2>
<p><a href="#two">here</a>, <a href="other.html">there</a>, <a href="https://a.example/">a book</a>
<img alt="A line that rises." loading="lazy" src="data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'
width='30' height='10'><path d='M0 9 30 0' stroke='black'/></svg>">"""


def test_a_page_is_printed_tagged_with_its_outline_descriptions_and_live_links(browser, tmp_path):
    (tmp_path / "lines.html").write_text(PAGE, encoding="utf-8")
    page = browser.new_page()
    page.set_default_timeout(PATIENCE * 1000)
    made = pdf.printed(page, tmp_path / "lines.html")
    page.close()
    assert made.startswith(b"%PDF")
    for part in (b"/StructTreeRoot", b"/Outlines", b"/Alt (A line that rises.)"):
        assert part in made, part
    assert made.count(b"/Subtype /Link") == 2 and b"a.example" in made
    assert b"file:" not in made and b"other.html" not in made


def test_without_a_site_it_says_what_to_do(tmp_path):
    with pytest.raises(SystemExit, match="make site"):
        pdf.main([str(tmp_path / "pdf"), "--site", str(tmp_path)])
