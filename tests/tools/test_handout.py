"""What a class is given holds every exercise and no solution."""

import ast
import re
import shutil
import tomllib

import nbformat
import pytest

from tests.exercises.notebook_slices import bound, checkers, loaded, tell
from tools import handout
from tools.lab import ROOT

WHOLE = {p.name: nbformat.read(p, 4) for p in sorted((ROOT / "notebooks").glob("*.ipynb"))}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with the handout, beside what its notebooks need."""
    course = tmp_path_factory.mktemp("course")
    (course / "assets").symlink_to(ROOT / "assets", target_is_directory=True)
    (course / "handout").mkdir()
    (course / "handout" / "99_of_last_year.ipynb").write_text("{}")
    handout.main(course / "handout")
    return course / "handout"


def tags(cell):
    return set(cell.metadata.get("tags", []))


def texts(of):
    """Yield all text within a notebook, its outputs, attachments and metadata."""
    if isinstance(of, str):
        yield of
    elif isinstance(of, dict):
        for part in of.values():
            yield from texts(part)
    elif isinstance(of, list):
        for part in of:
            yield from texts(part)


def lines(source):
    return {line.strip() for line in source.splitlines()}


def says_much(line):
    """Return whether a line of a solution tells more than that there is one."""
    return len(line) > 12 and not line.startswith(("###", "import ", "from ", "@"))


def told(whole, given):
    """Yield the lines of solutions, and of their outputs, that stand in what a class is given.

    What the task says itself may, and what a cell of the lesson above it has said.
    """
    everything = "\n".join(texts(given.cells)) + "\n".join(texts(given.metadata))
    lesson = set()
    for number, cell in enumerate(whole.cells):
        if tags(cell) & {"solution", "answer"}:
            praise = whole.cells[number - 1].source if "solution" in tags(cell) else ""
            secret = lines(cell.source)
            for output in cell.get("outputs", []):
                secret |= {line for text in texts(output) for line in lines(text)}
            for line in sorted(secret - lesson):
                if says_much(line) and line in everything and line.removeprefix("✓ ") not in praise:
                    yield line
        elif "check" not in tags(cell):
            lesson |= lines(cell.source)


def test_the_handout_holds_all_but_the_solutions(folder):
    given = {p.name: nbformat.read(p, 4) for p in folder.glob("*.ipynb")}
    assert set(given) == set(WHOLE)
    solutions = 0
    for name, notebook in WHOLE.items():
        kept = [c for c in notebook.cells if not tags(c) & {"solution", "answer"}]
        for before, after in zip(kept, given[name].cells, strict=True):
            if before.cell_type == "markdown":
                before = before | {"source": handout.PROMISE.sub("", before.source)}
            assert after == before
        assert given[name].metadata == notebook.metadata
        solutions += sum("solution" in tags(c) for c in notebook.cells)
    counted = [t for n in given.values() for c in n.cells for t in tags(c)]
    assert counted.count("exercise") == counted.count("check") == solutions > 40


@pytest.mark.parametrize("name", WHOLE)
def test_no_line_of_a_solution_is_given(folder, name):
    given = nbformat.read(folder / name, 4)
    assert list(told(WHOLE[name], given)) == []
    for text in texts(given):
        assert "SOLUTION" not in text
        assert not re.search(r"solution[^.]*folded|answer stands below", text)


@pytest.mark.parametrize("name", WHOLE)
def test_what_is_given_needs_no_solution(folder, name):
    """Any other cell runs as it does in the whole notebook: it has the same cells above it."""
    names = {"left": set(), "given": set(), "read": set()}
    for cell in (c for c in WHOLE[name].cells if c.cell_type == "code"):
        left_out = tags(cell) & {"solution", "answer"}
        for statement in ast.parse(cell.source).body:
            names["left" if left_out else "given"] |= bound(statement)
            names["read"] |= set() if left_out else loaded(statement)
    assert not (names["left"] - names["given"]) & names["read"]


@pytest.mark.parametrize(
    "stem", ["00_start_here", "01_short_time_analysis", "03_window_dtfts", "detour_hop"]
)
def test_a_wrong_answer_gets_its_word_and_a_right_one_its_tick(folder, stem):
    table = tomllib.loads((ROOT / "tests" / "exercises" / f"{stem}.toml").read_text("utf-8"))
    answers = {
        checker: {kind: [c for c in kinds[kind] if "solution" not in c["answer"]] for kind in kinds}
        for checker, kinds in table.items()
    }
    sources = tuple(c["answer"] for kinds in answers.values() for of in kinds.values() for c in of)
    there = checkers(folder / f"{stem}.ipynb", sources)
    assert set(there) == set(table)
    for checker, kinds in answers.items():
        assert "solution" not in there[checker]
        assert tell(there[checker], checker, "unanswered").startswith("○")
        assert len(kinds["wrong"]) >= 2 and len(kinds["right"]) >= 1
        for case in kinds["wrong"][:2]:
            said = tell(there[checker], checker, case["answer"])
            assert said.startswith("✗") and case["word"] in said
        assert tell(there[checker], checker, kinds["right"][0]["answer"]).startswith("✓")


def leak_in_a_check(notebook, line):
    [check, *_] = [c for c in notebook.cells if "check" in tags(c)]
    check.source += f"\n{line}"


def leak_in_an_output(notebook, line):
    text = nbformat.v4.new_output("stream", text=f"as it is done:\n    {line}\n")
    next(c for c in notebook.cells if c.cell_type == "code").outputs.append(text)


def leak_in_metadata(notebook, line):
    notebook.cells[0].metadata["answer"] = {"source": [line]}


def leak_in_an_attachment(notebook, line):
    notebook.cells[0]["attachments"] = {"solution.txt": {"text/plain": line}}


def leak_of_the_whole_notebook(notebook, line):
    notebook.metadata["before"] = f"def f():\n    {line}\n"


@pytest.mark.parametrize(
    "leak",
    [
        leak_in_a_check,
        leak_in_an_output,
        leak_in_metadata,
        leak_in_an_attachment,
        leak_of_the_whole_notebook,
    ],
)
def test_a_line_that_is_given_away_is_found(folder, leak):
    name = "01_short_time_analysis.ipynb"
    given = nbformat.read(folder / name, 4)
    line = "rest = frequency % sr  # whole turns from sample to sample leave no trace"
    leak(given, line)
    assert list(told(WHOLE[name], given)) == [line]


def test_an_output_of_a_solution_that_is_given_away_is_found(folder):
    name = "12_compare.ipynb"
    given = nbformat.read(folder / name, 4)
    printed = next(
        line
        for c in WHOLE[name].cells
        if "gives_away_solution" in c.source
        for o in c.outputs
        for line in lines(o.get("text", ""))
        if line.startswith("True")
    )
    given.cells[0].source += f"\n\n{printed}"
    assert printed in list(told(WHOLE[name], given))


def test_the_handout_lies_where_its_notebooks_find_the_course(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(handout, "ROOT", tmp_path)
    ignored = shutil.ignore_patterns("0[1-9]*", "1*", "d*")
    shutil.copytree(ROOT / "notebooks", tmp_path / "notebooks", ignore=ignored)
    handout.main(tmp_path / "handout")
    assert sorted(p.name for p in (tmp_path / "handout").iterdir()) == [
        p.name for p in sorted((tmp_path / "notebooks").glob("*.ipynb"))
    ]
    assert "notebooks without solutions in handout/" in capsys.readouterr().out
