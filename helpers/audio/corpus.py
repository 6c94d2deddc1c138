"""The recordings shipped with the course.

Each is checked against the manifest before it is decoded, so a damaged download is reported by name
and never turns into wrong sound.
"""

from __future__ import annotations

import csv
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from helpers.audio import loading
from helpers.audio.loading import SPEECH, SR, STRANGERS, SYNTHETIC, CorpusError

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "SPEECH",
    "SR",
    "STRANGERS",
    "SYNTHETIC",
    "CorpusError",
    "load_clip",
    "manifest",
    "strangers",
    "synthetic",
]


@lru_cache
def _rows(root: Path) -> dict[str, dict[str, str]]:
    """Return the manifest's rows by their path."""
    path = root / "manifest.csv"
    restore = loading.how_to_restore(root)
    if not path.is_file():
        raise CorpusError(f"{path}: no such file; {restore}")
    with open(path, encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        clips, told = list(reader), set(reader.fieldnames or ())
    if (shared := root / "sources.csv").is_file():  # what is the same for all clips of a source
        with open(shared, encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            sources = {(row["package"], row["speaker"]): row for row in reader}
            told |= set(reader.fieldnames or ())
        for row in clips:
            row.update(sources.get((row["package"], row["speaker"]), {}))
    expected = [name for name in loading.COLUMNS if name != "root"]
    if missing := [name for name in expected if name not in told]:
        raise CorpusError(f"{path}: no column {', '.join(missing)}; {restore}")
    if unknown := [row["path"] for row in clips if set(expected) - row.keys()]:
        raise CorpusError(f"{shared}: nothing of the source of {unknown[0]}; {restore}")
    begin = "" if root == SPEECH else str(root.resolve())
    rows = {row["path"]: {**row, "root": begin} for row in clips}
    if unchecked := [name for name, row in rows.items() if not row["sha256"]]:
        raise CorpusError(f"{path}: no sha256 of {unchecked[0]}; {restore}")
    return rows


def manifest(root: Path = SPEECH) -> pd.DataFrame:
    """Return the table of all recordings shipped with the course.

    Parameters
    ----------
    root : pathlib.Path, optional
        Folder that holds ``manifest.csv`` and the clips. What is the same for all clips of a
        speaker from a package may stand in ``sources.csv`` beside it.

    Returns
    -------
    pandas.DataFrame
        One row a clip: ``path`` (below ``root``), ``language`` (BCP 47, such as ``es-MX`` or
        ``es-CO``: its first two letters are the language), ``speaker``, ``unheard`` (True for
        the voices kept apart for testing), ``prompt`` (the same across languages), ``duration``
        in seconds, ``source_sr`` in hertz, ``package``, ``version``, ``licence``, ``credit``
        (show it where you play the clip), ``sha256``, ``root``; and ``text``, ``content``,
        ``line``, ``person`` and ``synthetic``, which `helpers.audio.loading.COLUMNS` explains.
        Every call returns a new table, which is yours to change.

    Raises
    ------
    CorpusError
        If the manifest is missing or lacks a column, or ``sources.csv`` a source.

    See Also
    --------
    strangers : further voices, for tests.
    synthetic : voices of a machine that speaks every language.
    helpers.audio.recordings.folder : the same table of your own recordings.
    helpers.audio.loading.load_clips : the sounds of such a table.

    Examples
    --------
    >>> clips = manifest()
    >>> sorted(clips.query("not unheard")["language"].unique())
    ['en-US', 'es-MX', 'fr-CA', 'it-IT', 'ru-RU']
    >>> sorted(clips.query("unheard")["language"].unique())
    ['en', 'en-GB', 'en-US', 'es-CO', 'fr', 'it-IT', 'ru']
    """
    return loading.table(_rows(Path(root)).values())


def strangers() -> pd.DataFrame:
    """Return the table of further voices, to test on people whom no model has heard.

    `manifest` has few voices that are kept apart, and with them goes the way in which they were
    recorded: who speaks English or Russian there says letters and words at home, the others speak
    on the telephone. These fill what they can of the gaps. ``content`` and ``line`` say what is
    what; ``person`` joins voices that may be one human being's, such as seven of a game's actor.

    Returns
    -------
    pandas.DataFrame
        As `manifest`. ``unheard`` is True throughout.

    Examples
    --------
    >>> clips = strangers()
    >>> spoken = clips["language"].str[:2]
    >>> clips.groupby(spoken)["person"].nunique().to_dict()
    {'en': 7, 'es': 5, 'fr': 5, 'it': 3, 'ru': 3}
    >>> set(clips["speaker"]) & set(manifest()["speaker"])
    set()
    """
    return manifest(STRANGERS)


def synthetic() -> pd.DataFrame:
    """Return the table of a synthesiser's voices, each of which speaks every language.

    All human voices of `manifest` but one speak one language, so that who speaks tells which
    language. Here the two are crossed: what a voice says in one language it says in all. Each says
    ten of the sentences, other voices others. Nobody ever spoke them: espeak-ng made the clips, so
    what holds for them need not hold for people.

    Returns
    -------
    pandas.DataFrame
        As `manifest`. ``speaker`` is espeak-ng's name of the voice, ``prompt`` the sentence, which
        is the same in all languages, ``text`` its words; ``synthetic`` is True throughout.

    Examples
    --------
    >>> clips = synthetic()
    >>> clips["language"].unique().tolist()
    ['en-US', 'es-ES', 'fr-FR', 'it-IT', 'ru-RU']
    >>> clips.groupby(["speaker", "prompt"])["language"].nunique().unique().tolist()
    [5]
    """
    return manifest(SYNTHETIC)


def load_clip(path: str, root: Path = SPEECH) -> tuple[np.ndarray, int]:
    """Return one of the shipped recordings by its path.

    Parameters
    ----------
    path : str
        The clip's ``path`` in the manifest, such as ``"en-US/allison/vm-intro.ogg"``.
    root : pathlib.Path, optional
        Folder that holds ``manifest.csv`` and the clips.

    Returns
    -------
    y : numpy.ndarray, shape (samples,), float32
        The signal.
    sr : int
        Its sampling rate in hertz, always 16000.

    Raises
    ------
    CorpusError
        If the manifest does not list the clip, or the file is missing or altered.

    See Also
    --------
    helpers.audio.loading.load_clip : the sound of a row of any table of clips.
    helpers.audio.decoding.read : the sound of any file.

    Examples
    --------
    >>> y, sr = load_clip("en-US/allison/vm-goodbye.ogg")
    >>> y.ndim, y.dtype.name, sr
    (1, 'float32', 16000)
    """
    if (row := _rows(Path(root)).get(path)) is None:
        raise CorpusError(
            f"{path}: not in the manifest; choose one of helpers.audio.corpus.manifest()['path'], "
            "or read a file of your own with helpers.audio.decoding.read"
        )
    return loading.load_clip(row)
