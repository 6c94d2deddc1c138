"""The recordings that the course works on: those shipped with it, or a folder of your own.

Every shipped recording is checked against the manifest before it is decoded, so a damaged download
is reported by name and never turns into wrong sound. A folder has no manifest: what is no speech in
it is left out, and named.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
import unicodedata
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import librosa
import numpy as np
import soundfile

from helpers import ROOT
from helpers.audio import signals

if TYPE_CHECKING:  # it takes longer to import than all else here, and a single clip needs no table
    import pandas as pd

__all__ = [
    "SILENCE",
    "SPEECH",
    "SR",
    "CodecError",
    "CorpusError",
    "decode",
    "folder",
    "load_clip",
    "load_clips",
    "manifest",
]

SPEECH = ROOT / "assets" / "speech"
SR = 16_000
"""Sampling rate of every clip as it is loaded, in hertz."""

SHORTEST = 0.025
"""Seconds; shorter than one frame of 25 ms is no clip."""
SILENCE = 1e-4
"""-80 dB of full scale; what never exceeds it is no speech."""

COLUMNS = (
    "path",
    "language",
    "speaker",
    "unheard",
    "prompt",
    "duration",
    "source_sr",
    "package",
    "version",
    "licence",
    "credit",
    "sha256",
)


class CorpusError(ValueError):
    """A recording or the manifest is missing, altered or not what it should be."""


class CodecError(CorpusError):
    """What the bytes hold, soundfile cannot decode."""


@lru_cache
def _rows(root: Path) -> dict[str, dict[str, str]]:
    """Return the manifest's rows by their path."""
    path = root / "manifest.csv"
    if not path.is_file():
        raise CorpusError(f"{path}: no such file; restore it with `git checkout -- assets/speech`")
    with open(path, encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        if missing := [name for name in COLUMNS if name not in (reader.fieldnames or ())]:
            raise CorpusError(f"{path}: no column {', '.join(missing)}; restore the file from git")
        return {row["path"]: row for row in reader}


def manifest(root: Path = SPEECH) -> pd.DataFrame:
    """Return the table of all recordings shipped with the course.

    Parameters
    ----------
    root : pathlib.Path, optional
        Folder that holds ``manifest.csv`` and the clips.

    Returns
    -------
    pandas.DataFrame
        One row a clip: ``path`` (below ``root``), ``language`` (BCP 47, such as ``es-MX`` or
        ``es-CO``: its first two letters are the language), ``speaker``, ``unheard`` (True for
        the voices kept apart for testing), ``prompt`` (the same across languages), ``duration``
        in seconds, ``source_sr`` in hertz, ``package``, ``version``, ``licence``, ``credit``
        (show it where you play the clip), ``sha256``.

    Raises
    ------
    CorpusError
        If the manifest is missing or lacks a column.

    See Also
    --------
    folder : the same table of your own recordings.

    Examples
    --------
    >>> clips = manifest()
    >>> sorted(clips.query("not unheard")["language"].unique())
    ['en-US', 'es-MX', 'fr-CA', 'it-IT', 'ru-RU']
    >>> sorted(clips.query("unheard")["language"].unique())
    ['en', 'en-GB', 'en-US', 'es-CO', 'fr', 'it-IT', 'ru']
    """
    return _table(_rows(Path(root)).values())


def _table(rows) -> pd.DataFrame:
    """Return rows as a table with the manifest's columns and their types."""
    import pandas as pd

    clips = pd.DataFrame(list(rows), columns=list(COLUMNS)).astype(
        {"duration": float, "source_sr": int, "unheard": int}
    )
    return clips.astype({"unheard": bool})


def folder(path: Path) -> pd.DataFrame:
    """Return the table of a folder of recordings, and print what is in it and what is left out.

    The folder is laid out as ``language/speaker/clip.ext``, or as ``language/clip.ext`` where the
    speakers are not known. Any mix of sampling rates and of formats that soundfile reads will do
    (WAV, FLAC, Ogg, MP3 and more). It takes the place of `manifest`: all that takes rows of the
    manifest takes these.

    Parameters
    ----------
    path : pathlib.Path
        The folder that holds one folder for each language.

    Returns
    -------
    pandas.DataFrame
        One row a clip, in the order of their names, with the columns of `manifest`: ``path`` is
        absolute, ``prompt`` is the file's name without its ending (files of one name are taken for
        the same sentence, whatever their language), a speaker of one name in two languages for the
        same person. Without speakers' folders ``speaker`` is empty, and nothing can be split by
        it. ``unheard`` is False; package, version, licence and credit are empty. What was left
        out is in ``clips.attrs["skipped"]``, names and reasons.

    Raises
    ------
    CorpusError
        If there is no such folder or no clip in it, or some clips have a speaker's folder and
        others have none.

    Notes
    -----
    Left out are files that cannot be decoded, break off, hold samples that are no numbers, more
    than two channels, less than 25 ms or nothing above -80 dB of full scale; copies of another
    clip, bit for bit; what is hidden, and what lies outside the languages' folders or deeper than
    the speakers'.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> noise = np.random.default_rng(0).uniform(-0.5, 0.5, 44_100)
    >>> with TemporaryDirectory() as mine:
    ...     for speaker in ("anna", "bruno"):
    ...         Path(mine, "it", speaker).mkdir(parents=True)
    ...         soundfile.write(f"{mine}/it/{speaker}/ciao.flac", noise, 44_100)
    ...     clips = folder(mine)  # doctest: +ELLIPSIS
    1 clip, 1 language, 1 speaker, 0.0 minutes in ...
    left out: 1
      it/bruno/ciao.flac: the same, bit for bit, as it/anna/ciao.flac
    >>> clips[["language", "speaker", "prompt"]].iloc[0].tolist()
    ['it', 'anna', 'ciao']
    """
    root = Path(path).resolve()
    if not root.is_dir():
        raise CorpusError(f"{path}: no such folder; expected one laid out as language/speaker/clip")
    found = list(_files(root))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        looked = pool.map(lambda file: file[1] or _row(file[0], root), found)
        rows, skipped, digests = [], {}, {}
        for (file, _), row in zip(found, looked, strict=True):
            name = file.relative_to(root).as_posix()
            if isinstance(row, str):
                skipped[name] = row
            elif (first := digests.setdefault(row["sha256"], name)) != name:
                skipped[name] = f"the same, bit for bit, as {first}"
            else:
                rows.append(row)
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
            f"{alone[0]}; give all clips one, or none"
        )
    clips = _table(rows)
    clips.attrs["skipped"] = skipped
    _report(clips, root.name)
    return clips


