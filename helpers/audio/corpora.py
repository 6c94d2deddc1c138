"""The corpora that people have, as they lie on disk after their owner's own download.

`listed` recognises the layout of a folder, and asks the function of that layout what the corpus
says that it holds: Common Voice, FLEURS, Multilingual LibriSpeech, VoxLingua107. Nothing is
listened to, so this takes seconds where listening takes days. `helpers.audio.recordings.folder`
chooses from the list, and looks at the files of what it chose.
"""

from __future__ import annotations

import itertools
import os
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from helpers.audio import languages
from helpers.audio.loading import CorpusError

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "COLUMNS",
    "LAYOUTS",
    "Listing",
    "Source",
    "common_voice",
    "fleurs",
    "librispeech",
    "listed",
    "voxlingua",
]

COLUMNS = ("path", "language", "speaker", "prompt", "text", "part", "duration")
"""Of a list: as in a table of clips; ``part`` is the owner's, such as ``train``."""
PARTS = ("train", "dev", "test")
"""The parts that owners deal their clips to."""


@dataclass(frozen=True)
class Source:
    """Whose a corpus is, on what terms, and what its column ``speaker`` names."""

    name: str
    licence: str
    citation: str
    page: str
    unit: str
    meaning: str


@dataclass
class Listing:
    """What a corpus says that it holds, and what is wrong with what it says.

    Parameters
    ----------
    source : Source, optional
        None for a folder of one's own.
    version : str, optional
        The release, where a folder's name tells it.
    clips : dict of str to tuple
        By path: the other columns of `COLUMNS`.
    skipped, notes, ignored
        As in the ``attrs`` of the table that `helpers.audio.recordings.folder` returns.
    languages : set of str
        The codes of all that are there, of those as well that were passed over.
    """

    source: Source | None = None
    version: str = ""
    clips: dict[str, tuple] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    ignored: list[str] = field(default_factory=list)
    languages: set[str] = field(default_factory=set)

    def add(self, where: str, path: str, *values) -> None:
        """Take a clip into the list; if it is there already, name the line where it is again."""
        if path in self.clips:
            part = self.clips[path][-2]
            self.skipped[where] = f"{path} is listed already{f', in {part}' if part else ''}"
        else:
            self.clips[path] = values

    def table(self) -> pd.DataFrame:
        """Return the list as a table with the columns `COLUMNS`."""
        import pandas as pd

        rows = [(path, *values) for path, values in self.clips.items()]
        return pd.DataFrame(rows, columns=list(COLUMNS))


COMMON_VOICE = Source(
    "Common Voice",
    "CC0-1.0",
    "Ardila et al., Common Voice: A Massively-Multilingual Speech Corpus, LREC 2020",
    "https://commonvoice.mozilla.org",
    "speaker",
    "contributor, by the first 16 digits of client_id",
)
FLEURS = Source(
    "FLEURS",
    "CC-BY-4.0",
    "Conneau et al., FLEURS: Few-shot Learning Evaluation of Universal Representations of Speech, "
    "SLT 2022",
    "https://huggingface.co/datasets/google/fleurs",
    "group",
    "group of people, for nobody is named: those of one language and gender, in train or not",
)
LIBRISPEECH = Source(
    "Multilingual LibriSpeech",
    "CC-BY-4.0",
    "Pratap et al., MLS: A Large-Scale Multilingual Dataset for Speech Research, Interspeech 2020",
    "https://www.openslr.org/94",
    "reader",
    "reader, by number",
)
VOXLINGUA = Source(
    "VoxLingua107",
    "CC-BY-4.0; the videos remain their owners'",
    "Valk and Alumäe, VoxLingua107: a Dataset for Spoken Language Recognition, SLT 2021",
    "https://cs.taltech.ee/staff/tanel.alumae/data/voxlingua107",
    "video",
    "video, in which several people may speak",
)


