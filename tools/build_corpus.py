"""Rebuild ``assets/speech`` from Debian's packages of telephone prompts.

Nobody needs this to use the course: the recordings it makes are stored in the repository.
It needs Debian or Ubuntu (``apt-get`` and ``dpkg-deb``) and the ``corpus`` extra (PyAV).

    make corpus                         # downloads the packages, then builds
    python tools/build_corpus.py DIR    # builds from the .deb files that lie in DIR

The same packages, PyAV and soundfile give the same bytes: PyAV decodes (G.722 is beyond soundfile),
soundfile encodes, and the random serial number that it draws for every file is replaced.
"""

import csv
import gzip
import hashlib
import io
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
import soundfile

SPEECH = Path(__file__).resolve().parent.parent / "assets" / "speech"
SR = 16_000
QUALITY = 0.2  # of Ogg Vorbis, 0 to 1
SHORTEST, LONGEST, LONGEST_UNHEARD = 0.3, 20.0, 8.0  # seconds; all must fit into 45 MB
LOUDEST_UNHEARD = 0.7  # of full scale: some are recorded so loud that the codec would overshoot
SILENCE_DB, MARGIN = -40.0, 0.05  # below the loudest 20 ms; seconds kept around speech
# Recordings that are no speech of the speaker's: tones, music, animals, silence; and those of
# a penguin that laughs, sleeps or is in love, who may do it without a word.
NOT_SPEECH = re.compile(
    r"(^|/)(silence/|beep|tt-|.*music|ascending|descending|.*tone|.*ring)"
    r"|ktuberling/tux-(angry|huh|idea|laugh|love|sick|stare|what|wow|zzz)$"
)


class Voice(NamedTuple):
    """One speaker in one language, and the package that the recordings come from."""

    package: str
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
COLUMNS = (
    "path language speaker unheard prompt duration source_sr package version licence credit sha256"
).split()


def decode(path: Path) -> tuple[np.ndarray, int]:
    """Return the recording as 16-bit samples at 16 kHz, shape (samples,), and its own rate."""
    resampler = av.AudioResampler(format="s16", layout="mono", rate=SR)
    kind = path.suffix[1:]  # a short GSM recording is not recognised by its content
    with av.open(str(path), format=kind, metadata_errors="ignore") as container:
        source_sr = container.streams.audio[0].rate
        frames = [f for frame in container.decode(audio=0) for f in resampler.resample(frame)]
        frames += resampler.resample(None)
    y = np.concatenate([f.to_ndarray()[0] for f in frames] or [np.zeros(0, np.int16)])
    return y, source_sr


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


def make_clip(job: tuple[Path, str, Voice, str]) -> dict | None:
    """Make one clip; return its row of the manifest, or None where there is no speech."""
    source, prompt, voice, version = job
    y, source_sr = decode(source)
    y, longest = trim(y), LONGEST
    if voice.unheard == "1":
        y, longest = turn_down(y), LONGEST_UNHEARD
    if not SHORTEST <= len(y) / SR <= longest:
        return None
    name = f"{voice.language}/{voice.speaker}/{prompt.replace('/', '__')}.ogg"
    encode(y, SPEECH / name)
    return {
        "path": name,
        "language": voice.language,
        "speaker": voice.speaker,
        "unheard": voice.unheard,
        "prompt": prompt,
        "duration": f"{len(y) / SR:.4f}",
        "source_sr": source_sr,
        "package": voice.package,
        "version": version,
        "licence": voice.licence,
        "credit": voice.credit,
        "sha256": hashlib.sha256((SPEECH / name).read_bytes()).hexdigest(),
    }


def unpack(debs: Path, package: str, target: Path) -> str:
    """Unpack a package that lies in ``debs``; return its version."""
    found = sorted(debs.glob(f"{package}_*.deb"))
    if len(found) != 1:
        raise SystemExit(f"{debs}: {len(found)} files {package}_*.deb; expected 1")
    target.mkdir(parents=True, exist_ok=True)
    subprocess.run(["dpkg-deb", "-x", found[0], target], check=True)
    show = ["dpkg-deb", "-f", found[0], "Version"]
    return subprocess.run(show, check=True, capture_output=True, text=True).stdout.strip()


def collect(debs: Path, work: Path) -> list[tuple[Path, str, Voice, str]]:
    """Unpack every voice; return one job a prompt, and store each package's copyright file."""
    found = []
    licences = SPEECH / "licences"
    licences.mkdir(parents=True, exist_ok=True)
    for voice in VOICES:
        target = work / voice.package
        version = unpack(debs, voice.package, target)
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
        found.append(
            (voice, version, {k: p for k, p in prompts.items() if not NOT_SPEECH.match(k)})
        )
    # Of an unheard voice's telephone prompts, those that every voice speaks are enough.
    shared = set.intersection(*(set(prompts) for v, _, prompts in found if not v.prefix))
    return [
        (source, prompt, voice, version)
        for voice, version, prompts in found
        for prompt, source in prompts.items()
        if voice.unheard == "0" or voice.prefix or prompt in shared
    ]


def main() -> None:
    """Build all clips and the manifest."""
    with tempfile.TemporaryDirectory() as work:
        debs = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else Path(work)
        if len(sys.argv) < 2:
            packages = sorted({v.package for v in VOICES})
            subprocess.run(["apt-get", "download", *packages], cwd=debs, check=True)
        jobs = collect(debs, Path(work, "unpacked"))
        with ProcessPoolExecutor() as pool:
            rows = [r for r in pool.map(make_clip, jobs, chunksize=16) if r]
    with open(SPEECH / "manifest.csv", "w", newline="", encoding="utf-8") as f:
        writer = csv.DictWriter(f, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(sorted(rows, key=lambda r: r["path"]))
    print(f"{len(rows)} clips of {len(jobs)} prompts")


if __name__ == "__main__":
    main()
