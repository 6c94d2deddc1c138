"""With an address the course shows the way to itself; without one it has no dead button."""

import re
import shutil
from urllib.parse import unquote

import nbformat
import pytest

from tools import address
from tools.lab import ROOT, START

NOTEBOOKS = ("00_start_here.ipynb", "glossary.ipynb")


@pytest.fixture
def fork(tmp_path):
    """Return a folder with all that shows the address."""
    (tmp_path / "notebooks").mkdir()
    for name in ("pyproject.toml", "README.md", *(f"notebooks/{n}" for n in NOTEBOOKS)):
        shutil.copy(ROOT / name, tmp_path / name)
    address.main("none", tmp_path)
    return tmp_path


def seen(fork):
    return {p.relative_to(fork).as_posix(): p.read_bytes() for p in fork.rglob("*") if p.is_file()}


def test_what_is_shown_is_what_pyproject_says():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert address.BADGES.search(readme)[0] == address.badges(address.stored())


def test_without_an_address_no_button_is_shown(fork):
    assert address.stored(fork) == ""
    assert "[![" not in (fork / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("where", "hosted", "buttons"),
    [
        ("https://github.com/me/course", "/gh/me/course/HEAD", 4),
        ("https://gitlab.com/us/me/course", "/gl/us%2Fme/course/HEAD".replace("me/", "me%2F"), 1),
        ("https://git.example.org/me/course.git", None, 1),
    ],
)
def test_with_an_address_buttons_and_notebooks_lead_there(fork, where, hosted, buttons):
    before = seen(fork)
    address.main(where, fork)
    assert address.stored(fork) == where
    readme = (fork / "README.md").read_text(encoding="utf-8")
    assert readme.count("[![") == buttons
    [binder] = re.findall(r"\((https://mybinder.org/v2/[^)]*)\)", readme)
    assert binder.endswith(f"?urlpath=lab/tree/{START}")
    if buttons > 1:  # GitHub's own, and what reads from it
        assert f"(https://colab.research.google.com/github/me/course/blob/HEAD/{START})" in readme
        assert "[download](https://github.com/me/course/archive/HEAD.zip)" in readme
    assert (hosted in binder) if hosted else (where in unquote(binder))
    old, new = (
        nbformat.reads(text.decode(), as_version=4)
        for text in (
            before["notebooks/00_start_here.ipynb"],
            seen(fork)["notebooks/00_start_here.ipynb"],
        )
    )
    [first] = [c for c in new.cells if "setup" in c.metadata.get("tags", [])]
    assert f"!git clone --depth 1 {where} course" in first.source
    assert sum(a != b for a, b in zip(old.cells, new.cells, strict=True)) == 1
    after = seen(fork)
    address.main("", fork)  # as it is stored
    assert seen(fork) == after
    address.main("none", fork)
    assert seen(fork) == before


def test_what_is_no_address_is_refused(fork):
    before = seen(fork)
    for wrong in ("here", 'https://x.org/"', "git@github.com:me/course"):
        with pytest.raises(SystemExit, match="no address such as"):
            address.main(wrong, fork)
    assert seen(fork) == before
