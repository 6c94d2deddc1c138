"""The shipped recordings, and what their loader says of missing or damaged ones."""

import hashlib
import re
import shutil

import numpy as np
import pandas as pd
import pytest
import soundfile

from helpers.audio import corpus, loading
from tools.build_corpus import licence_file

CLIPS = corpus.manifest()
SHIPPED = {
    corpus.SPEECH: CLIPS,
    corpus.STRANGERS: corpus.strangers(),
    corpus.SYNTHETIC: corpus.synthetic(),
}
ONE_EACH = CLIPS.groupby(["language", "speaker"]).first()["path"].tolist()


@pytest.fixture
def small(tmp_path):
    """Return a corpus of one clip that a test may damage, and that clip's path."""
    row = CLIPS.head(1)
    path = row["path"].item()
    (tmp_path / path).parent.mkdir(parents=True)
    shutil.copy(corpus.SPEECH / path, tmp_path / path)
    flags = row[["unheard", "synthetic"]].astype(int)
    row.assign(**flags).to_csv(tmp_path / "manifest.csv", index=False)
    return tmp_path, path


def relabel(root, path, data):
    """Store other bytes as the clip and make the manifest agree with them."""
    (root / path).write_bytes(data)
    table = pd.read_csv(root / "manifest.csv")
    table["sha256"] = hashlib.sha256(data).hexdigest()
    table.to_csv(root / "manifest.csv", index=False)


def stanzas(package):
    """Return the licence of each group of files in a package's machine-readable copyright file."""
    text = (corpus.SPEECH / "licences" / licence_file(package)).read_text(encoding="utf-8")
    parts = text.split("\nFiles: ")[1:]
    return {s.split("\n")[0].strip(): re.search(r"^ ?License: (\S+)", s, re.M)[1] for s in parts}


@pytest.mark.parametrize("root", SHIPPED, ids=lambda root: root.name)
def test_every_file_is_the_one_in_the_manifest(root):
    clips = SHIPPED[root]
    stored = {p.relative_to(root).as_posix() for p in root.rglob("*.o[gp][gu]*")}
    assert stored == set(clips["path"])
    for path, digest in zip(clips["path"], clips["sha256"], strict=True):
        assert hashlib.sha256((root / path).read_bytes()).hexdigest() == digest, path


@pytest.mark.parametrize("root", SHIPPED, ids=lambda root: root.name)
def test_every_file_holds_what_the_manifest_says(root):
    for row in SHIPPED[root].itertuples():
        info = soundfile.info(root / row.path)
        assert (info.samplerate, info.channels) == (corpus.SR, 1), row.path
        assert info.duration == pytest.approx(row.duration, abs=1e-3), row.path


def test_the_recordings_fit_the_repository():
    assets = corpus.SPEECH.parent
    assert sum(p.stat().st_size for p in assets.rglob("*") if p.is_file()) < 60e6


@pytest.mark.parametrize("root", SHIPPED, ids=lambda root: root.name)
def test_every_column_that_tells_clips_apart_is_filled(root):
    clips = SHIPPED[root]
    known = {"letters", "syllables", "numbers", "words", "sentences", "shouts"}
    assert set(clips["content"]) <= known
    assert set(clips["line"]) <= {"studio", "telephone", "home", "game", "synthesiser"}
    assert (clips["person"] != "").all()
    assert (clips["source_sr"][clips["line"] == "telephone"] == 8000).all()
    assert clips["synthetic"].all() == (root == corpus.SYNTHETIC) == clips["synthetic"].any()
    # A sentence is a sentence in every language: else its content would tell one from another.
    assert (clips.groupby("prompt")["content"].nunique() == 1).all()


