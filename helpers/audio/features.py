"""MFCCs of whole sets of recordings: on all cores, and kept from one run to the next."""

from __future__ import annotations

import hashlib
import json
import os
import time
import warnings
import zipfile
import zlib
from dataclasses import asdict, dataclass
from functools import lru_cache
from itertools import chain
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING

import av
import joblib
import librosa
import numpy as np
import scipy
import soundfile

from helpers import ROOT
from helpers.audio import decoding, loading, signals

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CACHE", "MFCCSetting", "extract", "kept_as", "mfcc"]

CACHE = Path(os.environ.get("WAVE_CACHE", ROOT / ".cache"))
"""Folder of kept features; the environment variable ``WAVE_CACHE`` puts it elsewhere."""
BLOCK = 32
"""Clips that a thread takes at a time, at the most."""
TOGETHER = 30.0
"""Seconds of sound whose MFCCs are computed in one call: no more is held in memory than this and
the clip that exceeds it."""


@dataclass(frozen=True)
class MFCCSetting:
    """All that MFCCs depend on besides the sound; the names are librosa's.

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
        Whether the mel scale follows HTK's formula instead of Slaney's.

    Raises
    ------
    ValueError
        If a length is not a whole number of samples, the filters do not fit the bins or the
        frequencies (see `helpers.audio.signals.check_mel`), or ``n_mfcc`` exceeds ``n_mels``.

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
        """Raise an error if no MFCCs can be computed with these numbers."""
        signals.check_length("n_fft", self.n_fft)
        signals.check_length("hop_length", self.hop_length)
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

    librosa would build them again for every clip. Most of their values are zeros, and a sparse
    product adds in one order, however many cores there are.
    """
    with warnings.catch_warnings():  # librosa warns of empty filters; below they are an error
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
        The signal; see `helpers.audio.signals.as_mono` for what becomes of stereo and integers.
    sr : float
        Its sampling rate in hertz. If it is not the setting's, the signal is resampled.
    setting : MFCCSetting, optional
        The course's own unless given.

    Returns
    -------
    numpy.ndarray, shape (1 + samples // hop_length, n_mfcc), float32
        Frame ``m`` is centred on sample ``m * hop_length``, at the setting's sampling rate.

    Raises
    ------
    ValueError
        If `helpers.audio.signals.as_mono` does not take the signal, it is shorter than a frame, the
        sampling rate is not positive, or a mel filter covers no bin.

    Examples
    --------
    >>> from helpers.audio import corpus
    >>> y, sr = corpus.load_clip("en-US/allison/vm-goodbye.ogg")
    >>> mfcc(y, sr).shape == (1 + len(y) // 160, 64)
    True
    """
    [frames] = _mfccs([_framed(y, sr, setting)], setting)
    return frames


def _framed(y: np.ndarray, sr: float, setting: MFCCSetting) -> np.ndarray:
    """Return a signal as `_mfccs` takes it, or raise what `mfcc` says."""
    y = signals.as_mono(y).astype(np.float32, copy=False)
    signals.check_sr(sr)
    if sr != setting.sr:
        y = librosa.resample(y, orig_sr=sr, target_sr=setting.sr)
    signals.check_framing(len(y), setting.n_fft, setting.hop_length)
    return y


def _mfccs(ys: list[np.ndarray], setting: MFCCSetting) -> list[np.ndarray]:
    """Return the MFCCs of several signals: of all in one call, to the bit those of each.

    NumPy lets another thread run during an operation and waits for it afterwards. With the small
    arrays of one clip, two threads take as long as one; with those of several they share the work.
    """
    # One after the other, each with its margin of zeros, each from a whole number of hops on.
    margin, hop = setting.n_fft // 2, setting.hop_length
    counts = [1 + (len(y) + 2 * margin - setting.n_fft) // hop for y in ys]
    starts = np.cumsum([0, *(-(-(len(y) + 2 * margin) // hop) for y in ys)])
    row = np.zeros(starts[-1] * hop + setting.n_fft, np.float32)
    for y, start in zip(ys, starts, strict=False):
        row[start * hop + margin :][: len(y)] = y
    spectra = librosa.stft(row, n_fft=setting.n_fft, hop_length=hop, center=False)
    powers = _mel_bank(setting) @ np.abs(spectra) ** 2
    own = [slice(start, start + count) for start, count in zip(starts, counts, strict=False)]
    bands = librosa.power_to_db(powers, top_db=None)
    for frames in own:  # librosa's range of 80 dB: below the loudest of each signal's own
        np.maximum(bands[:, frames], bands[:, frames].max() - 80, out=bands[:, frames])
    mfccs = librosa.feature.mfcc(S=bands, n_mfcc=setting.n_mfcc)
    return [np.ascontiguousarray(mfccs[:, frames].T) for frames in own]


def extract(
    clips: pd.DataFrame,
    setting: MFCCSetting = MFCCSetting(),
    cache: Path | None = None,
    *,
    trusting: bool = False,
    jobs: int | None = None,
) -> list[np.ndarray]:
    """Return the MFCCs of a set of clips, from the cache if it has them.

    The name under which features are kept stands for everything they depend on: the setting, the
    bytes of the clips as they are now, the versions of the decoders, librosa and the course's own
    code. Their checksum is tested as they are read. So a changed file, a killed run or a damaged
    cache costs time and never a wrong number. If the cache cannot be written, nothing is kept.

    Parameters
    ----------
    clips : pandas.DataFrame
        Rows of `helpers.audio.corpus.manifest` or `helpers.audio.recordings.folder`; ``path``,
        ``root`` and ``sha256`` are used.
    setting : MFCCSetting, optional
        The course's own unless given.
    cache : pathlib.Path, optional
        Folder to keep features in; `CACHE` unless given.
    trusting : bool, optional
        Whether files are taken for what the table says of them, and read only if features have to
        be computed: hundreds of hours are not read again to open what is kept of them.
    jobs : int, optional
        How many threads share the work; as many as there are cores unless given.

    Returns
    -------
    list of numpy.ndarray, shape (frames, n_mfcc), float32
        As `mfcc` gives them, in the order of the rows.

    Raises
    ------
    CorpusError
        If a clip is missing or altered, see `helpers.audio.loading.load_clip`.
    ValueError
        As `mfcc`, with the clip's name.

    Examples
    --------
    >>> from helpers.audio import corpus
    >>> features = extract(corpus.manifest().head(3))
    >>> [f.shape[1] for f in features]
    [64, 64, 64]
    """
    files = _files(clips)
    kept = _name(cache, setting, [_stamp(file) if trusting else _digest(file) for file in files])
    if (features := _read(kept, len(files), setting.n_mfcc)) is not None:
        return features
    # Threads, not processes: a process would first spend seconds on importing what librosa's STFT
    # needs, a third of what one core takes for the whole corpus.
    jobs = jobs or _cores()
    spread = joblib.Parallel(jobs, require="sharedmem")
    size = min(BLOCK, max(1, len(files) // (4 * jobs)))  # a few long files are for all threads, too
    blocks = (files[start : start + size] for start in range(0, len(files), size))
    features = list(chain(*spread(joblib.delayed(_extract)(block, setting) for block in blocks)))
    _write(kept, features, setting.n_mfcc)
    return features


def kept_as(
    clips: pd.DataFrame, setting: MFCCSetting = MFCCSetting(), cache: Path | None = None
) -> Path:
    """Return the file in which `extract`, trusting the table, keeps the features of these clips.

    Parameters
    ----------
    clips, setting, cache
        As for `extract`.

    Returns
    -------
    pathlib.Path
        It need not exist. Of a clip whose digest the table does not know, the name stands for its
        size and the time of its last change.

    Raises
    ------
    CorpusError
        If a clip whose digest is not known is missing.

    Examples
    --------
    >>> from helpers.audio import corpus
    >>> kept_as(corpus.manifest().head(3), cache=Path("kept")).parent.name
    'kept'
    """
    return _name(cache, setting, [_stamp(file) for file in _files(clips)])


def _files(clips: pd.DataFrame) -> list[dict]:
    return clips[["path", "root", "sha256"]].to_dict("records")


def _cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _digest(file: dict) -> str:
    data = loading.read_bytes(file)  # which tests the digest, if the row has one
    return file["sha256"] or hashlib.sha256(data).hexdigest()


def _stamp(file: dict) -> str:
    """Return what tells a file from others, as far as can be known without reading it."""
    if file["sha256"]:
        return file["sha256"]
    try:
        about = Path(file["root"] or loading.SPEECH, file["path"]).stat()
    except OSError as error:
        raise loading.CorpusError(f"{file['path']}: cannot be read ({error.strerror})") from error
    return f"{file['path']} {about.st_size} {about.st_mtime_ns}"


def _extract(files: list[dict], setting: MFCCSetting) -> list[np.ndarray]:
    """Return the MFCCs of a few clips, for one thread."""
    done, waiting, samples = [], [], 0
    for file in files:
        y, sr = loading.load_clip(file)
        try:
            waiting.append(_framed(y, sr, setting))
        except ValueError as error:
            raise ValueError(f"{file['path']}: {error}") from error
        samples += len(waiting[-1])
        if samples >= TOGETHER * setting.sr:
            done += _mfccs(waiting, setting)
            waiting, samples = [], 0
    return done + (_mfccs(waiting, setting) if waiting else [])


def _name(cache: Path | None, setting: MFCCSetting, digests: list[str]) -> Path:
    """Return a file whose name stands for everything that the features depend on."""
    versions = [librosa.__version__, soundfile.__libsndfile_version__, av.__version__, *_code()]
    everything = json.dumps([asdict(setting), versions, digests], sort_keys=True)
    key = hashlib.sha256(everything.encode()).hexdigest()[:32]
    return Path(CACHE if cache is None else cache) / f"mfcc-{key}.npz"


@lru_cache(maxsize=1)
def _code() -> tuple[str, ...]:
    """Return digests of the modules that compute the features."""
    decoders = sorted(Path(decoding.__file__).parent.glob("*.py"))
    modules = [__file__, loading.__file__, signals.__file__, *decoders]
    return tuple(hashlib.sha256(Path(module).read_bytes()).hexdigest() for module in modules)


DAMAGE = (
    OSError,
    EOFError,
    ValueError,
    LookupError,
    RuntimeError,
    MemoryError,
    OverflowError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What numpy and zipfile raise of a file that is not as they wrote it, depending on the place."""


def _read(path: Path, n_clips: int, n_mfcc: int) -> list[np.ndarray] | None:
    """Return what is kept in a file, or None if there is none or it is damaged."""
    try:
        # Opened here, for numpy would leave a damaged file open.
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as kept:
            frames, lengths = kept["frames"], kept["lengths"]  # zipfile tests their CRC-32
    except DAMAGE:
        return None
    if frames.shape != (lengths.sum(), n_mfcc) or lengths.shape != (n_clips,):
        return None
    return np.split(frames, np.cumsum(lengths)[:-1]) if n_clips else []


def _write(path: Path, features: list[np.ndarray], n_mfcc: int) -> None:
    """Keep features under a name that they get only once they are complete."""
    frames = np.concatenate([np.empty((0, n_mfcc), np.float32), *features])
    lengths = np.array([len(f) for f in features], dtype=np.int64)
    unfinished = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _sweep(path.parent)
        with NamedTemporaryFile(
            dir=path.parent, prefix="mfcc-", suffix=".part", delete=False
        ) as file:
            unfinished = Path(file.name)
            np.savez(file, frames=frames, lengths=lengths)
        os.replace(unfinished, path)
    except OSError:  # a full disk, a folder that is not ours: the features are right anyway
        if unfinished:
            unfinished.unlink(missing_ok=True)


def _sweep(folder: Path) -> None:
    """Remove what runs that were killed left unfinished."""
    for left in folder.glob("mfcc-*.part"):
        try:
            if time.time() - left.stat().st_mtime > 3600:
                left.unlink()
        except OSError:  # another run has just named it, or it is somebody else's: not our affair
            continue
