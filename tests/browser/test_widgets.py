"""What moves answers to the keyboard, and what is stored of it is seen the next day."""

from time import monotonic

import pytest

from tests.browser.accessibility import faults
from tests.browser.conftest import TONE
from tools.browser import PATIENCE, ROOT

WIDGET = "application/vnd.jupyter.widget-view+json"
START = """\
import sys; sys.path.insert(0, "..")
import hashlib, io
import matplotlib.pyplot as plt, numpy as np, pandas as pd
from helpers.show import interactive, microphone, plots
plots.use_style()
"""
FIGURE = """\
x = np.linspace(0, 10, 200)
fig, ax = plt.subplots(figsize=(6, 3))
line, = ax.plot(x, x, zorder=9)
note = ax.text(0.5, 0.9, "", zorder=10)
ax.set(xlim=(0, 10), ylim=(-1, 1), xlabel="time in s", ylabel="amplitude")
def update(frequency, size, absolute):
    line.set_ydata([size, abs(size)][absolute] * np.sin(2 * np.pi * frequency * x / 10))
    note.set_text(f"{frequency} periods, " + ["", "upright"][absolute])
    return line, note
interactive.explore(
    fig, update, sound=lambda **_: (np.zeros(8000), 8000), alt="A sine of 3 Hz.",
    frequency=interactive.slider(1, 9, 1, value=3, label="frequency", unit="Hz", drag=ax),
    size=interactive.choice([-1, 0.5, 1], value=1, label="size"),
    absolute=interactive.switch(label="absolute size"),
)
"""
DRAWN = """\
drawn = io.BytesIO()
fig.savefig(drawn, format="rgba", dpi="figure")
print(hashlib.sha256(drawn.getvalue()).hexdigest())
"""
RECORDER = """\
def answer(y, sr):
    peak = np.argmax(abs(np.fft.rfft(y))) * sr / len(y)
    return pd.DataFrame({f"near {peak:.0f} Hz": [0.0, 1.0]}, index=[0, len(y) / sr])
microphone.record(answer, "it-IT/carlo/vm-goodbye.ogg", alt="A line that rises.")
"""
PROGRESS = """\
from helpers.networks.progress import Progress
bar = Progress("GRU")
bar.set_params({"epochs": 2, "steps": 1})
bar.on_train_begin()
bar.on_epoch_end(1, {"accuracy": 0.75})
bar.on_train_end()
"""
PREDICTION = """\
from helpers import exercises
exercises.predict("What is 0.1 + 0.2?", {
    "0.3": (0.1 + 0.2 == 0.3, "No binary number is a tenth."),
    "A little more": (0.1 + 0.2 > 0.3, "By 2 to the power of -54."),
})
"""
OTHERS = """\
from helpers.show import listen
display(listen.players({"one": np.zeros(800), "two": np.zeros(800)}, 8000))
@exercises.checker
def check(answer):
    "Right."
    exercises.expect(answer, 4, "twice two")
check(5)
plots.show(plt.figure(figsize=(2, 1)), "Nothing.")
"""
FIGURE_AT, RECORDER_AT, PROGRESS_AT, PREDICTION_AT, OTHERS_AT = 1, 3, 4, 5, 6
PIXELS = """async canvas => {
  const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', data));
  return [...digest].map(byte => byte.toString(16).padStart(2, '0')).join('');
}"""
PICTURE = "async e => { await e.decode(); return [e.naturalWidth, e.naturalHeight]; }"
LISTEN = """window.reached = [];
document.addEventListener('keydown', ({key}) => window.reached.push(key))"""


def pixels(cell):
    """Return a digest of what is drawn on a figure's canvas."""
    return cell.locator("canvas").evaluate(PIXELS)


def changed(cell, before):
    """Wait until a figure shows something else; return whether it does."""
    begun = monotonic()
    while monotonic() - begun < PATIENCE:
        if pixels(cell) != before:
            return True
        cell.page.wait_for_timeout(50)
    return False


KEYS = {"range": ("End", "Home"), "select-one": ("ArrowUp", "ArrowDown"), "checkbox": ("Space",)}


def unmoved(page):
    """Move every control of every figure by keyboard; return what is nameless or stands still."""
    still, at = [], "e => [e.value, e.checked, e.selectedIndex]"
    for figure in page.locator(".living.explorer").all():
        figure.scroll_into_view_if_needed()
        for control in figure.locator(":is(input, select)").all():
            name = control.evaluate("e => e.labels[0]?.innerText.trim()")
            before, value = pixels(figure), control.evaluate(at)
            for key in KEYS[control.evaluate("e => e.type")]:
                if control.evaluate(at) == value:  # nothing yet, or it stands at that end
                    control.press(key)
            if not name or not changed(figure, before):
                still.append(name)
    return still


