"""Recordings of your own: a folder becomes a table of clips, and what is left out is named."""

from __future__ import annotations

import csv
import hashlib
import math
import operator
import os
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from helpers.audio import corpora, decoding, loading
from helpers.audio.corpora import Listing
from helpers.audio.languages import code
from helpers.audio.loading import CorpusError
from helpers.audio.selection import Limits, choose

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["folder"]

ARCHIVES = (".zip", ".tar", ".gz", ".tgz")
EXPECTED = (
    "files laid out as language/speaker/clip or language/clip, or "
    f"{', '.join(corpora.LAYOUTS)} as their owners lay them out"
)


def folder(
    path: str | Path,
    *,
    hours: float | None = None,
    speakers: int | None = None,
    clips: int | None = None,
    languages: Sequence[str] | None = None,
    parts: Sequence[str] | None = None,
    seed: int = 0,
    decode: bool = True,
) -> pd.DataFrame:
    """Return the table of a folder of recordings, and print what is in it and what is left out.

    The folder is laid out as ``language/speaker/clip.ext``, or as ``language/clip.ext`` where the
    speakers are not known; or it is a corpus as its owner hands it out: Common Voice, FLEURS,
    Multilingual LibriSpeech or VoxLingua107 (`helpers.audio.corpora` says how each is laid out,
    and what stands for a speaker and for a sentence). Sampling rates and formats may be mixed; all
    that `helpers.audio.decoding.decode` reads will do (WAV, FLAC, Ogg, MP3, M4A, 3GP, WebM and
    more).

    Parameters
    ----------
    path : str or pathlib.Path
        The folder that holds one folder for each language; or a table that you kept of one
        (``clips.to_csv("mine.csv", index=False)``), whose clips are not examined again.
    hours, speakers, clips : float, int, int, optional
        How much to take of each language, at the most. What is left is spread evenly over the
        speakers, see `helpers.audio.selection.choose`. No other file is opened.
    languages : sequence of str, optional
        Those to take, by code or English name in any spelling; all unless given.
    parts : sequence of str, optional
        Those to take of the owner's parts, such as ``["train"]``.
    seed : int, optional
        Another seed chooses others, where there are limits.
    decode : bool, optional
        Whether each clip is decoded from beginning to end before it is in the table. Without, only
        the header of its file is read, in a millisecond; a file that breaks off is then noticed as
        its features are computed.

    Returns
    -------
    pandas.DataFrame
        One row a clip, in the order of their names, with the columns of
        `helpers.audio.corpus.manifest`: ``path`` begins at the folder, which is ``root``;
        ``prompt`` is the file's name without its ending. Files of one name count as the same
        sentence, whatever their language; a speaker of one name in two languages counts as the
        same person. Without speakers' folders ``speaker`` is empty, and no split by speaker can be
        made. ``unheard`` is False; package, version, licence and credit are empty. Folders that
        name one language, such as ``en``, ``en-US`` and ``English``, are one language.

        Of a corpus, ``language`` is its code, ``text`` the sentence; package, version, licence and
        credit (what to cite) are filled in; and where its owner deals the clips to parts, there
        is a column ``part``.

        Three dictionaries and lists come with it. ``clips.attrs["skipped"]``: what was left out,
        with the reason. ``clips.attrs["notes"]``: what had to be decided about clips that are in
        the table, and what its owner's parts share. ``clips.attrs["ignored"]``: files that are no
        recordings and do not look like any, such as notes, pictures and what an operating system
        leaves in a folder.

    Raises
    ------
    CorpusError
        If there is no such folder or no clip in it, some clips lie in a speaker's folder and
        others do not, or a language or part that is asked for is not there.
    ValueError
        If a limit is not positive.

    Notes
    -----
    Left out are files that look like recordings, by their ending or by their first bytes, but
    cannot be decoded, break off, last less than 25 ms, have more than two channels, samples that
    are not finite or beyond full scale, or nothing above -80 dB of full scale; copies of another
    clip, bit for bit; and recordings that lie outside the languages' folders, or deeper than the
    speakers'. Of a corpus also what its tables list and its folders lack, lines that list a clip a
    second time or have no file, sentence or speaker in them.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> import numpy as np, soundfile
    >>> noise = np.random.default_rng(0).uniform(-0.5, 0.5, 44_100)
    >>> with TemporaryDirectory() as mine:
    ...     for speaker in ("anna", "bruno"):
    ...         Path(mine, "it", speaker).mkdir(parents=True)
    ...         soundfile.write(f"{mine}/it/{speaker}/ciao.flac", noise, 44_100)
    ...     clips = folder(mine)  # doctest: +ELLIPSIS
    1 clip, 1 language, 1 speaker, 0.0 minutes in ...
    left out: 1
      it/bruno/ciao.flac: the same, bit for bit, as it/anna/ciao.flac
    >>> clips[["path", "language", "speaker", "prompt"]].iloc[0].tolist()
    ['it/anna/ciao.flac', 'it', 'anna', 'ciao']
    """
    limits = Limits(hours, speakers, clips, seed)
    given = Path(path).resolve()
    for name, value in {"languages": languages, "parts": parts}.items():
        if isinstance(value, str):
            raise ValueError(f"{name} is {value!r}; expected a list, such as [{value!r}]")
    wanted = None if languages is None else [code(name) for name in languages]
    kept: dict[str, dict] = {}
    if not given.exists():
        raise CorpusError(f"{path}: no such folder; expected one laid out as language/speaker/clip")
    try:
        if given.is_file():
            listing = _kept(given, kept, wanted, parts)
        else:
            listing = corpora.listed(given, wanted, parts) or _own(given, wanted, parts)
    except OSError as error:
        raise CorpusError(f"{error.filename}: cannot be read ({error.strerror})") from error
    if missing := sorted(set(wanted or ()) - listing.languages):
        there = ", ".join(sorted(listing.languages)) or "none"
        raise CorpusError(f"{path}: languages: no {', '.join(missing)}; there are {there}")
    rows = _looked_at(listing, given, limits, decode, kept)
    if not rows:
        reasons = "".join(f"\n  {name}: {why}" for name, why in list(listing.skipped.items())[:5])
        packed = [name for name in listing.ignored if name.endswith(ARCHIVES)]
        unpack = f" Unpack {packed[0]} first." if packed else ""
        raise CorpusError(
            f"{path}: no clip found; expected {EXPECTED}.{unpack} Left out: "
            f"{len(listing.skipped)}{reasons}"
        )
    alone = [row["path"] for row in rows if not row["speaker"]]
    if 0 < len(alone) < len(rows):
        raise CorpusError(
            f"{path}: {len(alone)} of {len(rows)} clips lie in no speaker's folder, such as "
            f"{_shown(alone[0])}; put all clips into speakers' folders, or none"
        )
    table = loading.table(rows)
    if any(row["part"] for row in rows):
        table["part"] = [row["part"] for row in rows]
    lists = {"skipped": listing.skipped, "notes": listing.notes, "ignored": listing.ignored}
    table.attrs.update(lists)
    _report(table, _shown(given.name), listing, len(listing.clips) if limits else 0)
    return table


