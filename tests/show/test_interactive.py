"""Interactive figures send the very pixels that Matplotlib draws, and leave a picture behind."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from matplotlib.backends.backend_agg import FigureCanvasAgg

from helpers.show import interactive

X = np.linspace(0, 1, 50)
WIDGET = "application/vnd.jupyter.widget-view+json"


def unpack(picture):
    """Read the format as the front end does, bit by bit."""
    shape = picture["height"], picture["width"]
    bits = np.unpackbits(np.frombuffer(picture["pixels"], np.uint8, -(-np.prod(shape) // 8)))
    colours = np.frombuffer(picture["pixels"][len(bits) // 8 :], np.uint32)
    pixels = colours[np.cumsum(bits[: np.prod(shape)]) - 1]
    return pixels.view(np.uint8).reshape(*shape, 4)


def drawn(fig):
    """Draw a figure in full, as Matplotlib does without us."""
    for artist in fig.findobj():
        artist.set_animated(False)
    canvas = FigureCanvasAgg(fig)
    canvas.draw()
    return np.array(canvas.buffer_rgba())


def explorer(fig, update, sound=None, alt="A line.", **controls):
    controls = controls or {"k": interactive.slider(0, 5, 1, value=2, label="k")}
    return interactive.Explorer(fig, update, alt, sound, controls)


@pytest.fixture
def figure():
    fig, ax = plt.subplots(figsize=(4, 2), dpi=50)
    (line,) = ax.plot(X, X, zorder=9)  # what moves is drawn last
    yield fig, ax, line
    plt.close(fig)


@given(arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(4))))
def test_packing_loses_nothing(rgba):
    picture = {"pixels": interactive.pack(rgba), "height": len(rgba), "width": len(rgba[0])}
    np.testing.assert_array_equal(unpack(picture), rgba)


def test_repeated_pixels_cost_an_eighth_of_a_byte():
    assert len(interactive.pack(np.zeros((80, 100, 4), np.uint8))) == 1_000 + 4


@pytest.mark.parametrize(
    "what", ["line", "title", "limits", "patch", "not returned", "new", "text"]
)
def test_what_is_sent_is_what_matplotlib_draws(figure, what):
    fig, ax, line = figure
    span, note = ax.axvspan(0, 0.2, alpha=0.5, zorder=8), ax.text(0.1, 0.8, "$x^2$", zorder=10)

    def update(k):
        if what == "title":
            ax.set_title(f"{k} turns")
        elif what == "limits":
            ax.set_ylim(-k - 1, k + 1)
        elif what == "patch":
            span.set_x(k / 10)
        elif what == "new":
            ax.lines[-1].remove()
            return *ax.plot(X, np.cos(k * X), zorder=9), note
        elif what == "text":
            note.set_text(f"$k^{k}$")
        line.set_ydata(np.sin(k * X))
        return None if what == "not returned" else [(line, span), note]

    shown = explorer(fig, update)
    first = unpack(shown.picture)
    shown._answer({"values": {"k": 4}})
    assert shown.picture["error"] == ""
    sent = unpack(shown.picture)
    assert np.any(sent != first)
    np.testing.assert_array_equal(sent, drawn(fig))


def test_a_moving_image_hides_nothing_that_lies_above_it():
    fig, ax = plt.subplots(figsize=(4, 2), dpi=50)
    image = ax.imshow(np.zeros((5, 5)), vmin=0, vmax=5, aspect="auto")
    ax.plot([0, 4], [0, 4], "w", linewidth=5)
    ax.set(xticks=[], yticks=[])

    def update(k):
        image.set_data(np.full((5, 5), k))
        return image

    shown = explorer(fig, update)
    shown._answer({"values": {"k": 4}})
    np.testing.assert_array_equal(unpack(shown.picture), drawn(fig))


def test_update_meets_the_values_of_its_controls(figure):
    fig, _, line = figure
    met = []
    shown = explorer(
        fig,
        lambda **values: met.append(values) or line,
        position=interactive.slider(0, 1, 0.1, value=0.5, label="position"),
        size=interactive.choice({"small": 256, "large": 512}, value=512, label="size"),
        log=interactive.switch(label="log"),
    )
    shown._answer({"values": {"position": 0.7, "size": 0, "log": True}})
    assert met == [
        {"position": 0.5, "size": 512, "log": False},
        {"position": 0.7, "size": 256, "log": True},
    ]
    assert shown.picture["values"] == {"position": 0.7, "size": 0, "log": True}


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_dragging_moves_a_slider_to_the_data_under_the_pointer(figure, scale):
    fig, ax, line = figure
    ax.set(xscale=scale, xlim=(0.01, 1))
    position = interactive.slider(0, 1, 0.001, value=0.5, label="position", drag=ax)
    shown = explorer(fig, lambda position: line, position=position)
    left, top, right, bottom = shown.picture["areas"]["position"]
    assert 0 < left < right <= 1 and 0 <= top < bottom < 1
    shown._answer({"drag": ["position", (left + right) / 2]})
    middle = 0.505 if scale == "linear" else 0.1
    assert shown.picture["values"]["position"] == pytest.approx(middle, abs=0.001)
    shown._answer({"drag": ["position", 9.0]})
    assert shown.picture["values"]["position"] == 1


@given(st.integers(1, 9), st.integers(0, 40), st.floats(-5, 50))
def test_a_slider_stays_on_its_grid(step, width, raw):
    made = interactive.slider(0, step + width, step, value=0, label="n")
    assert isinstance(made.read(raw), int)
    assert made.read(raw) in range(0, step + width + 1, step)


def test_a_dense_screen_gets_denser_pixels(figure):
    fig, _, line = figure
    shown = explorer(fig, lambda k: line)
    shown._answer({"ratio": 2})
    assert (shown.picture["width"], shown.picture["height"]) == (400, 200)
    np.testing.assert_array_equal(unpack(shown.picture), drawn(fig))


def test_an_error_is_said_and_the_next_change_recovers(figure):
    fig, _, line = figure

    def update(k):
        line.set_ydata(X / (k - 3) if k != 3 else [][0])
        return line

    shown = explorer(fig, update)
    shown._answer({"values": {"k": 3}})
    assert shown.picture["error"] == "IndexError: list index out of range"
    assert shown.picture["values"] == {"k": 3}, "or the slider would jump back"
    shown._answer({"values": {"k": 4}})
    assert shown.picture["error"] == ""


def test_every_answer_is_sent_though_the_picture_is_the_same(figure):
    fig, _, line = figure
    shown = explorer(fig, lambda k: line)
    before = shown.picture
    shown._answer({"values": {"k": 2}})
    assert shown.picture != before and shown.picture["pixels"] == before["pixels"]


def test_play_sends_the_samples_of_the_moment(figure, monkeypatch):
    fig, _, line = figure
    shown = explorer(fig, lambda k: line, lambda k: (np.full(9, k / 8), 8_000))
    sent = []
    monkeypatch.setattr(shown, "send", lambda content, buffers: sent.append((content, buffers)))
    shown._answer({"values": {"k": 4}})
    shown._answer({"play": True})
    [(content, [samples])] = sent
    assert content == {"sr": 8_000}
    np.testing.assert_array_equal(np.frombuffer(samples, np.float32), np.full(9, 0.5))


def test_a_picture_with_its_description_is_left_where_no_kernel_runs(figure):
    fig, _, line = figure
    data, metadata = explorer(fig, lambda k: line)._repr_mimebundle_()
    assert set(data) == {WIDGET, "image/png", "text/plain"}
    assert data["text/plain"] == metadata["image/png"]["alt"] == "A line."
    assert not plt.fignum_exists(fig.number), "or the notebook shows it twice"


@pytest.mark.parametrize(
    ("make", "error", "complaint"),
    [
        (lambda: interactive.slider(1, 0, 0.1, value=0, label="n"), ValueError, "n: no slider"),
        (lambda: interactive.slider(0, 1, 0, value=0, label="n"), ValueError, "n: no slider"),
        (lambda: interactive.slider(0, 1, 0.1, value=2, label="n"), ValueError, "not reached"),
        (lambda: interactive.slider(0, 1, 0.1, value=0.15, label="n"), ValueError, "not reached"),
        (lambda: interactive.slider(0, 1, 0.3, value=1, label="n"), ValueError, "not reached"),
        (lambda: interactive.choice([], label="n"), ValueError, "n: no options"),
        (
            lambda: interactive.choice([1, 2], value=3, label="n"),
            ValueError,
            "not one of the options",
        ),
    ],
)
def test_a_control_that_cannot_be_is_refused(make, error, complaint):
    with pytest.raises(error, match=complaint):
        make()


@pytest.mark.parametrize(
    ("given", "error", "complaint"),
    [
        ({"alt": " "}, ValueError, "alt is empty"),
        ({"update": 3}, TypeError, "update is 3"),
        ({"update": lambda n: None}, TypeError, "update does not take k"),
        ({"sound": lambda n: None}, TypeError, "sound does not take k"),
        ({"update": lambda k: "line"}, TypeError, "must return the Matplotlib artists"),
        ({"update": lambda k: plt.Line2D([], [])}, ValueError, "not part of this figure"),
        ({"k": 5}, TypeError, "k is 5; make it with slider"),
    ],
)
def test_what_cannot_move_is_refused(figure, given, error, complaint):
    fig, _, line = figure
    with pytest.raises(error, match=complaint):
        explorer(**{"fig": fig, "update": lambda k: line, **given})


def test_a_figure_without_controls_is_refused(figure):
    with pytest.raises(ValueError, match="no controls"):
        interactive.explore(figure[0], lambda: None, alt="A line.")