def listed(
    root: Path, wanted: Sequence[str] | None = None, parts: Sequence[str] | None = None
) -> Listing | None:
    """Return what the corpus in a folder says that it holds.

    Parameters
    ----------
    root : pathlib.Path
        The folder of a corpus, of one of its languages, or one that holds several of a corpus.
    wanted : sequence of str, optional
        Codes of languages (`helpers.audio.languages.code`); others are passed over.
    parts : sequence of str, optional
        The owner's parts, such as ``("train",)``; by default those that its layout's function says.

    Returns
    -------
    Listing or None
        None if the folder is none of these corpora.

    Raises
    ------
    CorpusError
        If the folder holds two of them, or nothing of a part that is asked for.
    """
    homes: dict[str, list[Path]] = {}
    without = _homes(root, homes, depth=3)
    if len(homes) > 1:
        places = ", ".join(f"{name} in {folders[0].name}" for name, folders in homes.items())
        raise CorpusError(
            f"{root}: more than one corpus ({places}); read each by its own folder, and join the "
            "tables with pandas.concat"
        )
    for name, folders in homes.items():
        listing = LAYOUTS[name][1](root, folders, wanted, parts)
        if missing := set(parts or ()) - {values[-2] for values in listing.clips.values()}:
            raise CorpusError(
                f"{root}: parts: no clip of {', '.join(sorted(missing))} is listed in the "
                f"{len(folders)} folders of {name}, such as {folders[0].name}; its parts are "
                f"{', '.join(PARTS)}"
            )
        listing.notes |= {_below(folder, root): f"holds nothing of {name}" for folder in without}
        _note_leaks(listing)
        return listing
    return None


def common_voice(
    root: Path,
    homes: Sequence[Path],
    wanted: Sequence[str] | None = None,
    parts: Sequence[str] | None = None,
) -> Listing:
    """Return what Common Voice says that it holds.

    Parameters
    ----------
    root : pathlib.Path
        Paths begin here.
    homes : sequence of pathlib.Path
        Folders of languages, such as ``cv-corpus-17.0-2024-03-15/en``.
    wanted, parts
        As for `listed`. Parts are ``train``, ``dev`` and ``test``; where there is none of them, as
        in the releases called *delta*, ``validated``. ``other``, ``invalidated`` can be asked for.

    Returns
    -------
    Listing
        ``language`` is that of the column ``locale`` (since release 5), or of the folder;
        ``speaker`` the first 16 digits of ``client_id``; ``prompt`` the sentence, in small letters
        and without the punctuation around it. Durations are those of ``clip_durations.tsv`` (since
        release 16.1) or ``times.txt`` (14 to 16.0); before, they are unknown.

    Notes
    -----
    The layout is that of the owner's description
    (https://github.com/common-voice/cv-dataset/blob/main/datasets/scripted-speech/README.md)
    and list of changes (``CHANGELOG.md`` beside it)::

        cv-corpus-{version}-{date}/{locale}/clips/*.mp3
        cv-corpus-{version}-{date}/{locale}/{train,dev,test,validated,invalidated,other}.tsv

    Of the columns, which differ from release to release, ``client_id``, ``path``, ``sentence`` and
    ``locale`` are read, by their names. No field is quoted (``quoting=csv.QUOTE_NONE`` in the
    owner's CorporaCreator), so a quotation mark in a sentence is a character like any other. The
    columns of ``clip_durations.tsv`` go by other names in the description (``filename``) than in
    releases (``clip``): the first two are taken. Each line of ``times.txt`` is a path in
    backquotes, an equals sign and milliseconds (common-voice/mp3-duration-reporter).
    """
    listing = Listing(COMMON_VOICE, _version([root, *homes], r"cv-corpus-\d[\w.-]*"))
    for home in homes:
        there = [name for name in (*PARTS, "validated") if (home / f"{name}.tsv").is_file()]
        usual = [name for name in there if name in PARTS] or there
        seconds, clips = _durations(home), _below(home / "clips", root)
        for part in parts or usual:
            columns = ("client_id", "path", "sentence")
            for where, line in _lines(home / f"{part}.tsv", root, listing, columns):
                language = languages.code(line.get("locale") or home.name)
                listing.languages.add(language)
                if wanted is not None and language not in wanted:
                    continue
                name = _name(line["path"])
                if name and "." not in name:  # the first releases leave the ending out
                    name += ".mp3"
                speaker, text = line["client_id"].strip()[:16], " ".join(line["sentence"].split())
                if nothing := _nothing(path=name, client_id=speaker, sentence=text):
                    listing.skipped[where] = nothing
                    continue
                length = seconds.get(name, float("nan"))
                values = language, speaker, _folded(text), text, part, length
                listing.add(where, f"{clips}/{name}", *values)
    return listing