def _shown(name: str) -> str:
    """Return a file's name as it can be printed, whatever bytes a system allows in names."""
    return name.encode("utf-8", "replace").decode("utf-8")


def _listed(folder: Path) -> list[Path]:
    """Return what a folder holds, in the order of names, without what its system hides."""
    return sorted(file for file in folder.iterdir() if not file.name.startswith("."))


def _files(root: Path) -> Iterator[tuple[Path, str]]:
    """Yield everything below a folder, with the reason why it can be no clip, or nothing."""
    for language in _listed(root):
        if not language.is_dir():
            yield language, "lies in no language's folder" if _promises(language) else ""
            continue
        for inner in _inside(language):
            if isinstance(inner, str):
                yield language, inner
            elif not inner.is_dir():
                yield inner, ""
            else:
                for file in _inside(inner):
                    if isinstance(file, str):
                        yield inner, file
                    elif not file.is_dir():
                        yield file, ""
                    elif any(_promises(deep) for deep in file.rglob("*")):
                        yield file, "a folder; expected language/speaker/clip"


def _inside(folder: Path) -> list[Path | str]:
    """Return what a folder holds, or the reason why nobody can tell."""
    try:
        return _listed(folder)
    except OSError as error:
        return [f"cannot be read ({error.strerror})"]


