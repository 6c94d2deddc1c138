"""Exercises become graded pairs, and a class is graded rightly, whatever it does to them."""

import copy
import html
import re
import tomllib

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from tests.classroom import PYTHON, carry
from tests.tools.test_handout import WHOLE, lines, says_much, tags
from tools import grading
from tools.lab import ROOT

FIRST, SECOND = "frames_and_spacing", "alias"
ANSWERS = {
    checker: kinds
    for checker, kinds in tomllib.loads(
        (ROOT / "tests" / "exercises" / "01_short_time_analysis.toml").read_text("utf-8")
    ).items()
    if checker in (f"check_{FIRST}", f"check_{SECOND}")
}


def tagged(notebook, tag):
    return [c for c in notebook.cells if tag in tags(c)]


@pytest.mark.parametrize("name", WHOLE)
def test_every_exercise_becomes_a_pair_and_nothing_else_is_graded(name):
    made = grading.graded(copy.deepcopy(WHOLE[name]))
    nbformat.validate(made)
    about = [c.metadata.nbgrader for c in made.cells if "nbgrader" in c.metadata]
    asked = len(tagged(WHOLE[name], "exercise"))
    assert [a.solution for a in about] == [True, False] * asked
    assert [a.grade for a in about] == [a.locked for a in about] == [False, True] * asked
    assert len({a.grade_id for a in about}) == 2 * asked
    assert all(a.points == 1 for a in about if a.grade)
    assert not any(c.get("outputs") for c in made.cells)
    links = re.findall(r"\]\((\S+?\.ipynb)", "\n".join(c.source for c in made.cells))
    assert all((ROOT / "grading" / link).resolve().exists() for link in links)


EXERCISE = "def double(x):\n    '''Say it.'''\n    return ..."
CHECK = "@exercises.checker\ndef check_double(answer):\n    '''Right.'''\n\n\ncheck_double(double)"
SOLUTION = "### BEGIN SOLUTION\ndef solved(x):\n    return x + x\n### END SOLUTION\n"


def test_a_solution_that_calls_itself_does_so_by_the_name_of_the_exercise():
    own = SOLUTION.replace("x + x", "2 + solved(x - 1) if x else 0")
    name, answer, checker, test = grading.answer_and_test(EXERCISE, CHECK, own, seconds=5)
    there = {}
    exec(answer, there)
    assert there[name](21) == 42
    assert checker == "check_double"
    assert test.endswith("\n\n\ngrading.mark(check_double, double, seconds=5)")


@pytest.mark.parametrize(
    ("cells", "complaint"),
    [
        ((EXERCISE, CHECK, SOLUTION.replace("(x)", "(y)")), "solved does not take what double"),
        ((EXERCISE.replace("...", "None"), CHECK, SOLUTION), "ends with 'return None', not with"),
        (
            (EXERCISE, CHECK.replace("check_double(double)", ""), SOLUTION),
            "does not end by calling",
        ),
        ((EXERCISE, CHECK, SOLUTION.replace("def", "n = 2\ndef")), "solution of double is not one"),
        ((EXERCISE, CHECK, SOLUTION.replace("BEGIN", "begin")), "solution of double is not one"),
    ],
)
def test_an_exercise_of_another_form_is_refused(cells, complaint):
    with pytest.raises(ValueError, match=complaint):
        grading.answer_and_test(*cells)


def test_written_again_it_keeps_points_and_settings(tmp_path):
    path = tmp_path / "double.ipynb"
    cells = zip((EXERCISE, CHECK, SOLUTION), ("exercise", "check", "solution"), strict=True)
    cells = [new_code_cell(source, metadata={"tags": [tag]}) for source, tag in cells]
    nbformat.write(new_notebook(cells=cells), path)
    course = tmp_path / "course"
    assert grading.write(path, course) == {"check_double": 1}
    target = course / "source" / "double" / "double.ipynb"
    made = nbformat.read(target, 4)
    tagged(made, "check")[0].metadata.nbgrader.points = 3
    nbformat.write(made, target)
    (course / "nbgrader_config.py").write_text("c = get_config()\n")
    assert grading.write(path, course) == {"check_double": 3}
    assert nbformat.read(target, 4) == made
    assert (course / "nbgrader_config.py").read_text() == "c = get_config()\n"
    nbformat.write(new_notebook(), tmp_path / "none.ipynb")
    assert grading.write(tmp_path / "none.ipynb", course) == {}
    assert [p.name for p in (course / "source").iterdir()] == ["double"]


def test_no_such_notebook_is_said(tmp_path):
    with pytest.raises(SystemExit, match="no notebook's name begins with 'x'"):
        grading.main("x", tmp_path / "course")
    assert not (tmp_path / "course").exists()


# A class. What is asked of it are two exercises of notebook 1, without the rest of the notebook.


def writes(name, answer):
    """Return the edit with which a student writes an answer from a table."""
    if answer.lstrip().startswith("lambda"):
        return ["write", name, f"{name} = {answer}"]
    return ["write", name, answer.strip().replace("def answer", f"def {name}")]


