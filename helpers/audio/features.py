"""MFCCs of whole sets of recordings: on all cores, and kept from one run to the next."""

from __future__ import annotations

import hashlib
import json
import os
import time
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING

import librosa
import numpy as np
import scipy
import soundfile

from helpers import ROOT
from helpers.audio import corpus, signals

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CACHE", "MFCCSetting", "extract", "mfcc"]

CACHE = Path(os.environ.get("WAVE_CACHE", ROOT / ".cache"))
"""Folder of kept features; the environment variable ``WAVE_CACHE`` puts it elsewhere."""


@dataclass(frozen=True)
class MFCCSetting:
    """All that MFCCs depend on beside the sound; the names are librosa's.

    Parameters
    ----------
    sr : int
        Sampling rate in hertz; sound at another one is resampled to it.
    n_mfcc : int
        Coefficients a frame.
    n_fft, hop_length : int
        Length of a frame and step from one to the next, in samples.
    n_mels : int
        Filters of the mel bank.
    fmin, fmax : float
        Lowest and highest frequency of the bank in hertz; ``fmax`` is half of ``sr`` if None.
    htk : bool
        Whether mel follows HTK's formula and not Slaney's.

    Raises
    ------
    ValueError
        If no MFCCs can be computed so.

    Examples
    --------
    The course's setting, 25 ms frames every 10 ms, and one with every second frame of it:

    >>> MFCCSetting().frames_per_second
    100.0
    >>> MFCCSetting(hop_length=320).frames_per_second
    50.0
    """

    sr: int = 16_000
    n_mfcc: int = 64
    n_fft: int = 400
    hop_length: int = 160
    n_mels: int = 128
    fmin: float = 0.0
    fmax: float | None = None
    htk: bool = False

    def __post_init__(self):
        """Refuse what cannot be."""
        signals.check_framing(self.n_fft, self.n_fft, self.hop_length)
        signals.check_mel(self.sr, self.n_fft, self.n_mels, self.fmin, self.fmax)
        if not 1 <= self.n_mfcc <= self.n_mels:
            raise ValueError(
                f"n_mfcc is {self.n_mfcc} and n_mels {self.n_mels}; a cosine transform of "
                f"{self.n_mels} bands has 1 to {self.n_mels} coefficients"
            )

    @property
    def frames_per_second(self) -> float:
        """Return how many frames a second of sound gives."""
        return self.sr / self.hop_length


@lru_cache
def _mel_bank(setting: MFCCSetting) -> scipy.sparse.csr_array:
    """Return the filters, shape (n_mels, bins).

    librosa would build them again for every clip. Most of them is zeros, and a sparse product adds
    in one order, however many cores there are.
    """
    with warnings.catch_warnings():  # librosa only warns of what is refused below
        warnings.filterwarnings("ignore", message="Empty filters detected")
        bank = librosa.filters.mel(
            sr=setting.sr,
            n_fft=setting.n_fft,
            n_mels=setting.n_mels,
            fmin=setting.fmin,
            fmax=setting.fmax,
            htk=setting.htk,
        )
    if len(empty := np.flatnonzero(~bank.any(axis=1))):
        raise ValueError(
            f"{len(empty)} of {setting.n_mels} mel filters cover no bin (the first is number "
            f"{empty[0]}); take fewer filters or a longer n_fft"
        )
    return scipy.sparse.csr_array(bank)  # scipy imports its parts as they are used


def mfcc(y: np.ndarray, sr: float, setting: MFCCSetting = MFCCSetting()) -> np.ndarray:
    """Return the MFCCs of a signal, one row a frame.

    They are ``librosa.feature.mfcc`` transposed; ``06_mfcc`` derives them.

    Parameters
    ----------
    y : array_like, shape (samples,)
        The signal; stereo is averaged, integers are scaled to full scale.
    sr : float
        Its sampling rate in hertz. Where it is not the setting's, the signal is resampled.
    setting : MFCCSetting, optional
        The course's own unless given.

    Returns
    -------
    numpy.ndarray, shape (1 + samples // hop_length, n_mfcc), float32
        Frame ``m`` is centred on sample ``m * hop_length``, at the setting's sampling rate.

    Raises
    ------
    ValueError
        If the signal is none (see `helpers.audio.signals.as_mono`) or shorter than a frame, the
        sampling rate is not positive, or a mel filter covers no bin.

    Examples
    --------
    >>> y, sr = corpus.load_clip("en-US/allison/vm-goodbye.ogg")
    >>> mfcc(y, sr).shape == (1 + len(y) // 160, 64)
    True
    """
    y = signals.as_mono(y).astype(np.float32, copy=False)
    signals.check_sr(sr)
    if sr != setting.sr:
        y = librosa.resample(y, orig_sr=sr, target_sr=setting.sr)
    signals.check_framing(len(y), setting.n_fft, setting.hop_length)
    spectra = librosa.stft(y, n_fft=setting.n_fft, hop_length=setting.hop_length)
    bands = librosa.power_to_db(_mel_bank(setting) @ np.abs(spectra) ** 2)
    return np.ascontiguousarray(librosa.feature.mfcc(S=bands, n_mfcc=setting.n_mfcc).T)


