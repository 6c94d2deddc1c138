"""The pages: their order, their descriptions, and the states in which a figure was drawn."""

import base64
import copy
import io
import itertools
import json

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
import soundfile
from PIL import Image

from helpers import ROOT
from helpers.show import interactive, plots
from tools.website import figures, sources

T = np.arange(4000) / 16_000


def tone(**controls):
    """Return a living figure: a tone whose frequency is a slider, and whose height a choice."""
    fig, ax = plt.subplots(figsize=(4, 2))
    (line,) = ax.plot(1000 * T[:160], np.zeros(160))
    ax.set_ylim(-1, 1)

    def update(frequency, height):
        line.set_ydata(height * np.sin(2 * np.pi * frequency * T[:160]))
        return line

    def sound(frequency, height):
        return 0.3 * np.sin(2 * np.pi * frequency * T), 16_000

    controls = {
        "frequency": interactive.slider(100, 1000, 10, value=440, label="frequency", drag=ax),
        "height": interactive.choice([0.5, 1.0], value=1.0, label="height"),
    } | controls
    return interactive.Explorer(fig, update, "A tone.", sound, controls)


def two_tones():
    """Return a living figure of two sliders and a switch: a tone of two parts."""
    fig, ax = plt.subplots(figsize=(4, 2))
    (line,) = ax.plot(1000 * T[:160], np.zeros(160))
    ax.set_ylim(-1, 1)

    def update(low, high, loud):
        y = np.sin(2 * np.pi * low * T[:160]) + 0.5 * np.sin(2 * np.pi * high * T[:160])
        line.set_ydata((0.6 if loud else 0.2) * y)
        return line

    controls = {
        "low": interactive.slider(100, 500, 10, value=200, label="low"),
        "high": interactive.slider(500, 1000, 10, value=700, label="high"),
        "loud": interactive.switch(label="loud"),
    }
    return interactive.Explorer(fig, update, "Two tones.", None, controls)


def stored(path):
    """Return what a figure's script hands to the page."""
    script = path.read_text(encoding="utf-8")
    name, figure = json.loads(f"[{script[script.index('(') + 1 : script.rindex(')')]}]")
    assert name == path.stem
    return figure


def shown(figure, state):
    """Return the picture of a state, put together as the page does."""
    picture = Image.open(io.BytesIO(base64.b64decode(figure["base"]))).convert("RGB")
    if "picture" in state:
        part = Image.open(io.BytesIO(base64.b64decode(state["picture"])))
        picture.paste(part, (state["x"], state["y"]))
    return np.asarray(picture, dtype=float)


def test_each_state_is_the_picture_and_the_sound_that_the_kernel_would_send(tmp_path, monkeypatch):
    monkeypatch.setattr(figures, "LARGEST", 200_000)
    explorer = tone()
    kept = figures.keep(explorer, tmp_path / "tone.js", "tone")
    figure = stored(tmp_path / "tone.js")
    assert kept["bytes"] == (tmp_path / "tone.js").stat().st_size <= 200_000
    assert kept["states"] == len(figure["states"]) == np.prod(figure["counts"])
    spec = figure["controls"]["frequency"]
    frequencies = np.arange(spec["minimum"], spec["maximum"] + 1, spec["step"])
    assert len(frequencies) == figure["counts"][0] >= figures.FEWEST and 440 in frequencies
    for state, (frequency, height) in zip(
        figure["states"], itertools.product(frequencies, (0, 1)), strict=True
    ):
        live = explorer.state({"frequency": frequency, "height": height})
        error = np.sqrt(np.mean((shown(figure, state) - live["rgb"]) ** 2))
        assert error < 8  # of 255; two states are 20 apart
        y, sr = soundfile.read(io.BytesIO(base64.b64decode(figure["sounds"][state["sound"]])))
        spectrum = np.abs(np.fft.rfft(y[:sr]))
        assert abs(np.argmax(spectrum) * sr / len(y[:sr]) - frequency) < 5
    # The height changes no sound, so each frequency's is stored once.
    assert len(figure["sounds"]) == len(frequencies)


