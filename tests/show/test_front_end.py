"""The JavaScript of the widgets, run by Node as the browser runs it."""

import base64
import json
import shutil
import subprocess

import numpy as np
import pytest

from helpers.show import interactive, microphone

WIDGET = "application/vnd.jupyter.widget-view+json"
pytestmark = pytest.mark.skipif(not shutil.which("node"), reason="no Node to run JavaScript")


def run(tmp_path, body, given, module=interactive.Explorer):
    """Return what JavaScript makes of what is given, having a widget's own functions at hand."""
    (tmp_path / "front_end.mjs").write_text(module._esm, encoding="utf-8")
    script = 'import front, * as own from "./front_end.mjs";\n'
    script += "const chunks = []; for await (const part of process.stdin) chunks.push(part);\n"
    script += "const given = JSON.parse(Buffer.concat(chunks));\n"
    script += f"const answer = async () => {{ {body} }};\n"
    script += "console.log(JSON.stringify(await answer()));\n"
    (tmp_path / "run.mjs").write_text(script, encoding="utf-8")
    done = subprocess.run(
        ["node", "run.mjs"], cwd=tmp_path, input=json.dumps(given), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("module", [interactive.Explorer, microphone.Recorder])
def test_a_widget_is_what_anywidget_calls(tmp_path, module):
    body = "return Object.entries(front).map(([name, value]) => [name, typeof value]);"
    assert run(tmp_path, body, None, module) == [["initialize", "function"], ["render", "function"]]


def test_the_browser_unpacks_what_was_packed(tmp_path):
    rng = np.random.default_rng(0)
    sizes = [(1, 1), (1, 8), (3, 3), (8, 8), (7, 9), (20, 31)]
    pictures = [rng.integers(0, 256, (*size, 4), np.uint8) for size in sizes]
    pictures += [rng.choice(np.array([0, 255], np.uint8), (9, 9, 4)), np.zeros((5, 5, 4), np.uint8)]
    packed = [
        [base64.b64encode(interactive.pack(rgba)).decode(), rgba.shape[0] * rgba.shape[1]]
        for rgba in pictures
    ]
    body = """return given.map(([packed, size]) => {
        const padded = Buffer.concat([Buffer.alloc(3), Buffer.from(packed, "base64")]);
        const data = new DataView(padded.buffer, padded.byteOffset + 3, padded.length - 3);
        const pixels = new Uint32Array(size);
        own.unpack(data, pixels);
        return [...new Uint8Array(pixels.buffer)];
    });"""
    for rgba, unpacked in zip(pictures, run(tmp_path, body, packed), strict=True):
        np.testing.assert_array_equal(np.reshape(unpacked, rgba.shape), rgba)


TURNS = """const sent = [], { ask, answered, end } = own.turns((q) => sent.push(q), 200);
    const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));"""


def test_one_question_is_asked_at_a_time_and_the_last_word_of_what_came_meanwhile(tmp_path):
    body = (
        TURNS
        + """ask({ a: 1 }); ask({ a: 2, b: 0 }); ask({ a: 3 });
        const first = [...sent], more = [answered(), answered()];
        return [first, more, sent];"""
    )
    first, more, sent = run(tmp_path, body, None)
    assert (first, more) == ([{"a": 1}], [True, False])
    assert sent == [{"a": 1}, {"a": 3, "b": 0}]


def test_what_waits_for_an_answer_that_was_lost_is_asked_without_another_touch(tmp_path):
    body = TURNS + "ask({ a: 1 }); ask({ a: 2 }); await wait(600); return sent;"
    assert run(tmp_path, body, None) == [{"a": 1}, {"a": 2}]


def test_an_answer_that_is_late_holds_nothing_back(tmp_path):
    body = TURNS + "ask({ a: 1 }); await wait(600); ask({ a: 2 }); answered(); ask({ a: 3 });"
    assert run(tmp_path, body + "return sent;", None) == [{"a": n} for n in (1, 2, 3)]


def test_a_figure_that_is_gone_asks_nothing(tmp_path):
    body = TURNS + "ask({ a: 1 }); ask({ a: 2 }); end(); await wait(600); return sent;"
    assert run(tmp_path, body, None) == [{"a": 1}]


def output(mimes, metadata=None):
    return {"output_type": "display_data", "data": mimes, "metadata": metadata or {}}


def shown(alt="A wave.", line="Run it.", **mimes):
    """Return the outputs of a widget, as a notebook holds them while it is alive."""
    view = {"model_id": "m1", "version_major": 2}
    live = {WIDGET: view, "image/png": "cG5n", "text/plain": alt} | mimes
    beside = {"text/html": f'<p class="still" style="margin:0">{line}</p><div>{alt}</div>'}
    return [output(live, {"image/png": {"alt": alt}}), output(beside)]


STILLED = """const left = given.left && { ...given.left, png: () => "bW92ZWQ=" };
    const stills = new Map(left ? [["m1", () => left]] : []);
    return own.stilled(given.outputs, stills);"""


def stilled(tmp_path, outputs, left=None):
    return run(tmp_path, STILLED, {"outputs": outputs, "left": left})


def test_a_view_is_stored_as_its_picture_and_noted_in_the_metadata(tmp_path):
    live, beside = shown()
    stored = stilled(tmp_path, [live, beside])
    assert stored[0]["data"] == {"image/png": "cG5n", "text/plain": "A wave."}
    assert stored[0]["metadata"] == {"image/png": {"alt": "A wave."}, WIDGET: live["data"][WIDGET]}
    assert stored[1] == beside


def test_a_figure_is_stored_as_it_was_left(tmp_path):
    left = {"alt": "A wave. It was left at n: 3.", "line": "Left at n < 3. Run it."}
    picture, beside = stilled(tmp_path, shown(), left)
    assert picture["data"] == {"image/png": "bW92ZWQ=", "text/plain": left["alt"]}
    assert picture["metadata"]["image/png"] == {"alt": left["alt"]}
    assert 'margin:0">Left at n &lt; 3. Run it.</p><div>' in beside["data"]["text/html"]


def test_a_figure_that_was_not_moved_keeps_its_picture(tmp_path):
    left = {"alt": "A wave.", "line": "Run it."}
    assert stilled(tmp_path, shown(), left) == stilled(tmp_path, shown())


@pytest.mark.parametrize(
    "other",
    [
        output({WIDGET: {"model_id": "m2"}, "text/plain": "a widget without a picture"}),
        output({"image/png": "cG5n", "text/plain": "a picture"}),
        output({"text/html": '<p class="still">of nobody</p>'}),
        {"output_type": "stream", "name": "stdout", "text": "words"},
        {"output_type": "error", "ename": "E", "evalue": "", "traceback": []},
    ],
)
def test_what_is_not_ours_is_stored_as_it_is(tmp_path, other):
    assert stilled(tmp_path, [other]) == [other]
