"""Look at slides in a real browser: whether all fits, is large enough, whole, typeset, alive.

    python -m tools.slides.look                              # all of build/slides
    python -m tools.slides.look FILE... --pictures folder    # these, and a picture of each slide
    python -m tools.slides.look --size 1920x1080             # as on most projectors

``measure.js`` measures a slide as it is shown, whether of a deck on its own or in JupyterLab.
`walk` plays a deck on its own, to the end, with every other address refused.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from tools import browser as real
from tools.lab import ROOT

__all__ = [
    "CODE",
    "FIGURE",
    "PROSE",
    "SIZE",
    "SMALL",
    "findings",
    "measured",
    "opened",
    "size",
    "walk",
]

MEASURE = (Path(__file__).parent / "measure.js").read_text(encoding="utf-8")
CODE, PROSE, SMALL = 18, 24, 18  # px at 1280 by 720; small: tables, captions, controls
FIGURE = 0.65  # of its size in pixels: half the width of a slide, where it has to be legible
ENLARGED = 1.25  # of its size in pixels: beyond that, it is blurred on a large projector
SIZE = {"width": 1280, "height": 720}
FRAGMENTS = "Reveal.getCurrentSlide().querySelectorAll('.fragment').length"
SETTLED = """async () => {
  const pictures = [...document.querySelectorAll("section.present img")];
  await Promise.all(pictures.map((one) => one.decode().catch(() => {})));
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  await Promise.all(document.getAnimations().map((one) => one.finished.catch(() => {})));
}"""


def measured(slide, within: str | None = None) -> dict:
    """Measure a slide that is shown; its letters and figures as at 1280 by 720.

    Parameters
    ----------
    slide : playwright.sync_api.Locator
        Of its element.
    within : str, optional
        A selector of what it must fit into, if that is smaller than the window.

    Returns
    -------
    dict
        ``title``; ``over``, how far (``px``) what stands out of the window; ``sizes``, the smallest
        letters of ``code``, ``prose`` and what may be ``small``, in pixels as seen, or None;
        ``words`` that are no code; ``figures``, each with its size, its ``scale``, and whether it
        is ``whole`` and ``described``; ``raw``, formulas that are not typeset; ``dead``, the
        controls that a pointer does not reach, of all ``controls``.
    """
    return slide.evaluate(MEASURE, within)


def findings(slide: dict) -> list[str]:
    """Return what is wrong with a slide, in words; nothing if all is well.

    Parameters
    ----------
    slide : dict
        What `measured` returned.

    Examples
    --------
    >>> sizes = {"code": 16, "prose": 24, "small": None}
    >>> figure = {"name": "a line", "scale": 0.5, "whole": True, "described": False}
    >>> slide = {"over": {"px": 12, "what": "y = 2"}, "sizes": sizes, "figures": [figure]}
    >>> findings(slide | {"raw": [], "dead": ["play"]})
    ['12 px over: y = 2', 'code of 16 px', 'undescribed: a line', 'at 50 %: a line', 'dead: play']
    """
    found = []
    if slide["over"]["px"] >= 1:
        found.append(f"{slide['over']['px']} px over: {slide['over']['what']}")
    for kind, least in (("code", CODE), ("prose", PROSE), ("small", SMALL)):
        if slide["sizes"][kind] is not None and slide["sizes"][kind] < least:
            found.append(f"{kind} of {slide['sizes'][kind]:g} px")
    for word, faulty in (("not whole", "whole"), ("undescribed", "described")):
        found += [f"{word}: {one['name']}" for one in slide["figures"] if not one[faulty]]
    whole = [one for one in slide["figures"] if one["whole"]]
    odd = [one for one in whole if not FIGURE <= one["scale"] <= ENLARGED]
    found += [f"at {one['scale']:.0%}: {one['name']}".replace("%", " %") for one in odd]
    found += [f"not typeset: {text}" for text in slide["raw"]]
    return found + [f"dead: {control}" for control in slide["dead"]]


def size(text: str) -> dict[str, int]:
    """Return the size of a window, as Playwright takes it.

    Examples
    --------
    >>> size("1920x1080")
    {'width': 1920, 'height': 1080}
    """
    width, height = text.split("x")
    return {"width": int(width), "height": int(height)}


def opened(page, deck: Path, window: dict[str, int] = SIZE) -> list[str]:
    """Open a deck, and return the list of what goes wrong in its page, which grows.

    Parameters
    ----------
    page : playwright.sync_api.Page
        A fresh one.
    deck : pathlib.Path
    window : dict, optional
        Its ``width`` and ``height``.
    """
    wrong = []
    page.set_viewport_size(window)
    page.set_default_timeout(real.PATIENCE * 1000)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda m: wrong.append(m.text) if m.type in ("error", "warning") else None)

    def refuse(route):
        if route.request.url.startswith((deck.resolve().as_uri(), "data:", "blob:")):
            return route.continue_()
        wrong.append(f"asks for {route.request.url}")
        return route.abort()

    page.route("**/*", refuse)
    page.goto(deck.resolve().as_uri())
    page.wait_for_function("window.Reveal?.isReady()")
    return wrong


def walk(
    page, deck: Path, pictures: Path | None = None, window: dict[str, int] = SIZE
) -> Iterator[dict]:
    """Play a deck by the space bar, and measure each slide when all of it is shown.

    Parameters
    ----------
    page : playwright.sync_api.Page
        A fresh one.
    deck : pathlib.Path
    pictures : pathlib.Path, optional
        A folder for a picture of each slide.
    window : dict, optional
        Its ``width`` and ``height``.

    Yields
    ------
    dict
        What `measured` returns, with its ``number`` and its ``found``: what `findings` says, and
        what went wrong in the page since the slide before.
    """
    wrong = opened(page, deck, window)
    for number in range(1, page.evaluate("Reveal.getTotalSlides()") + 1):
        for _ in range(page.evaluate(FRAGMENTS)):
            page.keyboard.press("Space")
        page.evaluate(SETTLED)
        slide = measured(page.locator("section.present:not(.stack)"))
        found = findings(slide)
        if page.evaluate("Reveal.getSlidePastCount()") != number - 1:
            found.append("the space bar does not lead here")
        yield slide | {"number": number, "found": found + wrong}
        wrong.clear()
        if pictures:
            page.screenshot(path=pictures / f"{deck.stem}-{number:02}.png")
        page.keyboard.press("Space")


def main(arguments: list[str]) -> int:
    """Print what is found on each slide of some decks, and a line for each deck."""
    parser = argparse.ArgumentParser(prog="python -m tools.slides.look", description=__doc__)
    parser.add_argument("decks", nargs="*", type=Path, help="files; without, all of build/slides")
    parser.add_argument("--pictures", type=Path, metavar="FOLDER", help="a picture of each slide")
    parser.add_argument("--size", type=size, default=SIZE, help="of the window, as 1920x1080")
    given = parser.parse_args(arguments)
    decks = given.decks or sorted((ROOT / "build" / "slides").glob("*.html"))
    if not decks:
        sys.exit("no decks in build/slides: make slides")
    if given.pictures:
        given.pictures.mkdir(parents=True, exist_ok=True)
    faulty = 0
    with real.browse() as browser:
        for deck in decks:
            page = browser.new_page()
            slides = list(walk(page, deck, given.pictures, given.size))
            page.close()
            for slide in slides:
                for one in slide["found"]:
                    print(f"  {deck.stem} {slide['number']:2} {slide['title'][:40]:40} {one}")
            bad = [slide for slide in slides if slide["found"]]
            figures = sum(len(slide["figures"]) for slide in slides)
            faulty += len(bad)
            print(f"{deck.stem}: {len(slides)} slides, {figures} figures, {len(bad)} with findings")
    return min(faulty, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