@pytest.fixture(scope="module")
def alive(notebook):
    """Return a notebook with one of each kind, run."""
    opened = notebook("kinds.ipynb", START, FIGURE, DRAWN, RECORDER, PROGRESS, PREDICTION, OTHERS)
    opened.run()
    opened.page.locator("canvas").wait_for()
    opened.page.locator(".recorder img").wait_for()
    opened.page.evaluate(LISTEN)
    return opened


def test_a_canvas_shows_the_pixels_that_matplotlib_draws(alive):
    printed = alive.cell(FIGURE_AT + 1).locator("pre").inner_text()
    assert pixels(alive.cell(FIGURE_AT)) == printed.strip()


@pytest.mark.parametrize(
    ("role", "name", "keys"),
    [
        ("slider", "frequency", ["ArrowRight", "ArrowLeft"]),
        ("slider", "frequency", ["End", "ArrowLeft"]),
        ("combobox", "size", ["ArrowUp", "ArrowUp"]),
        ("checkbox", "absolute size", ["Space", "Space"]),
    ],
)
def test_every_control_is_named_and_moves_the_figure_by_keyboard(alive, role, name, keys):
    cell = alive.cell(FIGURE_AT)
    control = cell.get_by_role(role, name=name)
    for key in keys:
        before = pixels(cell)
        control.press(key)
        assert changed(cell, before), key
    assert control.evaluate("e => e.ownerDocument.activeElement === e"), "and keeps the focus"


def test_every_control_is_reached_by_the_tab_key(alive):
    cell = alive.cell(FIGURE_AT)
    cell.get_by_role("slider").focus()
    reached = []
    for _ in range(4):
        reached.append(alive.page.evaluate("document.activeElement.type"))
        alive.page.keyboard.press("Tab")
    assert reached == ["range", "select-one", "checkbox", "button"]


def test_dragging_over_the_axes_moves_the_slider(alive):
    cell = alive.cell(FIGURE_AT)
    slider = cell.get_by_role("slider")
    canvas, reached = cell.locator("canvas"), []
    width = canvas.bounding_box()["width"]
    for part in (0.2, 0.9):
        before = pixels(cell)
        canvas.click(position={"x": part * width, "y": 100})
        assert changed(cell, before)
        reached.append(slider.input_value())
    assert int(reached[0]) <= 2 and reached[1] == "9"


ARROWS = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"]


@pytest.mark.parametrize(
    ("role", "kept", "passed"),
    [
        ("slider", ARROWS, [" ", "PageDown", "PageUp", "F1"]),
        ("combobox", [*ARROWS, "b"], ["PageDown", "PageUp", "F1"]),
        ("checkbox", [" "], ["PageDown", "PageUp", "F1"]),
    ],
)
def test_a_control_keeps_the_keys_that_it_uses_and_no_others(alive, role, kept, passed):
    control = alive.cell(FIGURE_AT).get_by_role(role)
    alive.page.evaluate("window.reached = []")
    for key in kept + passed:
        control.focus()
        alive.page.keyboard.press(key)
    assert alive.page.evaluate("window.reached") == passed


def test_escape_gives_the_focus_back_to_the_cell(alive):
    cell = alive.cell(FIGURE_AT)
    cell.get_by_role("slider").press("Escape")
    assert cell.evaluate("e => e === document.activeElement")
    alive.page.keyboard.press("ArrowDown")  # which is JupyterLab's again
    alive.cell(FIGURE_AT + 1).and_(alive.page.locator(".jp-mod-active")).wait_for()


def test_a_change_is_announced(alive):
    cell = alive.cell(FIGURE_AT)
    slider = cell.get_by_role("slider")
    slider.fill("7")
    assert slider.get_attribute("aria-valuetext") == "7 Hz"
    cell.locator(".spoken").filter(has_text="7 periods").wait_for(state="attached")
    assert cell.locator(".spoken").get_attribute("aria-live") == "polite"


def test_controls_grow_with_the_presentation_mode(alive):
    size = "e => parseFloat(getComputedStyle(e).fontSize)"
    slider = alive.cell(FIGURE_AT).locator("label").first
    button = alive.cell(RECORDER_AT).locator("button")
    before = [each.evaluate(size) for each in (slider, button)]
    alive.page.evaluate("document.body.classList.add('jp-mod-presentationMode')")
    after = [each.evaluate(size) for each in (slider, button)]
    alive.page.evaluate("document.body.classList.remove('jp-mod-presentationMode')")
    assert all(b > 1.15 * a for a, b in zip(before, after, strict=True)), (before, after)


def test_at_twice_the_size_nothing_is_cut_off(alive):
    alive.page.set_viewport_size({"width": 600, "height": 800})
    alive.page.wait_for_function(
        """() => [...document.querySelectorAll('.living *')].every(e =>
        e.getBoundingClientRect().right <= e.closest('.jp-Cell').getBoundingClientRect().right + 1)
        """
    )
    alive.page.set_viewport_size({"width": 1200, "height": 1600})


