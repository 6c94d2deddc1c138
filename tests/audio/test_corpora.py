"""The corpora that people have are read as their owners lay them out, with what is wrong in them.

The folders are made of shipped speech (`tests.audio.made`), so it is known beforehand what is in
them.
"""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy
import soundfile

from helpers.audio import corpora, corpus, decoding, features, loading, recordings
from helpers.study import dataset, experiments
from tests.audio import made
from tests.audio.sounds import encoded, tone

CLIPS = made.spoken()
SOURCES = corpora.COMMON_VOICE, corpora.FLEURS, corpora.LIBRISPEECH, corpora.VOXLINGUA
TABLES = "cv-corpus-17.0-2024-03-15/en/{}.tsv"


@pytest.fixture(scope="module", params=made.LAYOUTS)
def corpus_made(request, tmp_path_factory):
    """Return the name of a layout, a folder of it that nobody may change, and where it begins."""
    home = tmp_path_factory.mktemp("made")
    return request.param, home, made.LAYOUTS[request.param](home / "corpus")


@pytest.fixture(scope="module")
def voices(tmp_path_factory):
    """Return a folder of Common Voice that nobody may change."""
    return made.common_voice(tmp_path_factory.mktemp("cv")).parent


@pytest.fixture
def mine(voices, tmp_path):
    """Return a folder of Common Voice that a test may spoil."""
    shutil.copytree(voices, tmp_path / "cv")
    return tmp_path / "cv"


def spoil(home, part, change):
    """Change the lines of a table of English, and return the first clip that it lists."""
    table = home / TABLES.format(part)
    lines = made.lines_of(table)
    name = lines[1][1]
    made.rewrite(table, change(lines) or lines)
    return f"cv-corpus-17.0-2024-03-15/en/clips/{name}"


def read(home, **choice):
    """Return the table of a folder, by what its tables and the headers of its files say."""
    return recordings.folder(home, decode=False, **choice)


def skipped(home, **choice):
    return read(home, **choice).attrs["skipped"]


def test_a_corpus_is_a_table_like_the_manifest(corpus_made, capsys):
    name, home, _ = corpus_made
    clips = recordings.folder(home)
    assert clips.drop(columns="part").dtypes.equals(corpus.manifest().dtypes)
    assert clips.attrs["skipped"] == {} and len(clips) == len(CLIPS)
    source = next(s for s in SOURCES if s.name == name)
    assert set(clips["package"]) == {name} and set(clips["licence"]) == {source.licence}
    told = capsys.readouterr().out
    assert source.licence in told and source.citation in told and source.page in told
    assert f"36 clips, 3 languages, {clips['speaker'].nunique()} {source.unit}s, " in told
    for language, rows in clips.groupby("language"):
        assert f"\n  {language}: {len(rows)} clips, {rows['speaker'].nunique()} " in told


NUMBER = {
    "Common Voice": r"_(\d+)\.mp3",
    "FLEURS": r"/1(\d+)\.wav",
    "Multilingual LibriSpeech": r"_(\d+)\.flac",
    "VoxLingua107": r"__U__S(\d+)---",
}
"""What of a file's name says which of the clips it is."""


def bare(text):
    return text.lower().replace('"', "").strip(".")


