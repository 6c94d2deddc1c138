"""Carry a made-up class through the graded assignments of whole notebooks: ``make rehearse NB=03``.

One student answers rightly, one wrongly, as the tables of ``tests/exercises`` say, one not at all.
Every notebook is executed for each of them: seconds for most, minutes for those that train.
"""

import ast
import sys
import tempfile
import tomllib
from pathlib import Path

import nbformat

from tests.classroom import carry
from tools import grading
from tools.lab import ROOT


def answer(name, source, solution):
    """Return what a student writes for an answer of a table, which may use ``solution``."""
    region = grading.REGION.search(solution)[1]
    solved = ast.parse(region).body[0].name
    source = source.strip()
    try:
        ast.parse(source, mode="eval")
    except SyntaxError:
        pass
    else:
        source = f"answer = {source}"
    return f"{region}\nsolution = {solved}\n{source}\n{name} = answer"


def complaints(path, course):
    """Yield what is wrong with how a class is graded in one notebook; print what it was given."""
    table = tomllib.loads((ROOT / f"tests/exercises/{path.stem}.toml").read_text("utf-8"))
    cells = nbformat.read(path, as_version=4).cells
    solutions = [c.source for c in cells if grading.has_tag(c, "solution")]
    made = grading.write(path, course)
    source = nbformat.read(course / "source" / path.stem / path.name, as_version=4)
    asked = [c.metadata.nbgrader.grade_id for c in source.cells if grading.has_tag(c, "exercise")]
    students, words = {"untouched": ([], [])}, {}
    for kind in ("right", "wrong"):
        edits = []
        for name, checker, solution in zip(asked, made, solutions, strict=True):
            case = table[checker][kind][0]
            edits.append(["write", name, answer(name, case["answer"], solution)])
            words[kind, checker] = case.get("word", "✓")
            words["untouched", checker] = "○"
        students[kind] = (edits, [])
    graded = carry(course, path.stem, students)
    print(path.stem, *(f"{who} {p:g}/{graded.most:g}" for who, p in graded.points.items()))
    if graded.points != {"untouched": 0, "right": len(made), "wrong": 0}:
        yield f"{path.stem}: {graded.points}"
    for who, word in words.items():
        if word not in graded.told.get(who, ""):
            yield f"{path.stem}, {who}: told {graded.told.get(who)!r}, not {word!r}"


def main(prefix=""):
    """Rehearse the notebooks whose names begin so; leave an error if one is graded wrongly."""
    found = []
    for path in sorted((ROOT / "notebooks").glob(f"{prefix}*.ipynb")):
        if (ROOT / f"tests/exercises/{path.stem}.toml").exists():
            with tempfile.TemporaryDirectory() as folder:
                found += complaints(path, Path(folder, "course"))
    raise SystemExit("\n".join(found) or None)


if __name__ == "__main__":
    main(*sys.argv[1:])
