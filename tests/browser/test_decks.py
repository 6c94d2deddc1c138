"""Slides on their own: what is measured of one, and a deck as a lecturer plays it from a file."""

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest

from helpers.exercises import predict
from helpers.show import interactive, listen, plots
from tests.browser.accessibility import faults
from tools.browser import PATIENCE
from tools.execute import NOTEBOOKS
from tools.slides import look
from tools.slides.__main__ import deck
from tools.website import figures

DOT = "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' width='{}' height='{}'/>"
GOOD = f"""
<h2 style="font-size: 36px">A line</h2>
<p>It rises, in <code>y = 2 * x</code>, by 2<sup style="font-size: 9px">1</sup>.</p>
<pre style="font-size: 18px">y = 2 * x</pre>
<img src="{DOT.format(300, 100)}" alt="A line that rises." style="height: 100px">
<div style="position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);
            font-size: 5px">A line that rises, $x$.</div>
<p><label>size <input type="range"></label> <button>play</button></p>
"""


@pytest.fixture(scope="module")
def page(browser):
    page = browser.new_page(viewport=look.SIZE)
    page.set_default_timeout(PATIENCE * 1000)
    yield page
    page.close()


def found(page, content, style=""):
    """Return what is found on a slide."""
    body = "<body style='margin: 0; font-size: 24px'><style>* { font-size: inherit }</style>"
    page.set_content(f"{body}<section style='{style}'>{content}</section>", wait_until="load")
    return look.findings(look.measured(page.locator("section")))


@pytest.mark.parametrize(
    ("planted", "said"),
    [
        ("", []),
        ("<p style='font-size: 23px'>small print</p>", ["prose of 23 px"]),
        ("<pre style='font-size: 17px'>x = 1</pre>", ["code of 17 px"]),
        ("<table style='font-size: 12px'><td>1</table>", ["small of 12 px"]),
        ("<p style='margin-left: 1275px'>wide</p>", ["px over: wide"]),
        ("<p style='position: absolute; top: 715px; margin: 0'>low</p>", ["px over: low"]),
        (f"<img src=\"{DOT.format(10, 10)}\" alt=''>", ["undescribed: IMG"]),
        (
            f'<img src="{DOT.format(10, 10)}" alt="No description has been provided">',
            ["undescribed: No description"],
        ),
        ("<img src='data:image/png;base64,AAAA' alt='broken'>", ["not whole: broken"]),
        (f'<img src="{DOT.format(9, 900)}" alt="high">', ["px over: high", "not whole: high"]),
        (f'<img src="{DOT.format(99, 99)}" alt="tiny" height="50">', ["at 51 %: tiny"]),
        (f'<img src="{DOT.format(99, 99)}" alt="coarse" height="130">', ["at 131 %: coarse"]),
        ("<details><summary>A</summary><p style='margin-top: 700px'>no</details>", ["px over: no"]),
        ("<p>about $x$ and</p>", ["not typeset: about $x$ and"]),
        ("<button disabled>stop</button>", ["dead: stop"]),
        (
            "<p style='position: relative'><button>hidden</button>"
            "<i style='position: absolute; left: 0; width: 9px; height: 99px'></i></p>",
            ["dead: hidden"],
        ),
    ],
)
def test_a_planted_fault_is_found_and_nothing_else(page, planted, said):
    answer = found(page, GOOD + planted)
    assert len(answer) == len(said)
    assert all(part in one for part, one in zip(said, answer, strict=True)), answer


def test_what_is_drawn_smaller_than_it_is_laid_out_is_judged_as_it_is_seen(page):
    style = "transform: scale(0.5); transform-origin: 0 0"
    said = ["code of 9 px", "prose of 12 px", "small of 12 px", "at 50 %: A line that rises."]
    assert found(page, GOOD, style) == said


def test_what_is_not_shown_yet_is_not_judged(page):
    assert found(page, GOOD + "<p style='visibility: hidden; font-size: 9px'>later</p>") == []