def fleurs(
    root: Path,
    homes: Sequence[Path],
    wanted: Sequence[str] | None = None,
    parts: Sequence[str] | None = None,
) -> Listing:
    """Return what FLEURS says that it holds.

    Parameters
    ----------
    root : pathlib.Path
        Paths begin here.
    homes : sequence of pathlib.Path
        Folders of languages, such as ``en_us``.
    wanted, parts
        As for `listed`. Parts are ``train``, ``dev`` and ``test``.

    Returns
    -------
    Listing
        ``prompt`` is the identifier of the sentence, the same in all languages. Who speaks is not
        told; only the gender, and that those of ``train`` are others than those of ``dev`` and
        ``test``. So a group stands for a speaker: all of a language and gender in ``train``, or in
        the other two. It is several people, but nobody is in two of them: what is split by
        ``speaker`` is split by people.

    Notes
    -----
    The layout is that of the archives at
    https://storage.googleapis.com/xtreme_translations/FLEURS102, as TensorFlow Datasets reads them
    (``xtreme_s``), and of https://huggingface.co/datasets/google/fleurs once its
    ``audio/*.tar.gz`` are unpacked where they lie::

        {language}_{country}/{train,dev,test}.tsv
        {language}_{country}/audio/{train,dev,test}/*.wav

    The tables have no header, and seven columns: identifier, file, raw transcription,
    transcription, characters, number of samples (at 16 kHz), gender. That the speakers of
    ``train`` are others is said by the card of the data set.
    """
    columns = ("id", "file", "raw", "transcription", "characters", "samples", "gender")
    listing = Listing(FLEURS)
    for home in homes:
        language = languages.code(home.name)
        listing.languages.add(language)
        if wanted is not None and language not in wanted:
            continue
        for part in parts or PARTS:
            audio = home / "audio" / part
            if not audio.is_dir() and (packed := audio.with_name(f"{part}.tar.gz")).is_file():
                listing.skipped[_below(packed, root)] = "not unpacked; unpack it where it lies"
                continue
            people = "train" if part == "train" else "dev+test"
            table, clips = home / f"{part}.tsv", _below(audio, root)
            for where, line in _lines(table, root, listing, columns, header=False):
                name, prompt = _name(line["file"]), line["id"].strip()
                text = " ".join((line["raw"].strip() or line["transcription"]).split())
                if nothing := _nothing(file=name, identifier=prompt, sentence=text):
                    listing.skipped[where] = nothing
                    continue
                samples = line["samples"].strip()
                length = int(samples) / 16_000 if samples.isdecimal() else float("nan")
                speaker = f"{language} {people} {line['gender'].strip().lower()}"
                values = language, speaker, prompt, text, part, length
                listing.add(where, f"{clips}/{name}", *values)
    return listing


def librispeech(
    root: Path,
    homes: Sequence[Path],
    wanted: Sequence[str] | None = None,
    parts: Sequence[str] | None = None,
) -> Listing:
    """Return what Multilingual LibriSpeech says that it holds.

    Parameters
    ----------
    root : pathlib.Path
        Paths begin here.
    homes : sequence of pathlib.Path
        Folders of languages, such as ``mls_german`` or ``mls_german_opus``.
    wanted, parts
        As for `listed`. Parts are ``train``, ``dev`` and ``test``.

    Returns
    -------
    Listing
        ``speaker`` is the reader's number, ``prompt`` the text of the segment. Two readers of one
        book cut it at other places: to keep a book on one side, split by the last folder in
        ``path``.

    Notes
    -----
    The layout is that of the archives at https://www.openslr.org/94, as lhotse reads them
    (``lhotse/recipes/mls.py``)::

        mls_{language}/{train,dev,test}/transcripts.txt    speaker_book_segment, text
        mls_{language}/{train,dev,test}/segments.txt       the same, address, begin and end in s
        mls_{language}/{train,dev,test}/audio/{speaker}/{book}/{speaker}_{book}_{segment}.flac

    or ``.opus`` in folders whose names end with ``_opus``. Tabs separate the fields.
    """
    listing = Listing(LIBRISPEECH)
    for home in homes:
        language = languages.code(re.sub(r"^mls_|_opus$", "", home.name))
        listing.languages.add(language)
        if wanted is not None and language not in wanted:
            continue
        for part in parts or PARTS:
            audio, table = home / part / "audio", home / part / "transcripts.txt"
            clips, ending = _below(audio, root), _ending(audio)
            seconds = _segments(home / part / "segments.txt")
            for where, line in _lines(table, root, listing, ("id", "text"), header=False):
                name, text = line["id"].strip(), " ".join(line["text"].split())
                if not re.fullmatch(r"\d+_\d+_\d+", name):
                    listing.skipped[where] = f"{name!r}; expected speaker_book_segment"
                    continue
                if nothing := _nothing(sentence=text):
                    listing.skipped[where] = nothing
                    continue
                speaker, book, _ = name.split("_")
                length = seconds.get(name, float("nan"))
                values = language, speaker, _folded(text), text, part, length
                listing.add(where, f"{clips}/{speaker}/{book}/{name}{ending}", *values)
    return listing


