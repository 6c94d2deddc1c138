"""Rebuild ``assets/speech`` from Debian's packages of telephone prompts.

Nobody needs this to use the course: the recordings it makes are stored in the repository.
It needs Debian or Ubuntu (``apt-get`` and ``dpkg-deb``).

    make corpus                                         # downloads the packages, then builds
    python -m tools.build_corpus --debs DIR             # builds from the .deb files that lie in DIR
    python -m tools.build_corpus --to FOLDER            # builds elsewhere, to compare

``voices.csv`` pins the version of every package. The same versions, and the same libsndfile, give
the same bytes: FFmpeg decodes G.722 and GSM, libsndfile the rest, soxr resamples, libsndfile
encodes, and the random serial number that it draws for every file is replaced. At the end it says
how many clips are, byte for byte, those of the manifest that is stored.
"""

import argparse
import csv
import gzip
import hashlib
import io
import re
import shutil
import subprocess
import tempfile
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

import av
import librosa
import numpy as np
import soundfile

from helpers.audio import decoding, loading, signals
from helpers.audio.loading import SPEECH, SR

QUALITY = 0.2  # of Ogg Vorbis, 0 to 1
SHORTEST_PROMPT, LONGEST_PROMPT, LONGEST_UNHEARD = 0.3, 20.0, 8.0  # seconds; all fit into 45 MB
LOUDEST_UNHEARD = 0.7  # of full scale: some are recorded so loud that the codec would overshoot
BARE = (".g722", ".gsm")  # formats without a header, for FFmpeg
SILENCE_DB, MARGIN = -40.0, 0.05  # below the loudest 20 ms; seconds kept around speech
COLUMNS = [name for name in loading.COLUMNS if name != "root"]
# Recordings that are no speech of the speaker's: tones, music, animals, silence; and those of
# a penguin that laughs, sleeps or is in love, who may do it without a word.
NOT_SPEECH = re.compile(
    r"(^|/)(silence/|beep|tt-|.*music|ascending|descending|.*tone|.*ring)"
    r"|ktuberling/tux-(angry|huh|idea|laugh|love|sick|stare|what|wow|zzz)$"
)


class Voice(NamedTuple):
    """One speaker in one language, and the package that the recordings come from."""

    package: str
    version: str  # of the package
    folder: str  # of the recordings in the package, below /usr/share
    suffix: str
    prefix: str  # of prompt ids that are not Asterisk's
    pick: str  # a pattern of the names to take, where several people share a folder
    language: str  # BCP 47, with a region only where the package states one
    speaker: str  # named after the package where it does not say who speaks
    unheard: str  # 1: kept apart, for testing
    licence: str
    credit: str


with open(Path(__file__).with_name("voices.csv"), newline="", encoding="utf-8") as table:
    VOICES = [Voice(**row) for row in csv.DictReader(table)]


def decode(path: Path) -> tuple[np.ndarray, int]:
    """Return a recording as 16-bit samples at 16 kHz, and the sampling rate that it had.

    Parameters
    ----------
    path : pathlib.Path
        A file of the package.

    Returns
    -------
    y : numpy.ndarray, shape (samples,), int16
    source_sr : int
        In hertz.
    """
    if not (data := path.read_bytes()):  # a package may hold an empty prompt
        return np.zeros(0, np.int16), 0
    try:
        if path.suffix in BARE:
            y, source_sr, _, lost = decoding.decode_as(data, path.suffix[1:])
        else:  # of an Ogg, FFmpeg would give some milliseconds more or fewer
            (y, source_sr), lost = soundfile.read(io.BytesIO(data), dtype="float32"), ""
    except (decoding.DecodingError, soundfile.LibsndfileError) as error:
        raise SystemExit(f"{path}: {error}") from error
    if lost:
        raise SystemExit(f"{path}: {lost}")
    return to_pcm(resample(signals.as_mono(y), source_sr)), source_sr


def resample(y: np.ndarray, source_sr: int) -> np.ndarray:
    """Bring a signal to 16 kHz, as the course brings recordings of one's own (soxr, by librosa).

    A telephone's recording has nothing above 4 kHz, and must have nothing there afterwards: images
    that a short filter lets pass would be taken for what the telephone does to a voice.
    """
    return y if source_sr == SR else librosa.resample(y, orig_sr=source_sr, target_sr=SR)


def to_pcm(y: np.ndarray) -> np.ndarray:
    """Round samples within -1 and 1 to 16 bits; what exceeds them is clipped."""
    return np.clip(np.round(y * 32768.0), -32768, 32767).astype(np.int16)


