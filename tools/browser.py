"""The course in JupyterLab, in Chromium: for what only a real browser can show.

`serve` starts what ``make lab`` starts, with its settings, on a copy that is thrown away; nothing
of the user's own Jupyter is read or written. `browse` starts Chromium (``CHROMIUM=path`` names
another than Debian's), and `Notebook` does what somebody at the keyboard would.
"""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep

import nbformat

ROOT = Path(__file__).resolve().parent.parent
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
PATIENCE = 120
"""Seconds that anything may take: a machine under load is ten times slower than an idle one."""
TRAINING = 1800
"""Seconds that all cells of a notebook may take."""
LATE = "[anywidget] Failed to initialize model."
"""What anywidget says of a widget that starts late, as on a busy machine; `hear` in
``helpers/show/widget.js`` lets it work all the same."""
COURSE = shutil.ignore_patterns(".*", "build", "handout", "speech", "__pycache__")
"""What is no part of the copy: hidden files, what was built, and the clips, which are linked."""


def missing() -> str:
    """Return in one line what is missing for a real browser, or nothing."""
    if not Path(CHROMIUM).exists():
        return f"no Chromium at {CHROMIUM}; install it, or say CHROMIUM=path"
    try:
        import playwright  # noqa: F401
    except ImportError:
        return "no playwright; install the course's development packages"
    return ""


@dataclass
class Lab:
    """A JupyterLab that runs, where it is, and the folder that it shows."""

    address: str
    token: str
    folder: Path

    def url(self, path: str, query: str = "reset") -> str:
        """Return the address of a notebook, shown alone."""
        return f"{self.address}/doc/tree/{path}?token={self.token}&{query}"

    def answers(self) -> bool:
        """Return whether the server is up."""
        try:
            urllib.request.urlopen(f"{self.address}/api/status?token={self.token}", timeout=2)
        except (urllib.error.URLError, OSError):
            return False
        return True


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def _environment(private: Path) -> dict[str, str]:
    """Return the environment of a JupyterLab that shares nothing with the user's own."""
    names = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
    names += ("JUPYTERLAB_SETTINGS_DIR", "JUPYTERLAB_WORKSPACES_DIR")
    return os.environ | {name: str(private / name.lower()) for name in names}


@contextmanager
def serve() -> Iterator[Lab]:
    """Serve a copy of the course, as ``make lab`` does, until the context ends.

    Raises
    ------
    RuntimeError
        If it does not answer within two minutes, with what it said.
    """
    with tempfile.TemporaryDirectory(prefix="lab-") as place:
        folder, said = Path(place, "course"), Path(place, "said.txt")
        shutil.copytree(ROOT, folder, ignore=COURSE)
        (folder / "assets" / "speech").symlink_to(ROOT / "assets" / "speech")
        port, token = _free_port(), secrets.token_hex(8)
        lab = Lab(f"http://127.0.0.1:{port}", token, folder)
        options = ["--allow-root", f"--IdentityProvider.token={token}"]
        options += ["--ServerApp.port_retries=0", "--LabApp.expose_app_in_browser=True"]
        command = [sys.executable, "-m", "tools.lab", f"--port={port}", "--no-browser", *options]
        with said.open("w") as out:
            server = subprocess.Popen(
                command, cwd=folder, env=_environment(Path(place)), stdout=out, stderr=out,
                start_new_session=True,
            )  # fmt: skip
        try:
            begun = monotonic()
            while not lab.answers():
                if server.poll() is not None or monotonic() - begun > PATIENCE:
                    raise RuntimeError(f"JupyterLab does not start: {said.read_text()[-2000:]}")
                sleep(0.1)
            yield lab
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(server.pid, signal.SIGKILL)
                server.wait()