SIZES = {"1280x720": 1, "1920x1080": 1.5, "1024x768": 0.8}  # of a window; how large a slide is
NOTES = "Two minutes.\n\n## Does it move?\n\nAsk before, *whatever* $x$ is.\n"
T = np.arange(8_000) / 16_000


def tone():
    """Return a figure, and what makes it live: a tone whose frequency is a slider."""
    fig, ax = plt.subplots(figsize=(9, 4.5))
    (line,) = ax.plot(T[:160], np.zeros(160))
    ax.set(ylim=(-1, 1), xlabel="time in s", ylabel="amplitude")

    def update(frequency):
        line.set_ydata(np.sin(2 * np.pi * frequency * T[:160]))
        return line

    controls = {"frequency": interactive.slider(100, 900, 100, value=500, label="frequency")}
    return fig, interactive.Explorer(fig, update, "A tone.", None, controls)


def cell(kind, source, *outputs, tags=()):
    """Return a cell of a deck: of text, or of code with its outputs."""
    metadata = {"slideshow": {"slide_type": kind}, "tags": list(tags)}
    if not outputs:
        return nbformat.v4.new_markdown_cell(source, metadata=metadata)
    shown = [nbformat.v4.new_output("display_data", one) for one in outputs]
    return nbformat.v4.new_code_cell(source, metadata=metadata, outputs=shown)


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """Return the file of a deck with one of each kind, and with notes."""
    folder = tmp_path_factory.mktemp("deck")
    fig, living = tone()
    figures.keep(living, folder / "tone-0.js", "tone-0")
    picture, _ = plots.picture(fig, "A tone.")
    plt.close(fig)
    still = {"text/html": '<p class="still">Run this cell.</p>'}
    asked = predict("Is it high?", {"Yes": (True, "It is."), "No": (False, "It is high.")})
    sound = listen.player(0.3 * np.sin(2 * np.pi * 500 * T), 16_000, "a tone")
    cells = [
        cell("slide", "# A tone\n\nOf **any** height $f_0$, see [there](there.ipynb):\n\n$$x=1$$"),
        cell("slide", "## Does it move?"),
        cell("", "explore()", picture, still, tags=["figure"]),
        cell("fragment", "It moves."),
        cell("subslide", "How does it sound?"),
        cell("", "y = listen()", {"text/html": sound._repr_html_()}),
        cell("slide", "", {"text/html": asked._repr_html_()}, tags=["predict"]),
        cell("slide", "## The end"),
    ]
    file = folder / "a deck.html"
    notebook = nbformat.v4.new_notebook(cells=cells)
    file.write_text(deck(notebook, [folder / "tone-0.js"], NOTES, "tone.md"), encoding="utf-8")
    return file


@pytest.fixture
def lecture(browser, played):
    """Return the deck in a page of its own, and what goes wrong there."""
    page = browser.new_page()
    yield page, look.opened(page, played)
    page.close()


def at(page):
    """Return the number of the slide, and how many fragments of it are shown."""
    return page.evaluate("[Reveal.getSlidePastCount() + 1, Reveal.getState().indexf ?? -1]")


def test_a_deck_is_whole_and_asks_no_other_address_for_anything(browser, played):
    page = browser.new_page()
    slides = list(look.walk(page, played))
    page.close()
    assert [slide["found"] for slide in slides] == [[]] * 5
    assert [len(slide["figures"]) for slide in slides] == [0, 1, 0, 0, 0]
    assert [slide["controls"] for slide in slides] == [0, 1, 1, 2, 0]


def test_all_grows_and_shrinks_with_the_window(browser, played):
    page = browser.new_page()
    slides = {size: list(look.walk(page, played, None, look.size(size))) for size in SIZES}
    page.close()
    assert [slide["found"] for deck in slides.values() for slide in deck] == [[]] * 15
    figure = {size: deck[1]["figures"][0]["width"] for size, deck in slides.items()}
    assert {size: width / figure["1280x720"] for size, width in figure.items()} == pytest.approx(
        SIZES, rel=0.01
    )


