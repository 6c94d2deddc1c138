"""How nbgrader hands out and grades the course: settings, loaded by those of a class's folder.

`tools.grading` writes that folder. What is submitted runs with the rights of whoever grades: do it
in an account, or a container, that holds nothing else.
"""

import os
import sys
import tempfile
from pathlib import Path

from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat.v4 import new_code_cell, new_output
from nbgrader import utils
from nbgrader.api import Gradebook
from nbgrader.converters.autograde import Autograde
from nbgrader.preprocessors import Execute, NbGraderPreprocessor, OverwriteCells

ROOT = Path(__file__).resolve().parent.parent
NOT_REACHED = "✗ Not reached: a cell above never ended, or ended everything."


class Restore(NbGraderPreprocessor):
    """Puts back what nbgrader does not: cells to answer in that are gone, tests that are none."""

    def preprocess(self, nb, resources):
        """Change a submission such that nbgrader's own `OverwriteCells` finds what it looks for."""
        about = resources["nbgrader"]
        with Gradebook(about["db_url"]) as gradebook:
            source = gradebook.find_notebook(about["notebook"], about["assignment"])
            graded = {cell.name for cell in source.grade_cells}
            answers = {cell.name for cell in source.solution_cells}
            sources = {cell.name: cell.source for cell in source.source_cells}
        for cell in nb.cells:
            name = cell.metadata.get("nbgrader", {}).get("grade_id")
            is_what_it_was = utils.is_grade(cell) if name in graded else utils.is_solution(cell)
            if name in sources and not is_what_it_was:
                del cell.metadata["nbgrader"]
        there = {c.metadata.get("nbgrader", {}).get("grade_id") for c in nb.cells}
        for name in sorted(answers - there):
            self.log.warning("The cell %s is gone; it is put back, unanswered", name)
            about_it = {"grade_id": name, "solution": True, "grade": False, "locked": False}
            about_it |= {"schema_version": 3, "task": False}
            nb.cells.append(new_code_cell(sources[name], metadata={"nbgrader": about_it}))
        return nb, resources


class Run(Execute):
    """Executes a submission beside the course's helpers, and waits for nothing without end."""

    def preprocess(self, nb, resources, **options):
        """Execute all cells; give no points for a test that was not reached."""
        before = resources["metadata"]["path"]
        with tempfile.TemporaryDirectory() as folder:
            for name in ("helpers", "assets"):  # what it brings along, or writes, is out of the way
                Path(folder, name).symlink_to(ROOT / name, target_is_directory=True)
            resources["metadata"]["path"] = os.path.join(folder, "notebooks")
            os.mkdir(resources["metadata"]["path"])
            try:
                nb, resources = super().preprocess(nb, resources, **options)
            except (DeadKernelError, CellTimeoutError) as error:
                # The latter: it is interrupted, catches that, and goes on; then it is ended.
                self.log.error("Nothing later in this notebook is graded: %s", error)
        resources["metadata"]["path"] = before
        for cell in filter(utils.is_grade, nb.cells):
            # A library's message is no error of the student's; nbgrader would take it for one.
            cell.outputs = [o for o in cell.outputs if o.get("name") != "stderr"]
            if not cell.outputs:  # nbgrader would take it for right
                cell.outputs = [
                    new_output("error", ename="", evalue=NOT_REACHED, traceback=[NOT_REACHED])
                ]
        return nb, resources


def in_place_of(old, new, preprocessors):
    """Return a list of preprocessors with others in the place of one."""
    return [p for q in preprocessors for p in (new if q is old else [q])]


c = get_config()  # noqa: F821
c.ClearSolutions.code_stub = {"python": "return ..."}
c.Execute.timeout = 300  # seconds for a cell: the slowest trains a network
c.Execute.iopub_timeout = 30  # and for its end to be told, on a busy machine
c.OverwriteCells.add_missing_cells = True
c.Autograde.sanitize_preprocessors = in_place_of(
    OverwriteCells, [Restore, OverwriteCells], Autograde.sanitize_preprocessors.default()
)
c.Autograde.autograde_preprocessors = in_place_of(
    Execute, [Run], Autograde.autograde_preprocessors.default()
)
# What nbgrader and its kernels start with: programs beside it, no graphics card, quiet libraries.
programs = [str(Path(sys.executable).parent), os.environ.get("PATH", "")]
os.environ |= {
    "PATH": os.pathsep.join(programs),
    "CUDA_VISIBLE_DEVICES": "-1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}