def test_prompts_are_told_apart_by_what_they_hold():
    content = CLIPS.groupby("prompt")["content"].first()
    for prompt, held in {
        "letters/b": "letters", "digits/7": "numbers", "digits/h-7": "numbers",
        "digits/day-3": "words", "phonetic/k_p": "words", "vm-password": "words",
        "tt-monkeysintro": "sentences", "vm-intro": "sentences", "ktuberling/hat": "words",
        "klettres/alpha/B": "letters", "ktuberling/moon_star": "words",
    }.items():  # fmt: skip
        if prompt in content.index:
            assert content[prompt] == held, prompt
    assert CLIPS.query("speaker == 'allison'")["language"].nunique() == 2
    assert set(CLIPS.query("speaker == 'allison'")["person"]) == {"allison"}


@pytest.mark.parametrize("language", sorted(CLIPS.loc[~CLIPS["unheard"], "language"].unique()))
def test_the_licence_is_the_one_in_the_packages_own_file(language):
    heard = CLIPS[~CLIPS["unheard"] & (CLIPS["language"] == language)]
    (licence,), (package,) = heard["licence"].unique(), heard["package"].unique()
    licences = stanzas(package)
    assert licence == licences.get(f"{language[:2]}-*", licences["*"])


@pytest.mark.parametrize(
    ("package", "licence", "words"),
    [
        ("asterisk-prompt-es-co", "GPL-2", "GNU General Public License .*version 2 dated June"),
        (
            "asterisk-prompt-fr-armelle",
            "BSD-like",
            "Redistribution and use, with or without modification, are permitted .*must retain "
            "the above copyright notice.*Neither the name .*endorse",
        ),
        (
            "asterisk-prompt-it-menardi-wav",
            "CC-BY-SA-3.0-IT",
            "license is Creative Commons Attribution Share Alike 3.0 Italian",
        ),
        ("klettres-data", "GPL-2+", "version 2 of the License, or [(]at your option[)] any later"),
        (
            "ktuberling-data",
            "GPL-2+",
            "version 2 of the License, or [(]at your option[)] any later",
        ),
    ],
)
def test_the_licence_of_an_unheard_voice_is_the_one_in_the_packages_own_file(
    package, licence, words
):
    rows = CLIPS[CLIPS["package"] == package]
    assert rows["unheard"].all() and set(rows["licence"]) == {licence}
    text = (corpus.SPEECH / "licences" / f"{package}.txt").read_text(encoding="utf-8")
    assert re.search(words, " ".join(text.split()))
    if licence == "GPL-2+":  # per file: no other stanza may cover the recordings
        assert stanzas(package)["*"] == licence
        assert not any("ogg" in files or "sounds" in files for files in stanzas(package))


def test_every_package_has_its_copyright_file_and_the_gpl_comes_in_full():
    licences = corpus.SPEECH / "licences"
    files = set(map(licence_file, CLIPS["package"]))
    assert {p.name for p in licences.iterdir()} == {*files, "GPL-2.txt"}
    assert len(files) == CLIPS["package"].nunique() - 4  # five packages of one source have one
    gpl = (licences / "GPL-2.txt").read_text(encoding="ascii")
    assert "Version 2, June 1991" in gpl and "END OF TERMS AND CONDITIONS" in gpl


@pytest.mark.parametrize("package", sorted(set(SHIPPED[corpus.STRANGERS]["package"])))
def test_the_licence_of_a_stranger_is_the_one_in_the_packages_own_file(package):
    clips = SHIPPED[corpus.STRANGERS]
    (licence,) = clips.loc[clips["package"] == package, "licence"].unique()
    path = corpus.STRANGERS / "licences" / f"{package}.txt"
    text = path.read_text(encoding="utf-8")
    files = {"hedgewars-data": "share/hedgewars/Data/Sounds/*", "unknown-horizons": "content/*"}
    stanza = text.split(f"\nFiles: {files.get(package, '')}", 1)[1]
    assert re.search(r"^ ?License: (\S+)", stanza, re.M)[1] == licence


