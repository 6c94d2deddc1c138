"""A made-up class, carried through nbgrader itself: handed out, submitted, graded, told, exported.

Run by a Python that has nbgrader: ``python -m tests.classroom COURSE NAME``. What the students do
stands in ``COURSE/students.json``: for each a list of edits of what they were given, and nbgrader's
options for grading them.
"""

import json
import os
import subprocess
import sys
from csv import DictReader
from pathlib import Path
from typing import NamedTuple

import nbformat

from tools.lab import ROOT

PYTHON = ROOT / ".venv-grading" / "bin" / "python"


class Graded(NamedTuple):
    """What became of a class: points by student, and what was told, by student and test cell."""

    points: dict[str, float]
    most: float
    told: dict[tuple[str, str], str]
    feedback: dict[str, str]
    log: str


def cell(notebook, name):
    """Return the cell with a grade_id."""
    return next(c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade_id") == name)


def edit(notebook, what, name, new=None):
    """Do to a cell what a student does: write, delete it, alter what nbgrader knows of it."""
    if what == "write":
        cell(notebook, name).source = new
    elif what == "delete":
        notebook.cells.remove(cell(notebook, name))
    elif what == "alter":
        cell(notebook, name).metadata.nbgrader |= new


def go_through(name):
    """Do all that an instructor and the class do, in the course folder at hand and one process."""
    from nbgrader import apps

    def do(app, *arguments):
        try:
            app.launch_instance([*arguments, "--log-level=WARN"])
        except SystemExit as ended:
            print(app.name, "ended with", ended.code, file=sys.stderr)
        app.clear_instance()

    do(apps.GenerateAssignmentApp, name)
    students = json.loads(Path("students.json").read_text("utf-8"))
    for student, (edits, _) in students.items():
        notebook = nbformat.read(f"release/{name}/{name}.ipynb", as_version=4)
        for what in edits:
            edit(notebook, *what)
        folder = Path("submitted", student, name)
        folder.mkdir(parents=True)
        nbformat.write(notebook, folder / f"{name}.ipynb")
    for student, (_, options) in students.items():
        do(apps.AutogradeApp, name, f"--student={student}", *options)
    do(apps.GenerateFeedbackApp, name)
    do(apps.ExportApp, "--to=grades.csv")


def carry(course: Path, name: str, students: dict[str, tuple[list, list]]) -> Graded:
    """Carry a class through an assignment that `tools.grading.write` has written."""
    (course / "students.json").write_text(json.dumps(students), "utf-8")
    done = subprocess.run(
        [PYTHON, "-m", "tests.classroom", course, name],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    if not (course / "grades.csv").exists():
        raise RuntimeError(done.stderr)
    with (course / "grades.csv").open(encoding="utf-8", newline="") as file:
        rows = list(DictReader(file))
    told = {}
    for student in students:
        path = course / "autograded" / student / name / f"{name}.ipynb"
        for c in nbformat.read(path, as_version=4).cells if path.exists() else []:
            if c.metadata.get("nbgrader", {}).get("grade"):
                said = [o.get("text") or o.get("evalue", "") for o in c.outputs]
                told[student, c.metadata.nbgrader.grade_id] = "".join(said).strip()
    pages = {s: course / "feedback" / s / name / f"{name}.html" for s in students}
    return Graded(
        {row["student_id"]: float(row["score"]) for row in rows},
        float(rows[0]["max_score"]),
        told,
        {s: page.read_text("utf-8") for s, page in pages.items() if page.exists()},
        done.stderr,
    )


if __name__ == "__main__":
    os.chdir(sys.argv[1])
    go_through(sys.argv[2])