def trim(y: np.ndarray) -> np.ndarray:
    """Cut the silence before and after the speech; nothing is left of a silent recording."""
    hop = SR // 50
    blocks = y[: len(y) // hop * hop].reshape(-1, hop).astype(float)
    rms = np.sqrt(np.mean(blocks**2, axis=1))
    if rms.max(initial=0.0) < 30:  # of 32768: nobody speaks
        return y[:0]
    loud = np.flatnonzero(rms > rms.max() * 10 ** (SILENCE_DB / 20))
    margin = int(MARGIN * SR)
    return y[max(0, loud[0] * hop - margin) : (loud[-1] + 1) * hop + margin]


def turn_down(y: np.ndarray) -> np.ndarray:
    """Scale the samples so that none is above ``LOUDEST_UNHEARD``; leave softer ones alone."""
    peak = np.abs(y.astype(float)).max(initial=0.0) / 32768
    return y if peak <= LOUDEST_UNHEARD else np.round(y * (LOUDEST_UNHEARD / peak)).astype(np.int16)


def _crc_table() -> list[int]:
    table = []
    for byte in range(256):
        crc = byte << 24
        for _ in range(8):
            crc = ((crc << 1) ^ (0x04C11DB7 if crc & 0x80000000 else 0)) & 0xFFFFFFFF
        table.append(crc)
    return table


CRC = _crc_table()


def fix_serial(ogg: bytes, serial: int = 1) -> bytes:
    """Give all pages of an Ogg file the serial number, and the checksum that goes with it.

    The encoder draws the number at random (RFC 3533, section 6, says where the two fields are).
    """
    out, start = bytearray(ogg), 0
    while start < len(out):
        assert out[start : start + 4] == b"OggS"
        segments = out[start + 26]
        end = start + 27 + segments + sum(out[start + 27 : start + 27 + segments])
        out[start + 14 : start + 18] = serial.to_bytes(4, "little")
        out[start + 22 : start + 26] = bytes(4)
        crc = 0
        for byte in out[start:end]:
            crc = ((crc << 8) & 0xFFFFFFFF) ^ CRC[(crc >> 24) ^ byte]
        out[start + 22 : start + 26] = crc.to_bytes(4, "little")
        start = end
    return bytes(out)


def encode(y: np.ndarray, path: Path) -> None:
    """Write the samples as Ogg Vorbis."""
    path.parent.mkdir(parents=True, exist_ok=True)
    ogg = io.BytesIO()
    with soundfile.SoundFile(
        ogg, "w", SR, 1, "VORBIS", format="OGG", compression_level=1 - QUALITY
    ) as f:
        for start in range(0, len(y), SR):  # a second at a time: the encoder's stack is small
            f.write(y[start : start + SR])
    path.write_bytes(fix_serial(ogg.getvalue()))


def make_clip(job: tuple[Path, str, Voice, Path]) -> dict | None:
    """Make one clip; return its row of the manifest, or None where there is no speech."""
    source, prompt, voice, speech = job
    y, source_sr = decode(source)
    y, longest = trim(y), LONGEST_PROMPT
    if voice.unheard == "1":
        y, longest = turn_down(y), LONGEST_UNHEARD
    if not SHORTEST_PROMPT <= len(y) / SR <= longest:
        return None
    name = f"{voice.language}/{voice.speaker}/{prompt.replace('/', '__')}.ogg"
    encode(y, speech / name)
    return {
        "path": name,
        "language": voice.language,
        "speaker": voice.speaker,
        "unheard": voice.unheard,
        "prompt": prompt,
        "duration": f"{len(y) / SR:.4f}",
        "source_sr": source_sr,
        "package": voice.package,
        "version": voice.version,
        "licence": voice.licence,
        "credit": voice.credit,
        "sha256": hashlib.sha256((speech / name).read_bytes()).hexdigest(),
    }


def unpack(debs: Path, package: str, version: str, target: Path) -> None:
    """Unpack a package that lies in ``debs``, if it is of that version."""
    found = sorted(debs.glob(f"{package}_*.deb"))
    if len(found) != 1:
        raise SystemExit(f"{debs}: {len(found)} files {package}_*.deb; expected 1")
    show = ["dpkg-deb", "-f", found[0], "Version"]
    has = subprocess.run(show, check=True, capture_output=True, text=True).stdout.strip()
    if has != version:
        raise SystemExit(
            f"{found[0].name}: version {has}; the corpus is made from {version}, which "
            f"https://snapshot.debian.org keeps (or change it in tools/voices.csv)"
        )
    target.mkdir(parents=True, exist_ok=True)
    subprocess.run(["dpkg-deb", "-x", found[0], target], check=True)


def download(debs: Path) -> None:
    """Download the packages in the versions of ``voices.csv``."""
    packages = sorted({f"{voice.package}={voice.version}" for voice in VOICES})
    if subprocess.run(["apt-get", "download", *packages], cwd=debs).returncode:
        raise SystemExit(
            "apt-get has not all packages in the versions of tools/voices.csv; take them from "
            "https://snapshot.debian.org, put them into a folder and pass it as --debs"
        )


def collect(debs: Path, work: Path, speech: Path) -> list[tuple[Path, str, Voice, Path]]:
    """Unpack every voice; return one job a prompt, and store each package's copyright file."""
    found = []
    licences = speech / "licences"
    licences.mkdir(parents=True, exist_ok=True)
    for package, version in sorted({(voice.package, voice.version) for voice in VOICES}):
        unpack(debs, package, version, work / package)
    for voice in VOICES:
        target = work / voice.package
        doc = target / "usr/share/doc" / voice.package
        (licences / f"{voice.package}.txt").write_bytes((doc / "copyright").read_bytes())
        if (text := doc / "LICENCIA.gz").exists():  # the GPL in full, which others only refer to
            (licences / "GPL-2.txt").write_bytes(gzip.decompress(text.read_bytes()))
        root = target / "usr/share" / voice.folder
        prompts = {
            voice.prefix + p.relative_to(root).with_suffix("").as_posix(): p
            for p in sorted(root.rglob(f"*{voice.suffix}"))
            if re.match(voice.pick, p.stem)
        }
        found.append((voice, {k: p for k, p in prompts.items() if not NOT_SPEECH.match(k)}))
    # Of an unheard voice's telephone prompts, those that every voice speaks are enough.
    shared = set.intersection(*(set(prompts) for voice, prompts in found if not voice.prefix))
    return [
        (source, prompt, voice, speech)
        for voice, prompts in found
        for prompt, source in prompts.items()
        if voice.unheard == "0" or voice.prefix or prompt in shared
    ]


def compare(rows: list[dict], stored: Path) -> str:
    """Say how many clips are those of a stored manifest, byte for byte."""
    if not stored.is_file():
        return f"{stored}: no manifest to compare with"
    with open(stored, newline="", encoding="utf-8") as file:
        before = {row["path"]: row["sha256"] for row in csv.DictReader(file)}
    now = {row["path"]: row["sha256"] for row in rows}
    fate = Counter(
        "new" if path not in before else "the same" if before[path] == digest else "other bytes"
        for path, digest in now.items()
    )
    fate["gone"] = len(before.keys() - now.keys())
    return "against the stored manifest: " + ", ".join(f"{n} {what}" for what, n in fate.items())


def put(built: Path, rows: list[dict], speech: Path) -> None:
    """Put what was built where it belongs, and take away what is made no more."""
    shutil.copytree(built, speech, dirs_exist_ok=True)
    made = {row["path"] for row in rows}
    for clip in speech.rglob("*.ogg"):
        if clip.relative_to(speech).as_posix() not in made:
            clip.unlink()
    with open(speech / "manifest.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(sorted(rows, key=lambda row: row["path"]))


def main(arguments: list[str] | None = None) -> None:
    """Build all clips and the manifest."""
    parser = argparse.ArgumentParser(description="Rebuild assets/speech from Debian's packages.")
    parser.add_argument("--debs", type=Path, help="the folder that holds the .deb files")
    parser.add_argument("--to", type=Path, default=SPEECH, help="the folder to build")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        work, built = Path(scratch), Path(scratch, "speech")
        if asked.debs is None:
            download(work)
        jobs = collect((asked.debs or work).resolve(), work / "unpacked", built)
        with ProcessPoolExecutor() as pool:
            rows = [row for row in pool.map(make_clip, jobs, chunksize=16) if row]
        told = compare(rows, SPEECH / "manifest.csv")
        put(built, rows, asked.to)
    print(f"{len(rows)} clips of {len(jobs)} prompts; {told}")
    print(f"PyAV {av.__version__}, libsndfile {soundfile.__libsndfile_version__}")


if __name__ == "__main__":
    main()
