"""The notebooks 10 to 13 run on the corpora that people have, by changing one line of each.

The folders are made of shipped speech (`tests.audio.made`). Trainings are short: what they reach is
no matter here, only that every cell takes what such a folder gives.
"""

import shutil
from dataclasses import replace

import nbformat
import pytest
from nbclient import NotebookClient

from helpers import ROOT
from helpers.networks.classifiers import LAYERS
from helpers.study import experiments, results, strangers
from tests.audio import made
from tools import experiments as runs
from tools import strangers as trials

LINES = {
    "10_language_data": (
        'clips = corpus.manifest().query("not unheard").reset_index(drop=True)',
        "clips = recordings.folder({!r})",
    ),
    "11_train": ('mine = ""', "mine = {!r}"),
    "12_compare": ('recordings = ""', "recordings = {!r}"),
    "13_strangers": ('recordings = ""', "recordings = {!r}"),
}
"""What stands in each notebook, and what to write instead."""

pytestmark = pytest.mark.exhaustive


@pytest.fixture(scope="module", params=made.LAYOUTS)
def home(request, tmp_path_factory):
    """Return a folder of a layout, whose tables lie where the notebooks look, and then no more."""
    place = tmp_path_factory.mktemp("own") / f"made {request.param}"
    made.LAYOUTS[request.param](place, made.spoken(("de", "en", "pl"), clips=20))
    folder = results.home(str(place))
    assert not folder.exists()
    yield str(place)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def tables(home):
    """Make the tables of 12 and 13; of runs that differ in rate and seed alone, one is trained."""
    carried, train, ask = {}, experiments.carry_out, strangers.carry_out

    def once(run, carry_out):
        tuned = {"learning_rate": 1e-3} if run.learning_rate else {"C": 0.1}
        alike = replace(run, **tuned, seed=0)
        if alike not in carried:
            carried[alike] = carry_out(alike)
        row, told = carried[alike]
        own = {name: getattr(run, name) for name in ("learning_rate", "C", "seed")}
        return row | own, told

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(experiments, "EPOCHS", 1)
        patch.setattr(experiments, "carry_out", lambda run: once(run, train))
        patch.setattr(strangers, "carry_out", lambda trial: once(trial, ask))
        patch.setitem(trials.NETWORK, "batches", 2)
        runs.main([], home)
        trials.main([], home)
    assert set(results.runs(home)["layer"]) == {*LAYERS, experiments.BASELINE}
    assert len(results.trials("strangers", home)[0]) == len(list(trials.wanted("steps", home)))


@pytest.mark.usefixtures("tables")
@pytest.mark.parametrize("name", LINES)
def test_by_changing_one_line_a_notebook_runs_on_it(home, name):
    notebook = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)
    line, own = LINES[name]
    cells = [cell for cell in notebook.cells if line in cell.source]
    assert len(cells) == 1 and cells[0].source.count(line) == 1
    cells[0].source = cells[0].source.replace(line, own.format(home))
    where = {"metadata": {"path": str(ROOT / "notebooks")}}
    NotebookClient(notebook, timeout=1800, resources=where).execute()