def test_the_licences_of_the_strangers_come_in_full():
    licences = corpus.STRANGERS / "licences"
    for name, words in {
        "GPL-2": "Version 2, June 1991", "LGPL-2.1": "Version 2.1, February 1999",
        "GFDL-1.3": "Version 1.3, 3 November 2008",
    }.items():  # fmt: skip
        assert words in (licences / f"{name}.txt").read_text(encoding="utf-8")


def test_strangers_are_nobody_else_and_no_clip_is_there_twice():
    clips = SHIPPED[corpus.STRANGERS]
    assert clips["unheard"].all() and not set(clips["person"]) & set(CLIPS["person"])
    assert clips["sha256"].is_unique and not set(clips["sha256"]) & set(CLIPS["sha256"])
    assert not clips.duplicated(["language", "speaker", "prompt"]).any()
    for said in ("words", "numbers"):
        spoken = clips.loc[clips["content"] == said, "language"].str[:2]
        assert set(spoken) == set(CLIPS["language"].str[:2]), said


def test_what_the_package_writes_beside_a_word_is_its_text():
    clips = SHIPPED[corpus.STRANGERS].query(
        "package.str.startswith('tuxpaint') & content == 'words'"
    )
    assert (clips["text"] != "").all()
    russian = clips.loc[clips["language"] == "ru", "text"]
    assert russian.str.contains("[а-я]").all()
    assert clips.groupby("prompt")["language"].nunique().max() == 3


def test_every_credit_stands_in_the_readme():
    readme = " ".join((corpus.SPEECH.parents[1] / "README.md").read_text(encoding="utf-8").split())
    for clips in SHIPPED.values():
        assert [c for c in clips["credit"].unique() if c not in readme] == []
    menardi = CLIPS[CLIPS["speaker"] == "paola"]["credit"].unique().item()
    assert "Menardi" in menardi and "Dal Zot" in menardi
    assert "http://www.voip.ammdomus.it" in menardi


@pytest.mark.parametrize(
    ("speaker", "named"),
    [
        ("june", ["Clod Patry", "Kristopher Lalletti", "Digium", "Unlimitel", "BGM Informatique"]),
        ("carlo", ["Silvia Petrin", "carloflora.com", "segreterietelefoniche.it"]),
        ("allison", ["theivrvoice.com", "Digium"]),
        ("ivrvoice", ["Maxim Topal", "ivrvoice.ru"]),
    ],
)
def test_the_credit_names_whom_the_packages_own_file_names(speaker, named):
    rows = CLIPS[CLIPS["speaker"] == speaker]
    path = corpus.SPEECH / "licences" / licence_file(rows["package"].iloc[0])
    text = path.read_text("utf-8")
    for name in named:
        assert name in text
        assert rows["credit"].str.contains(name, regex=False).all(), name


def test_every_language_has_an_unheard_voice_that_is_no_main_voice():
    heard, unheard = CLIPS[~CLIPS["unheard"]], CLIPS[CLIPS["unheard"]]
    assert set(unheard["language"].str[:2]) == set(heard["language"].str[:2])
    assert not set(unheard["speaker"]) & set(heard["speaker"])


def test_prompts_are_unique_within_a_voice_and_shared_across_languages():
    assert not CLIPS.duplicated(["language", "speaker", "prompt"]).any()
    languages = CLIPS[~CLIPS["unheard"]].groupby("prompt")["language"].nunique()
    everyone = CLIPS.loc[~CLIPS["unheard"], "language"].nunique()
    assert (languages == everyone).sum() >= 300
    telephone = CLIPS[CLIPS["unheard"] & CLIPS["package"].str.startswith("asterisk")]
    voices = telephone["speaker"].nunique()
    assert (telephone.groupby("prompt")["language"].nunique() == voices).sum() >= 200
    assert set(telephone["prompt"]) <= set(languages.index)
    assert set(telephone["source_sr"]) == {8000}


