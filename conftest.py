"""What holds for all tests, those of the notebooks included."""

import os
from pathlib import Path

import nbformat
import pytest

# They are settings, not modules with examples; as such, two of one name could not be told apart.
# tools/mutants.py runs in an environment of its own.
collect_ignore_glob = ["tests/conftest.py", "tests/*/conftest.py", "tools/mutants.py"]
collect_ignore_glob += ["tools/nbgrader_config.py", "tools/jupyterhub_config.py"]

# librosa compiles functions when they are first called, and keeps them beside itself. Two processes
# that do so at the same time spoil each other's files, after which a kernel dies at the call. So
# each process of a test run keeps its own; kernels inherit the setting.
if worker := os.environ.get("PYTEST_XDIST_WORKER"):
    os.environ["NUMBA_CACHE_DIR"] = str(Path(__file__).parent / ".pytest_cache" / f"numba-{worker}")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Give a busy machine time, and let the figures of a notebook be moved; see tests/controls.py.

    nbval waits 5 s for what a cell prints, whatever it is told.
    """
    cells = [item for item in items if hasattr(item, "output_timeout")]
    for item in cells:
        item.output_timeout = 120
    for first in (item for item in cells if "setup" in item.cell.metadata.get("tags", [])):
        last = [item for item in cells if item.parent is first.parent][-1]
        items.insert(items.index(last) + 1, its_figures(last, "compare"))
        items.insert(items.index(first) + 1, its_figures(first, "watch"))


def its_figures(item, what):
    """Return a further cell of a notebook that nbval runs, which leaves no name behind."""
    source = f"__import__('tests.controls', fromlist=['']).{what}()"
    return type(item).from_parent(
        item.parent,
        name=f"{what} figures",
        cell_num=item.cell_num,
        cell=nbformat.v4.new_code_cell(source),
        options=item.options | {"check": True},
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    """Leave out what nbval says of every step of a progress bar; it buries which cell failed."""
    report = yield
    noise = "unhandled iopub msg:"
    report.sections = [
        (name, "".join(line for line in text.splitlines(True) if not line.startswith(noise)))
        for name, text in report.sections
    ]
    return report
