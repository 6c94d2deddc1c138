"""What the bench measures is what it says."""

import os
from pathlib import Path

import pytest

from tools import bench


@pytest.mark.skipif(os.name == "nt", reason="makes links, which Windows may forbid")
def test_a_grown_corpus_has_as_many_hours_of_clips_that_exist(tmp_path):
    clips = bench.grown(4.5, tmp_path)
    assert clips["duration"].sum() / 3600 == pytest.approx(4.5, abs=0.01)
    assert clips["path"].is_unique and clips["sha256"].nunique() < len(clips) / 2
    assert all(
        Path(root, path).is_file() for root, path in clips[["root", "path"]].itertuples(index=False)
    )
    assert len(bench.grown(0.1, tmp_path / "few")) < len(clips) / 30


def test_an_unknown_bench_is_refused():
    with pytest.raises(SystemExit, match="no bench nonsense; there are imports, features, hours"):
        bench.main(["nonsense"])
