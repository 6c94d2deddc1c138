"""What a class is given holds every exercise and no solution."""

import nbformat

from tools import handout
from tools.lab import ROOT


def test_the_handout_holds_all_but_the_solutions(tmp_path, capsys):
    (tmp_path / "99_of_last_year.ipynb").write_text("{}")
    handout.main(tmp_path)
    whole = {p.name: nbformat.read(p, 4) for p in (ROOT / "notebooks").glob("*.ipynb")}
    given = {p.name: nbformat.read(p, 4) for p in tmp_path.glob("*.ipynb")}
    assert set(given) == set(whole)
    solutions = 0
    for name, notebook in whole.items():
        left_out = [c for c in notebook.cells if c not in given[name].cells]
        assert given[name].cells == [c for c in notebook.cells if c not in left_out]
        assert all("### BEGIN SOLUTION" in c.source for c in left_out)
        assert not any("SOLUTION" in c.source for c in given[name].cells)
        solutions += len(left_out)
    tags = [t for n in given.values() for c in n.cells for t in c.metadata.get("tags", [])]
    assert tags.count("exercise") == tags.count("check") == solutions > 40
