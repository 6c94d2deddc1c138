"""Notebooks are stored as the course promises, from their title to their last output."""

import ast
import dis
import re
from pathlib import Path
from types import CodeType

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
COURSE = """00_start_here 01_short_time_analysis 02_windowing 03_window_dtfts 04_mel_filterbank
05_spectrogram 06_mfcc 07_simple_rnn 08_gru 09_lstm 10_language_data 11_train 12_compare""".split()
VARIES = "nbval-ignore-output"  # the tag of cells whose text rightly differs between machines
ROLES = ("exercise", "check", "solution")  # the tags of an exercise's three code cells
WIDGET = "application/vnd.jupyter.widget-view+json"
ANSWERS = ("interactive.explore", "microphone.record")  # keep functions and call them later
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


def complaints_about_text(notebook):
    """Yield what is wrong with the title and the links."""
    if not notebook.cells[0].source.startswith("# "):
        yield "it does not open with a title"
    for cell in (c for c in notebook.cells if c.cell_type == "markdown"):
        for target in re.findall(r"\]\(([^)\s]+)", cell.source):
            path = target.split("#")[0]
            if path and "://" not in path and not (FOLDER / path).exists():
                yield f"a link leads nowhere: {target}"


def complaints_about_code(code):
    """Yield what is wrong with the code cells, as they were written and executed."""
    if [c.execution_count for c in code] != list(range(1, len(code) + 1)):
        yield "not executed from top to bottom"
    for cell in code:
        if len(cell.source.splitlines()) > 20 and "check" not in tags(cell):
            yield f"a cell of more than 20 lines: {cell.source[:40]}"
        if "NBVAL_" in cell.source or {t for t in tags(cell) if t.startswith("nbval-")} - {VARIES}:
            yield "nbval is told by something else than the one tag"
    varying = [c for c in code if VARIES in tags(c) and prints_text(c)]
    if len(varying) * 5 > sum(map(prints_text, code)):
        yield "more than one in five of the cells that print text are not compared"
    for cell, after in zip(code, [*code[1:], None], strict=True):
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


def functions(block):
    """Yield every function that a compiled cell makes, whatever it is nested in."""
    for inner in (c for c in block.co_consts if isinstance(c, CodeType)):
        yield inner
        yield from functions(inner)


def names(block, operation):
    """Return the names on which a compiled cell or function carries out an operation."""
    return {i.argval for i in dis.get_instructions(block) if i.opname == operation}


def read_later(call, blocks):
    """Return the global names that the functions handed to a call read, or those that they call."""
    made = {f.co_name: f for block in blocks for f in functions(block)}
    lambdas = [n for n in ast.walk(call) if isinstance(n, ast.Lambda)]
    ahead = [compile(ast.Expression(n), "lambda", "eval") for n in lambdas]
    ahead += [made.pop(n.id) for n in ast.walk(call) if isinstance(n, ast.Name) and n.id in made]
    found = set()
    while ahead:
        block = ahead.pop()
        read = names(block, "LOAD_GLOBAL")
        found |= read
        ahead += [*functions(block), *(made.pop(name) for name in read if name in made)]
    return found


def complaints_about_figures(code):
    """Yield which cells pull the ground from under a figure that answers to controls."""
    blocks = [compile(cell.source, "cell", "exec") for cell in code]
    for i, cell in enumerate(code):
        calls = [n for n in ast.walk(ast.parse(cell.source)) if isinstance(n, ast.Call)]
        for call in (c for c in calls if ast.unparse(c.func) in ANSWERS):
            needed = read_later(call, blocks[: i + 1])
            for block in blocks[i + 1 :]:
                for name in sorted(needed & names(block, "STORE_NAME")):
                    yield f"a figure reads {name}, which a later cell changes"


def complaints(notebook):
    """Yield everything that is wrong with a notebook."""
    code = [c for c in notebook.cells if c.cell_type == "code"]
    if notebook.metadata.get("kernelspec", {}).get("name") != "python3":
        yield "its kernel is not python3"
    yield from complaints_about_text(notebook)
    yield from complaints_about_code(code)
    yield from complaints_about_figures(code)
    for output in (o for c in code for o in c.outputs):
        yield from complaints_about_output(output)
    yield from complaints_about_exercises(notebook.cells)


