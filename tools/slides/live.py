"""Look at slides as a lecture shows them, in JupyterLab: ``python -m tools.slides.live 03``.

    python -m tools.slides.live 03 05                     # those notebooks, as they are stored
    python -m tools.slides.live --run --pictures folder   # all, run; a picture of each slide
    python -m tools.slides.live --size 1920x1080 03       # as on most projectors

The deck is what the command Present shows; ``measure.js`` measures each slide when all of it is
shown.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from tools import browser as real
from tools.execute import NOTEBOOKS
from tools.slides.look import SIZE, findings, measured, size

__all__ = ["Deck", "walk"]

FOOT = ".course-foot"
SETTLED = """async () => {
  await Promise.all([...document.images].map((one) => one.decode().catch(() => {})));
  for (let i = 0; i < 3; i++) await new Promise(requestAnimationFrame);
}"""


class Deck(real.Notebook):
    """A notebook that is presented in JupyterLab, open in a page of a browser.

    Parameters
    ----------
    page, lab, path
        As `tools.browser.Notebook` takes them.
    run : bool, optional
        Whether its cells are run, as they are in a lecture; without, it is shown as stored.
    window : dict, optional
        The window's ``width`` and ``height``.
    """

    def __init__(self, page, lab: real.Lab, path: str, *, run: bool = True, window=SIZE):
        page.set_viewport_size(window)
        query = "present" if run else "present=stored"
        super().__init__(page, lab, path, query=query)
        page.wait_for_selector(FOOT)
        page.wait_for_selector(".jp-deck-mod-visible")
        if run:
            page.wait_for_function(
                f"!document.querySelector({FOOT!r}).textContent.includes('running')",
                timeout=real.TRAINING * 1000,
            )

    @property
    def foot(self) -> list[str]:
        """What stands at the foot of the slide, its number last."""
        return self.page.locator(f"{FOOT} span").all_inner_texts()

    @property
    def shown(self) -> list[int]:
        """The numbers of the cells on the slide, in their order."""
        return self.page.evaluate(
            "[...document.querySelectorAll('.jp-Notebook .jp-Cell')].flatMap((cell, i) =>"
            " cell.classList.contains('jp-deck-mod-visible') ? [i] : [])"
        )

    def step(self, key: str = "PageDown") -> None:
        """Press a key of a lecture, and wait until the slide stands."""
        self.page.keyboard.press(key)
        self.page.evaluate(SETTLED)


def walk(deck: Deck) -> Iterator[dict]:
    """Play a deck from its first slide by the key of a clicker, and measure each slide.

    Yields
    ------
    dict
        What `tools.slides.look.measured` returns, the numbers of its ``cells``, and its ``found``.
    """
    deck.step("Home")
    while True:
        number, cells = deck.foot[-1], deck.shown
        slide = measured(deck.page.locator(".jp-Notebook"), ".jp-Deck")
        yield slide | {"cells": cells, "number": number, "found": findings(slide)}
        deck.step()
        if deck.shown == cells:
            return


def main(arguments: list[str]) -> int:
    """Print what is found on each slide of some notebooks, and a line for each notebook."""
    parser = argparse.ArgumentParser(prog="python -m tools.slides.live", description=__doc__)
    parser.add_argument("names", nargs="*", help="how notebooks' names begin; without, all")
    parser.add_argument("--run", action="store_true", help="run the cells, so that figures move")
    parser.add_argument("--pictures", type=Path, metavar="FOLDER", help="a picture of each slide")
    parser.add_argument("--size", type=size, default=SIZE, help="of the window, as 1920x1080")
    given = parser.parse_args(arguments)
    if given.pictures:
        given.pictures.mkdir(parents=True, exist_ok=True)
    names = tuple(given.names) or ("",)
    faulty = 0
    with real.serve() as lab, real.browse() as browser:
        for path in sorted(p for p in NOTEBOOKS.glob("*.ipynb") if p.stem.startswith(names)):
            name = f"notebooks/{path.name}"
            deck = Deck(browser.new_page(), lab, name, run=given.run, window=given.size)
            slides = 0
            for slide in walk(deck):
                slides += 1
                first, last = slide["cells"][0], slide["cells"][-1]
                if given.pictures:
                    deck.page.screenshot(path=given.pictures / f"{path.stem}-{slides:02}.png")
                for one in slide["found"]:
                    print(f"  {path.stem} {slide['number']:7} cells {first}-{last}: {one}")
                faulty += bool(slide["found"])
            print(f"{path.stem}: {deck.foot[-1].split()[-1]} slides, {slides} steps", *deck.errors)
            deck.quit()
    return min(faulty, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