# What is shown of a deck; elsewhere axe-core would go through all slides for each.
SHOWN = ["section.present:not(.stack)", "aside.controls", ".slide-number"]
FAINT = "document.querySelector('section.present :is(h1, h2, p)').style.color = '#bbb'"


def walked(page, file):
    """Play a deck; return for each slide what is found, axe-core's findings among it."""
    return [slide["found"] + faults(page, SHOWN) for slide in look.walk(page, file)]


def test_nothing_keeps_anybody_from_reading_a_slide(lecture):
    page, wrong = lecture
    assert faults(page) == []
    for number in range(2, 6):
        page.keyboard.press("PageDown")
        page.keyboard.press("PageDown") if number == 3 else None  # past a fragment
        assert at(page)[0] == number and faults(page, SHOWN) == []
    page.evaluate(FAINT)
    assert [one.partition(":")[0] for one in faults(page, SHOWN)] == ["color-contrast"]
    assert wrong == []


def test_a_clicker_leads_through_all_even_from_within_a_control(lecture):
    page, wrong = lecture
    page.keyboard.press("PageDown")
    slider = page.locator("section.present input")
    slider.focus()
    assert at(page) == [2, -1]
    page.keyboard.press("PageDown")
    assert at(page) == [2, 0]
    for key in ("PageDown", "PageDown", "PageUp", "PageUp", "PageUp", "PageUp"):
        page.keyboard.press(key)
    assert at(page) == [1, -1] and wrong == []


def test_a_figure_moves_and_keeps_the_keys_that_it_uses(lecture):
    page, wrong = lecture
    page.keyboard.press("Space")
    slider, canvas = page.locator("section.present input"), page.locator("section.present canvas")
    before = canvas.evaluate("e => e.toDataURL()")
    slider.press("ArrowRight")
    page.wait_for_function(
        "([e, old]) => e.toDataURL() !== old", arg=[canvas.element_handle(), before]
    )
    assert page.locator("section.present output").inner_text() == "600" and at(page) == [2, -1]
    slider.press("Escape")
    assert page.evaluate("[document.activeElement.tagName, Reveal.isOverview()]") == ["BODY", False]
    page.keyboard.press("ArrowRight")
    assert at(page) == [2, 0] and wrong == []


def test_a_sound_is_heard_and_a_prediction_answered_on_its_slide(lecture):
    page, wrong = lecture
    for _ in range(3):
        page.keyboard.press("Space")
    audio = page.locator("section.present audio")
    audio.press("Space")
    page.wait_for_function("e => e.currentTime > 0", arg=audio.element_handle())
    assert at(page)[0] == 3
    page.keyboard.press("PageDown")
    page.locator("section.present summary").first.press("Enter")
    assert page.locator("section.present details p:visible").inner_text() == "✓ Right. It is."
    assert at(page)[0] == 4 and wrong == []


def test_the_notes_stand_in_a_window_of_their_own(lecture):
    page, wrong = lecture
    with page.expect_popup() as opening:
        page.keyboard.press("s")
    notes = opening.value
    notes.get_by_text("Two minutes.").wait_for()
    page.keyboard.press("Space")
    notes.get_by_text("Ask before").wait_for()
    assert not page.get_by_text("Two minutes.").is_visible() and wrong == []


@pytest.mark.exhaustive
@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_deck_of_the_course_fits_is_alive_and_keeps_nobody_out(browser, tmp_path, path):
    slides = deck(nbformat.read(path, as_version=4), [])
    if not slides:
        pytest.skip("no cell is a slide")
    file, page = tmp_path / f"{path.stem}.html", browser.new_page()
    file.write_text(slides, encoding="utf-8")
    found = {number: one for number, one in enumerate(walked(page, file), 1) if one}
    whole = faults(page)
    page.close()
    assert found == {} and whole == []
