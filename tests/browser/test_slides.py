"""What is measured of a slide: planted faults are found, and nothing else."""

import pytest

from tools.browser import PATIENCE
from tools.slides import look

DOT = "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' width='{}' height='{}'/>"
GOOD = f"""
<h2 style="font-size: 36px">A line</h2>
<p>It rises, in <code>y = 2 * x</code>, by 2<sup style="font-size: 9px">1</sup>.</p>
<pre style="font-size: 18px">y = 2 * x</pre>
<img src="{DOT.format(300, 100)}" alt="A line that rises." style="height: 100px">
<div style="position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);
            font-size: 5px">A line that rises, $x$.</div>
<p><label>size <input type="range"></label> <button>play</button></p>
"""


@pytest.fixture(scope="module")
def page(browser):
    page = browser.new_page(viewport={"width": look.WIDTH, "height": look.HEIGHT})
    page.set_default_timeout(PATIENCE * 1000)
    yield page
    page.close()


def found(page, content, style=""):
    """Return what is found on a slide."""
    body = "<body style='margin: 0; font-size: 24px'><style>* { font-size: inherit }</style>"
    page.set_content(f"{body}<section style='{style}'>{content}</section>", wait_until="load")
    return look.findings(look.measured(page.locator("section")))


@pytest.mark.parametrize(
    ("planted", "said"),
    [
        ("", []),
        ("<p style='font-size: 23px'>small print</p>", ["prose of 23 px"]),
        ("<pre style='font-size: 17px'>x = 1</pre>", ["code of 17 px"]),
        ("<table style='font-size: 12px'><td>1</table>", ["small of 12 px"]),
        ("<p style='margin-left: 1275px'>wide</p>", ["px over: wide"]),
        ("<p style='position: absolute; top: 715px; margin: 0'>low</p>", ["px over: low"]),
        (f"<img src=\"{DOT.format(10, 10)}\" alt=''>", ["undescribed: IMG"]),
        ("<img src='data:image/png;base64,AAAA' alt='broken'>", ["not whole: broken"]),
        (f'<img src="{DOT.format(9, 900)}" alt="high">', ["px over: high", "not whole: high"]),
        ("<p>about $x$ and</p>", ["not typeset: about $x$ and"]),
        ("<button disabled>stop</button>", ["dead: stop"]),
        (
            "<p style='position: relative'><button>hidden</button>"
            "<i style='position: absolute; left: 0; width: 9px; height: 99px'></i></p>",
            ["dead: hidden"],
        ),
    ],
)
def test_a_planted_fault_is_found_and_nothing_else(page, planted, said):
    answer = found(page, GOOD + planted)
    assert len(answer) == len(said)
    assert all(part in one for part, one in zip(said, answer, strict=True)), answer


def test_what_is_drawn_smaller_than_it_is_laid_out_is_judged_as_it_is_seen(page):
    style = "transform: scale(0.5); transform-origin: 0 0"
    assert found(page, GOOD, style) == ["code of 9 px", "prose of 12 px", "small of 12 px"]


def test_what_is_not_shown_yet_is_not_judged(page):
    assert found(page, GOOD + "<p style='visibility: hidden; font-size: 9px'>later</p>") == []
