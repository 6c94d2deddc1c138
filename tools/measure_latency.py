"""Measure how long figures take from a slider's event to changed pixels, in JupyterLab in Chromium.

    .venv/bin/python -m tools.measure_latency [--scale 2] [--times 60]

A figure of `helpers.show.interactive` is compared with `ipywidgets.interact` and a redrawn picture.
"""

import argparse
import statistics

import nbformat

from tools import browser as real

SETUP = """
import sys; sys.path.insert(0, "..")
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


def main() -> None:
    """Run one notebook of all cases and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1, help="device pixels per CSS pixel")
    parser.add_argument("--times", type=int, default=60)
    options = parser.parse_args()
    if missing := real.missing():
        raise SystemExit(missing)
    cells = [nbformat.v4.new_code_cell(source) for source in [SETUP, *CASES.values()]]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    written = nbformat.v4.new_notebook(cells=cells, metadata=kernel)
    with real.serve() as served, real.browse() as browser:
        nbformat.write(written, served.folder / "notebooks" / "latency.ipynb")
        view = {"width": 1300, "height": 2600}
        page = browser.new_page(viewport=view, device_scale_factor=options.scale)
        page.add_init_script(HOOK)
        real.Notebook(page, served, "notebooks/latency.ipynb").run()
        page.wait_for_timeout(4000)  # the kernel and the page come to rest
        for index, name in enumerate(CASES, 1):
            taken = sorted(page.evaluate(TIME, [index, options.times]))
            print(
                f"{name:28s} median {statistics.median(taken):4.0f} ms, "
                f"19 in 20 within {taken[int(0.95 * len(taken))]:4.0f} ms (of {len(taken)})"
            )


if __name__ == "__main__":
    main()
