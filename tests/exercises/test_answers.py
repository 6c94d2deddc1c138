"""Each exercise refuses the answers that students give wrongly, and takes right ones of any form.

A table beside this file, named after the notebook, holds them: for each checker ``wrong`` answers,
each with a ``word`` that must stand in what the student is told, and ``right`` ones. An answer is
an expression, or statements that bind the name ``answer``; it may use whatever the notebook has
defined, and ``solution``.
"""

import tomllib
from pathlib import Path

import pytest

from tests.exercises.notebook_slices import ROOT, checkers, tell

TABLES = {
    path.stem: tomllib.loads(path.read_text(encoding="utf-8"))
    for path in sorted(Path(__file__).parent.glob("*.toml"))
}
NOTEBOOKS = {path.stem: path for path in sorted((ROOT / "notebooks").glob("*.ipynb"))}
CASES = [
    pytest.param(stem, checker, kind, case, id=f"{stem}-{checker}-{kind}-{i}")
    for stem, table in TABLES.items()
    for checker, kinds in table.items()
    for kind, cases in kinds.items()
    for i, case in enumerate(cases)
]


def ready(stem):
    """Return the checkers of a notebook, and what the answers of its table need."""
    table = TABLES.get(stem, {})
    cases = [case for kinds in table.values() for of in kinds.values() for case in of]
    return checkers(NOTEBOOKS[stem], tuple(case["answer"] for case in cases))


@pytest.mark.parametrize(("stem", "checker", "kind", "case"), CASES)
def test_an_answer_is_told_what_it_is(stem, checker, kind, case):
    said = tell(ready(stem)[checker], checker, case["answer"])
    if kind == "right":
        assert said.startswith("✓"), said
    else:
        assert said.startswith("✗"), said
        assert "raises" not in said or case.get("raises"), said
        assert case["word"] in said, said


@pytest.mark.parametrize("stem", NOTEBOOKS)
def test_every_exercise_has_a_table(stem):
    if not (found := ready(stem)):
        return
    assert stem in TABLES, f"its exercises have no table: write tests/exercises/{stem}.toml"
    table = TABLES[stem]
    assert set(table) == set(found)
    for checker, kinds in table.items():
        assert len(kinds["wrong"]) >= 3, f"{checker}: fewer than three wrong answers"
        assert len(kinds["right"]) >= 1, f"{checker}: no right answer written differently"
        assert tell(found[checker], checker).startswith("✓")
