"""What a checker of an exercise needs of its notebook, without running the rest of it."""

import ast
import contextlib
import io
import symtable
from functools import cache
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import nbformat

ROOT = Path(__file__).resolve().parents[2]
IMPORTS = ast.Import | ast.ImportFrom
DRAWING = {"ax", "axes", "exercises", "fig", "interactive", "listen", "microphone", "plots", "plt"}


def bound(statement):
    """Return the names that a statement binds, or whose values it changes in place."""
    names = set()
    for node in ast.walk(statement):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.alias):
            names.add((node.asname or node.name).split(".")[0])
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.Subscript | ast.Attribute) and isinstance(node.ctx, ast.Store):
            names.update(n.id for n in ast.walk(node.value) if isinstance(n, ast.Name))
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        function = statement.value.func  # such as rows.append(…), or model.save(path)
        if isinstance(function, ast.Attribute) and not loaded(function) & DRAWING:
            names |= loaded(statement.value)
    return names


def settled(statement):
    """Return the names that a statement gives a value of its own, whatever they were before."""
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return {statement.name}
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    parts = [part for target in targets for part in getattr(target, "elts", [target])]
    return {part.id for part in parts if isinstance(part, ast.Name)}


def loaded(statement):
    """Return the names that a statement reads; of those within its functions, the global ones."""
    names = set()
    for node in ast.walk(statement):
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
    tables = [symtable.symtable(ast.unparse(statement), "statement", "exec")]
    while tables:
        table = tables.pop()
        outermost = table.get_type() == "module"
        symbols = [s for s in table.get_symbols() if s.is_referenced()]
        names |= {s.get_name() for s in symbols if outermost or s.is_global()}
        tables += table.get_children()
    return names


def role(cell):
    """Return what a code cell is to an exercise: exercise, check, solution, or nothing."""
    tags = cell.metadata.get("tags", [])
    return next((t for t in ("exercise", "check", "solution") if t in tags), "")


@cache
def checkers(path, answers=()):
    """Return the checkers of a notebook, each with the names that stand when it is reached.

    Only the statements are executed, from the top, that the exercises' cells or answers depend on.

    Parameters
    ----------
    path : pathlib.Path
        The notebook.
    answers : tuple of str, optional
        Sources of answers, which may use what the notebook has defined.

    Returns
    -------
    dict of str to dict
        For each checker's name the namespace it was defined in; ``solution`` in it is what the
        notebook's own solution hands to it, ``unanswered`` what stands in the cell to answer in.
    """
    cells = [c for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code"]
    statements = [(role(cell), s) for cell in cells for s in ast.parse(cell.source).body]
    imported = {n for _, s in statements if isinstance(s, IMPORTS) for n in bound(s)}
    needed, kept = set(), []
    for answer in answers:
        needed |= loaded(ast.parse(answer.strip()))
    for of, statement in reversed(statements):
        imports = isinstance(statement, IMPORTS)  # an answer may use them
        binds = bound(statement)
        if isinstance(statement, ast.Expr):
            binds -= imported  # soundfile.write(path, np.zeros(9), sr) leaves np alone
        if imports or of in ("check", "solution") or binds & needed:
            needed -= settled(statement)
            needed |= loaded(statement)
            kept.insert(0, (of, statement))
    matplotlib.use("agg")
    namespace, found, names = {"__name__": path.stem}, {}, []
    with contextlib.chdir(path.parent), contextlib.redirect_stdout(io.StringIO()):
        for of, statement in kept:
            if of == "check" and isinstance(statement, ast.FunctionDef):
                if any(ast.unparse(d) == "exercises.checker" for d in statement.decorator_list):
                    names.append(statement.name)
            call = statement.value if isinstance(statement, ast.Expr) else None
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name):
                if of and call.func.id in names:  # the checker is called with an answer
                    given = compile(ast.Expression(call.args[0]), str(path), "eval")
                    answer = eval(given, namespace)
                    if of == "check":
                        found[call.func.id] = {**namespace, "unanswered": answer}
                    elif of == "solution":
                        found[call.func.id] |= {**namespace, "solution": answer}
                    continue
            module = ast.Module([statement], [])
            exec(compile(module, str(path), "exec"), namespace)
    plt.close("all")
    return found


def tell(namespace, checker, source=None):
    """Return what a checker says to an answer, given as source; to the solution unless given.

    The source is an expression, or statements that bind the name ``answer``.
    """
    own = dict(namespace)
    if source is None:
        answer = own["solution"]
    else:
        try:
            answer = eval(source, own)
        except SyntaxError:
            exec(source, own)
            answer = own["answer"]
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        own[checker](answer)
    return said.getvalue().strip()