def test_where_all_combinations_are_too_many_one_control_moves_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr(figures, "LARGEST", 200_000)
    explorer = two_tones()
    kept = figures.keep(explorer, tmp_path / "two.js", "two")
    figure = stored(tmp_path / "two.js")
    low, high, loud = figure["counts"]
    assert figure["alone"] and low >= figures.FEWEST <= high and loud == 2
    assert kept["states"] == len(figure["states"]) == low + high + loud
    specs = figure["controls"]
    swept = {
        name: specs[name]["minimum"] + specs[name]["step"] * np.arange(count)
        for name, count in (("low", low), ("high", high))
    }
    assert {200} <= set(swept["low"]) and {700} <= set(swept["high"])
    raw = [
        {"low": 200, "high": 700, "loud": False} | {name: value}
        for name, values in (swept | {"loud": [False, True]}).items()
        for value in values
    ]
    for state, one in zip(figure["states"], raw, strict=True):
        live = explorer.state(one)
        assert np.sqrt(np.mean((shown(figure, state) - live["rgb"]) ** 2)) < 8


def test_a_point_that_is_dragged_is_the_value_under_the_pointer(tmp_path, monkeypatch):
    monkeypatch.setattr(figures, "LARGEST", 200_000)
    explorer = tone()
    figures.keep(explorer, tmp_path / "tone.js", "tone")
    left, right = stored(tmp_path / "tone.js")["edges"]["frequency"]
    ax = explorer.parts["frequency"].drag
    middle = ax.transData.inverted().transform((0.5 * ax.figure.bbox.width, 0))[0]
    assert left + 0.5 * (right - left) == pytest.approx(middle)


def test_a_figure_too_rich_for_a_page_stands_still(tmp_path, monkeypatch):
    monkeypatch.setattr(figures, "LARGEST", 20_000)
    path = tmp_path / "tone.js"
    assert figures.keep(tone(), path, "tone")["states"] == 0 and not path.exists()


def test_a_logarithmic_axis_cannot_be_dragged_on_a_page():
    explorer = tone()
    explorer.parts["frequency"].drag.set_xscale("log")
    with pytest.raises(ValueError, match="linear"):
        explorer.state({"frequency": 440, "height": 1})


def test_the_menu_has_every_notebook_once_in_the_order_of_the_map():
    start = nbformat.read(ROOT / "notebooks" / "00_start_here.ipynb", as_version=4)
    names = {path.stem for path in (ROOT / "notebooks").glob("*.ipynb")}
    menu = [line for line in sources.toctrees(start, names).split("\n") if line in names]
    assert sorted(menu) == sorted(names - {"00_start_here"})
    assert menu[:12] == sorted(menu[:12]) and menu[0].startswith("01")
    assert menu[-1] == "glossary"


@pytest.fixture
def page():
    """Return a notebook with a picture, a living figure and a folded solution."""
    dot = io.BytesIO()
    Image.new("RGB", (2, 2)).save(dot, "PNG")
    png = base64.b64encode(dot.getvalue()).decode()
    output = nbformat.v4.new_output
    picture = output("display_data", {"image/png": png, "text/plain": 'a "dot" < b'})
    said = output("display_data", {"text/html": plots.unseen("a dot")})
    line = '<p class="still" style="margin:0">Run this cell.</p>'
    living = output("display_data", {"text/html": line + plots.unseen("a dot")})
    folded = {"jupyter": {"source_hidden": True}, "tags": ["solution"]}
    cell = nbformat.v4.new_code_cell
    return nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_markdown_cell("# Dots"),
            cell("plots.show(fig, alt)", outputs=[picture, said]),
            cell("interactive.explore(fig)", outputs=[copy.deepcopy(picture), living]),
            cell("x = 1", metadata=folded),
        ]
    )


@pytest.mark.parametrize("script", ["dots-0", None])
def test_pictures_carry_their_description_once(page, tmp_path, script):
    made = sources.prepared(page, "dots", [script], tmp_path)
    first, second = (cell.outputs[0].data["text/html"] for cell in made.cells[1:3])
    for shown_, number in ((first, 1), (second, 2)):
        assert f'src="_static/pictures/dots-{number}-0.png"' in shown_
        assert 'alt="a &quot;dot&quot; &lt; b"' in shown_
        with Image.open(tmp_path / f"dots-{number}-0.png") as dot:
            assert dot.size == (2, 2)
    assert "data-figure" not in first
    assert ('data-figure="dots-0"' in second) == (script is not None)
    assert (sources.ALIVE in second) == (script is None)
    # What says the same a second time, and what asks to run a cell, is not on the page.
    assert [len(cell.outputs) for cell in made.cells[1:3]] == [1, 1]
    assert "hide-input" in made.cells[3].metadata.tags
