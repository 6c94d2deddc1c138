"""The pages as a reader has them: from a folder, with no server, no network and no kernel."""

import json
import re
import subprocess
import sys
import time
import warnings
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest

from tests.browser.accessibility import faults
from tests.browser.test_widgets import unmoved
from tests.tools.test_website import stored, two_tones
from tools.browser import PATIENCE, ROOT
from tools.execute import NOTEBOOKS
from tools.website import __main__ as website
from tools.website import figures, parts

PAGES = sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb"))
LOOKS = [("light", 1280), ("light", 375), ("dark", 1280), ("dark", 375)]
QUICK = {(website.START, "dark", 375), ("search", "light", 1280)}
FADED = """async () => {
  await new Promise(requestAnimationFrame);
  await Promise.all(document.getAnimations().map((one) => one.finished.catch(() => {})));
}"""
"""Waits until colours that change have changed, as those of another scheme do, little by little."""
EVERY = [
    pytest.param(*look, marks=[] if look in QUICK else pytest.mark.exhaustive)
    for look in ((page, *look) for page in [*PAGES, "search"] for look in LOOKS)
]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Return the folder of all pages; the start page's figure moves, the others stand still."""
    folder = tmp_path_factory.mktemp("site")
    start = NOTEBOOKS / f"{website.START}.ipynb"
    scripts = {start.stem: website.moving(start, folder / "kept")}
    notebooks = sorted(NOTEBOOKS.glob("*.ipynb"))
    with warnings.catch_warnings(action="ignore"):  # what Sphinx and its parts have to settle
        website.write(folder / "pages", notebooks, folder / "source", scripts)
    return folder / "pages"


@pytest.fixture(scope="module")
def visit(site, browser):
    """Return a function that opens a page, refuses every other address, and notes what is wrong."""
    page = browser.new_page()
    page.set_default_timeout(PATIENCE * 1000)
    wrong = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda m: wrong.append(m.text) if m.type in ("error", "warning") else None)

    def refuse(route):
        if route.request.url.startswith(("file:", "data:", "blob:")):
            return route.continue_()
        wrong.append(f"asks for {route.request.url}")
        return route.abort()

    page.route("**/*", refuse)

    def open_it(name, width=1280):
        page.set_viewport_size({"width": width, "height": 900})
        wrong.clear()
        page.goto((site / f"{name}.html").as_uri())
        return page, wrong

    yield open_it
    page.close()


class Names(HTMLParser):
    """What a page links to, what can be linked to, and its pictures without a description."""

    def __init__(self, text):
        super().__init__()
        self.links, self.anchors, self.undescribed = set(), set(), []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        """Note a tag."""
        found = dict(attributes)
        self.anchors.add(found.get("id"))
        for name in ("href", "src", "data-script"):
            if found.get(name):
                self.links.add(found[name])
        if tag == "img" and not found.get("alt"):
            self.undescribed.append(found)


def test_every_link_leads_somewhere_and_every_picture_is_described(site):
    pages = {p.name: Names(p.read_text(encoding="utf-8")) for p in site.glob("*.html")}
    assert {f"{name}.html" for name in PAGES} <= set(pages)
    for name, page in pages.items():
        assert not page.undescribed, name
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme:
                assert parts.scheme in ("https", "http", "data"), (name, link)
                continue
            path = unquote(parts.path) or name
            assert (site / path).exists(), (name, link)
            if parts.fragment and path.endswith(".html"):
                assert unquote(parts.fragment) in pages[path].anchors, (name, link)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_needs_nobody_and_fits_a_telephone(visit, name):
    page, wrong = visit(name)
    page.wait_for_function("!window.MathJax || window.MathJax.startup?.promise")
    page.evaluate("window.MathJax?.startup.promise")
    formulas = page.evaluate(
        "['.math', 'mjx-container', 'mjx-merror'].map(s => document.querySelectorAll(s).length)"
    )
    assert formulas[0] == formulas[1] and formulas[2] == 0
    assert not re.search(r"\$[^$\n]+\$", page.inner_text("article p >> nth=0"))
    page.set_viewport_size({"width": 375, "height": 750})
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    assert wrong == []


@pytest.mark.parametrize(("name", "scheme", "width"), EVERY)
def test_nothing_keeps_anybody_from_reading_a_page(visit, name, scheme, width):
    page, wrong = visit(name, width)
    page.emulate_media(color_scheme=scheme)
    page.evaluate("window.MathJax?.startup.promise")
    folded = page.locator("details")
    folded.evaluate_all("all => all.forEach(one => { one.open = true; })")
    page.evaluate(FADED)
    found = faults(page)
    page.emulate_media(color_scheme="light")
    assert found == [] and wrong == []


def test_who_wants_no_motion_gets_none(visit):
    page, _ = visit(website.START)
    page.emulate_media(reduced_motion="reduce")
    moves = page.evaluate("""() => [...document.querySelectorAll("*")].map(e => getComputedStyle(e))
        .filter(s => s.scrollBehavior !== "auto" || s.transitionDuration !== "0s"
                     || s.animationName !== "none").length""")
    page.emulate_media(reduced_motion="no-preference")
    assert moves == 0


