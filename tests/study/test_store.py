"""Pieces on disk give what one table in memory gives, whatever happens to them meanwhile."""

import contextlib
import os
import re
import subprocess
import sys
import threading
import time
import tracemalloc
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
import tqdm

from helpers.audio import corpus, features, loading
from helpers.audio.features import MFCCSetting
from helpers.study import store
from helpers.study.dataset import cut
from tests.audio.test_features import ROOT, speech  # noqa: F401

SETTING = MFCCSetting(n_mfcc=13, n_mels=40)
CLIPS = corpus.manifest().query("duration < 2").iloc[::50].reset_index(drop=True)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Make pieces small, so that a few clips fill several."""
    monkeypatch.setattr(store, "PIECE", 8.0)


def keep(clips, folder, **options):
    return store.keep(clips, SETTING, folder, progress=False, **options)


def contents(folder):
    return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def in_order(stream):
    """Return all examples of a stream by clip, and by their place within it."""
    parts = list(stream)
    values = [np.concatenate([getattr(p, n) for p in parts]) for n in ("x", "y", "lengths", "clip")]
    order = np.argsort(values[-1], kind="stable")
    return [value[order] for value in values]


def test_what_is_read_in_pieces_is_what_is_cut_in_memory(tmp_path):
    kept = keep(CLIPS, tmp_path)
    assert len(kept.pieces) > 3
    assert sorted(np.concatenate(kept.pieces)) == list(range(len(CLIPS)))
    whole = features.extract(CLIPS, SETTING, tmp_path / "whole")
    which = np.asarray(CLIPS.index % 3 > 0)
    for steps, shortest, chosen in ((50, 1, None), (40, 30, which)):
        rows = np.arange(len(CLIPS)) if chosen is None else np.flatnonzero(chosen)
        stream = kept.cut(steps, shortest=shortest, which=chosen)
        wanted = cut(
            CLIPS.iloc[rows],
            [whole[row] for row in rows],
            steps,
            shortest=shortest,
            languages=stream.languages,
        )
        got = in_order(stream)
        for one, two in zip(
            got, (wanted.x, wanted.y, wanted.lengths, rows[wanted.clip]), strict=True
        ):
            np.testing.assert_array_equal(one, two)
        for one, two in zip(stream.moments(), wanted.moments(), strict=True):
            np.testing.assert_allclose(one, two, rtol=1e-6)


def test_a_bar_tells_the_minutes_of_what_is_missing(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(store, "tqdm", tqdm.std.tqdm)  # a notebook's is a widget, if one is open
    minutes = 60 * CLIPS["duration"].sum() / 60  # of clips that stand for sixty times as much
    longer = CLIPS.assign(duration=60 * CLIPS["duration"])
    store.keep(longer, SETTING, tmp_path)
    said = capsys.readouterr().err
    assert f"{minutes:.0f} of {minutes:.0f} minutes of sound" in said
    assert said.split("\r")[-1].startswith("100%|")
    store.keep(longer, SETTING, tmp_path)
    assert capsys.readouterr().err == "", "nothing is missing"


def test_in_whatever_order_pieces_are_done_a_bar_ends_at_all(tmp_path, monkeypatch):
    totals, done = [], []

    class Bar(contextlib.nullcontext):
        def __init__(self, total, **_):
            super().__init__(self)
            totals.append(total)
            self.update = done.append

    monkeypatch.setattr(store, "tqdm", Bar)
    store.keep(CLIPS.assign(duration=60 * CLIPS["duration"]), SETTING, tmp_path)
    assert len(done) > 30
    for seed in range(100):  # tqdm warns of more than all, and of less its bar is not full
        assert np.cumsum(np.random.default_rng(seed).permutation(done))[-1] == totals[0]


@pytest.mark.parametrize("jobs", [1, 3])
def test_so_many_work_at_once_as_are_asked_for(tmp_path, monkeypatch, jobs):
    at_once, most, lock, compute = [0], [0], threading.Lock(), store._compute

    def watched(*arguments):
        with lock:
            at_once[0] += 1
            most[0] = max(most[0], at_once[0])
        time.sleep(0.1)
        try:
            return compute(*arguments)
        finally:
            with lock:
                at_once[0] -= 1

    monkeypatch.setattr(store, "_compute", watched)
    keep(CLIPS, tmp_path, jobs=jobs)
    assert most == [jobs]


def test_a_part_without_examples_is_refused_and_a_piece_without_is_not(tmp_path):
    kept = keep(CLIPS, tmp_path)
    one = np.arange(len(CLIPS)) == 3
    assert sum(len(some) for some in kept.cut(50, which=one)) > 0
    assert [len(y) for _, y in store.batches(kept.cut(50, which=one))]
    with pytest.raises(ValueError, match="no clip that was chosen has 400 frames"):
        kept.cut(400, shortest=400).moments()
    with pytest.raises(ValueError, match=f"tells of 2 clips, and there are {len(CLIPS)}"):
        kept.cut(50, which=[True, False])


@pytest.mark.parametrize("backend", ["sequential", "threading", "loky"])
def test_whoever_computes_writes_the_same_bytes(tmp_path, backend):
    keep(CLIPS, tmp_path / "unasked", jobs=1)
    with joblib.parallel_config(backend):
        keep(CLIPS, tmp_path / "asked", jobs=2)
    assert contents(tmp_path / "asked") == contents(tmp_path / "unasked")


KILLED = """
import os, sys
from helpers.audio import features
from helpers.study import store
from tests.study.test_store import CLIPS, keep

