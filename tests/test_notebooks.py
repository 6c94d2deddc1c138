"""Notebooks are stored as the course promises, from their title to their last output."""

import re
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tools.execute import first_cell
from tools.glossary import anchor
from tools.reading_time import minutes
from tools.slides import plan

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
VARIES = "nbval-ignore-output"  # the tag of cells whose text rightly differs between machines
ROLES = ("exercise", "check", "solution")  # the tags of an exercise's three code cells
WIDGET = "application/vnd.jupyter.widget-view+json"
PATH = re.compile(r"(?<![\w.])/(home|root|tmp|Users|opt|usr)/|\b[A-Z]:\\")


def tags(cell):
    return cell.metadata.get("tags", [])


def text(output):
    """Return what an output says in words."""
    data = output.get("data", {})
    return "".join([output.get("text", ""), data.get("text/plain", ""), data.get("text/html", "")])


def prints_text(cell):
    """Return whether a cell prints, or ends with a value; a figure's description is no print."""
    return any(o.output_type in ("stream", "execute_result") for o in cell.outputs)


def headings(of):
    """Return the headings of a notebook or a text file, as links name them in JupyterLab."""
    if isinstance(of, Path) and of.suffix != ".ipynb":
        sources = [of.read_text(encoding="utf-8")]
    else:
        notebook = nbformat.read(of, as_version=4) if isinstance(of, Path) else of
        sources = [c.source for c in notebook.cells if c.cell_type == "markdown"]
    return {
        anchor(heading.strip())
        for source in sources
        for heading in re.findall(r"(?m)^#+ (.*)$", source)
    }


def complaints_about_text(notebook):
    """Yield what is wrong with the title, the promised time, the headings and the links."""
    if not notebook.cells[0].source.startswith("# "):
        yield "it does not open with a title"
    promised = re.search(r"about (\d+) minutes", notebook.cells[0].source)
    if any(c.cell_type == "code" for c in notebook.cells):
        if not promised or int(promised[1]) != minutes(notebook):
            yield f"it must say on top that it takes about {minutes(notebook)} minutes"
    for cell in (c for c in notebook.cells if c.cell_type == "markdown"):
        if re.search(r"\n#{1,4} ", cell.source):
            yield f"a heading in the middle of a cell: {cell.source[:40]}"
    for cell in (c for c in notebook.cells if c.cell_type == "markdown"):
        for target in re.findall(r"\]\(([^)\s]+)", cell.source):
            path, _, heading = target.partition("#")
            if "://" in target:
                continue
            if path and not (FOLDER / path).exists():
                yield f"a link leads nowhere: {target}"
            elif heading and heading not in headings(FOLDER / path if path else notebook):
                yield f"a link leads nowhere: {target}"


def complaints_about_code(code):
    """Yield what is wrong with the code cells, as they were written and executed."""
    if code and code[0].source != first_cell().source:
        yield "its first code cell is not tools/first_cell.py; make run puts it there"
    if [c.execution_count for c in code] != list(range(1, len(code) + 1)):
        yield "not executed from top to bottom"
    for cell in code:
        if len(cell.source.splitlines()) > 20 and not {"check", "predict"} & set(tags(cell)):
            yield f"a cell of more than 20 lines: {cell.source[:40]}"
        if "NBVAL_" in cell.source or {t for t in tags(cell) if t.startswith("nbval-")} - {VARIES}:
            yield "nbval is told by something else than the one tag"
    varying = [c for c in code if VARIES in tags(c) and prints_text(c)]
    if len(varying) * 5 > sum(map(prints_text, code)):
        yield "more than one in five of the cells that print text are not compared"
    for cell, after in zip(code, [*code[1:], None], strict=False):
        if VARIES in tags(cell) and not (after and re.search(r"^\s*assert\b", after.source, re.M)):
            yield f"no assert after a cell that is not compared: {cell.source[:40]}"


