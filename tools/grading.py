"""Make graded assignments for nbgrader out of the notebooks: ``make assignment NB=03``.

    python -m tools.grading 03 [--folder grading]     # notebooks whose names begin so

Writes nbgrader's course folder: its settings, and ``source/NAME/NAME.ipynb`` for each notebook with
exercises. An exercise becomes a pair: the cell to answer in, with the solution between nbgrader's
marks, and a locked test cell with a point. Nothing else is graded. nbgrader then makes
``release/NAME``, which the class gets. `tools/nbgrader_config.py` says how it grades.

Run again, it writes both anew and leaves submissions and grades alone; points that were changed in
``source`` stay.
"""

import argparse
import ast
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import nbformat

from tools.handout import without_solutions
from tools.lab import ROOT

__all__ = ["answer_and_test", "graded", "main", "write"]

STUB = "return ..."  # what a cell to answer in ends with; nbgrader puts it for the solution
REGION = re.compile(r"^### BEGIN SOLUTION\n(.*)^### END SOLUTION$", re.M | re.S)
SETTINGS = """\
# nbgrader's settings for this class; those of the course are in the file that is loaded.
c = get_config()
load_subconfig("nbgrader_config.py", path={tools!r})
c.CourseDirectory.course_id = {course!r}
"""


def has_tag(cell: nbformat.NotebookNode, tag: str) -> bool:
    """Return whether a cell has a tag."""
    return tag in cell.metadata.get("tags", [])


def answer_and_test(exercise: str, check: str, solution: str, seconds: float = 60) -> tuple:
    '''Return the sources of a graded pair.

    Parameters
    ----------
    exercise, check, solution : str
        The sources of an exercise's three cells.
    seconds : float, optional
        How long an answer may take.

    Returns
    -------
    tuple of str
        The function's name, the cell to answer in, the checker's name, and the test cell.

    Raises
    ------
    ValueError
        If the solution is not one function that takes what the exercise's takes, or if the cells do
        not end as they should.

    Examples
    --------
    >>> exercise = """def double(x):
    ...     return ..."""
    >>> solution = """### BEGIN SOLUTION
    ... def double_solution(x):
    ...     # a sum
    ...     return x + x
    ... ### END SOLUTION
    ... check_double(double_solution)"""
    >>> name, cell, *_ = answer_and_test(exercise, "check_double(double)", solution)
    >>> print(cell)
    def double(x):
        ### BEGIN SOLUTION
        # a sum
        return x + x
        ### END SOLUTION
    '''
    asked, region = ast.parse(exercise).body[-1], REGION.search(solution)
    solved = ast.parse(region[1]).body if region else []
    if len(solved) != 1 or not isinstance(solved[0], ast.FunctionDef):
        raise ValueError(f"the solution of {asked.name} is not one function between the marks")
    [solved] = solved
    if ast.dump(asked.args) != ast.dump(solved.args):
        raise ValueError(f"{solved.name} does not take what {asked.name} takes")
    *head, last = exercise.rstrip().splitlines()
    if last.strip() != STUB:
        raise ValueError(f"the cell of {asked.name} ends with {last.strip()!r}, not with {STUB!r}")
    first = solved.body[0].end_lineno if ast.get_docstring(solved) is not None else solved.lineno
    body = "\n".join(region[1].splitlines()[first:]).rstrip()
    body = re.sub(rf"\b{solved.name}\b", asked.name, body)
    indent = last[: -len(STUB)]
    marks = [f"{indent}### {end} SOLUTION" for end in ("BEGIN", "END")]
    answer = "\n".join([*head, marks[0], body, marks[1]])

    called = ast.parse(check).body[-1]
    if not isinstance(called, ast.Expr) or not isinstance(called.value, ast.Call):
        raise ValueError(f"the check of {asked.name} does not end by calling the checker")
    checker, given = called.value.func.id, ast.unparse(called.value.args[0])
    limit = "" if seconds == 60 else f", seconds={seconds:g}"
    above = "\n".join(check.splitlines()[: called.lineno - 1]).strip("\n")
    test = "from helpers import exercises, grading\n\n\n"
    test += f"{above}\n\n\ngrading.mark({checker}, {given}{limit})"
    return asked.name, answer, checker, test


