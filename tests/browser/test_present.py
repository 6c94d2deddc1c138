"""A lecture: Present plays a notebook as slides, by a clicker's keys, its figures alive."""

import nbformat
import pytest

from tests.browser.accessibility import faults
from tests.browser.test_widgets import FIGURE, START, changed, pixels
from tools.browser import Notebook
from tools.slides.live import Deck, walk
from tools.slides.look import SIZE, size

SHOWN = 'alt="A sine of 3 Hz."'
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}
CELLS = [  # slide type, source, tags
    ("slide", "# A lecture\n\nIt opens.", None),
    ("skip", START, []),
    ("slide", "## Does it move?\n\nMove it.", None),
    ("", "skipped = 20", []),
    ("skip", "skipped = 21", []),
    ("subslide", FIGURE, ["figure"]),
    ("fragment", "It does.", None),
    ("fragment", "2 * skipped", []),
    ("slide", "## The end", None),
    ("", "[next](00_start_here.ipynb)", None),
]
SCREENS = [[0], [2, 3], [5], [5, 6], [5, 6, 7], [8, 9]]  # cells, by step
FIGURE_AT, RESULT_AT = 5, 7
DENSEST = 2 * 6 * 110  # pixels: twice the figure's inches by the style's dots per inch
OURS = [".jp-deck-mod-visible .jp-MarkdownOutput", ".jp-deck-mod-visible .jp-OutputArea-output"]
OURS += [".course-foot"]
FAINT = "document.querySelector('.jp-deck-mod-visible h2').style.color = '#bbb'"


@pytest.fixture(scope="module")
def lecture(course):
    """Return the path of a notebook with slides, which nobody has run."""
    notebook = nbformat.v4.new_notebook(metadata={"kernelspec": KERNEL})
    for kind, source, tags in CELLS:
        make = nbformat.v4.new_markdown_cell if tags is None else nbformat.v4.new_code_cell
        metadata = {"slideshow": {"slide_type": kind}} if kind else {}
        notebook.cells.append(make(source, metadata=metadata | ({"tags": tags} if tags else {})))
    nbformat.write(notebook, course.folder / "notebooks" / "lecture.ipynb")
    return "notebooks/lecture.ipynb"


@pytest.fixture(scope="module")
def deck(course, browser, lecture):
    """Return the lecture as it is presented, its cells run."""
    shown = Deck(browser.new_page(), course, lecture)
    yield shown
    shown.page.close()


@pytest.fixture
def figure(deck):
    """Return the figure's cell, with its slide on the screen."""
    deck.step("Home")
    deck.step()
    deck.step()
    assert deck.shown == [FIGURE_AT]
    return deck.cell(FIGURE_AT)


def steps(deck, key):
    """Press a key to the end; return the cells of each step."""
    seen = [deck.shown]
    for _ in CELLS:
        deck.step(key)
        if deck.shown != seen[-1]:
            seen.append(deck.shown)
    return seen


@pytest.mark.parametrize(
    ("on", "back"), [("PageDown", "PageUp"), (" ", "Shift+Space"), ("ArrowRight", "ArrowLeft")]
)
def test_every_key_of_a_lecture_leads_through_all_slides_and_back(deck, on, back):
    deck.step("Home")
    assert steps(deck, on) == SCREENS
    assert steps(deck, back) == SCREENS[::-1]


def test_the_cells_have_run_the_skipped_among_them(deck):
    deck.step("End")
    assert deck.cell(RESULT_AT).locator(".jp-OutputArea-output").last.text_content().strip() == "42"
    assert deck.errors == []


def test_the_foot_says_the_question_and_the_number(deck):
    deck.step("Home")
    assert deck.foot == ["1 / 4"]
    deck.step()
    assert deck.foot == ["2 / 4"]  # the question stands on the slide
    deck.step()
    assert deck.foot == ["Does it move?", "3 / 4"]


def test_nothing_is_found_on_the_slides(deck):
    assert [slide["found"] for slide in walk(deck)] == [[]] * len(SCREENS)