def test_the_course_is_complete():
    assert [p.stem for p in NOTEBOOKS] == COURSE


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_notebook_is_stored_as_promised(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert path.stat().st_size <= 2_500_000
    assert list(complaints(notebook)) == []


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
        new_markdown_cell("# Title\n[next](02_windowing.ipynb#Why) [licence](../LICENSE)"),
        *(cell_that_prints(f"print({i})", f"{i}\n") for i in range(2)),
        cell_that_prints("print(clock())", "0.3 s\n", VARIES),
        new_code_cell("assert clock() > 0"),
        new_code_cell(
            "def turn(k):\n    return at(k)\n\n\ndef at(k):\n    return line[k]\n\n\n"
            "interactive.explore(fig, turn, sound=lambda k: at(0) + y, alt='a wave')",
            outputs=[shown],
        ),
        new_markdown_cell("**1.** Double it."),
        new_code_cell("def double(x):\n    ...", metadata={"tags": ["exercise"]}),
        cell_that_prints("check_double(double)", "○ Nothing here yet.\n", "check", **hidden),
        cell_that_prints(
            "### BEGIN SOLUTION\n...\n### END SOLUTION", "✓ Right.\n", "solution", **hidden
        ),
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
    # nbval would let a cell pass that has no output to compare
    ("not executed from top to bottom", lambda n: n.cells[1].update(execution_count=None)),
    ("a cell of more than 20 lines", lambda n: n.cells[1].update(source="x = 1\n" * 21)),
    ("nbval is told by something else", lambda n: n.cells[1].update(source="# NBVAL_SKIP")),
    ("nbval is told by something else", lambda n: n.cells[1].metadata.tags.append("nbval-skip")),
    ("more than one in five", lambda n: n.cells[1].metadata.tags.append(VARIES)),
    ("no assert after a cell", lambda n: n.cells[4].update(source="clock() > 0")),
    (
        "an error",
        lambda n: n.cells[1].outputs.append(
            new_output("error", ename="E", evalue="", traceback=[])
        ),
    ),
    (
        "a warning: old",
        lambda n: n.cells[1].outputs.append(new_output("stream", name="stderr", text="old")),
    ),
    ("a path of one machine", lambda n: n.cells[1].outputs[0].update(text=f"{ROOT}/x")),
    ("a path of one machine", lambda n: n.cells[1].outputs[0].update(text=r"open C:\Users\x")),
    ("a memory address", lambda n: n.cells[1].outputs[0].update(text="<object at 0x7f00>")),
    ("a picture without a description", lambda n: n.cells[5].outputs[0].metadata.clear()),
    ("a widget without a picture", lambda n: n.cells[5].outputs[0].data.pop("image/png")),
    ("reads line, which a later cell", lambda n: n.cells[7].update(source="for line in x: 0")),
    ("a figure reads y, which a later", lambda n: n.cells[7].update(source="y, sr = load(path)")),
    ("a figure reads at, which a later", lambda n: n.cells[7].update(source="def at(t): 0")),
    ("an exercise is not text, exercise, check", lambda n: n.cells.pop(6)),
    ("an exercise is not text, exercise, check", lambda n: n.cells.pop(8)),
    ("an exercise is not text, exercise, check", lambda n: n.cells[7].metadata.pop("tags")),
    ("a check is not folded away", lambda n: n.cells[8].metadata.pop("jupyter")),
    ("of a check does not begin with ○", lambda n: n.cells[8].outputs[0].update(text="✓ Right.")),
    ("of a solution does not begin with ✓", lambda n: n.cells[9].outputs.clear()),
    (
        "a solution without nbgrader's marks",
        lambda n: n.cells[9].update(source="...  # END SOLUTION"),
    ),
]


@pytest.mark.parametrize(("complaint", "alter"), VIOLATIONS)
def test_a_violation_is_noticed(good, complaint, alter):
    alter(good)
    assert any(complaint in c for c in complaints(good))