def complaints_about_output(output):
    """Yield what a student should not see, or could not."""
    if output.output_type == "error":
        yield "an error"
    if output.get("name") == "stderr":
        yield f"a warning: {output.text}"
    if PATH.search(text(output)) or str(ROOT) in text(output):
        yield "a path of one machine"
    if " at 0x" in text(output):
        yield "a memory address"
    data = output.get("data", {})
    pictures = [mime for mime in data if mime.startswith("image/")]
    if any(not output.metadata.get(mime, {}).get("alt", "").strip() for mime in pictures):
        yield "a picture without a description"
    if WIDGET in data and not pictures:
        yield "a widget without a picture, of which nothing remains without a kernel"


def complaints_about_exercises(cells):
    """Yield what is wrong with exercises: text, a cell to write in, check, solution."""
    names = [next((t for t in tags(c) if t in ROLES), c.cell_type) for c in cells]
    starts = [i for i, name in enumerate(names) if name == "exercise"]
    if any(names[i - 1 : i + 3] != ["markdown", *ROLES] for i in starts) or any(
        names.count(role) != len(starts) for role in ROLES
    ):
        yield "an exercise is not text, exercise, check and solution in this order"
    for cell, name in zip(cells, names, strict=True):
        if name not in ("check", "solution"):
            continue
        if not cell.metadata.get("jupyter", {}).get("source_hidden"):
            yield f"a {name} is not folded away"
        sign = {"check": "○", "solution": "✓"}[name]
        if not "".join(map(text, cell.outputs)).startswith(sign):
            yield f"the stored output of a {name} does not begin with {sign}"
        if name == "solution":
            marks = re.findall(r"^### (BEGIN|END) SOLUTION$", cell.source, re.M)
            if marks != ["BEGIN", "END"]:
                yield "a solution without nbgrader's marks"


def complaints_about_predictions(code):
    """Yield what is wrong with the questions that are asked before a cell shows the answer."""
    for i, cell in enumerate(code):
        if ("predict" in tags(cell)) != ("exercises.predict(" in cell.source):
            yield f"exercises.predict without the tag predict, or the other way: {cell.source[:40]}"
        if "predict" not in tags(cell):
            continue
        if not cell.metadata.get("jupyter", {}).get("source_hidden"):
            yield "a prediction is not folded away"
        if not cell.source.startswith("# "):
            yield "a prediction's first line, which is seen when it is folded, is no comment"
        if re.search(r"\(\s*True\s*,", cell.source):
            yield "a prediction is told which choice is right, and does not compute it"
        after = [other for other in code[i + 1 : i + 4] if "predict" not in tags(other)]
        if not any(other.outputs for other in after):
            yield f"none of the three cells after a prediction shows anything: {cell.source[:40]}"


def complaints_about_slides(path, notebook):
    """Yield what is wrong with a notebook as a deck; the glossary is none."""
    if path.stem == "glossary":
        return
    yield from plan.complaints(notebook)
    slides = len(plan.screens(notebook))
    if path.stem[:2].isdigit() and not 15 <= slides <= 25:
        yield f"{slides} slides; a lecture has 15 to 25"


def complaints_about_notes(path, notebook):
    """Yield that those who teach a notebook are not told what to expect of its questions."""
    asks = any("predict" in tags(cell) for cell in notebook.cells)
    lecture = asks or path.stem[:2].isdigit()
    if lecture and not (ROOT / "teaching" / f"{path.stem}.md").exists():
        yield f"no note for those who teach it: teaching/{path.stem}.md"


def complaints(notebook):
    """Yield everything that is wrong with a notebook."""
    code = [c for c in notebook.cells if c.cell_type == "code"]
    if notebook.metadata.get("kernelspec", {}).get("name") != "python3":
        yield "its kernel is not python3"
    yield from complaints_about_text(notebook)
    yield from complaints_about_code(code)
    for output in (o for c in code for o in c.outputs):
        yield from complaints_about_output(output)
    yield from complaints_about_exercises(notebook.cells)
    yield from complaints_about_predictions(code)