def test_what_is_in_it_is_what_was_put_in(corpus_made):
    name, home, _ = corpus_made
    clips = recordings.folder(home)
    numbers = clips["path"].str.extract(NUMBER[name])[0].astype(int)
    assert sorted(numbers) == list(range(len(CLIPS)))
    put = [CLIPS[number] for number in numbers]
    assert clips["language"].tolist() == [clip.language for clip in put]
    people = [f"{clip.language} {clip.speaker}" for clip in put]
    if name == "VoxLingua107":
        assert clips["part"].tolist() == [clip.part.replace("test", "dev") for clip in put]
        assert clips["prompt"].is_unique and (clips["text"] == "").all()
    else:
        assert clips["part"].tolist() == [clip.part for clip in put]
        assert clips["text"].map(bare).tolist() == [bare(clip.text) for clip in put]
    said = [f"{clip.prompt} {clip.language}" for clip in put]
    if name == "FLEURS":  # a sentence has one number in all languages, and nobody is in two groups
        said = [f"{clip.prompt} {clip.part}" for clip in put]
        people = [f"{c.language} {c.part == 'train'} {c.speaker % 2}" for c in put]
    for column, truth in {"speaker": people, "prompt": said}.items():
        if (name, column) != ("VoxLingua107", "prompt"):
            pairs = set(zip(clips[column], truth, strict=True))
            assert len(pairs) == clips[column].nunique() == len(set(truth)), column
    for clip, y in zip(put[::5], loading.load_clips(clips[::5]), strict=True):
        assert len(y) == pytest.approx(len(clip.y), abs=1600)  # codecs add a little
        alike = scipy.signal.correlate(y, clip.y).max()
        assert alike > 0.8 * np.linalg.norm(y) * np.linalg.norm(clip.y)


@pytest.mark.parametrize("decode", [True, False])
def test_durations_are_those_of_the_files_and_of_the_owners_tables(corpus_made, decode):
    name, home, _ = corpus_made
    clips = recordings.folder(home, decode=decode)
    lengths = [len(y) / loading.SR for y in loading.load_clips(clips)]
    np.testing.assert_allclose(clips["duration"], lengths, atol=0.02)
    told = corpora.listed(home).table().set_index("path")["duration"]
    np.testing.assert_allclose(told[clips["path"]], lengths, atol=0.1)
    assert (clips["sha256"] != "").all() == decode == (clips["sha256"] != "").any()
    assert set(clips["source_sr"]) == {{"Common Voice": 32_000}.get(name, 16_000)}


def test_any_folder_of_it_will_do(corpus_made):
    name, home, inner = corpus_made
    whole = recordings.folder(home)
    assert whole.drop(columns=["path", "root"]).equals(
        recordings.folder(inner).drop(columns=["path", "root"])
    )
    english = whole[whole["language"] == "en"]
    mark = english["path"].iloc[-1]  # of VoxLingua107, whose other part is called dev
    above = [p for p in Path(mark).parents if p.name.startswith(("en", "mls_english"))]
    folder = home / above[0]
    one = recordings.folder(folder)
    if name == "VoxLingua107":  # of which the training's part has a folder of its own
        english = english[english["part"] == "train"]
    assert one["sha256"].tolist() == english["sha256"].tolist()
    assert set(one["language"]) == {"en"} and one["prompt"].tolist() == english["prompt"].tolist()


def test_features_and_splits_take_it(corpus_made, tmp_path):
    name, home, _ = corpus_made
    clips = recordings.folder(home)
    frames = features.extract(clips.head(3), cache=tmp_path)
    assert [len(f) for f in frames] == pytest.approx(100 * clips["duration"].head(3), abs=2)
    for by in ("speaker", "prompt"):
        part = dataset.split(clips, {"train": 1, "test": 1}, by=by)
        assert part.notna().all() and (part.groupby(clips[by]).nunique() == 1).all()


def test_languages_and_parts_can_be_chosen(corpus_made):
    name, home, _ = corpus_made
    clips = recordings.folder(home, languages=["German", "fr-CA"], parts=["dev"])
    assert set(clips["language"]) == {"de", "fr"} and set(clips["part"]) == {"dev"}
    assert len(clips) == (8 if name == "VoxLingua107" else 4)
    with pytest.raises(corpus.CorpusError, match=r"languages: no it, tlh; there are de, en, fr"):
        recordings.folder(home, languages=["Italian", "tlh", "de"])
    with pytest.raises(corpus.CorpusError, match="no clip of other.*its parts are train, dev"):
        recordings.folder(home, parts=["dev", "other"])
    with pytest.raises(ValueError, match=r"languages is 'de'; expected a list, such as \['de'\]"):
        recordings.folder(home, languages="de")


