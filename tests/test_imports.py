"""Folders are floors, and who does not need TensorFlow does not wait for it."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from helpers import ROOT

BENEATH = {  # what the modules of each folder may import of helpers
    "audio": {"audio"},
    "show": {"audio", "show"},
    "networks": {"audio", "networks"},
    "study": {"audio", "networks", "study"},
}
BESIDE = {"grading.py": {"exercises"}}  # the modules beside the folders stand by themselves but for
MODULES = {path: path.relative_to(ROOT / "helpers") for path in (ROOT / "helpers").rglob("*.py")}
LIGHT = [  # the modules for which no one waits for TensorFlow
    ".".join(("helpers", *name.with_suffix("").parts)).removesuffix(".__init__")
    for name in MODULES.values()
    if name.parts[0] not in ("networks", "study")
]


def imported(tree):
    """Yield the folder of helpers that each import statement names."""
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.ImportFrom):
            assert not node.level, "a relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for parts in (name.split(".") for name in names):
            if parts[0] == "helpers" and parts[1] != "ROOT":
                yield parts[1]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(MODULES[path]))
def test_nothing_is_imported_from_above(path):
    folder = MODULES[path].parts[0]
    allowed = (BENEATH | BESIDE).get(folder, set())
    assert set(imported(ast.parse(path.read_text(encoding="utf-8")))) <= allowed


def test_every_folder_is_a_floor():
    folders = {p.name for p in (ROOT / "helpers").iterdir() if (p / "__init__.py").exists()}
    assert folders == set(BENEATH)


@pytest.mark.parametrize("more", [[], ["helpers.networks.backend"]], ids=["light", "and networks"])
def test_tensorflow_is_imported_by_networks_and_study_alone(more):
    lines = [f"import {module}" for module in LIGHT + more]
    code = "\n".join(["import sys", *lines, "print('tensorflow' in sys.modules)"])
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(ROOT), capture_output=True, text=True, check=True
    )
    assert run.stdout == f"{bool(more)}\n"
    assert run.stderr == ""