def _promises(file: Path) -> bool:
    """Return whether a file's ending promises a recording."""
    return file.suffix[1:].lower() in decoding.SUFFIXES


def _own(root: Path, wanted: Sequence[str] | None, parts: Sequence[str] | None) -> Listing:
    """Return what lies in a folder laid out as language/speaker/clip."""
    if parts is not None:
        raise CorpusError(
            f"{root}: parts: a folder laid out as language/speaker/clip has none; take those of "
            f"{', '.join(corpora.LAYOUTS)}, or split the table by speaker"
        )
    listing, found, spelled = Listing(), [], {}
    for file, why in _files(root):
        path = file.relative_to(root).as_posix()
        if why:
            listing.skipped[_shown(path)] = why
        elif file.parent == root:
            listing.ignored.append(_shown(path))
        else:
            # One name may be stored as different characters, depending on the system that wrote it.
            language, *speaker, _ = unicodedata.normalize("NFC", path).split("/")
            spelled.setdefault(code(language), {}).setdefault(language)
            found.append((path, language, "".join(speaker)))
    several = {name: list(ways) for name, ways in spelled.items() if len(ways) > 1}
    for name, ways in several.items():
        listing.notes[", ".join(ways)] = f"one language, {name}; give folders of others other names"
    for path, language, speaker in found:
        listing.languages.add(code(language))
        if wanted is None or code(language) in wanted:
            language = code(language) if code(language) in several else language
            prompt = unicodedata.normalize("NFC", Path(path).stem)
            listing.add(path, path, language, speaker, prompt, "", "", float("nan"))
    return listing


def _kept(
    file: Path,
    kept: dict[str, dict],
    wanted: Sequence[str] | None,
    parts: Sequence[str] | None,
) -> Listing:
    """Return the clips of a table that was kept, and put its rows into ``kept`` by their place."""
    listing = Listing()
    with open(file, encoding="utf-8-sig", errors="replace", newline="") as opened:
        reader = csv.DictReader(opened)
        try:
            names = set(reader.fieldnames or ())
        except csv.Error:  # a line longer than any table has
            names = set()
        if missing := {"path", "root", "language", "sha256"} - names:
            raise CorpusError(
                f"{file.name}: no column {', '.join(sorted(missing))}; expected a folder, or a "
                'table of clips kept by clips.to_csv("mine.csv", index=False)'
            )
        for number, row in enumerate(reader, start=2):
            place = str(Path(row["root"] or loading.SPEECH, row["path"]))
            part, language = row.get("part") or "", row["language"]
            listing.languages.add(code(language))
            if (wanted is None or code(language) in wanted) and (parts is None or part in parts):
                names = (row.get(name) or "" for name in ("speaker", "prompt", "text"))
                length = float(row.get("duration") or "nan")
                listing.add(f"line {number}", place, language, *names, part, length)
                kept.setdefault(place, {**row, "part": part, "duration": length, "note": ""})
    return listing


