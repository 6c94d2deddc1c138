"""The recordings shipped with the course: their manifest, and their sound.

Every recording is checked against the manifest before it is decoded, so a damaged download is
reported by name and never turns into wrong sound.
"""

import hashlib
import io
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile

__all__ = ["SPEECH", "SR", "CorpusError", "load_clip", "load_clips", "manifest"]

SPEECH = Path(__file__).resolve().parent.parent / "assets" / "speech"
SR = 16_000
"""Sampling rate of every clip, in hertz."""

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


@lru_cache
def _read_manifest(root: Path) -> pd.DataFrame:
    path = root / "manifest.csv"
    if not path.is_file():
        raise CorpusError(f"{path}: no such file; restore it with `git checkout -- assets/speech`")
    clips = pd.read_csv(path, keep_default_na=False, dtype={"prompt": str, "version": str})
    if missing := [name for name in COLUMNS if name not in clips.columns]:
        raise CorpusError(f"{path}: no column {', '.join(missing)}; restore the file from git")
    clips["unheard"] = clips["unheard"].astype(bool)
    return clips


def manifest(root: Path = SPEECH) -> pd.DataFrame:
    """Return the table of all recordings.

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
        (show it where you play the clip), ``sha256``. It is a copy, free to be changed.

    Raises
    ------
    CorpusError
        If the manifest is missing or lacks a column.

    Examples
    --------
    >>> clips = manifest()
    >>> sorted(clips.query("not unheard")["language"].unique())
    ['en-US', 'es-MX', 'fr-CA', 'it-IT', 'ru-RU']
    >>> sorted(clips.query("unheard")["language"].unique())
    ['en', 'en-GB', 'en-US', 'es-CO', 'fr', 'it-IT', 'ru']
    """
    return _read_manifest(Path(root)).copy()


def load_clip(path: str, root: Path = SPEECH) -> tuple[np.ndarray, int]:
    """Return one recording as samples and sampling rate.

    Parameters
    ----------
    path : str
        The clip's ``path`` in the manifest, e.g. ``"en-US/allison/vm-intro.ogg"``.
    root : pathlib.Path, optional
        Folder that holds ``manifest.csv`` and the clips.

    Returns
    -------
    y : numpy.ndarray, shape (samples,), float32
        The signal, within -1 and 1.
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
    root = Path(root)
    clips = _read_manifest(root)
    row = clips[clips["path"] == path]
    if len(row) != 1:
        raise CorpusError(f"{path}: not in the manifest; see helpers.corpus.manifest()['path']")
    try:
        data = (root / path).read_bytes()
    except OSError as error:
        raise CorpusError(
            f"{path}: cannot be read ({error.strerror}); restore it with "
            "`git checkout -- assets/speech`"
        ) from error
    if hashlib.sha256(data).hexdigest() != row["sha256"].item():
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


def load_clips(clips: pd.DataFrame, root: Path = SPEECH) -> list[np.ndarray]:
    """Return the signals of a set of clips.

    Parameters
    ----------
    clips : pandas.DataFrame
        Rows of the manifest; only ``path`` is used.
    root : pathlib.Path, optional
        Folder that holds ``manifest.csv`` and the clips.

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