def test_only_what_is_chosen_is_opened(corpus_made, monkeypatch):
    _, home, _ = corpus_made
    opened, examined = [], recordings._examined

    def examine(file, *arguments, **options):
        opened.append(file)
        return examined(file, *arguments, **options)

    monkeypatch.setattr(recordings, "_examined", examine)
    clips = recordings.folder(home, clips=4, languages=["en"])
    assert len(clips) == len(opened) == 4
    monkeypatch.setattr(decoding, "examine", lambda data: 1 / 0)
    assert len(recordings.folder(home, clips=4, decode=False)) == 12


def test_experiments_keep_the_speakers_of_the_owners_test_apart(corpus_made, tmp_path):
    name, home, _ = corpus_made
    table = experiments.clips(str(home))
    kept = set(table.loc[table["unheard"], "speaker"])
    assert kept == set(table.loc[~table["unheard"], "speaker"]) ^ set(table["speaker"])
    if name == "VoxLingua107":  # whose dev is no test: of each language, who speaks least
        seconds = table.groupby(["language", "speaker"])["duration"].sum()
        assert kept == {speaker for _, speaker in seconds.groupby("language").idxmin()}
    else:
        assert kept == set(table.loc[table["part"] == "test", "speaker"]) and len(kept) == 3
    table[table["part"] != "test"].to_csv(tmp_path / "mine.csv", index=False)
    rest = experiments.clips(str(tmp_path / "mine.csv"))
    assert rest.loc[rest["unheard"], "voice"].nunique() == 3
    unread = recordings.folder(home, decode=False)
    for i, rows in enumerate((unread, unread.iloc[::-1], unread.iloc[1:])):
        rows.to_csv(tmp_path / f"{i}.csv", index=False)
    digests = [experiments.digest(str(tmp_path / f"{i}.csv")) for i in range(3)]
    assert digests[0] == digests[1] != digests[2]


# --- Faults ---------------------------------------------------------------------------------------


def test_a_clip_that_a_table_lists_and_the_folder_lacks_is_named(mine):
    first = spoil(mine, "train", lambda lines: None)
    (mine / first).unlink()
    assert skipped(mine) == {first: "no such file"}


@pytest.mark.parametrize("decode", [True, False])
def test_clips_that_cannot_be_read_are_named(mine, decode):
    first, second = spoil(mine, "train", lambda lines: None), spoil(mine, "dev", lambda lines: None)
    (mine / first).write_bytes(b"")
    (mine / second).write_bytes(b"moved to the archive")
    found = recordings.folder(mine, decode=decode).attrs["skipped"]
    assert list(found) == [first, second] and found[first] == "the file is empty"
    assert found[second].startswith("cannot be read" if not decode else "no known format")


def test_a_clip_that_is_listed_twice_is_taken_once(mine):
    first = spoil(mine, "train", lambda lines: [*lines, lines[1]])
    at = "cv-corpus-17.0-2024-03-15/en/train.tsv, line 10"
    assert skipped(mine) == {at: f"{first} is listed already, in train"}
    again = made.lines_of(mine / TABLES.format("train"))[1]
    spoil(mine, "test", lambda lines: [*lines, again])
    clips = read(mine)
    assert clips.attrs["skipped"] == {
        at: f"{first} is listed already, in train",
        "cv-corpus-17.0-2024-03-15/en/test.tsv, line 4": f"{first} is listed already, in train",
    }
    assert len(clips) == len(CLIPS) and clips["path"].is_unique


@pytest.mark.parametrize("column", ["client_id", "path", "sentence"])
@pytest.mark.parametrize("nothing", ["", "  "])
def test_a_line_without_file_speaker_or_sentence_is_named(mine, column, nothing):
    def empty(lines):
        lines[2][lines[0].index(column)] = nothing

    spoil(mine, "train", empty)
    at = "cv-corpus-17.0-2024-03-15/en/train.tsv, line 3"
    assert skipped(mine) == {at: f"its {column} is empty"}