def answers(name, kind):
    """Return a table's answers that need no solution to call."""
    cases = [c for c in ANSWERS[f"check_{name}"][kind] if "solution" not in c["answer"]]
    return [(writes(name, c["answer"]), c.get("word", "✓")) for c in cases]


DONE = answers(FIRST, "right")[0][0]  # by all whose second answer is of interest
NOISY = DONE[:2] + [DONE[2].replace("    n, h", "    np.log(np.zeros(1))\n    n, h")]
NEVER = "def alias(frequency, sr):\n    while True:\n        pass"
STUBBORN = """
def frames_and_spacing(*given):
    while True:
        try:
            while True:
                pass
        except:
            pass
"""
WITHOUT_PYTHON = "def alias(frequency, sr):\n    return sum(iter(int, 1))"
CHEAT = "print('✓ Right.')"
ALTERED = {"grade": False, "locked": False, "points": 9}
# What each does, the points for it, and what is told of the first exercise and of the second.
THE_CLASS = {
    "right": ([NOISY, answers(SECOND, "right")[1][0]], 2, "✓", "✓"),
    "half": (
        [answers(FIRST, "wrong")[0][0], answers(SECOND, "right")[0][0]],
        1,
        answers(FIRST, "wrong")[0][1],
        "✓",
    ),
    "wrong": (
        [answers(FIRST, "wrong")[1][0], answers(SECOND, "wrong")[3][0]],
        0,
        answers(FIRST, "wrong")[1][1],
        answers(SECOND, "wrong")[3][1],
    ),
    "untouched": ([], 0, "○ Nothing here yet", "○ Nothing here yet"),
    "loops": ([DONE, ["write", SECOND, NEVER]], 1, "✓", "✗ Your answer does not end"),
    "stuck": ([["write", FIRST, STUBBORN], ["write", SECOND, WITHOUT_PYTHON]], 0, "✗", "✗"),
    "deletes": (
        [DONE, ["delete", f"check_{FIRST}"], ["delete", f"check_{SECOND}"], ["delete", SECOND]],
        1,
        "✓",
        "○ Nothing here yet",
    ),
    "edits": (
        [DONE, ["alter", f"check_{FIRST}", ALTERED], ["write", f"check_{SECOND}", CHEAT]],
        1,
        "✓",
        "○ Nothing here yet",
    ),
}
LIMITS = {"stuck": ["--Execute.timeout=6", "--Execute.iopub_timeout=2"]}


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """Return a course folder with the assignment."""
    whole = WHOLE["01_short_time_analysis.ipynb"]
    start = next(i for i, c in enumerate(whole.cells) if "exercise" in tags(c)) - 1
    imports = new_code_cell("import numpy as np\n\nfrom helpers import exercises")
    few = copy.deepcopy(tagged(whole, "setup") + [imports] + whole.cells[start : start + 8])
    path = tmp_path_factory.mktemp("notebooks") / "sampling.ipynb"
    nbformat.write(new_notebook(cells=few, metadata=whole.metadata), path)
    folder = tmp_path_factory.mktemp("nbgrader") / "course"
    assert grading.write(path, folder, seconds=3) == dict.fromkeys(ANSWERS, 1)
    return folder


@pytest.fixture(scope="module")
def graded(course):
    """Return what became of the class."""
    if not PYTHON.exists():
        pytest.skip("nbgrader is not installed: make .venv-grading/.ready")
    return carry(
        course, "sampling", {who: (of[0], LIMITS.get(who, [])) for who, of in THE_CLASS.items()}
    )


def test_a_class_gets_the_points_that_it_should(graded):
    assert graded.most == 2
    points = {who: points for who, (_, points, *_) in THE_CLASS.items()}
    assert graded.points == points, (graded.told, graded.log)


def test_a_class_is_told_what_is_wrong(graded):
    for who, (_, _, *words) in THE_CLASS.items():
        for name, word in zip((FIRST, SECOND), words, strict=True):
            said = graded.told[who, f"check_{name}"]
            assert word in said, (who, said)
            assert said in html.unescape(graded.feedback[who])
    assert "was stopped after 3 s" in graded.told["loops", f"check_{SECOND}"]


def test_a_class_is_shown_no_solution(course, graded):
    source = nbformat.read(course / "source" / "sampling" / "sampling.ipynb", 4)
    release = nbformat.read(course / "release" / "sampling" / "sampling.ipynb", 4)
    whole = WHOLE["01_short_time_analysis.ipynb"]
    for before, after in zip(tagged(whole, "exercise"), tagged(release, "exercise"), strict=False):
        assert after.source == before.source
    shown = {"release": "\n".join(c.source for c in release.cells)}
    shown |= {who: html.unescape(re.sub("<[^>]*>", "", p)) for who, p in graded.feedback.items()}
    assert len(shown) == 1 + len(THE_CLASS)
    secret = set().union(*(lines(c.source) for c in tagged(source, "exercise")))
    secret -= set().union(*(lines(c.source) for c in tagged(release, "exercise")))
    secret = set(filter(says_much, secret))
    assert len(secret) >= 4
    for who, text in shown.items():
        assert not [line for line in secret if line in text], who