def test_a_figure_moves_by_keyboard_by_drag_and_is_heard(visit):
    page, wrong = visit(website.START)
    figure = page.locator(".moving").first
    figure.scroll_into_view_if_needed()
    slider = figure.locator("input[type=range]")
    slider.wait_for()
    pixels = "c => c.toDataURL()"
    canvas = figure.locator("canvas")
    before, value = canvas.evaluate(pixels), float(slider.input_value())
    slider.press("ArrowRight")
    page.wait_for_function(
        "([c, old]) => c.toDataURL() !== old", arg=[canvas.element_handle(), before]
    )
    step = float(slider.get_attribute("step"))
    assert float(slider.input_value()) == value + step
    assert figure.locator("output").inner_text() == f"{value + step:.0f} Hz"
    figure.get_by_role("button").click()
    page.wait_for_function(
        "b => b.textContent.includes('stop')", arg=figure.get_by_role("button").element_handle()
    )
    assert figure.locator(".wrong").inner_text() == "" and wrong == []


PIXELS = """canvas => {
  const paper = canvas.getContext("2d");
  return [...paper.getImageData(0, 0, canvas.width, canvas.height).data];
}"""


def test_where_one_control_moves_at_a_time_the_picture_is_that_of_its_state(
    tmp_path, browser, monkeypatch
):
    monkeypatch.setattr(figures, "LARGEST", 200_000)
    explorer = two_tones()
    figures.keep(explorer, tmp_path / "two.js", "two")
    (tmp_path / "front.js").write_text(parts.front_end(), encoding="utf-8")
    place = '<div data-figure="two" data-script="two.js"></div><script src="front.js"></script>'
    (tmp_path / "page.html").write_text(f"<meta charset=utf-8><body>{place}", encoding="utf-8")
    page, wrong = browser.new_page(), []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto((tmp_path / "page.html").as_uri())
    sliders = {name: page.get_by_role("slider", name=name) for name in ("low", "high")}
    loud = page.get_by_role("checkbox", name="loud")
    canvas = page.get_by_role("img", name="Two tones.")

    def at():
        """Return what the controls say once the picture is of that state."""
        for _ in range(100):
            said = {name: int(slider.input_value()) for name, slider in sliders.items()}
            said["loud"] = loud.is_checked()
            drawn = explorer.state(said)["rgb"]
            seen = np.reshape(canvas.evaluate(PIXELS), (*drawn.shape[:2], 4))[..., :3]
            if np.sqrt(np.mean((seen - drawn.astype(float)) ** 2)) < 8:
                return tuple(said.values())
            time.sleep(0.05)
        raise AssertionError(f"the picture is not that of {said}")

    assert at() == (200, 700, False)
    sliders["low"].press("End")
    assert at()[1:] == (700, False) and at()[0] > 450
    loud.press("Space")
    assert at() == (200, 700, True)
    loud.press("Space")
    assert at() == (200, 700, False)
    sliders["high"].press("Home")
    assert at() == (200, 500, False)
    sliders["low"].press("ArrowLeft")
    assert at()[0] < 200 and at()[1:] == (700, False)
    assert "one control moves at a time" in page.inner_text("p.still") and wrong == []
    page.close()


def test_a_prediction_is_answered_by_keyboard_and_printed_without_its_replies(visit):
    page, wrong = visit("01_short_time_analysis")
    asked = page.locator("fieldset.prediction").first
    choices, replies = asked.locator("summary"), asked.locator("p")
    assert choices.count() == 4 and replies.locator("visible=true").count() == 0
    choices.first.focus()
    for number, key in enumerate(("Enter", "Space", "Enter", "Space")):
        page.keyboard.press(key)
        (reply,) = asked.locator("p:visible").all_inner_texts()
        said = choices.nth(number).inner_text()[2:]
        assert reply.startswith(("✓ Right. ", f"✗ You said “{said}”. "))
        page.keyboard.press("Tab")
    page.emulate_media(media="print")
    assert choices.last.is_visible() and not replies.last.is_visible()
    page.emulate_media(media="screen")
    assert wrong == []


@pytest.mark.exhaustive
def test_every_control_of_every_page_moves_its_figure(tmp_path, browser):
    # By itself: Sphinx warns if it is set up twice in one process.
    folder = tmp_path / "pages"
    subprocess.run([sys.executable, "-m", "tools.website", folder], cwd=ROOT, check=True)
    page, wrong = browser.new_page(), []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.set_default_timeout(PATIENCE * 1000)
    for script in (folder / "_static" / "figures").glob("*.js"):
        figure, at = stored(script), 0
        for control, count in zip(figure["controls"], figure["counts"], strict=True):
            alone = {json.dumps(state) for state in figure["states"][at : at + count]}
            assert len(alone) > 1 or not figure["alone"], (script.stem, control)
            at += count
    moving = [n for n in PAGES if "data-figure=" in (folder / f"{n}.html").read_text("utf-8")]
    assert len(moving) > 9
    for name in moving:
        page.goto((folder / f"{name}.html").as_uri())
        for place in page.locator("[data-figure]").all():
            place.scroll_into_view_if_needed()
            place.locator("canvas").wait_for()
        assert (name, unmoved(page)) == (name, [])
    page.close()
    assert wrong == []


def test_the_search_finds_a_word_where_it_is_explained(visit):
    page, wrong = visit("search")
    page.goto(page.url + "?q=leakage")
    page.wait_for_selector("#search-results li a")
    found = page.eval_on_selector_all("#search-results li a", "links => links.map(a => a.href)")
    assert any("02_windowing" in link for link in found)
    assert wrong == []
