"""The files that install the course agree, and what is missing is said in one line."""

import itertools
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from tools import install, other_pythons

ROOT = Path(__file__).resolve().parents[2]
FILES = {
    "pyproject": "pyproject.toml",
    "lock": "requirements.lock",
    "environment": "environment.yml",
    "workflow": ".github/workflows/test.yml",
}
SYSTEMS = {"linux": "Linux", "darwin": "Darwin", "win32": "Windows"}


@pytest.fixture
def texts():
    return {name: (ROOT / path).read_text(encoding="utf-8") for name, path in FILES.items()}


def locked(lock):
    """Return the (requirement, hashes) of every package of a lock."""
    entries = re.sub(r"\s+# .*|\\\n", "", lock).splitlines()
    parts = [re.split(r"\s+--hash=", e) for e in entries]
    return [(Requirement(first), hashes) for first, *hashes in parts]


def complaints_about_lock(lock, project, pythons):
    """Yield what is wrong with the lock: a hash, an address, a package that should be there."""
    if re.search(r"://|^\s*-[^-]|^--|@", lock, re.M):
        yield "an address or an option stands in the lock"
        return
    entries = locked(lock)
    for requirement, hashes in entries:
        if not re.fullmatch(r"==[^*,]+", str(requirement.specifier)):
            yield f"{requirement.name} is not pinned"
        if not hashes or not all(re.fullmatch("sha256:[0-9a-f]{64}", h) for h in hashes):
            yield f"{requirement.name} has no hash"
    wanted = project["project"]["dependencies"] + project["dependency-groups"]["dev"]
    for text, python, system in itertools.product(wanted, pythons, SYSTEMS):
        want = Requirement(text)
        machine = {
            "python_version": python,
            "python_full_version": f"{python}.0",
            "sys_platform": system,
            "platform_system": SYSTEMS[system],
        }
        versions = [
            str(r.specifier).removeprefix("==")
            for r, _ in entries
            if canonicalize_name(r.name) == canonicalize_name(want.name)
            and (r.marker is None or r.marker.evaluate(machine))
        ]
        if len(versions) != 1 or versions[0] not in want.specifier:
            yield f"{text} on Python {python}, {system}: the lock has {versions or 'nothing'}"


def complaints(pyproject, lock, environment, workflow):
    """Yield every disagreement between the four files, given as text."""
    project = tomllib.loads(pyproject)
    allowed = SpecifierSet(project["project"]["requires-python"])
    pythons = [f"3.{minor}" for minor in range(0, 40) if f"3.{minor}.0" in allowed]
    yield from complaints_about_lock(lock, project, pythons)

    python, *rest = yaml.safe_load(environment)["dependencies"]
    if python.removeprefix("python=") not in pythons:
        yield f"conda's {python} is not in {allowed}"
    # conda and Binder run pip in the folder of the file; one hash makes pip ask for all of them.
    if rest != ["pip", {"pip": ["-r requirements.lock"]}]:
        yield "conda would install something else than the lock"

    jobs = yaml.safe_load(workflow)["jobs"].values()
    for job in jobs:
        tested = job["strategy"]["matrix"]["python"]
        if tested != [pythons[0], pythons[-1]]:
            yield f"hosted CI tests {tested}, not the oldest and the newest of {pythons}"
    systems = {s for j in jobs for s in j["strategy"]["matrix"].get("os", [j["runs-on"]])}
    if systems != {"ubuntu-latest", "macos-latest", "windows-latest"}:
        yield f"hosted CI runs on {systems}"


def test_the_files_agree(texts):
    assert list(complaints(**texts)) == []


