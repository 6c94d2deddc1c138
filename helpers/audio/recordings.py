"""Recordings of your own: a folder becomes a table of clips, and what is left out is named."""

from __future__ import annotations

import hashlib
import os
import unicodedata
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from helpers.audio import decoding, loading
from helpers.audio.loading import CorpusError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["folder"]


def folder(path: str | Path) -> pd.DataFrame:
    """Return the table of a folder of recordings, and print what is in it and what is left out.

    The folder is laid out as ``language/speaker/clip.ext``, or as ``language/clip.ext`` where the
    speakers are not known. Sampling rates and formats may be mixed; all that
    `helpers.audio.decoding.decode` reads will do (WAV, FLAC, Ogg, MP3, M4A, 3GP, WebM and more).

    Parameters
    ----------
    path : str or pathlib.Path
        The folder that holds one folder for each language.

    Returns
    -------
    pandas.DataFrame
        One row a clip, in the order of their names, with the columns of
        `helpers.audio.corpus.manifest`: ``path`` begins at the folder, which is ``root``;
        ``prompt`` is the file's name without its ending. Files of one name count as the same
        sentence, whatever their language; a speaker of one name in two languages counts as the
        same person. Without speakers' folders ``speaker`` is empty, and no split by speaker can be
        made. ``unheard`` is False; package, version, licence and credit are empty.

        Three dictionaries and lists come with it. ``clips.attrs["skipped"]``: what was left out,
        with the reason. ``clips.attrs["notes"]``: what had to be decided about clips that are in
        the table. ``clips.attrs["ignored"]``: files that are no recordings and do not look like
        any, such as notes, pictures and what an operating system leaves in a folder.

    Raises
    ------
    CorpusError
        If there is no such folder or no clip in it, or some clips lie in a speaker's folder and
        others do not.

    Notes
    -----
    Left out are files that look like recordings, by their ending or by their first bytes, but
    cannot be decoded, break off, last less than 25 ms, have more than two channels, samples that
    are not finite or beyond full scale, or nothing above -80 dB of full scale; copies of another
    clip, bit for bit; and recordings that lie outside the languages' folders, or deeper than the
    speakers'.

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
    root = Path(path).resolve()
    if not root.is_dir():
        raise CorpusError(f"{path}: no such folder; expected one laid out as language/speaker/clip")
    found = list(_files(root))
    rows, skipped, notes, ignored, first = [], {}, {}, [], {}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        looked = pool.map(lambda item: item[1] or _row(item[0], root), found)
        for (file, _), row in zip(found, looked, strict=True):
            name = _shown(file.relative_to(root).as_posix())
            if row is None:
                ignored.append(name)
            elif isinstance(row, str):
                skipped[name] = row
            elif (other := first.setdefault(row["sha256"], name)) != name:
                skipped[name] = f"the same, bit for bit, as {other}"
            else:
                rows.append(row)
                if note := row.pop("note"):
                    notes[name] = note
    if not rows:
        reasons = "".join(f"\n  {name}: {why}" for name, why in list(skipped.items())[:5])
        raise CorpusError(
            f"{path}: no clip found; expected files laid out as language/speaker/clip or "
            f"language/clip. Left out: {len(skipped)}{reasons}"
        )
    alone = [row["path"] for row in rows if not row["speaker"]]
    if 0 < len(alone) < len(rows):
        raise CorpusError(
            f"{path}: {len(alone)} of {len(rows)} clips lie in no speaker's folder, such as "
            f"{_shown(alone[0])}; put all clips into speakers' folders, or none"
        )
    clips = loading.table(rows)
    clips.attrs.update(skipped=skipped, notes=notes, ignored=ignored)
    _report(clips, _shown(root.name))
    return clips


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


def _row(file: Path, root: Path) -> dict | str | None:
    """Return a clip's row of the table, the reason why there is none, or None for no recording."""
    if file.parent == root:
        return None
    try:
        if not file.is_file():
            link = "a link to nothing" if file.is_symlink() else "not a file"
            return link if _promises(file) else None
        with open(file, "rb") as opened:
            data = opened.read(4096)
            if not _promises(file) and not decoding.looks_like_sound(data):
                return None
            data += opened.read()
        sound = decoding.examine(data)
    except OSError as error:
        return f"cannot be read ({error.strerror})" if _promises(file) else None
    except decoding.DecodingError as error:
        return str(error)
    path = file.relative_to(root).as_posix()
    # One name may be stored as different characters, depending on the system that wrote it.
    language, *speaker, _ = unicodedata.normalize("NFC", path).split("/")
    return {
        "path": path,
        "language": language,
        "speaker": "".join(speaker),
        "prompt": unicodedata.normalize("NFC", file.stem),
        "duration": len(sound.y) / sound.sr,
        "source_sr": sound.sr,
        "sha256": hashlib.sha256(data).hexdigest(),
        "root": str(root),
        "note": sound.note,
    }


def _report(clips: pd.DataFrame, name: str, most: int = 20) -> None:
    """Print what a folder holds, and what was left out."""

    def count(n: int, word: str) -> str:
        return f"{n} {word}{'' if n == 1 else 's'}"

    def named(what: str, reasons: dict[str, str]) -> None:
        for file, why in list(reasons.items())[:most]:
            print(f"  {file}: {why}")
        if len(reasons) > most:
            print(f'  and {len(reasons) - most} more; all are in clips.attrs["{what}"]')

    speakers = clips["speaker"].nunique() if clips["speaker"].any() else 0
    print(
        f"{count(len(clips), 'clip')}, {count(clips['language'].nunique(), 'language')}, "
        f"{count(speakers, 'speaker') if speakers else 'speakers not known'}, "
        f"{clips['duration'].sum() / 60:.1f} minutes in {name}"
    )
    print(f"left out: {len(clips.attrs['skipped'])}")
    named("skipped", clips.attrs["skipped"])
    if clips.attrs["notes"]:
        print(f"to be noted: {len(clips.attrs['notes'])}")
        named("notes", clips.attrs["notes"])