def test_the_road_is_numbered_and_the_map_shows_it_all():
    numbered = [p.stem for p in NOTEBOOKS if p.stem[:2].isdigit()]
    assert [int(stem[:2]) for stem in numbered] == list(range(len(numbered)))
    beside = {p.stem for p in NOTEBOOKS} - set(numbered)
    assert {stem for stem in beside if not stem.startswith("detour_")} <= {"glossary"}
    start = nbformat.read(NOTEBOOKS[0], as_version=4)
    linked = {link for c in start.cells for link in re.findall(r"\]\((\w+)\.ipynb", c.source)}
    unlinked = {p.stem for p in NOTEBOOKS[1:]} - linked
    assert not unlinked, f"the map in {NOTEBOOKS[0].name} has no link to {unlinked}"
    assert linked <= {p.stem for p in NOTEBOOKS}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_notebook_is_stored_as_promised(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert path.stat().st_size <= 2_500_000
    beside = [*complaints_about_slides(path, notebook), *complaints_about_notes(path, notebook)]
    assert [*complaints(notebook), *beside] == []


def cell_that_prints(source, printed, *its_tags, **metadata):
    output = new_output("stream", name="stdout", text=printed)
    return new_code_cell(source, outputs=[output], metadata={"tags": list(its_tags), **metadata})


@pytest.fixture
def good():
    """Return a notebook in which nothing is wrong."""
    kernel = {"name": "python3", "display_name": "Python 3"}
    hidden = {"jupyter": {"source_hidden": True}}
    picture = {"image/png": "aGVsbG8=", "text/plain": "a wave", WIDGET: {"model_id": "1"}}
    shown = new_output("display_data", picture, metadata={"image/png": {"alt": "a wave"}})
    cells = [
        new_markdown_cell(
            "# Title\n[start](00_start_here.ipynb#Is-everything-installed?) "
            "[licence](../LICENSE) It takes about 5 minutes."
        ),
        first_cell(),
        *(cell_that_prints(f"print({i})", f"{i}\n") for i in range(2)),
        cell_that_prints("print(clock())", "0.3 s\n", VARIES),
        new_code_cell("assert clock() > 0"),
        new_code_cell(
            "interactive.explore(fig, turn, alt='a wave')",
            outputs=[shown],
        ),
        new_markdown_cell("**1.** Double it."),
        new_code_cell("def double(x):\n    ...", metadata={"tags": ["exercise"]}),
        cell_that_prints("check_double(double)", "○ Nothing here yet.\n", "check", **hidden),
        cell_that_prints(
            "### BEGIN SOLUTION\n...\n### END SOLUTION", "✓ Right.\n", "solution", **hidden
        ),
        cell_that_prints(
            "# Choose below.\nexercises.predict('Is it?', {'Yes': (x > 0, 'It is.'), 'No': ...})",
            "Is it?\n",
            "predict",
            **hidden,
        ),
        cell_that_prints("print(x > 0)", "True\n"),
    ]
    for count, cell in enumerate((c for c in cells if c.cell_type == "code"), 1):
        cell.execution_count = count
    return new_notebook(cells=cells, metadata={"kernelspec": kernel})


def test_nothing_is_wrong_with_a_good_notebook(good):
    assert list(complaints(good)) == []


VIOLATIONS = [
    ("its kernel is not python3", lambda n: n.metadata.pop("kernelspec")),
    ("it does not open with a title", lambda n: n.cells.insert(0, new_markdown_cell("Hello"))),
    (
        "a link leads nowhere: 13_more.ipynb",
        lambda n: n.cells.append(new_markdown_cell("[on](13_more.ipynb)")),
    ),
    (
        "a link leads nowhere: ../README.md#No-such-heading",
        lambda n: n.cells.append(new_markdown_cell("[on](../README.md#No-such-heading)")),
    ),
    ("it must say on top that it takes about 5", lambda n: n.cells[0].update(source="# Title")),
    ("it must say on top that it takes about 25", lambda n: n.cells[7].update(source="ho " * 3000)),
    ("a heading in the middle", lambda n: n.cells[7].update(source="So.\n## Why?")),
    ("its first code cell is not", lambda n: n.cells[1].update(source="import helpers")),
    # nbval would let a cell pass that has no output to compare
    ("not executed from top to bottom", lambda n: n.cells[2].update(execution_count=None)),
    ("a cell of more than 20 lines", lambda n: n.cells[2].update(source="x = 1\n" * 21)),
    ("nbval is told by something else", lambda n: n.cells[2].update(source="# NBVAL_SKIP")),
    ("nbval is told by something else", lambda n: n.cells[2].metadata.tags.append("nbval-skip")),
    ("more than one in five", lambda n: n.cells[2].metadata.tags.append(VARIES)),
    ("no assert after a cell", lambda n: n.cells[5].update(source="clock() > 0")),
    (
        "an error",
        lambda n: n.cells[2].outputs.append(
            new_output("error", ename="E", evalue="", traceback=[])
        ),
    ),
    (
        "a warning: old",
        lambda n: n.cells[2].outputs.append(new_output("stream", name="stderr", text="old")),
    ),
    ("a path of one machine", lambda n: n.cells[2].outputs[0].update(text=f"{ROOT}/x")),
    ("a path of one machine", lambda n: n.cells[2].outputs[0].update(text=r"open C:\Users\x")),
    ("a memory address", lambda n: n.cells[2].outputs[0].update(text="<object at 0x7f00>")),
    ("a picture without a description", lambda n: n.cells[6].outputs[0].metadata.clear()),
    ("a widget without a picture", lambda n: n.cells[6].outputs[0].data.pop("image/png")),
    ("an exercise is not text, exercise, check", lambda n: n.cells.pop(7)),
    ("an exercise is not text, exercise, check", lambda n: n.cells.pop(9)),
    ("an exercise is not text, exercise, check", lambda n: n.cells[8].metadata.pop("tags")),
    ("a check is not folded away", lambda n: n.cells[9].metadata.pop("jupyter")),
    ("of a check does not begin with ○", lambda n: n.cells[9].outputs[0].update(text="✓ Right.")),
    ("of a solution does not begin with ✓", lambda n: n.cells[10].outputs.clear()),
    (
        "a solution without nbgrader's marks",
        lambda n: n.cells[10].update(source="...  # END SOLUTION"),
    ),
    ("without the tag predict", lambda n: n.cells[11].update(metadata={})),
    ("without the tag predict", lambda n: n.cells[11].update(source="# Choose below.")),
    ("a prediction is not folded", lambda n: n.cells[11].metadata.pop("jupyter")),
    ("is no comment", lambda n: n.cells[11].update(source=n.cells[11].source[2:])),
    (
        "a prediction is told which choice is right",
        lambda n: n.cells[11].update(source=n.cells[11].source.replace("x > 0", "True")),
    ),
    ("after a prediction shows anything", lambda n: n.cells[12].outputs.clear()),
]


@pytest.mark.parametrize(("complaint", "alter"), VIOLATIONS)
def test_a_violation_is_noticed(good, complaint, alter):
    alter(good)
    assert any(complaint in c for c in complaints(good))


def test_a_lecture_without_a_note_is_noticed(good):
    detour, lecture = FOLDER / "detour_not_written.ipynb", FOLDER / "99_not_written.ipynb"
    assert any(complaints_about_notes(detour, good))  # it asks a prediction
    good.cells = [cell for cell in good.cells if "predict" not in tags(cell)]
    assert not any(complaints_about_notes(detour, good))
    assert any(complaints_about_notes(lecture, good))