def test_the_recorder_hears_what_is_spoken(alive):
    cell = alive.cell(RECORDER_AT)
    cell.get_by_role("button", name="record").click()
    cell.get_by_role("button", name="stop").wait_for()
    alive.page.wait_for_timeout(1500)
    cell.get_by_role("button", name="stop").click()
    cell.get_by_role("status").filter(has_text="your recording: near").wait_for()
    heard = cell.get_by_role("status").inner_text().split("near ")[1].split(" Hz")[0]
    assert abs(float(heard) - TONE) < 5
    assert cell.locator("audio").get_attribute("aria-label") == "your recording"


def test_the_recorder_takes_a_file_instead(alive, tone):
    cell = alive.cell(RECORDER_AT)
    cell.get_by_label("or a file").set_input_files(tone)
    cell.get_by_role("status").filter(has_text=f"tone.wav: near {TONE} Hz 1.00").wait_for()


def replies(opened):
    """Choose both answers of the prediction, by keyboard; return which replies are seen."""
    asked = opened.cell(PREDICTION_AT).get_by_role("group", name="What is 0.1 + 0.2?")
    seen = [asked.locator("p:visible").all_inner_texts()]
    asked.locator("summary").first.focus()
    for key in ("Space", "Enter"):
        opened.page.keyboard.press(key)
        seen.append(asked.locator("p:visible").all_inner_texts())
        opened.page.keyboard.press("Tab")
    return seen


WRONG = "✗ You said “0.3”. No binary number is a tenth."
RIGHT = "✓ Right. By 2 to the power of -54."


def test_what_is_predicted_is_answered_by_keyboard(alive):
    assert replies(alive) == [[], [WRONG], [RIGHT]]


@pytest.mark.parametrize("theme", ["JupyterLab Dark", "JupyterLab Light"])
def test_nothing_keeps_anybody_from_using_what_a_cell_shows(alive, theme):
    change = "theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})"
    alive.page.evaluate(change, theme)
    is_shown = "theme => document.body.dataset.jpThemeName === theme"
    alive.page.wait_for_function(is_shown, arg=theme)
    # JupyterLab itself is left out; and it gives pictures no name: that stands beside them.
    assert faults(alive.page, [".jp-OutputArea-output"], without=["image-alt"]) == []
    beside = alive.cell(OTHERS_AT).locator(".jp-OutputArea-child:has(img) + *")
    assert beside.text_content() == "Nothing."


def test_nothing_went_wrong(alive):
    assert alive.errors == []


@pytest.fixture(scope="module")
def stored(alive):
    """Return what is stored of the notebook; its figure is left at 5 Hz."""
    cell = alive.cell(FIGURE_AT)
    cell.get_by_role("slider").fill("5")
    cell.locator(".spoken").filter(has_text="5 periods").wait_for(state="attached")
    notebook = alive.save()
    assert not alive.dirty
    return notebook


def test_a_picture_is_stored_and_not_the_view_of_a_widget(stored):
    for at in (FIGURE_AT, RECORDER_AT):
        kinds = [set(output.data) for output in stored.cells[at].outputs]
        assert kinds == [{"image/png", "text/plain"}, {"text/html", "text/plain"}]


def test_the_picture_is_described_as_it_was_left(stored):
    picture, beside = stored.cells[FIGURE_AT].outputs
    said = picture.data["text/plain"]
    assert said.startswith("A sine of 3 Hz. The figure was left at frequency: 5 Hz")
    assert picture.metadata["image/png"]["alt"] == said
    assert "Left at frequency: 5 Hz" in beside.data["text/html"]
    assert len(picture.data["image/png"]) < 100_000


@pytest.fixture(scope="module")
def reloaded(alive, stored, notebook):
    """Return the notebook, closed and opened again while its kernel lives."""
    alive.page.close()
    return notebook("kinds.ipynb")


def test_loaded_again_the_figure_is_alive_while_its_kernel_is(reloaded):
    cell = reloaded.cell(FIGURE_AT)
    slider = cell.get_by_role("slider", name="frequency")
    slider.wait_for()
    assert not reloaded.dirty
    assert slider.input_value() == "5"
    before = pixels(cell)
    slider.press("ArrowRight")
    assert changed(cell, before)
    reloaded.cell(RECORDER_AT).get_by_role("button", name="record").wait_for()


def test_when_the_kernel_restarts_the_line_is_seen(reloaded):
    line = reloaded.cell(FIGURE_AT).locator(".still")
    assert line.is_hidden()
    reloaded.page.evaluate(
        "() => window.jupyterapp.shell.currentWidget.sessionContext.restartKernel()"
    )
    line.wait_for()