def _looked_at(
    listing: Listing, root: Path, limits: Limits, decode: bool, kept: Mapping[str, dict]
) -> list[dict]:
    """Return the rows of the clips that are chosen and fit, and note the others in the list."""
    clips, source = listing.table(), listing.source
    terms = {"root": str(root), "package": "", "version": "", "licence": "", "credit": ""}
    if source:
        terms |= {"package": source.name, "version": listing.version, "licence": source.licence}
        terms["credit"] = f"{source.citation} ({source.page})"
    paths = list(listing.clips)

    def look(row: int) -> dict | str | None:
        if kept:
            return kept[paths[row]] if os.path.isfile(paths[row]) else "no such file"
        return _examined(root / paths[row], decode, promised=source is not None)

    def seconds(found: dict | str | None) -> float | None:
        if not isinstance(found, dict):
            return None
        return 0.0 if math.isnan(found["duration"]) else found["duration"]

    rows, first = [], {}
    for number, found in sorted(choose(clips, look, seconds, limits), key=operator.itemgetter(0)):
        name = _shown(paths[number])
        if found is None:
            listing.ignored.append(name)
        elif isinstance(found, str):
            listing.skipped[name] = found
        elif found["sha256"] and (other := first.setdefault(found["sha256"], name)) != name:
            listing.skipped[name] = f"the same, bit for bit, as {other}"
        else:
            path = paths[number]
            listed = dict(zip(corpora.COLUMNS, (path, *listing.clips[path]), strict=True))
            if math.isnan(found["duration"]):
                found = found | {"duration": listed["duration"]}
            rows.append({**terms, **listed, **found})
            if note := found["note"]:
                listing.notes[name] = note
    return rows


def _examined(file: Path, decode: bool, promised: bool) -> dict | str | None:
    """Return what is found in a file, why it is no clip, or None for what looks like no recording.

    ``promised`` says that a table lists it as a recording, whatever its ending.
    """
    promised = promised or _promises(file)
    try:
        if not file.is_file():
            link = "a link to nothing" if file.is_symlink() else "not a file"
            missing = link if file.is_symlink() or file.exists() else "no such file"
            return missing if promised else None
        with open(file, "rb") as opened:
            data = opened.read(4096)
            if not promised and not decoding.looks_like_sound(data):
                return None
            data += opened.read() if decode else b""
        if not decode:
            length, sr = decoding.header(file)
            return {"duration": length, "source_sr": sr, "sha256": "", "note": ""}
        sound = decoding.examine(data)
    except OSError as error:
        return f"cannot be read ({error.strerror})" if promised else None
    except decoding.DecodingError as error:
        return str(error)
    return {
        "duration": len(sound.y) / sound.sr,
        "source_sr": sound.sr,
        "sha256": hashlib.sha256(data).hexdigest(),
        "note": sound.note,
    }


def _report(
    clips: pd.DataFrame, name: str, listing: Listing, chosen_from: int, most: int = 20
) -> None:
    """Print what a folder holds, on what terms, and what was left out."""

    def count(n: int, word: str) -> str:
        return f"{n} {word}{'' if n == 1 else 's'}"

    unknown = "speakers not known"

    def amount(rows: pd.DataFrame) -> str:
        unit = listing.source.unit if listing.source else "speaker"
        known = count(rows["speaker"].nunique(), unit) if rows["speaker"].any() else unknown
        return f"{known}, {rows['duration'].sum() / 60:.1f} minutes"

    def named(what: str, reasons: dict[str, str]) -> None:
        for file, why in list(reasons.items())[:most]:
            print(f"  {file}: {why}")
        if len(reasons) > most:
            print(f'  and {len(reasons) - most} more; all are in clips.attrs["{what}"]')

    terms = clips.loc[clips["credit"] != "", ["package", "version", "licence", "credit"]]
    for package, version, licence, credit in terms.drop_duplicates().itertuples(index=False):
        print(f"{' '.join(filter(None, (package, version)))}, {licence}. To be cited: {credit}")
    if listing.source:
        print(f"speaker: a {listing.source.meaning}")
    print(
        f"{count(len(clips), 'clip')}, {count(clips['language'].nunique(), 'language')}, "
        f"{amount(clips)} in {name}"
    )
    if chosen_from or listing.source:
        for language, rows in list(clips.groupby("language"))[:most]:
            print(f"  {language}: {count(len(rows), 'clip')}, {amount(rows)}")
    if chosen_from:
        print(f"chosen from {count(chosen_from, 'clip')}")
    print(f"left out: {len(clips.attrs['skipped'])}")
    named("skipped", clips.attrs["skipped"])
    if clips.attrs["notes"]:
        print(f"to be noted: {len(clips.attrs['notes'])}")
        named("notes", clips.attrs["notes"])
