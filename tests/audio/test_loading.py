"""A row of a table is loaded from where it says, as it was when the table was made, at 16 kHz."""

import hashlib

import numpy as np
import pandas as pd
import pytest
import soundfile

from helpers.audio import corpus, loading
from tests.audio.sounds import encoded, tone, wav

SHIPPED = corpus.manifest().head(2)


@pytest.fixture
def row(tmp_path):
    """Return the row of a clip that a test may spoil."""
    data = encoded(tone(), 16_000, "FLAC")
    (tmp_path / "it").mkdir()
    (tmp_path / "it/ciao.flac").write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    return {"path": "it/ciao.flac", "root": str(tmp_path), "sha256": digest}


def test_what_a_row_lacks_is_unknown_or_empty():
    clips = loading.table([{"path": "a.wav", "prompt": 7}, {"speaker": "anna", "unheard": "1"}])
    assert clips.columns.tolist() == list(loading.COLUMNS)
    unknown = clips[["duration", "source_sr"]].isna()
    assert unknown.to_numpy().all() and clips["unheard"].tolist() == [False, True]
    assert clips["synthetic"].tolist() == [False, False]
    words = clips.drop(columns=["duration", "source_sr", "unheard", "synthetic"])
    assert all(type(word) is str for word in words.to_numpy().ravel())
    assert (words != "").to_numpy().sum() == 3
    assert clips["prompt"].tolist() == ["7", ""] and clips["speaker"].tolist() == ["", "anna"]


def test_numbers_may_come_as_text_and_other_columns_do_not_come():
    rows = [{"duration": "1.5", "source_sr": "8000", "unheard": "0", "mood": "good"},
            {"duration": 2, "source_sr": 16_000, "unheard": None}]  # fmt: skip
    clips = loading.table(rows)
    assert clips.columns.tolist() == list(loading.COLUMNS)
    assert clips["duration"].tolist() == [1.5, 2.0] and clips["duration"].dtype == np.float64
    assert clips["source_sr"].tolist() == [8000, 16_000] and clips["source_sr"].dtype == np.int64
    assert clips["unheard"].tolist() == [False, False] and clips["unheard"].dtype == bool


@pytest.mark.parametrize("name", ["unheard", "synthetic"])
def test_a_table_that_pandas_wrote_and_read_as_text_is_the_same(name, tmp_path):
    table = loading.table([{"path": "a", name: 1}, {"path": "b", name: 0}])
    table.to_csv(tmp_path / "table.csv", index=False)
    again = pd.read_csv(tmp_path / "table.csv", dtype=str, keep_default_na=False)
    assert again[name].tolist() == ["True", "False"]
    again = loading.table(again.to_dict("records"))
    assert again[name].tolist() == [True, False] and again[name].dtype == bool


def test_where_no_root_is_given_a_clip_is_the_courses():
    for clip in SHIPPED.to_dict("records"):
        assert clip["root"] == ""
        data = loading.read_bytes(clip)
        assert data == (loading.SPEECH / clip["path"]).read_bytes()


@pytest.mark.parametrize("known", [True, False], ids=["digest known", "nobody has read it"])
def test_only_a_file_with_another_digest_than_the_rows_is_refused(row, tmp_path, known):
    row = row if known else {**row, "sha256": ""}
    assert hashlib.sha256(loading.read_bytes(row)).digest()
    (tmp_path / "it/ciao.flac").write_bytes(encoded(tone(frequency=500), 16_000, "FLAC"))
    if known:
        with pytest.raises(loading.CorpusError, match="^it/ciao.flac: .*; read the folder again$"):
            loading.load_clip(row)
    else:
        assert len(loading.load_clip(row)[0]) == 4800


@pytest.mark.parametrize("own", [True, False])
def test_a_file_that_has_gone_is_named_with_the_way_to_mend_it(row, own):
    row = {**row, "path": "gone.wav"} if own else {"path": "gone.ogg", "root": "", "sha256": ""}
    mend = "read the folder again" if own else "restore it with `git checkout -- assets/speech`"
    message = f"^gone.*: cannot be read .No such file or directory.; {mend}$"
    with pytest.raises(loading.CorpusError, match=message):
        loading.load_clip(row)


def test_what_cannot_be_decoded_is_named(row, tmp_path):
    (tmp_path / "it/ciao.flac").write_bytes(b"")
    with pytest.raises(loading.CorpusError, match="^it/ciao.flac: the file is empty"):
        loading.load_clip({**row, "sha256": ""})


@pytest.mark.parametrize("sr", [8_000, 16_000, 44_100])
def test_every_clip_comes_at_16_khz_and_is_the_same_sound(tmp_path, sr):
    (tmp_path / "a.wav").write_bytes(wav(tone(sr, 0.5, 440), sr))
    y, rate = loading.load_clip({"path": "a.wav", "root": str(tmp_path), "sha256": ""})
    assert rate == 16_000 and y.dtype == np.float32 and len(y) == 8000
    inner = slice(800, 7200)  # away from the ends, where a resampler has only half of its input
    np.testing.assert_allclose(y[inner], tone(16_000, 0.5, 440)[inner], atol=2e-3)


def test_a_table_is_loaded_row_by_row(row):
    both = pd.concat([SHIPPED[::-1], loading.table([row])])
    sounds = loading.load_clips(both)
    for y, path in zip(sounds, SHIPPED["path"][::-1], strict=False):
        wanted, _ = soundfile.read(loading.SPEECH / path, dtype="float32")
        np.testing.assert_array_equal(y, wanted)
    assert len(sounds) == 3 and len(sounds[2]) == 4800