@pytest.mark.parametrize("path", ONE_EACH)
def test_a_clip_is_audible_speech_within_range(path):
    y, sr = corpus.load_clip(path)
    assert sr == 16_000 and y.dtype == np.float32 and y.ndim == 1
    assert np.isfinite(y).all() and 0.01 < np.abs(y).max() <= 1.1


def test_a_set_keeps_the_order_of_its_rows():
    rows = CLIPS.iloc[[5, 2]]
    signals = loading.load_clips(rows)
    for y, path in zip(signals, rows["path"], strict=True):
        np.testing.assert_array_equal(y, soundfile.read(corpus.SPEECH / path, dtype="float32")[0])


def test_a_table_that_pandas_wrote_is_read_as_it_was(small):
    root, _ = small
    row = CLIPS[CLIPS["unheard"]].head(1)
    row.drop(columns="root").to_csv(root / "manifest.csv", index=False)
    got = corpus.manifest(root)
    assert got["unheard"].tolist() == [True] and got["synthetic"].tolist() == [False]


def test_the_manifest_is_a_copy():
    mine, before = corpus.manifest(), corpus.manifest()
    mine.loc[:, "language"] = "xx"
    mine.attrs["skipped"] = ["all"]
    del mine["path"]
    pd.testing.assert_frame_equal(corpus.manifest(), before)
    assert corpus.manifest().attrs == {}


def test_an_unknown_clip_is_named():
    with pytest.raises(corpus.CorpusError, match="nowhere.ogg: not in the manifest"):
        corpus.load_clip("nowhere.ogg")


def test_a_damaged_file_is_restored_from_its_own_folder(monkeypatch):
    row = corpus.synthetic().iloc[0]
    for root in (corpus.SPEECH, corpus.STRANGERS, corpus.SYNTHETIC):
        with pytest.raises(corpus.CorpusError, match=f"git checkout -- assets/{root.name}`"):
            loading.read_bytes({**row, "path": "nowhere.ogg", "root": str(root)})


def test_a_missing_file_is_named(small):
    root, path = small
    (root / path).unlink()
    with pytest.raises(corpus.CorpusError, match=f"{path}: cannot be read"):
        corpus.load_clip(path, root)


def test_one_flipped_bit_is_noticed(small):
    root, path = small
    data = bytearray((root / path).read_bytes())
    data[len(data) // 2] ^= 1
    (root / path).write_bytes(data)
    with pytest.raises(corpus.CorpusError, match=f"{path}: .*SHA-256"):
        corpus.load_clip(path, root)


def test_a_file_that_is_no_sound_is_refused(small):
    root, path = small
    relabel(root, path, b"no sound")
    with pytest.raises(corpus.CorpusError, match=f"{path}: no known format of sound"):
        corpus.load_clip(path, root)


def test_a_missing_or_short_manifest_is_named(tmp_path):
    with pytest.raises(corpus.CorpusError, match="manifest.csv: no such file"):
        corpus.manifest(tmp_path)
    (tmp_path / "manifest.csv").write_text("path,language\n")
    with pytest.raises(corpus.CorpusError, match="no column speaker"):
        corpus.manifest(tmp_path)


def test_what_all_clips_of_a_source_share_is_read_once_for_all(small):
    root, path = small
    table = pd.read_csv(root / "manifest.csv", dtype=str, keep_default_na=False)
    whole = corpus.manifest(root)
    shared, key = ["version", "licence", "credit"], ["package", "speaker"]
    table[key + shared].to_csv(root / "sources.csv", index=False)
    table.drop(columns=shared).to_csv(root / "manifest.csv", index=False)
    corpus._rows.cache_clear()
    pd.testing.assert_frame_equal(corpus.manifest(root), whole)
    other = table.assign(speaker="nobody").drop(columns=shared)
    other.to_csv(root / "manifest.csv", index=False)
    corpus._rows.cache_clear()
    with pytest.raises(corpus.CorpusError, match=f"sources.csv: nothing of the source of {path}"):
        corpus.manifest(root)
