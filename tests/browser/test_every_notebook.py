"""Every notebook as a student has it: run, moved by keyboard, and seen the next day."""

from time import monotonic

import pytest

from tests.browser.accessibility import faults
from tests.browser.test_widgets import PICTURE, unmoved
from tools.browser import PATIENCE
from tools.execute import NOTEBOOKS

pytestmark = pytest.mark.exhaustive
NAMES = sorted(path.name for path in NOTEBOOKS.glob("*.ipynb"))
JUPYTERLABS = ["image-alt", "link-in-text-block"]  # its pictures have no text, its links no line
WHOLE = """() => {
  const {content} = window.jupyterapp.shell.currentWidget;
  content.notebookConfig = {...content.notebookConfig, windowingMode: 'none'};
}"""
FAILED = """() => [...window.jupyterapp.shell.currentWidget.content.model.cells]
  .flatMap((cell, i) => (cell.outputs?.toJSON() ?? [])
  .filter(o => o.output_type === 'error' || o.name === 'stderr')
  .map(o => `${i}: ${o.evalue ?? o.text}`))"""
FORMULAS = """() => [...document.querySelectorAll('.jp-MarkdownOutput')].filter(cell => {
  const walk = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
  for (let node; (node = walk.nextNode());)
    if (!node.parentElement.closest('code, mjx-container') && node.data.includes('$')) return true;
  return cell.querySelector('mjx-merror');
}).map(cell => cell.innerText.slice(0, 60))"""


def settle(page, what, wanted):
    """Wait until something is as it should be; return what it is at last."""
    begun = monotonic()
    while (found := page.evaluate(what)) != wanted and monotonic() - begun < PATIENCE:
        page.wait_for_timeout(200)
    return found


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_runs_moves_and_stands_the_next_day(notebook, name):
    opened = notebook(name)
    page = opened.page
    page.evaluate(WHOLE)
    opened.run()
    assert page.evaluate(FAILED) == []
    assert settle(page, FORMULAS, []) == []
    assert faults(page, [".jp-OutputArea-output", ".jp-MarkdownOutput"], JUPYTERLABS) == []
    assert unmoved(page) == []
    assert opened.errors == []
    opened.save()
    opened.quit()
    later = notebook(name)
    later.page.evaluate(WHOLE)
    later.page.wait_for_timeout(2_500)  # JupyterLab looks for a model that long
    for picture in later.page.locator(".jp-OutputArea-output img").all():
        assert min(picture.evaluate(PICTURE)) > 0
    assert later.page.get_by_text("Error displaying widget").count() == 0
    assert later.errors == [] and not later.dirty
    later.quit()