def voxlingua(
    root: Path,
    homes: Sequence[Path],
    wanted: Sequence[str] | None = None,
    parts: Sequence[str] | None = None,
) -> Listing:
    """Return what VoxLingua107 says that it holds.

    Parameters
    ----------
    root : pathlib.Path
        Paths begin here.
    homes : sequence of pathlib.Path
        Folders of languages, such as ``en`` or ``dev/en``.
    wanted, parts
        As for `listed`. Parts are ``dev``, where the folder above is called so, and ``train``.

    Returns
    -------
    Listing
        The video stands for the speaker. Nobody wrote down what is said, so every clip is a
        sentence of its own: split by ``speaker``, or a video is on both sides.

    Notes
    -----
    The layout is that of the archives at
    https://cs.taltech.ee/staff/tanel.alumae/data/voxlingua107, as their author's own recipe in
    SpeechBrain reads them (``recipes/VoxLingua107/lang_id/create_wds_shards.py``)::

        {language}/{video}__U__S{number}---{begin in s}-{end in s}.wav
        {train,dev}/{language}/{video}__U__S{number}---{begin in s}-{end in s}.wav

    The languages are codes of ISO 639, two of them retired: ``iw`` is ``he``, ``jw`` is ``jv``.
    """
    listing = Listing(VOXLINGUA)
    for home in homes:
        language = languages.code(home.name)
        listing.languages.add(language)
        part = "dev" if home.parent.name == "dev" else "train"
        if (wanted is not None and language not in wanted) or (parts and part not in parts):
            continue
        for name in sorted(os.listdir(home)):
            clip = _below(home / name, root)
            if match := SEGMENT.fullmatch(name):
                stem, length = name.rpartition(".")[0], float(match["end"]) - float(match["begin"])
                listing.add(clip, clip, language, match["video"], stem, "", part, length)
            elif not name.startswith("."):
                listing.skipped[clip] = "its name is not VIDEO---BEGIN-END.wav"
    return listing


SEGMENT = re.compile(
    r"(?P<video>.+?)(?:__U__S\d+)?---(?P<begin>\d+(\.\d+)?)-(?P<end>\d+(\.\d+)?)\.\w+"
)
"""The name of a file of VoxLingua107."""


def _is_common_voice(folder: Path) -> bool:
    """Return whether this is the folder of a language in Common Voice."""
    names = (*PARTS, "validated", "other", "invalidated")
    return any({"client_id", "path"} <= set(_first(folder / f"{name}.tsv")) for name in names)


def _is_fleurs(folder: Path) -> bool:
    """Return whether this is the folder of a language in FLEURS."""
    firsts = [_first(folder / f"{name}.tsv") for name in PARTS]
    found = any(len(first) == 7 and first[0].strip().isdecimal() for first in firsts)
    return found and (folder / "audio").is_dir()


def _is_librispeech(folder: Path) -> bool:
    """Return whether this is the folder of a language in Multilingual LibriSpeech."""
    return any((folder / part / "transcripts.txt").is_file() for part in PARTS)


def _is_voxlingua(folder: Path) -> bool:
    """Return whether this is the folder of a language in VoxLingua107, by its first files."""
    try:
        with os.scandir(folder) as entries:
            return any(SEGMENT.fullmatch(entry.name) for entry in itertools.islice(entries, 20))
    except OSError:
        return False


LAYOUTS: dict[str, tuple[Callable[[Path], bool], Callable[..., Listing]]] = {
    COMMON_VOICE.name: (_is_common_voice, common_voice),
    FLEURS.name: (_is_fleurs, fleurs),
    LIBRISPEECH.name: (_is_librispeech, librispeech),
    VOXLINGUA.name: (_is_voxlingua, voxlingua),
}
"""By name: what tells the folder of a language in it, and what lists such folders."""


def _homes(folder: Path, homes: dict[str, list[Path]], depth: int) -> list[Path]:
    """Find the folders of languages, this one or so deep below it, by the corpus they are of.

    Returns
    -------
    list of pathlib.Path
        The folders just below this one that hold none.
    """
    for name, (is_home, _) in LAYOUTS.items():
        if is_home(folder):
            homes.setdefault(name, []).append(folder)
            return []
    without = []
    for inner in _inside(folder) if depth else ():
        before = sum(map(len, homes.values()))
        _homes(inner, homes, depth - 1)
        if sum(map(len, homes.values())) == before:
            without.append(inner)
    return without


