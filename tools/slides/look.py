"""Look at slides in a real browser: whether all fits, is large enough, whole, typeset, alive.

``measure.js`` measures a slide as it is shown, whether of a deck on its own or in JupyterLab.
"""

from pathlib import Path

__all__ = ["CODE", "PROSE", "SMALL", "findings", "measured"]

MEASURE = (Path(__file__).parent / "measure.js").read_text(encoding="utf-8")
CODE, PROSE, SMALL = 18, 24, 18  # px at 1280 by 720; small: tables, captions, controls
WIDTH, HEIGHT = 1280, 720


def measured(slide, within: str | None = None) -> dict:
    """Measure a slide that is shown.

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
        ``words`` that are no code; ``figures``, each with its size, whether it is ``whole`` and
        ``described``; ``raw``, formulas that are not typeset; ``dead``, the controls that a pointer
        does not reach, of all ``controls``.
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
    >>> figure = {"name": "a line", "whole": True, "described": False}
    >>> slide = {"over": {"px": 12, "what": "y = 2"}, "sizes": sizes, "figures": [figure]}
    >>> findings(slide | {"raw": [], "dead": ["play"]})
    ['12 px over: y = 2', 'code of 16 px', 'undescribed: a line', 'dead: play']
    """
    found = []
    if slide["over"]["px"] >= 1:
        found.append(f"{slide['over']['px']} px over: {slide['over']['what']}")
    for kind, least in (("code", CODE), ("prose", PROSE), ("small", SMALL)):
        if slide["sizes"][kind] is not None and slide["sizes"][kind] < least:
            found.append(f"{kind} of {slide['sizes'][kind]:g} px")
    for word, faulty in (("not whole", "whole"), ("undescribed", "described")):
        found += [f"{word}: {one['name']}" for one in slide["figures"] if not one[faulty]]
    found += [f"not typeset: {text}" for text in slide["raw"]]
    return found + [f"dead: {control}" for control in slide["dead"]]