def extract(
    clips: pd.DataFrame,
    setting: MFCCSetting = MFCCSetting(),
    root: Path = corpus.SPEECH,
    cache: Path | None = None,
) -> list[np.ndarray]:
    """Return the MFCCs of a set of clips, from the cache where it has them.

    What is kept is found by everything it depends on: setting, the clips' bytes as they are now,
    versions of librosa, libsndfile and the course's own code. It is checked as it is read, so a
    changed file, a killed run or a damaged cache costs time and never a wrong number. Where the
    cache cannot be written, nothing is kept.

    Parameters
    ----------
    clips : pandas.DataFrame
        Rows of `corpus.manifest` or `corpus.folder`; only ``path`` is used.
    setting : MFCCSetting, optional
        The course's own unless given.
    root : pathlib.Path, optional
        Folder that holds ``manifest.csv`` and the clips.
    cache : pathlib.Path, optional
        Folder to keep features in; `CACHE` unless given.

    Returns
    -------
    list of numpy.ndarray, shape (frames, n_mfcc), float32
        As `mfcc` gives them, in the order of the rows.

    Raises
    ------
    CorpusError
        If a clip is missing or altered.
    ValueError
        As `mfcc`, with the clip's name.

    Examples
    --------
    >>> features = extract(corpus.manifest().head(3))
    >>> [f.shape[1] for f in features]
    [64, 64, 64]
    """
    root, cache = Path(root), Path(CACHE if cache is None else cache)
    paths = clips["path"].tolist()
    # Threads, not processes: a process would first spend 2.5 s on importing what librosa's STFT
    # needs, most of what one core takes for the whole corpus; decoding and FFTs run side by side.
    with ThreadPoolExecutor(_cores()) as pool:
        digests = list(pool.map(lambda path: _digest(path, root), paths))
        kept = cache / f"mfcc-{_key(setting, digests)}.bin"
        if (features := _read(kept, len(paths), setting.n_mfcc)) is None:
            features = list(pool.map(lambda path: _clip_mfcc(path, root, setting), paths))
            _write(kept, features)
    return features


def _cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _digest(path: str, root: Path) -> str:
    try:
        return hashlib.sha256((root / path).read_bytes()).hexdigest()
    except OSError:
        corpus.load_clip(path, root)  # names the file and what to do
        raise


def _clip_mfcc(path: str, root: Path, setting: MFCCSetting) -> np.ndarray:
    y, sr = corpus.load_clip(path, root)
    try:
        return mfcc(y, sr, setting)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _key(setting: MFCCSetting, digests: list[str]) -> str:
    """Return a name for everything that the features depend on."""
    code = [hashlib.sha256(Path(m).read_bytes()).hexdigest() for m in (__file__, corpus.__file__)]
    versions = [librosa.__version__, soundfile.__libsndfile_version__, *code]
    everything = json.dumps([asdict(setting), versions, digests], sort_keys=True)
    return hashlib.sha256(everything.encode()).hexdigest()[:32]


# A kept file holds the number of frames of each clip (int64), all frames one after another
# (float32), and the CRC-32 of what comes before it.


def _read(path: Path, n_clips: int, n_mfcc: int) -> list[np.ndarray] | None:
    """Return what is kept in a file, or None if there is none or it is damaged."""
    try:
        data = np.fromfile(path, dtype=np.uint8)
    except OSError:
        return None
    body, crc = data[:-4], data[-4:].tobytes()
    if len(body) < 8 * n_clips or zlib.crc32(body) != int.from_bytes(crc, "little"):
        return None
    lengths = body[: 8 * n_clips].view(np.int64)
    frames = body[8 * n_clips :].view(np.float32).reshape(-1, n_mfcc)
    return np.split(frames, np.cumsum(lengths)[:-1]) if n_clips else []


def _write(path: Path, features: list[np.ndarray]) -> None:
    """Keep features under a name that they get only once they are complete."""
    parts = [np.array([len(f) for f in features], dtype=np.int64), *features]
    unfinished = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for left in path.parent.glob("mfcc-*.part"):  # by runs that were killed
            if time.time() - left.stat().st_mtime > 3600:
                left.unlink(missing_ok=True)
        crc = 0
        with NamedTemporaryFile(
            dir=path.parent, prefix="mfcc-", suffix=".part", delete=False
        ) as file:
            unfinished = Path(file.name)
            for part in parts:
                file.write(part.data)
                crc = zlib.crc32(part, crc)
            file.write(crc.to_bytes(4, "little"))
        os.replace(unfinished, path)
    except OSError:  # a full disk, a folder that is not ours: the features are right all the same
        if unfinished:
            unfinished.unlink(missing_ok=True)
