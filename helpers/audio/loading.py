"""Tables of clips, and the sound of their rows.

Every collection of recordings is a table with the same columns: the one shipped with the course
(`helpers.audio.corpus`), or a folder of your own (`helpers.audio.recordings`). What is done with a
clip depends on its row alone, so whatever takes rows of one table takes rows of the other.

A row may name a file that nobody has read yet: its duration, sampling rate and digest are then
unknown.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import librosa
import numpy as np

from helpers import ROOT
from helpers.audio import decoding

if TYPE_CHECKING:  # it takes longer to import than all else here, and a single clip needs no table
    import pandas as pd

__all__ = [
    "COLUMNS",
    "SPEECH",
    "SR",
    "STRANGERS",
    "SYNTHETIC",
    "CorpusError",
    "load_clip",
    "load_clips",
    "read_bytes",
    "table",
]

SPEECH = ROOT / "assets" / "speech"
"""Folder of the recordings shipped with the course."""
STRANGERS = ROOT / "assets" / "strangers"
"""Folder of further voices, for testing who is understood; see `helpers.audio.corpus.strangers`."""
SYNTHETIC = ROOT / "assets" / "synthetic"
"""Folder of a synthesiser's voices; see `helpers.audio.corpus.synthetic`."""
SR = 16_000
"""Sampling rate of every clip as it is loaded, in hertz."""
COLUMNS = (
    "path",
    "language",
    "speaker",
    "unheard",
    "prompt",
    "text",
    "content",
    "line",
    "person",
    "synthetic",
    "duration",
    "source_sr",
    "package",
    "version",
    "licence",
    "credit",
    "sha256",
    "root",
)
"""Columns of every table of clips.

``path`` begins at ``root``, an absolute path; where ``root`` is empty, at the course's own folder
`SPEECH`. ``language`` is a BCP 47 tag, such as ``es-MX``: its first part is the language.
``speaker``, and ``prompt`` (a name of what is said), are empty where they are not known;
``unheard`` says that the voice is kept apart for testing. ``duration`` in seconds, ``source_sr`` in
hertz and ``sha256`` describe the file as it was when it was read, and are missing (``nan``,
``<NA>``, empty) where it was not.

The shipped tables say more, so that what goes together with a language can be told from it. Of
recordings of your own they are empty: ``text`` is what is said, word for word, where the source has
it; ``content`` is one of letters, syllables, numbers, words, sentences, shouts; ``line`` is studio,
telephone (recorded at 8 kHz), home, game (some of whose voices are pitched up) or synthesiser;
``person`` is the same for all voices that are, or may be, one human being's; ``synthetic`` says
that nobody spoke it.
"""


class CorpusError(ValueError):
    """A recording, or the table of recordings, is missing, altered or cannot be used."""


def table(rows: Iterable[Mapping]) -> pd.DataFrame:
    """Return rows as a table of clips.

    Parameters
    ----------
    rows : iterable of dict
        Values by column; what a row lacks is empty or unknown.

    Returns
    -------
    pandas.DataFrame
        With the columns `COLUMNS`. ``source_sr`` is of type ``int64``, or of pandas' ``Int64``
        where a rate is not known.

    Examples
    --------
    >>> clips = table([{"path": "it/anna/ciao.wav", "language": "it", "root": "/home/anna"}])
    >>> clips["source_sr"].isna().tolist(), clips["duration"].isna().tolist()
    ([True], [True])
    """
    import pandas as pd

    clips = pd.DataFrame(
        [{**dict.fromkeys(COLUMNS), **row} for row in rows], columns=COLUMNS, dtype=object
    )
    clips["duration"] = pd.to_numeric(clips["duration"]).astype(float)
    rates = pd.to_numeric(clips["source_sr"]).astype("Int64")
    clips["source_sr"] = rates if rates.isna().any() else rates.astype("int64")
    flags = ("unheard", "synthetic")
    for name in flags:  # as the manifests write them, or as pandas does
        given = clips[name].map(lambda flag: {"True": 1, "False": 0}.get(flag, flag))
        clips[name] = pd.to_numeric(given).fillna(0).astype(int).astype(bool)
    words = [name for name in COLUMNS if name not in ("duration", "source_sr", *flags)]
    return clips.fillna({name: "" for name in words}).astype({name: str for name in words})


def how_to_restore(root: Path | str) -> str:
    """Return what to do about a file below ``root`` that is missing or altered."""
    if (folder := Path(root or SPEECH)) in (SPEECH, STRANGERS, SYNTHETIC):
        return f"restore it with `git checkout -- assets/{folder.name}`"
    return "read the folder again"


def read_bytes(clip: Mapping) -> bytes:
    """Return the bytes of a clip's file, after checking that they are those of its row.

    Parameters
    ----------
    clip : pandas.Series or dict
        A row of a table of clips, or its ``path``, ``root`` and ``sha256``.

    Returns
    -------
    bytes

    Raises
    ------
    CorpusError
        If the file cannot be read, or the row has a digest and the file another.
    """
    path, root = clip["path"], clip["root"]
    mend = how_to_restore(root)
    try:
        data = (Path(root or SPEECH) / path).read_bytes()
    except OSError as error:
        raise CorpusError(f"{path}: cannot be read ({error.strerror}); {mend}") from error
    if clip["sha256"] and hashlib.sha256(data).hexdigest() != clip["sha256"]:
        raise CorpusError(
            f"{path}: the file is not the one that the table was made from (its SHA-256 differs); "
            f"{mend}"
        )
    return data


def load_clip(clip: Mapping) -> tuple[np.ndarray, int]:
    """Return the sound of one clip, as one channel at 16 kHz.

    Parameters
    ----------
    clip : pandas.Series or dict
        A row of a table of clips, or its ``path``, ``root`` and ``sha256``.

    Returns
    -------
    y : numpy.ndarray, shape (samples,), float32
        The signal.
    sr : int
        Its sampling rate in hertz, always 16000.

    Raises
    ------
    CorpusError
        If the file is missing, is not the one that the table was made from, or holds no sound that
        can be used (see `helpers.audio.decoding.decode`).

    Examples
    --------
    >>> from helpers.audio import corpus
    >>> y, sr = load_clip(corpus.manifest().iloc[0])
    >>> y.ndim, y.dtype.name, sr
    (1, 'float32', 16000)
    """
    try:
        y, sr = decoding.decode(read_bytes(clip))
    except decoding.DecodingError as error:
        raise CorpusError(f"{clip['path']}: {error}") from error
    return (y if sr == SR else librosa.resample(y, orig_sr=sr, target_sr=SR)), SR


def load_clips(clips: pd.DataFrame) -> list[np.ndarray]:
    """Return the sounds of a table of clips.

    Parameters
    ----------
    clips : pandas.DataFrame
        Rows of `helpers.audio.corpus.manifest` or `helpers.audio.recordings.folder`; ``path``,
        ``root`` and ``sha256`` are used.

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
    >>> from helpers.audio import corpus
    >>> len(load_clips(corpus.manifest().head(3)))
    3
    """
    files = clips[["path", "root", "sha256"]].to_dict("records")
    return [load_clip(file)[0] for file in files]
