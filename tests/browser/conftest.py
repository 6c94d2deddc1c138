"""The course in a real browser; where there is none, one line says so."""

from pathlib import Path

import nbformat
import numpy as np
import pytest
import soundfile

from tools import browser as real

TONE = 440  # hertz: what the pretended microphone hears
WITHOUT = real.missing()


def pytest_collection_modifyitems(items):
    """Skip what needs a browser where there is none."""
    if WITHOUT:
        for item in items:
            if Path(__file__).parent in item.path.parents:
                item.add_marker(pytest.mark.skip(reason=WITHOUT))


@pytest.fixture(scope="session")
def course():
    """Return a JupyterLab that serves a copy of the course."""
    with real.serve() as served:
        yield served


@pytest.fixture(scope="session")
def tone(tmp_path_factory):
    """Return the path of a recording: one second of a tone."""
    path = tmp_path_factory.mktemp("heard") / "tone.wav"
    t = np.arange(48_000) / 48_000
    soundfile.write(path, 0.3 * np.sin(2 * np.pi * TONE * t), 48_000)
    return path


@pytest.fixture(scope="session")
def browser(tone):
    """Return Chromium with a microphone that hears the tone."""
    flags = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    flags += [
        f"--use-file-for-fake-audio-capture={tone}",
        "--autoplay-policy=no-user-gesture-required",
    ]
    with real.browse(*flags) as chromium:
        yield chromium


@pytest.fixture(scope="session")
def notebook(course, browser):
    """Return a function that writes a notebook, if cells are given, and opens it.

    A script is run in the page before anything of JupyterLab is.
    """
    opened = []

    def open_it(name, *cells, script="", **page):
        if cells:
            kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
            written = nbformat.v4.new_notebook(metadata={"kernelspec": kernelspec})
            written.cells = [nbformat.v4.new_code_cell(source) for source in cells]
            nbformat.write(written, course.folder / "notebooks" / name)
        page = browser.new_page(**{"viewport": {"width": 1200, "height": 1600}, **page})
        page.add_init_script(script)
        opened.append(page)
        return real.Notebook(page, course, f"notebooks/{name}")

    yield open_it
    for page in opened:
        page.close()  # for the second time, if a test has done so