def graded(notebook: nbformat.NotebookNode, seconds: float = 60) -> nbformat.NotebookNode:
    """Return the instructor's version of an assignment.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
        Of the course; it is changed in place, and returned.
    seconds : float, optional
        How long an answer may take.

    Returns
    -------
    nbformat.NotebookNode
        Without outputs; links to other notebooks lead to the course's folder, beside which it lies.
    """
    of = {tag: [c for c in notebook.cells if has_tag(c, tag)] for tag in ("exercise", "check")}
    of["solution"] = [c for c in notebook.cells if "### BEGIN SOLUTION" in c.source]
    for exercise, check, solution in zip(*of.values(), strict=True):
        name, exercise.source, checker, check.source = answer_and_test(
            exercise.source, check.source, solution.source, seconds
        )
        common = {"schema_version": 3, "task": False}
        about_answer = {"grade_id": name, "solution": True, "grade": False, "locked": False}
        about_test = {"grade_id": checker, "solution": False, "grade": True, "locked": True}
        exercise.metadata.nbgrader = common | about_answer
        check.metadata.nbgrader = common | about_test | {"points": 1}
    without_solutions(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        else:
            cell.source = re.sub(r"\]\((?=\w+\.ipynb)", "](../notebooks/", cell.source)
    return notebook


def points(notebook: nbformat.NotebookNode) -> dict[str, float]:
    """Return the points of each test cell."""
    cells = [c.metadata.get("nbgrader", {}) for c in notebook.cells]
    return {c["grade_id"]: c["points"] for c in cells if c.get("grade")}


def write(path: Path, folder: Path, seconds: float = 60) -> dict[str, float]:
    """Write the instructor's version of one notebook into nbgrader's course folder.

    Parameters
    ----------
    path : pathlib.Path
        The notebook.
    folder : pathlib.Path
        The course folder; it is made, and its settings are written unless they are there.
    seconds : float, optional
        How long an answer may take.

    Returns
    -------
    dict of str to float
        The points of each exercise's test cell; empty, and nothing written, if it has none.
    """
    notebook = graded(nbformat.read(path, as_version=4), seconds)
    if not points(notebook):
        return {}
    target = folder / "source" / path.stem / path.name
    if target.exists():
        before = points(nbformat.read(target, as_version=4))
        for cell in (c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade")):
            cell.metadata.nbgrader.points = before.get(cell.metadata.nbgrader.grade_id, 1)
    target.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, target)
    settings = folder / "nbgrader_config.py"
    if not settings.exists():
        tools = str(ROOT / "tools")
        settings.write_text(SETTINGS.format(tools=tools, course=folder.resolve().name), "utf-8")
    return points(notebook)


def main(prefix: str, folder: Path = ROOT / "grading") -> None:
    """Write the assignments of all notebooks whose names begin so, and what the class gets."""
    paths = sorted((ROOT / "notebooks").glob(f"{prefix}*.ipynb"))
    if not paths:
        raise SystemExit(f"no notebook's name begins with {prefix!r}")
    for path in paths:
        worth = write(path, folder)
        print(f"{path.stem}: {len(worth)} exercises, {sum(worth.values()):g} points")
        if not worth:
            continue
        if importlib.util.find_spec("nbgrader") is None:
            raise SystemExit("nbgrader is not installed here; `make assignment` installs it")
        command = [sys.executable, "-m", "nbgrader", "generate_assignment", path.stem, "--force"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"nbgrader made no assignment of it:\n{done.stderr}")
    print(f"For the class: {folder / 'release'}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("prefix", nargs="?", default="", help="how the notebooks' names begin")
    parser.add_argument("--folder", type=Path, default=ROOT / "grading")
    given = parser.parse_args()
    main(given.prefix, given.folder)