def _files(root: Path) -> Iterator[tuple[Path, str]]:
    """Yield everything below a folder, with the reason why it can be no clip, or nothing."""
    for language in sorted(root.iterdir()):
        if language.name.startswith("."):
            yield language, "hidden"
        elif not language.is_dir():
            yield language, "lies in no language's folder"
        else:
            for inner in sorted(language.iterdir()):
                if inner.name.startswith("."):
                    yield inner, "hidden"
                elif not inner.is_dir():
                    yield inner, ""
                else:
                    for file in sorted(inner.iterdir()):
                        hidden = "hidden" if file.name.startswith(".") else ""
                        deep = "a folder; expected language/speaker/clip" if file.is_dir() else ""
                        yield file, hidden or deep


def _row(file: Path, root: Path) -> dict | str:
    """Return a clip's row of the table, or the reason why it is none."""
    try:
        data = file.read_bytes()
        y, sr = decode(data)
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    except CorpusError as error:
        return str(error)
    # One name may be stored as different characters, depending on the system that wrote it.
    language, *speaker, _ = unicodedata.normalize("NFC", file.relative_to(root).as_posix()).split(
        "/"
    )
    return {
        **dict.fromkeys(COLUMNS, ""),
        "path": str(file),
        "language": language,
        "speaker": "".join(speaker),
        "unheard": 0,
        "prompt": unicodedata.normalize("NFC", file.stem),
        "duration": len(y) / sr,
        "source_sr": sr,
        "sha256": hashlib.sha256(data).hexdigest(),
    }


def decode(data: bytes) -> tuple[np.ndarray, int]:
    """Return the sound in the bytes of a file, or say why it is no speech.

    Parameters
    ----------
    data : bytes
        Of a file in any format that soundfile reads.

    Returns
    -------
    y : numpy.ndarray, shape (samples,), float32
        The signal; two channels are averaged.
    sr : int
        Its own sampling rate in hertz.

    Raises
    ------
    CodecError
        If soundfile cannot decode it.
    CorpusError
        If it is empty, silent, shorter than 25 ms, breaks off, has more than two channels or
        samples that are no numbers.

    Examples
    --------
    >>> y, sr = decode((SPEECH / "en-US/allison/vm-goodbye.ogg").read_bytes())
    >>> y.ndim, sr
    (1, 16000)
    """
    if not data:
        raise CorpusError("the file is empty")
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            y, sr, whole = file.read(dtype="float32"), file.samplerate, file.frames
    except soundfile.LibsndfileError as error:
        raise CodecError(
            f"soundfile cannot decode it ({error.error_string.rstrip('.')}); if it is a recording, "
            "convert it to WAV or FLAC"
        ) from error
    if len(y) < whole:
        raise CorpusError(f"breaks off after {len(y) / sr:.2f} of {whole / sr:.2f} s")
    if len(y) < SHORTEST * sr:
        raise CorpusError(
            f"lasts {1000 * len(y) / sr:.0f} ms; expected {1000 * SHORTEST:.0f} or more"
        )
    try:
        y = signals.as_mono(y)
    except ValueError as error:
        raise CorpusError(str(error).removeprefix("y: ")) from error
    if np.max(np.abs(y)) <= SILENCE:
        raise CorpusError("silent")
    return y, sr


