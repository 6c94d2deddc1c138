"""Measure how long figures take from a control's event to the next frame, in JupyterLab.

    python -m tools.measure_latency             # every moving figure of the course
    python -m tools.measure_latency 04          # those of notebooks whose names begin so
    python -m tools.measure_latency --compare   # two figures, beside ipywidgets.interact

The notebooks are run in a copy of the course. Of each figure its first control is moved ``--times``
times. What is measured is what a hand feels: the kernel, the way there and back, and the drawing.
"""

import argparse
import os
import statistics
from pathlib import Path

import nbformat

from tools import browser as real
from tools.execute import NOTEBOOKS

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
SHOW = """async index => {
  const notebook = window.jupyterapp.shell.currentWidget.content;
  notebook.activeCellIndex = index;
  await notebook.scrollToItem(index, 'start');
  const cell = notebook.widgets[index].node, begun = performance.now();
  const control = '.living :is(input, select), .noUi-handle';
  while (!cell.querySelector(control)) {
    if (performance.now() - begun > 60000) throw new Error(`cell ${index} shows no control`);
    await new Promise(done => setTimeout(done, 100));
  }
}"""
TIME = """async ([index, times]) => {
  const cell = window.jupyterapp.shell.currentWidget.content.widgets[index].node;
  const input = cell.querySelector('.living :is(input, select)');
  const move = i => {
    if (!input) return cell.querySelector('.noUi-handle').dispatchEvent(
      new KeyboardEvent('keydown', {key: 'ArrowRight', bubbles: true}));
    if (input.type === 'range') {
      const [low, high, step] = [input.min, input.max, input.step].map(Number);
      const steps = Math.round((high - low) / step);
      input.value = low + step * (Math.ceil(steps * 0.3) * i % (steps + 1));
    }
    else if (input.type === 'checkbox') input.checked = !input.checked;
    else input.selectedIndex = (input.selectedIndex + 1) % input.options.length;
    input.dispatchEvent(new Event('input'));
  };
  const taken = [];
  window.last = [...cell.querySelectorAll('.jp-OutputArea-output img')].pop();
  for (let i = 1; i <= times; i++) {
    await new Promise(done => setTimeout(done, 120 + 37 * (i % 5)));
    await frame();
    const seen = shown(cell), late = new Promise(done => setTimeout(done, 10000));
    const begun = performance.now();
    move(i);
    await Promise.race([seen, late]);
    taken.push(performance.now() - begun);
  }
  return taken;
}"""


def summary(taken: list[float]) -> str:
    """Say in words how long something took.

    Parameters
    ----------
    taken : list of float
        In milliseconds.

    Returns
    -------
    str
        The median, and what all but one in twenty stay below.

    Examples
    --------
    >>> summary([float(n) for n in range(100, 0, -1)])
    'median   50 ms, 19 in 20 within   96 ms (of 100)'
    """
    ordered = sorted(taken)
    within = ordered[int(0.95 * len(ordered))]
    median = statistics.median(ordered)
    return f"median {median:4.0f} ms, 19 in 20 within {within:4.0f} ms (of {len(ordered)})"


def figures(path: Path) -> list[int]:
    """Return which cells of a notebook, counted from 0, show a moving figure."""
    cells = nbformat.read(path, as_version=4).cells
    return [i for i, c in enumerate(cells) if "interactive.explore(" in c.source]


def measure(page, served: real.Lab, path: str, where: dict[str, int], times: int) -> None:
    """Run a notebook, and print a line for each of its figures, given by name and cell."""
    opened = real.Notebook(page, served, path)
    opened.run()
    page.wait_for_timeout(4000)  # the kernel and the page come to rest
    for name, index in where.items():
        page.evaluate(SHOW, index)
        page.wait_for_timeout(1000)
        print(f"{name:34s} {summary(page.evaluate(TIME, [index, times]))}", flush=True)
    opened.quit()


def main() -> None:
    """Print a line for each figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("prefix", nargs="?", default="", help="of the notebooks' names")
    parser.add_argument("--compare", action="store_true", help="with ipywidgets.interact")
    parser.add_argument("--scale", type=float, default=1, help="device pixels per CSS pixel")
    parser.add_argument("--times", type=int, default=60)
    options = parser.parse_args()
    if missing := real.missing():
        raise SystemExit(missing)
    if hasattr(os, "getloadavg"):
        load = os.getloadavg()[0]
        print(f"{load:.1f} processes want the machine's {os.cpu_count()} cores", flush=True)
    with real.serve() as served, real.browse() as browser:

        def look(path: str, where: dict[str, int]) -> None:
            view = {"width": 1300, "height": 1400}
            page = browser.new_page(viewport=view, device_scale_factor=options.scale)
            page.add_init_script(HOOK)
            measure(page, served, path, where, options.times)

        if options.compare:
            cells = [nbformat.v4.new_code_cell(source) for source in [SETUP, *CASES.values()]]
            kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
            written = nbformat.v4.new_notebook(cells=cells, metadata=kernel)
            nbformat.write(written, served.folder / "notebooks" / "latency.ipynb")
            return look("notebooks/latency.ipynb", {name: i for i, name in enumerate(CASES, 1)})
        for path in sorted(NOTEBOOKS.glob(f"{options.prefix}*.ipynb")):
            if where := figures(path):
                look(f"notebooks/{path.name}", {f"{path.stem}, cell {i}": i for i in where})


if __name__ == "__main__":
    main()