def test_what_is_imported_is_declared_and_what_is_declared_is_used():
    done = subprocess.run([sys.executable, "-m", "deptry", "."], cwd=ROOT, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()


@pytest.mark.parametrize(
    ("file", "old", "new", "complaint"),
    [
        ("pyproject", '"librosa<1"', '"librosa<0.11"', "librosa<0.11 on Python 3.12, linux"),
        (
            "pyproject",
            '"numpy"',
            '"numpy", "torch"',
            "torch on Python 3.11, linux: the lock has not",
        ),
        ("pyproject", '"ruff"', '"ruff<0.1"', "ruff<0.1 on"),
        ("pyproject", ">=3.11", ">=3.10", "hosted CI tests"),
        ("pyproject", "<3.14", "<3.12", "conda's python=3.12 is not in"),
        ("lock", "absl-py==", "absl-py>=", "absl-py is not pinned"),
        ("lock", r"(?<=^absl-py==)(\S+).*?\n    #", r"\1\n    #", "absl-py has no hash"),
        ("lock", r"\A", "--index-url https://example.org/simple\n", "an address"),
        (
            "lock",
            r"(?s)^scipy==.*?(?=^\S)",
            "",
            "scipy on Python 3.11, linux: the lock has nothing",
        ),
        ("environment", "- -r requirements.lock", "- librosa", "something else than the lock"),
        ("environment", "  - pip\n", "  - pip\n  - numpy\n", "something else than the lock"),
        ("environment", "python=3.12", "python=3.14", "conda's python=3.14 is not in"),
        ("workflow", '"3.13"', '"3.12"', "hosted CI tests"),
        ("workflow", "macos-latest", "ubuntu-latest", "hosted CI runs on"),
    ],
)
def test_a_disagreement_is_noticed(texts, file, old, new, complaint):
    changed = re.sub(old, new, texts[file], count=1, flags=re.M | re.S)
    assert changed != texts[file]
    found = list(complaints(**texts | {file: changed}))
    assert any(complaint in c for c in found), found


def pretend(*version):
    """Return what the tools ask of ``sys``, of another Python."""
    return SimpleNamespace(
        version_info=version, executable="python", argv=["tool", "make"], exit=sys.exit
    )


def test_an_unsupported_python_is_told_which_ones_are(monkeypatch):
    monkeypatch.setattr(install, "sys", pretend(3, 10))
    with pytest.raises(SystemExit, match=r"needs Python 3\.11 to 3\.13; .* is Python 3\.10"):
        install.main()


def test_a_failed_installation_is_one_line_with_the_reason():
    with pytest.raises(SystemExit, match=r"^Not installed: .*no-such-module.* network, .*$"):
        install.quietly(sys.executable, "no-such-module")


def test_the_installer_finds_uv_in_the_lock(texts):
    block = install.uv_of(texts["lock"])
    assert [r.name for r, hashes in locked(block) if hashes] == ["uv"]


def test_a_python_is_found_only_where_it_works(tmp_path, monkeypatch):
    this = "{}.{}".format(*sys.version_info)
    broken = tmp_path / f"python{this}"
    broken.write_text("#!/bin/sh\nexit 127\n")  # as a pyenv shim without its version
    broken.chmod(0o755)
    monkeypatch.setattr(other_pythons, "candidates", lambda v: ["", str(broken), sys.executable])
    assert other_pythons.find_python(this) == sys.executable
    assert other_pythons.find_python("3.2") is None


def test_a_python_that_is_missing_is_named_and_fails_nothing(monkeypatch, capsys):
    monkeypatch.setattr(other_pythons, "find_python", lambda version: None)
    monkeypatch.setattr(other_pythons, "sys", pretend(3, 12))
    other_pythons.main()
    assert capsys.readouterr().out.splitlines() == [
        "Python 3.11 is not on this machine: not tested on it.",
        "Python 3.13 is not on this machine: not tested on it.",
    ]


def test_a_failure_on_another_python_is_a_failure(monkeypatch):
    monkeypatch.setattr(other_pythons, "find_python", lambda version: sys.executable)
    failed = SimpleNamespace(returncode=2)
    monkeypatch.setattr(subprocess, "run", lambda *a, **k: failed)
    monkeypatch.setattr(other_pythons, "sys", pretend(3, 12))
    with pytest.raises(SystemExit, match="Failed on Python 3.1"):
        other_pythons.main()


def test_what_shows_notebooks_differences_is_found_without_an_active_environment():
    attributes = (ROOT / ".gitattributes").read_text(encoding="utf-8")
    [pairs] = [line.split()[1:] for line in attributes.splitlines() if line.startswith("*.ipynb")]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    set_up = re.findall(r'git config (\w+)\.(\w+)\.(?:command|driver) "(\S+) -m', makefile)
    assert [f"{kind}={name}" for kind, name, _ in set_up] == pairs
    assert {command for _, _, command in set_up} == {"$(BIN)/python"}