def _inside(folder: Path) -> list[Path]:
    """Return the folders in a folder, in the order of names; none if it cannot be read."""
    try:
        with os.scandir(folder) as entries:
            names = [e.name for e in entries if not e.name.startswith(".") and e.is_dir()]
    except OSError:
        return []
    return [folder / name for name in sorted(names)]


def _first(table: Path) -> list[str]:
    """Return the fields in the first line of a table, none if there is no such table."""
    if not table.is_file():
        return []
    with open(table, encoding="utf-8-sig", errors="replace", newline="\n") as lines:
        return lines.readline().rstrip("\r\n").split("\t")


def _lines(
    table: Path, root: Path, listing: Listing, names: Sequence[str], *, header: bool = True
) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield where each line of a table stands, and its fields by column; nothing of no table.

    A mark of the byte order, line ends of Windows and empty lines do not matter. A line of too many
    or too few fields is left out and named.
    """
    if not table.is_file():
        return
    where = _below(table, root)
    with open(table, encoding="utf-8-sig", errors="replace", newline="\n") as lines:
        columns = next(lines, "").rstrip("\r\n").split("\t") if header else list(names)
        if absent := [name for name in names if name not in columns]:
            raise CorpusError(
                f"{where}: no column {', '.join(absent)}; there are {', '.join(columns)}"
            )
        for number, line in enumerate(lines, start=1 + header):
            fields = line.rstrip("\r\n").split("\t")
            if len(fields) == len(columns):
                yield f"{where}, line {number}", dict(zip(columns, fields, strict=True))
            elif fields != [""]:
                listing.skipped[f"{where}, line {number}"] = (
                    f"{len(fields)} fields; expected {len(columns)}, with a tab between two"
                )


def _durations(home: Path) -> dict[str, float]:
    """Return the seconds of the clips in a language of Common Voice, where a table has them."""
    for table in (home / "clip_durations.tsv", home / "times.txt"):
        if table.is_file():
            with open(table, encoding="utf-8-sig", errors="replace") as lines:
                found = (re.fullmatch(r"`?(.+?)`?\s*[\t=]\s*(\d+)\s*", line) for line in lines)
                return {_name(m[1]): int(m[2]) / 1000 for m in found if m}
    return {}


def _segments(table: Path) -> dict[str, float]:
    """Return the seconds of the segments in a part of Multilingual LibriSpeech."""
    seconds = {}
    if table.is_file():
        with open(table, encoding="utf-8-sig", errors="replace") as lines:
            for line in lines:
                try:
                    name, _, begin, end = line.split("\t")
                    seconds[name] = float(end) - float(begin)
                except ValueError:  # then nobody knows; the file itself will say
                    continue
    return seconds


def _ending(audio: Path) -> str:
    """Return the ending of the recordings below a folder: that of the first one."""
    for _, folders, files in os.walk(audio):
        folders.sort()
        for name in sorted(files):
            if name.endswith((".flac", ".opus")):
                return f".{name.rpartition('.')[2]}"
    return ".flac"


def _nothing(**fields: str) -> str:
    """Return which of some fields is empty, or nothing."""
    return next((f"its {name} is empty" for name, value in fields.items() if not value), "")


def _folded(text: str) -> str:
    """Return a sentence without what does not make it another: capitals, marks around it."""
    folded = unicodedata.normalize("NFC", text).casefold()
    bare = folded.strip(" .,;:!?…\"'()«»“”„‘’–—-¿¡।。，、？！") or folded
    return text if bare == text else bare


def _name(path: str) -> str:
    r"""Return the name of a file from its path, as any system writes it: C:\cv\clips\a.mp3."""
    return path.strip().replace("\\", "/").rpartition("/")[2]


def _below(file: Path, root: Path) -> str:
    """Return where a file lies below the folder that was given."""
    return file.relative_to(root).as_posix()


def _version(folders: Sequence[Path], pattern: str) -> str:
    """Return the first folder in these paths that is called like a release, if one is."""
    names = (name for folder in folders for name in folder.parts)
    return next((name for name in names if re.fullmatch(pattern, name)), "")


def _note_leaks(listing: Listing) -> None:
    """Note that speakers, or sentences, are in two of the owner's parts, and how many."""
    table = listing.table()
    for column, what in (("speaker", listing.source.unit), ("prompt", "sentence")):
        pairs = table[[column, "part"]].drop_duplicates()
        several = pairs.loc[pairs[column].duplicated(), column].unique()
        if len(several) and what != "group":  # FLEURS' are in dev and test by their making
            more = f", like {len(several) - 1} more" if len(several) > 1 else ""
            listing.notes[f"{what} {several[0]}"] = (
                f"in two of the owner's parts{more}; split by {column} instead, or leave parts out"
            )