@pytest.mark.parametrize(
    "write",
    [
        r"clips\{}".format,
        r"C:\corpora\en\clips\{}".format,
        "/home/anna/cv/en/clips/{}".format,
        " {} ".format,
        lambda name: name.removesuffix(".mp3"),
    ],
)
def test_a_path_may_be_written_as_any_system_does(mine, write):
    before = read(mine)

    def rename(lines):
        for fields in lines[1:]:
            fields[1] = write(fields[1])

    for part in ("train", "dev", "test"):
        spoil(mine, part, rename)
    pd.testing.assert_frame_equal(read(mine), before)


@pytest.mark.parametrize("bom", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n"])
def test_marks_and_ends_of_lines_do_not_matter(mine, bom, end):
    before = read(mine)
    for table in mine.rglob("*.tsv"):
        lines = table.read_text(encoding="utf-8").splitlines()
        table.write_bytes((bom + end.join(lines)).encode())
    pd.testing.assert_frame_equal(read(mine), before)


SENTENCES = {
    '"': '"',
    '"To be": that': '"To be": that',
    "a 'quote\" that never ends": "a 'quote\" that never ends",
    "two\u2028lines\x0bin\x85one": "two lines in one",
    "a line of a Mac's\rand another": "a line of a Mac's and another",
    "twelve  spaces ": "twelve spaces",
    "naïve \\n ½ 你好": "naïve \\n ½ 你好",
}


@pytest.mark.parametrize("sentence", SENTENCES)
def test_a_sentence_may_hold_anything_but_tabs(mine, sentence):
    def say(lines):
        lines[1][lines[0].index("sentence")] = sentence

    first = spoil(mine, "train", say)
    clips = read(mine).set_index("path")
    assert clips.attrs["skipped"] == {} and len(clips) == len(CLIPS)
    assert clips["text"][first] == SENTENCES[sentence]


def test_a_line_with_a_tab_in_its_sentence_is_named(mine):
    spoil(mine, "train", lambda lines: lines[2].insert(4, "a"))
    [(where, why)] = skipped(mine).items()
    assert where.endswith("en/train.tsv, line 3") and why.startswith("13 fields; expected 12")


def test_bytes_that_are_no_text_hurt_one_sentence_alone(mine):
    table = mine / TABLES.format("train")
    table.write_bytes(table.read_bytes().replace(b"He said", b"\xff\xfe said", 1))
    clips = read(mine)
    assert len(clips) == len(CLIPS) and clips["text"].str.contains("\ufffd").sum() == 1


def test_capitals_and_marks_make_no_other_sentence(mine):
    def shout(lines):
        for fields in lines[1:]:
            fields[3] = f"«{fields[3].upper()}!»"

    before = read(mine)
    spoil(mine, "test", shout)
    after = read(mine)
    assert after["prompt"].equals(before["prompt"]) and not after["text"].equals(before["text"])


def test_who_is_in_two_parts_is_noted(mine, capsys):
    someone = made.lines_of(mine / TABLES.format("train"))[1][0]
    spoil(mine, "test", lambda lines: [lines[0], *([someone, *f[1:]] for f in lines[1:])])
    clips = read(mine)
    note = clips.attrs["notes"][f"speaker {someone[:16]}"]
    assert note.startswith("in two of the owner's parts; split by speaker instead")
    assert f"  speaker {someone[:16]}: {note}\n" in capsys.readouterr().out
    [sentences] = [note for name, note in clips.attrs["notes"].items() if name[:8] == "sentence"]
    shared = clips.groupby("prompt")["part"].nunique()
    assert sentences.startswith(f"in two of the owner's parts, like {(shared > 1).sum() - 1} more;")
    assert not read(mine, parts=["train"]).attrs["notes"]


@pytest.mark.parametrize(
    ("release", "known"),
    [
        ("cv-corpus-4-2019-12-10", False),
        ("cv-corpus-5.1-2020-06-22", False),
        ("cv-corpus-14.0-2023-06-23", True),
        ("cv-corpus-16.1-2023-12-06", True),
    ],
)
def test_every_generation_of_common_voice_is_read(voices, tmp_path, release, known):
    home = made.common_voice(tmp_path, CLIPS[:4], release)
    clips = read(tmp_path, hours=1)
    now = read(voices, languages=["de"]).head(4)
    same = ["language", "speaker", "prompt", "text", "part", "duration"]
    assert clips[same].equals(now[same]) and set(clips["version"]) == {release}
    assert corpora.listed(home).table()["duration"].notna().all() == known
    if release == "cv-corpus-4-2019-12-10":  # no folder of a language in its archive
        alone = read(home / "de")
        assert set(alone["language"]) == {"de"}


def test_a_release_without_parts_is_read_by_what_was_validated(mine):
    whole = read(mine)
    for part in ("train", "dev", "test"):
        for table in mine.rglob(f"{part}.tsv"):
            table.unlink()
    clips = read(mine)
    assert set(clips["part"]) == {"validated"} and clips["path"].equals(whole["path"])


def test_a_table_without_its_columns_is_named_with_those_that_it_has(mine):
    spoil(mine, "train", lambda lines: [[f for f in fields if f != "sentence"] for fields in lines])
    with pytest.raises(corpus.CorpusError, match=r"en/train.tsv: no column sentence; there are cl"):
        read(mine)


def test_a_table_that_may_not_be_read_is_named(mine, monkeypatch):
    def refuse(table):
        raise PermissionError(13, "Permission denied", str(table))

    monkeypatch.setattr(corpora, "_durations", refuse)
    with pytest.raises(corpus.CorpusError, match=r"/de: cannot be read \(Permission denied\)"):
        recordings.folder(mine)


def test_one_language_in_two_spellings_is_one(tmp_path):
    clips = [c for c in CLIPS if c.language == "en"]
    made.fleurs(tmp_path / "f", clips)
    shutil.copytree(tmp_path / "f/en_us", tmp_path / "f/eng")
    for i, table in enumerate((tmp_path / "f/eng/audio").rglob("*.wav")):
        soundfile.write(table, tone(frequency=300 + i), 16_000)  # other clips than in the first
    assert set(read(tmp_path / "f")["language"]) == {"en"}
    made.voxlingua(tmp_path / "v", clips)
    (tmp_path / "v/en").rename(tmp_path / "v/iw")
    (tmp_path / "v/dev/en").rename(tmp_path / "v/dev/he")
    both = read(tmp_path / "v")
    assert set(both["language"]) == {"he"} and len(both) == 12
    assert len(read(tmp_path / "v", languages=["Hebrew"])) == 12


def test_one_language_in_two_spellings_is_one_in_a_folder_of_ones_own(tmp_path, capsys):
    for i, folder in enumerate(("en", "en-US", "English", "it", "mine", "dialect 1", "dialect 2")):
        (tmp_path / folder / "anna").mkdir(parents=True)
        soundfile.write(tmp_path / folder / "anna/ciao.wav", tone(frequency=300 + i), 16_000)
    clips = read(tmp_path)
    spoken = clips.groupby("language").size().to_dict()
    assert spoken == {"en": 3, "it": 1, "mine": 1, "dialect 1": 1, "dialect 2": 1}
    assert list(clips.attrs["notes"]) == ["English, en, en-US"]
    assert "one language, en" in capsys.readouterr().out
    assert read(tmp_path, languages=["en_GB", "mine"])["language"].nunique() == 2
    (tmp_path / "en").rename(tmp_path / "it-IT")
    (tmp_path / "English").rename(tmp_path / "fr-CA")
    names = set(read(tmp_path)["language"])
    assert names >= {"it", "en-US", "fr-CA"} and "it-IT" not in names


def test_librispeech_names_what_is_wrong_in_its_tables(tmp_path):
    home = made.librispeech(tmp_path, CLIPS[:12], "flac")
    table = tmp_path / "mls_german/train/transcripts.txt"
    first, *others = made.lines_of(table)
    lines = [first, [first[0], "another text"], ["7_7", "x"], [others[0][0], " "], *others[1:]]
    made.rewrite(table, lines)
    clips = read(home)
    why = clips.attrs["skipped"]
    at = "mls_german/train/transcripts.txt, line {}".format
    speaker, book, _ = first[0].split("_")
    file = f"mls_german/train/audio/{speaker}/{book}/{first[0]}.flac"
    assert why == {
        at(2): f"{file} is listed already, in train",
        at(3): "'7_7'; expected speaker_book_segment",
        at(4): "its sentence is empty",
    }
    assert len(clips) == 11 and clips.loc[clips["path"] == file, "text"].item() == first[1]
    for table in tmp_path.rglob("segments.txt"):
        table.write_text("no seconds\n\n", encoding="utf-8")
    assert len(read(home, hours=1)) == 11


def test_librispeech_comes_in_opus_too(tmp_path):
    made.librispeech(tmp_path, CLIPS[:2], "opus")
    clips = recordings.folder(tmp_path)
    assert clips["path"].str.fullmatch(r"mls_german_opus/train/.*[.]opus").all()
    assert clips["language"].tolist() == ["de", "de"]
    lengths = [len(clip.y) / 16_000 for clip in CLIPS[:2]]
    assert clips["duration"].tolist() == pytest.approx(lengths, abs=0.1)


def test_fleurs_names_what_is_wrong_in_its_tables(tmp_path):
    home = made.fleurs(tmp_path, CLIPS[:12])
    table = tmp_path / "de_de/train.tsv"
    lines = made.lines_of(table)
    lines[0][0], lines[1][2], lines[1][3], lines[2][5] = "", " ", "", "many"
    lines[3][1] = f"audio\\train\\{lines[3][1]}"
    made.rewrite(table, [*lines, lines[3]])
    clips = read(home)
    at = "de_de/train.tsv, line {}".format
    assert clips.attrs["skipped"] == {
        at(1): "its identifier is empty",
        at(2): "its sentence is empty",
        at(9): "de_de/audio/train/10003.wav is listed already, in train",
    }
    assert len(clips) == 10 and clips["duration"].notna().all()


def test_an_archive_that_nobody_unpacked_is_named(tmp_path):
    home = made.fleurs(tmp_path, CLIPS[:12])
    shutil.rmtree(tmp_path / "de_de/audio/train")
    (tmp_path / "de_de/audio/train.tar.gz").write_bytes(b"\x1f\x8b")
    found = skipped(home)
    assert found == {"de_de/audio/train.tar.gz": "not unpacked; unpack it where it lies"}
    (tmp_path / "cv").mkdir()
    (tmp_path / "cv/cv-corpus-17.0-en.tar.gz").write_bytes(b"\x1f\x8b")
    with pytest.raises(
        corpus.CorpusError, match="no clip found; .* Unpack cv-corpus-17.0-en.tar.gz"
    ):
        read(tmp_path / "cv")


def test_other_files_of_voxlingua_are_named(tmp_path):
    home = made.voxlingua(tmp_path, CLIPS[:12])
    soundfile.write(home / "de/greeting.wav", tone(), 16_000)
    (home / "de/.DS_Store").write_bytes(b"\0")
    (home / "papers").mkdir()
    clips = read(home)
    assert clips.attrs["skipped"] == {"de/greeting.wav": "its name is not VIDEO---BEGIN-END.wav"}
    assert clips.attrs["notes"] == {"papers": "holds nothing of VoxLingua107"}


def test_a_folder_of_two_corpora_is_refused(tmp_path):
    made.voxlingua(tmp_path / "a", CLIPS[:2])
    made.fleurs(tmp_path / "b", CLIPS[:2])
    with pytest.raises(
        corpus.CorpusError, match=r"more than one corpus \(VoxLingua107 in de, FLEURS"
    ):
        read(tmp_path)


def test_a_copy_in_a_corpus_is_left_out(tmp_path):
    home = made.voxlingua(tmp_path, CLIPS[:4])
    file = next((home / "de").iterdir())
    shutil.copy(file, file.with_name(f"another{file.name}"))
    [(_, why)] = recordings.folder(home).attrs["skipped"].items()
    assert why.startswith("the same, bit for bit, as de/")


# --- A folder of one's own, and a table that was kept ---------------------------------------------


def test_a_folder_of_ones_own_can_be_chosen_from_as_well(tmp_path):
    rng = np.random.default_rng(0)
    for speaker in ("anna", "bruno", "carla"):
        (tmp_path / "it" / speaker).mkdir(parents=True)
        for i in range(5):
            y = rng.normal(size=16_000) / 10
            soundfile.write(tmp_path / "it" / speaker / f"{i}.wav", y, 16_000)
    clips = recordings.folder(tmp_path, hours=7 / 3600)
    assert sorted(clips.groupby("speaker").size()) == [2, 2, 3]
    assert clips["path"].is_monotonic_increasing
    assert recordings.folder(tmp_path, speakers=2)["speaker"].nunique() == 2
    with pytest.raises(corpus.CorpusError, match="parts: a folder laid out as language/speaker"):
        recordings.folder(tmp_path, parts=["train"])


@pytest.mark.parametrize("decode", [True, False])
def test_a_choice_can_be_kept_as_a_table(corpus_made, tmp_path, decode, capsys, monkeypatch):
    _, home, _ = corpus_made
    clips = recordings.folder(home, clips=5, decode=decode)
    clips.to_csv(tmp_path / "mine.csv", index=False)
    told = capsys.readouterr().out
    monkeypatch.setattr(recordings, "_examined", lambda *a, **k: 1 / 0)
    again = recordings.folder(tmp_path / "mine.csv")
    pd.testing.assert_frame_equal(again, clips)
    terms = told.splitlines()[0]
    assert terms in capsys.readouterr().out and "To be cited" in terms
    fewer = recordings.folder(tmp_path / "mine.csv", clips=2, languages=["English"])
    assert len(fewer) == 2 and set(fewer["language"]) == {"en"}
    for column in ("source_sr", "duration"):
        clips[column] = np.nan
    clips.to_csv(tmp_path / "unread.csv", index=False)
    unread = recordings.folder(tmp_path / "unread.csv")
    assert unread["source_sr"].isna().all() and unread["duration"].isna().all()


def test_a_table_names_what_is_no_longer_there(mine, tmp_path):
    clips = recordings.folder(mine, clips=2)
    clips.to_csv(tmp_path / "mine.csv", index=False)
    Path(clips["root"][0], clips["path"][0]).unlink()
    again = recordings.folder(tmp_path / "mine.csv")
    assert list(again.attrs["skipped"].values()) == ["no such file"]
    assert again["path"].tolist() == clips["path"].tolist()[1:]


NO_TABLE = [b"a,b\n1,2\n", b"", encoded(tone(), 16_000, "WAV"), b"\x1f\x8b" * 200_000]


@pytest.mark.parametrize("data", NO_TABLE, ids=["other", "empty", "sound", "archive"])
def test_a_file_that_is_no_such_table_is_refused(tmp_path, data):
    (tmp_path / "mine.csv").write_bytes(data)
    with pytest.raises(corpus.CorpusError, match=r"mine.csv: no column language.*clips.to_csv"):
        recordings.folder(tmp_path / "mine.csv")


def test_the_shipped_clips_can_be_kept_as_a_table_too(tmp_path):
    corpus.manifest().head(3).to_csv(tmp_path / "shipped.csv", index=False)
    clips = recordings.folder(tmp_path / "shipped.csv")
    assert len(loading.load_clips(clips)) == 3