@pytest.fixture(scope="module")
def next_day(reloaded, stored, notebook):
    """Return the notebook, opened when the kernel has gone."""
    reloaded.quit()
    opened = notebook("kinds.ipynb")
    opened.page.wait_for_timeout(2_500)  # JupyterLab looks for a model that long
    return opened


@pytest.fixture(scope="module")
def sent(stored, course, notebook):
    """Return the notebook as it opens for somebody else, whose JupyterLab does not trust it."""
    path = course.folder / "notebooks" / "kinds.ipynb"
    text = path.read_text(encoding="utf-8")
    (path.parent / "sent.ipynb").write_text(text.replace("hashlib, io", "io, hashlib"))
    return notebook("sent.ipynb")


@pytest.mark.parametrize("place", ["next_day", "sent"])
@pytest.mark.parametrize(
    ("at", "begins", "ends"),
    [
        (FIGURE_AT, "Left at frequency: 5 Hz", ". Run this cell, and the figure moves."),
        (
            RECORDER_AT,
            "This is the answer to an example.",
            "Run this cell to record your own voice.",
        ),
    ],
)
def test_without_its_kernel_a_picture_is_seen_and_a_line(request, place, at, begins, ends):
    opened = request.getfixturevalue(place)
    cell = opened.cell(at)
    width, height = cell.locator(".jp-OutputArea-output img").evaluate(PICTURE)
    assert width > 300 and height > 200
    line = cell.locator(".still")
    assert line.is_visible()
    assert line.inner_text().startswith(begins) and line.inner_text().endswith(ends)
    assert cell.get_by_text("widget").count() == 0, "no error, nothing that loads"


@pytest.mark.parametrize("place", ["next_day", "sent"])
def test_without_its_kernel_a_progress_bar_says_how_it_ended(request, place):
    cell = request.getfixturevalue(place).cell(PROGRESS_AT)
    assert "GRU: epoch 2, accuracy: training 0.750" in cell.inner_text()


@pytest.mark.parametrize("place", ["next_day", "sent"])
def test_what_is_predicted_is_answered_without_a_kernel_and_without_trust(request, place):
    opened = request.getfixturevalue(place)
    none, one, both = replies(opened)
    # Where JupyterLab does not trust the notebook, the first reply stays beside the second.
    assert (none, one) == ([], [WRONG]) and both in ([RIGHT], [WRONG, RIGHT])
    assert not opened.dirty


@pytest.mark.parametrize("place", ["next_day", "sent"])
def test_a_description_that_is_only_read_out_is_no_stop_of_the_tab_key(request, place):
    page = request.getfixturevalue(place).page
    tall = "all => all.filter(e => e.scrollHeight > e.clientHeight).map(e => e.innerHTML)"
    assert page.locator(".jp-RenderedHTML").evaluate_all(tall) == []


def test_the_next_day_nothing_went_wrong_and_nothing_is_to_be_saved(next_day):
    assert next_day.errors == [] and not next_day.dirty


def test_a_figure_that_starts_late_answers(notebook):
    """Two seconds are what anywidget gives it; here, none."""
    none = """AbortSignal.timeout = () => {
        const given = new AbortController();
        setTimeout(() => given.abort());
        return given.signal;
    }"""
    late = notebook("late.ipynb", START, FIGURE, RECORDER, script=none)
    late.run()
    figure, recorder = late.cell(FIGURE_AT), late.cell(FIGURE_AT + 1)
    figure.locator("canvas").wait_for()
    before = pixels(figure)
    figure.get_by_role("slider").press("End")
    assert changed(figure, before)
    data = {"name": "words.wav", "mimeType": "audio/wav", "buffer": b"Dear diary"}
    recorder.get_by_label("or a file").set_input_files(data)
    recorder.get_by_role("status").filter(has_text="no known format").wait_for()


@pytest.fixture(scope="module")
def reading(notebook):
    """Return a notebook whose page opens others, which takes less than a page for each."""
    return notebook("opening.ipynb", "")


ONE_OF_EACH = ("00", "04", "11", "detour_hop", "glossary")  # widgets, a microphone, none, no code
COURSE = [
    pytest.param(
        path.relative_to(ROOT).as_posix(),
        marks=[] if path.stem.startswith(ONE_OF_EACH) else pytest.mark.exhaustive,
        id=path.stem,
    )
    for path in sorted(ROOT.glob("notebooks/*.ipynb"))
]


@pytest.mark.parametrize("path", COURSE)
def test_opening_a_notebook_of_the_course_changes_nothing(path, reading, course):
    """JupyterLab writes into a notebook once its kernel answers."""
    assert not reading.is_changed_by_opening(path)
    assert (course.folder / path).read_bytes() == (ROOT / path).read_bytes()