def _report(clips: pd.DataFrame, name: str, most: int = 20) -> None:
    """Print what a folder holds, and what was left out."""

    def count(n: int, word: str) -> str:
        return f"{n} {word}{'' if n == 1 else 's'}"

    speakers = clips["speaker"].nunique() if clips["speaker"].any() else 0
    print(
        f"{count(len(clips), 'clip')}, {count(clips['language'].nunique(), 'language')}, "
        f"{count(speakers, 'speaker') if speakers else 'speakers not known'}, "
        f"{clips['duration'].sum() / 60:.1f} minutes in {name}"
    )
    skipped = clips.attrs["skipped"]
    print(f"left out: {len(skipped)}")
    for file, why in list(skipped.items())[:most]:
        print(f"  {file}: {why}")
    if len(skipped) > most:
        print(f'  and {len(skipped) - most} more; all are in clips.attrs["skipped"]')


def load_clip(path: str, root: Path = SPEECH) -> tuple[np.ndarray, int]:
    """Return one recording as samples and sampling rate.

    Parameters
    ----------
    path : str
        The clip's ``path`` in the table, e.g. ``"en-US/allison/vm-intro.ogg"``; an absolute path
        is a recording of your own.
    root : pathlib.Path, optional
        Folder that holds ``manifest.csv`` and the shipped clips.

    Returns
    -------
    y : numpy.ndarray, shape (samples,), float32
        The signal. A recording of your own is brought to one channel and 16 kHz.
    sr : int
        Sampling rate in hertz, always 16000.

    Raises
    ------
    CorpusError
        If the manifest does not list the clip, or the file is missing, altered or no sound.

    Examples
    --------
    >>> y, sr = load_clip("en-US/allison/vm-goodbye.ogg")
    >>> y.ndim, y.dtype.name, sr
    (1, 'float32', 16000)
    """
    if Path(path).is_absolute():
        return _load_own(path)
    root = Path(root)
    if (row := _rows(root).get(path)) is None:
        raise CorpusError(
            f"{path}: not in the manifest; see helpers.audio.corpus.manifest()['path']"
        )
    try:
        data = (root / path).read_bytes()
    except OSError as error:
        raise CorpusError(
            f"{path}: cannot be read ({error.strerror}); restore it with "
            "`git checkout -- assets/speech`"
        ) from error
    if hashlib.sha256(data).hexdigest() != row["sha256"]:
        raise CorpusError(
            f"{path}: the file is not the one in the manifest (its SHA-256 differs); restore it "
            "with `git checkout -- assets/speech`"
        )
    try:
        y, sr = soundfile.read(io.BytesIO(data), dtype="float32")
    except soundfile.LibsndfileError as error:
        raise CorpusError(f"{path}: no sound that can be decoded ({error})") from error
    if y.ndim != 1 or sr != SR:
        raise CorpusError(f"{path}: {sr} Hz, shape {y.shape}; expected {SR} Hz and one channel")
    return y, sr


def _load_own(path: str) -> tuple[np.ndarray, int]:
    """Return a recording that no manifest lists, brought to what the shipped ones are."""
    try:
        y, sr = decode(Path(path).read_bytes())
    except OSError as error:
        raise CorpusError(f"{path}: cannot be read ({error.strerror})") from error
    except CorpusError as error:
        raise CorpusError(f"{path}: {error}") from error
    return (y if sr == SR else librosa.resample(y, orig_sr=sr, target_sr=SR)), SR


def load_clips(clips: pd.DataFrame, root: Path = SPEECH) -> list[np.ndarray]:
    """Return the signals of a set of clips.

    Parameters
    ----------
    clips : pandas.DataFrame
        Rows of `manifest` or `folder`; only ``path`` is used.
    root : pathlib.Path, optional
        Folder that holds ``manifest.csv`` and the shipped clips.

    Returns
    -------
    list of numpy.ndarray, shape (samples,), float32
        The signals at 16 kHz, in the order of the rows.

    Raises
    ------
    CorpusError
        As `load_clip`, for the first clip that fails.

    Examples
    --------
    >>> len(load_clips(manifest().head(3)))
    3
    """
    return [load_clip(path, root)[0] for path in clips["path"]]
