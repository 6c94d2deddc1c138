"""The signal notebooks do not wait for TensorFlow."""

import subprocess
import sys
from pathlib import Path

import pytest

from helpers.bench import LIGHT

ROOT = Path(__file__).resolve().parent.parent
ABOUT_NETWORKS = {"experiments", "memory", "networks", "training"}


def test_every_module_is_light_or_about_networks():
    modules = {path.stem for path in (ROOT / "helpers").glob("*.py")} - {"__init__"}
    assert modules - ABOUT_NETWORKS == {*LIGHT}


@pytest.mark.parametrize("more", ["", ", networks"], ids=["light", "and networks"])
def test_tensorflow_is_imported_by_the_modules_about_networks_alone(more):
    modules = ", ".join(LIGHT) + more
    code = f"import sys; from helpers import {modules}; print('tensorflow' in sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert run.stdout == f"{bool(more)}\n"
    assert run.stderr == ""
