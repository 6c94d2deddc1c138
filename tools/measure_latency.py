"""Measure how long figures take from a slider's event to changed pixels, in JupyterLab in Chromium.

    .venv/bin/python tools/measure_latency.py [--scale 2] [--times 60]

Needs playwright and Chromium, which the course itself does not (CHROMIUM=path names another).
"""

import argparse
import os
import secrets
import socket
import statistics
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from time import sleep

import nbformat

try:
    from playwright.sync_api import sync_playwright
except ImportError:
    raise SystemExit("playwright is missing: pip install playwright, and Chromium") from None

ROOT = Path(__file__).resolve().parent.parent
SETUP = f"""
import sys; sys.path.insert(0, {str(ROOT)!r})
import ipywidgets, matplotlib.pyplot as plt, numpy as np
from helpers.show import interactive, plots
plots.use_style()
x, noise = np.linspace(0, 1, 400), np.random.default_rng(0).normal(size=(257, 600))
def line_figure():
    fig, ax = plt.subplots()
    line, = ax.plot(x, x); ax.set(ylim=(-1.1, 1.1), xlabel="time in s", ylabel="amplitude")
    return fig, line, lambda k: line.set_ydata(np.sin(k * x / 5))
def image_figure():
    fig, ax = plt.subplots()
    image = plots.spectrogram(noise[:, :244], 16_000, 160, ax)
    return fig, image, lambda k: image.set_array(noise[:, k:k + 244])
def explored(make):
    fig, artist, change = make()
    def update(k):
        change(k); return artist
    k = interactive.slider(0, 300, 1, value=0, label="k")
    interactive.explore(fig, update, alt="test", k=k)
def interacted(make):
    def update(k):
        make()[2](k); plt.show()
    ipywidgets.interact(update, k=ipywidgets.IntSlider(0, 0, 300, continuous_update=True))
"""
CASES = {
    f"{name}, {kind}": f"{call}({kind}_figure)"
    for kind in ("line", "image")
    for name, call in {"explore": "explored", "interact + inline": "interacted"}.items()
}
# What is timed in the page: `shown` resolves when the frame after the change has been made.
HOOK = """
window.frame = () => new Promise(done => requestAnimationFrame(() => setTimeout(done, 0)));
const put = CanvasRenderingContext2D.prototype.putImageData;
CanvasRenderingContext2D.prototype.putImageData = function (...all) {
  put.apply(this, all); window.drawn?.();
};
window.shown = (cell) => new Promise(done => {
  window.drawn = () => { window.drawn = null; watch.disconnect(); frame().then(done); };
  const watch = new MutationObserver(() => {
    const img = [...cell.querySelectorAll('.jp-OutputArea-output img')].pop();
    if (!img || img === window.last) return;
    window.last = img;
    img.decode().then(() => window.drawn?.());
  });
  watch.observe(cell, {subtree: true, childList: true, attributes: true});
});
"""
TIME = """async ([index, times]) => {
  const cell = document.querySelectorAll('.jp-CodeCell')[index];
  const input = cell.querySelector('input[type=range]');
  const taken = [];
  window.last = [...cell.querySelectorAll('.jp-OutputArea-output img')].pop();
  for (let i = 1; i <= times; i++) {
    await new Promise(done => setTimeout(done, 120 + 37 * (i % 5)));
    await frame();
    const seen = shown(cell), begun = performance.now();
    if (input) { input.value = 5 * i % 300; input.dispatchEvent(new Event('input')); }
    else { const handle = cell.querySelector('.noUi-handle'); handle.dispatchEvent(
      new KeyboardEvent('keydown', {key: 'ArrowRight', bubbles: true})); }
    await seen;
    taken.push(performance.now() - begun);
  }
  return taken;
}"""


def serve(folder: str) -> tuple[subprocess.Popen, str]:
    """Start JupyterLab in a folder and return it, with its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex(8)
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
    command += [f"--ServerApp.root_dir={folder}", f"--ServerApp.port={port}"]
    command += [f"--IdentityProvider.token={token}", "--LabApp.expose_app_in_browser=True"]
    command += ["--LabApp.news_url=None"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(240):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/api/status?token={token}", timeout=2)
            break
        except (urllib.error.URLError, OSError):
            sleep(0.25)
    return server, f"http://127.0.0.1:{port}/doc/tree/n.ipynb?token={token}&reset"


def main() -> None:
    """Run one notebook of all cases and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1, help="device pixels per CSS pixel")
    parser.add_argument("--times", type=int, default=60)
    options = parser.parse_args()
    keep = tempfile.TemporaryDirectory()
    folder = keep.name
    cells = [nbformat.v4.new_code_cell(source) for source in [SETUP, *CASES.values()]]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=kernel)
    nbformat.write(notebook, Path(folder) / "n.ipynb")
    server, address = serve(folder)
    try:
        with sync_playwright() as play:
            browser = play.chromium.launch(
                executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"),
                args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
            )
            page = browser.new_page(
                viewport={"width": 1300, "height": 2600}, device_scale_factor=options.scale
            )
            page.add_init_script(HOOK)
            page.goto(address)
            page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=120_000)
            page.evaluate("""async () => {
                const app = window.jupyterapp; await app.restored;
                const panel = app.shell.currentWidget; await panel.context.ready;
                if (!panel.sessionContext.session?.kernel)
                    await panel.sessionContext.changeKernel({name: 'python3'});
                await app.commands.execute('notebook:run-all-cells');
            }""")
            page.wait_for_timeout(4000)  # the kernel and the page come to rest
            for index, name in enumerate(CASES, 1):
                taken = sorted(page.evaluate(TIME, [index, options.times]))
                print(
                    f"{name:28s} median {statistics.median(taken):4.0f} ms, "
                    f"9 in 10 within {taken[int(0.9 * len(taken))]:4.0f} ms (of {len(taken)})"
                )
            browser.close()
    finally:
        server.terminate()
        server.wait(20)
        keep.cleanup()


if __name__ == "__main__":
    main()