store.PIECE = 8.0
write, left = features._write, [3]
def dies(*arguments):
    left[0] -= 1
    if not left[0]:
        os.replace = lambda *paths: os._exit(1)  # with the file written and not named
    write(*arguments)
features._write = dies
keep(CLIPS, sys.argv[1], jobs=1)
"""


def test_a_killed_command_goes_on_where_it_stood(tmp_path, monkeypatch):
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], cwd=ROOT, timeout=300)
    assert killed.returncode == 1
    done = {name: data for name, data in contents(tmp_path).items() if name.endswith(".npz")}
    times = {name: (tmp_path / name).stat().st_mtime_ns for name in done}
    assert len(done) == 2
    computed, compute = [], features._extract

    def watched(files, setting):
        computed.extend(files)
        return compute(files, setting)

    monkeypatch.setattr(features, "_extract", watched)
    kept = keep(CLIPS, tmp_path)
    missing = [r for r, f in zip(kept.pieces, kept.files, strict=True) if f.name not in done]
    assert len(computed) == sum(map(len, missing)) < len(CLIPS)
    assert {name: (tmp_path / name).stat().st_mtime_ns for name in done} == times
    keep(CLIPS, tmp_path)
    assert len(computed) == sum(map(len, missing)), "computed twice"


def test_two_commands_at_once_do_not_spoil_each_others_files(tmp_path):
    code = (
        "import sys\nfrom helpers.study import store\nstore.PIECE = 8.0\n"
        "from tests.study.test_store import CLIPS, keep\nkeep(CLIPS, sys.argv[1])"
    )
    two = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "two")], cwd=ROOT)
        for _ in range(2)
    ]
    assert [command.wait(300) for command in two] == [0, 0]
    keep(CLIPS, tmp_path / "one")
    assert contents(tmp_path / "two") == contents(tmp_path / "one")


@pytest.mark.parametrize("where", [0.3, 0.9])
def test_a_flipped_byte_is_noticed_and_made_good(tmp_path, where):
    kept = keep(CLIPS, tmp_path)
    before, names = in_order(kept.cut(50)), contents(tmp_path)
    data = bytearray(kept.files[1].read_bytes())
    data[int(where * len(data))] ^= 0x10
    kept.files[1].write_bytes(data)
    for one, two in zip(in_order(kept.cut(50)), before, strict=True):
        np.testing.assert_array_equal(one, two)
    assert contents(tmp_path) == names


def test_who_lacks_the_corpus_says_so_and_where(tmp_path, monkeypatch, speech):  # noqa: F811
    monkeypatch.setattr(store, "PIECE", 0.5)
    monkeypatch.setattr(store.platform, "node", lambda: "node7")
    Path(speech["root"][2], speech["path"][2]).unlink()
    message = f"on node7: {speech['path'][2]}: cannot be read"
    with pytest.raises(loading.CorpusError, match=message):
        keep(speech, tmp_path / "kept")
    assert len(contents(tmp_path / "kept")) < len(speech)
    unread = speech.assign(sha256="", duration=np.nan)
    with pytest.raises(loading.CorpusError, match=f"^{speech['path'][2]}: cannot be read"):
        keep(unread, tmp_path / "kept")


def test_clips_that_nobody_has_read_are_told_by_size_and_time(tmp_path, speech):  # noqa: F811
    unread = speech.assign(sha256="", duration=np.nan)
    first = keep(unread, tmp_path / "kept").files
    assert keep(unread, tmp_path / "kept").files == first
    os.utime(Path(speech["root"][2], speech["path"][2]), (0, 0))
    assert keep(unread, tmp_path / "kept").files != first


def test_pieces_that_cannot_be_kept_are_told_of(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="4 of 4 pieces were computed and are not in .*file; make"):
        keep(CLIPS.head(32), tmp_path / "file")


def made_up(count, monkeypatch):
    """Return what is kept of clips, sorted by language and speaker, of which each is a number."""
    language, speaker = np.repeat(list("abcde"), count // 5), np.repeat(np.arange(50), count // 50)
    clips = pd.DataFrame({"path": [f"{n}.wav" for n in range(count)], "duration": 3.0})
    clips = clips.assign(language=language, speaker=speaker, root="", sha256="x")
    monkeypatch.setattr(
        store,
        "_extract",
        lambda some, *_: [np.full((300, 1), float(path[:-4]), "f4") for path in some["path"]],
    )
    monkeypatch.setattr(store, "PIECE", 600.0)
    return store.Kept(clips, MFCCSetting(n_mfcc=1), Path())


def epoch(data):
    return np.concatenate([x.numpy()[:, 0, 0] for x, _ in data]).astype(int)


def test_every_example_comes_once_in_another_order_each_time(monkeypatch):
    kept = made_up(2000, monkeypatch)
    data = store.batches(kept.cut(300), 64, shuffle=0)
    first, second = epoch(data), epoch(data)
    again = epoch(store.batches(kept.cut(300), 64, shuffle=0))
    other = epoch(store.batches(kept.cut(300), 64, shuffle=1))
    assert len(data) == -(-2000 // 64)
    for order in (first, second, other):
        assert sorted(order) == list(range(2000))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, second) and not np.array_equal(first, other)
    unshuffled = epoch(store.batches(kept.cut(300), 64))
    np.testing.assert_array_equal(unshuffled, np.concatenate(kept.pieces))
    for x, y in data.take(2):  # the language is the example's own
        np.testing.assert_array_equal(y, x.numpy()[:, 0, 0].astype(int) // 400)


def test_a_batch_is_as_mixed_as_if_everything_had_been_shuffled(monkeypatch):
    kept = made_up(10_000, monkeypatch)
    assert len(kept.pieces) > 10 * store.MIXED
    order = epoch(store.batches(kept.cut(300), 64, shuffle=0))
    rng = np.random.default_rng(0)

    def speakers(order):  # a batch, in the mean
        return np.mean([len(set(batch // 200)) for batch in np.split(order[:9984], 156)])

    full = [speakers(rng.permutation(10_000)) for _ in range(20)]
    assert abs(speakers(order) - np.mean(full)) < 4 * np.std(full)
    assert abs(np.corrcoef(order[1:], order[:-1])[0, 1]) < 4 / np.sqrt(10_000)
    assert abs(np.corrcoef(order, np.arange(10_000))[0, 1]) < 4 / np.sqrt(10_000)


def test_memory_does_not_grow_with_the_corpus(monkeypatch):
    peaks = []
    for count in (2000, 8000):
        stream = made_up(count, monkeypatch).cut(300)
        tracemalloc.start()
        for _ in store.batches(stream, 64, shuffle=0):
            pass
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0]


def test_the_readmes_lines_train_a_network(tmp_path, monkeypatch):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    [lines] = [
        block for block in re.findall("```python\n(.*?)```", readme, re.S) if "store.keep" in block
    ]
    monkeypatch.setattr(features, "CACHE", tmp_path)
    clips = CLIPS.groupby("language").head(6).reset_index(drop=True)
    clips["speaker"] = clips.index.astype(str)
    names = {"clips": clips}
    exec(lines.replace("cut(300, shortest=60", "cut(50, shortest=10"), names)
    assert set(names["model"].history.history) >= {"loss", "val_accuracy"}
    assert names["train"].count == sum(map(len, names["train"])) > 5
    assert names["train"].which.sum() > names["validation"].which.sum() > 0


def test_a_clip_more_changes_no_more_than_its_piece(monkeypatch):
    paths = pd.Series([f"{n}.wav" for n in range(1000)])

    def pieces(paths):
        return {frozenset(paths.iloc[rows]) for rows in store._dealt(paths, 16)}

    before = pieces(paths)
    assert len(before) == 16 and 30 < min(map(len, before)) and max(map(len, before)) < 100
    assert len(before & pieces(pd.concat([paths, pd.Series(["more.wav"])]))) == 15
    assert pieces(paths.sample(frac=1, random_state=0)) == before
    assert pieces(paths.head(0)) == set()
    one = store._dealt(paths.head(3), 1)
    assert len(one) == 1 and sorted(one[0]) == [0, 1, 2]