def test_nothing_keeps_anybody_from_reading_the_slides(deck):
    assert [faults(deck.page, OURS) for _ in walk(deck)] == [[]] * len(SCREENS)
    deck.page.evaluate(FAINT)
    assert [one.partition(":")[0] for one in faults(deck.page, OURS)] == ["color-contrast"]


# The width of what is shown, once it is the same for a while.
STILL = """async shown => {
  for (let before = 0; ; await new Promise(done => setTimeout(done, 400))) {
    if (before && shown.clientWidth === before) return before;
    before = shown.clientWidth;
  }
}"""


@pytest.fixture
def enlarged(deck, figure):
    """Return by how much the figure is wider on a large projector, where it stays meanwhile."""
    shown = figure.locator("canvas").evaluate(STILL)
    deck.page.set_viewport_size(size("1920x1080"))
    yield figure.locator("canvas").evaluate(STILL) / shown
    deck.page.set_viewport_size(SIZE)


def test_on_a_large_projector_a_figure_is_larger_and_all_fits(deck, enlarged):
    assert 1.4 < enlarged < 1.8
    assert [slide["found"] for slide in walk(deck)] == [[]] * len(SCREENS)


@pytest.mark.exhaustive  # a machine with much else to do has been seen not to come to it
def test_on_a_large_projector_a_figure_is_drawn_as_densely_as_shown(deck, figure, enlarged):
    deck.page.wait_for_function(
        "([e, most]) => e.width / Math.min(e.clientWidth, most) > 0.97",
        arg=[figure.locator("canvas").element_handle(), DENSEST],
    )


def test_only_the_figure_of_a_cell_is_on_its_slide(figure):
    assert figure.locator("canvas").is_visible()
    assert not figure.get_by_text(SHOWN).is_visible()


def test_a_control_keeps_its_keys_and_a_clicker_turns_the_slide(deck, figure):
    slider = figure.get_by_role("slider").first
    before, value = pixels(figure), slider.input_value()
    slider.focus()
    deck.step("ArrowRight")
    assert deck.shown == [FIGURE_AT]
    assert slider.input_value() != value
    assert changed(figure, before)
    moved = slider.input_value()
    deck.step("PageDown")
    assert deck.shown == [FIGURE_AT, FIGURE_AT + 1]
    assert slider.input_value() == moved


def test_escape_leaves_the_control_then_the_deck_which_can_be_started_again(deck, figure):
    figure.get_by_role("slider").first.focus()
    deck.step("Escape")
    assert deck.shown == [FIGURE_AT]
    deck.step("Escape")
    assert deck.page.evaluate("document.body.dataset.jpDeckMode") is None
    assert not deck.page.locator(".course-foot").is_visible()
    deck.command("course:present")
    assert deck.foot == ["1 / 4"]
    assert deck.cell(1).locator(".jp-InputPrompt").text_content() == "[1]:"  # nothing ran again


def test_a_browser_that_is_closed_in_a_deck_opens_the_next_notebook_as_a_page(
    course, browser, lecture
):
    first = Deck(browser.new_page(), course, lecture, run=False)
    first.step()
    first.page.close()
    page = browser.new_page()
    again = Notebook(page, course, lecture)
    page.wait_for_timeout(500)
    assert page.evaluate("document.body.dataset.jpDeckMode") is None
    assert again.errors == []
    again.quit()


def test_a_notebook_without_slides_says_so(course, browser, lecture):
    notebook = nbformat.read(course.folder / lecture, as_version=4)
    for cell in notebook.cells:
        cell.metadata.pop("slideshow", None)
    nbformat.write(notebook, course.folder / "notebooks" / "plain.ipynb")
    plain = Notebook(browser.new_page(), course, "notebooks/plain.ipynb")
    said = plain.page.evaluate(
        "window.jupyterapp.commands.execute('course:present').catch(error => error.message)"
    )
    assert "plain.ipynb has no slides" in said
    plain.quit()