@contextmanager
def browse(*flags: str) -> Iterator:
    """Start Chromium; yield Playwright's ``Browser``."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=CHROMIUM, args=[*FLAGS, *flags], timeout=PATIENCE * 1000
        )
        try:
            yield browser
        finally:
            browser.close()


IN_TIME = """argument => Promise.race([
  (%s)(argument),
  new Promise((_, late) => setTimeout(() => late(new Error("not within %d s: %s")), 1000 * %d)),
])"""
"""Ends a wait that Playwright would carry on for ever: that for a promise in the page."""
OPEN = """async () => {
  const app = window.jupyterapp; await app.restored;
  const panel = app.shell.currentWidget;
  await panel.context.ready;
  await panel.sessionContext.ready;  // with a new kernel, or the notebook's, if it still runs
  await panel.sessionContext.session.kernel.info;
}"""

OPENED = """async path => {
  const panel = await window.jupyterapp.commands.execute("docmanager:open", {path});
  await panel.context.ready;
  await panel.sessionContext.ready;
  await panel.sessionContext.session.kernel.info;
  await new Promise(done => setTimeout(done, 500));  // what it brings about has then come about
  const dirty = panel.context.model.dirty;
  await panel.sessionContext.shutdown();
  panel.dispose();  // unlike closing, this asks nobody
  return dirty;
}"""


class Notebook:
    """A notebook in JupyterLab, open in a page of a browser, by Playwright.

    Parameters
    ----------
    page : playwright.sync_api.Page
    lab : Lab
    path : str
        Of the notebook, within the course.
    query : str, optional
        What the address says besides: ``present`` presents it.
    wait : bool, optional
        Whether to return only when its kernel answers. Without, `wait` is to be called before
        anything else; several notebooks can so open at the same time.
    """

    def __init__(self, page, lab: Lab, path: str, *, query: str = "reset", wait: bool = True):
        self.page, self.lab, self.path = page, lab, path
        self.errors = []  # what the console reports
        page.on("console", lambda m: m.type == "error" and self._wrong(m.text))
        page.on("pageerror", lambda error: self._wrong(str(error)))
        page.set_default_timeout(PATIENCE * 1000)
        page.goto(lab.url(path, query), wait_until="domcontentloaded" if wait else "commit")
        if wait:
            self.wait()

    def _wrong(self, text: str) -> None:
        if text != LATE:
            self.errors.append(text)

    def wait(self) -> None:
        """Wait until the notebook is shown and its kernel answers."""
        self.page.wait_for_selector(".jp-Notebook .jp-Cell")
        self._await(OPEN, "its kernel answers")

    def run(self) -> None:
        """Run all cells, and wait for the last, which may come after a training."""
        self.command("notebook:run-all-cells", patience=TRAINING)

    def save(self) -> nbformat.NotebookNode:
        """Save, and return what is stored."""
        self.command("docmanager:save")
        return nbformat.read(self.lab.folder / self.path, as_version=4)

    def command(self, name: str, *, patience: float = PATIENCE) -> None:
        """Carry out a command of JupyterLab, and wait for its end."""
        execute = "name => window.jupyterapp.commands.execute(name)"
        self._await(execute, name, name, patience)

    def quit(self) -> None:
        """Shut the kernel down and close the page, as at the end of a day."""
        self._await(
            "() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()", "it shuts down"
        )
        self.page.close()

    def _await(self, function: str, what: str, argument=None, patience: float = PATIENCE):
        """Call a function in the page and wait for its promise, with patience but not for ever."""
        bounded = IN_TIME % (function, patience, f"{self.path}: {what}", patience)
        return self.page.evaluate(bounded, argument)

    def is_changed_by_opening(self, path: str) -> bool:
        """Return whether another notebook differs from its file once its kernel answers."""
        return self._await(OPENED, f"{path} is open", path)

    def cell(self, number: int):
        """Return Playwright's locator of a cell, counted from 0."""
        return self.page.locator(".jp-Notebook .jp-Cell").nth(number)

    @property
    def dirty(self) -> bool:
        """Whether closing would ask to save."""
        return self.page.evaluate("() => window.jupyterapp.shell.currentWidget.context.model.dirty")
