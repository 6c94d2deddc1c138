"""Rebuild ``assets/speech`` from Debian's packages of telephone prompts.

Nobody needs this to use the course: the recordings it makes are stored in the repository.
It needs Debian or Ubuntu (``apt-get`` and ``dpkg-deb``) and the ``corpus`` extra (PyAV).

    make corpus                         # downloads the packages, then builds
    python tools/build_corpus.py DIR    # builds from the .deb files that lie in DIR

The same packages, PyAV and soundfile give the same bytes: PyAV decodes (G.722 is beyond soundfile),
soundfile encodes, and the random serial number that it draws for every file is replaced.
"""

import csv
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
SHORTEST, LONGEST = 0.3, 20.0  # seconds
SILENCE_DB, MARGIN = -40.0, 0.05  # below the loudest 20 ms; seconds kept around speech
# Prompts that are no speech of the speaker's: tones, music, animals, silence.
NOT_SPEECH = re.compile(r"(^|/)(silence/|beep|tt-|.*music|ascending|descending|.*tone|.*ring)")


class Voice(NamedTuple):
    """One speaker in one language, and the package that the recordings come from."""

    package: str
    folder: str  # below /usr/share/asterisk/sounds
    language: str  # BCP 47
    speaker: str
    source_sr: int
    licence: str
    unheard: bool = False  # kept apart, for testing


SOUNDS = "asterisk-core-sounds-{}-g722"
VOICES = [
    Voice(SOUNDS.format("en"), "en_US_f_Allison", "en-US", "allison", 16_000, "CC-BY-SA-3.0"),
    Voice(SOUNDS.format("es"), "es_MX_f_Allison", "es-MX", "allison", 16_000, "CC-BY-SA-3.0"),
    Voice(SOUNDS.format("fr"), "fr_CA_f_June", "fr-CA", "june", 16_000, "CC-BY-SA-3.0"),
    Voice(SOUNDS.format("it"), "it_IT_m_Carlo", "it-IT", "carlo", 16_000, "CC-BY-3.0"),
    Voice(SOUNDS.format("ru"), "ru_RU_f_IvrvoiceRU", "ru-RU", "ivrvoice", 16_000, "CC-BY-3.0"),
]
COLUMNS = (
    "path language speaker unheard prompt duration source_sr package version licence sha256".split()
)


def decode(path: Path) -> np.ndarray:
    """Return the recording as 16-bit samples at 16 kHz, shape (samples,); a few are empty."""
    resampler = av.AudioResampler(format="s16", layout="mono", rate=SR)
    with av.open(str(path)) as container:
        frames = [f for frame in container.decode(audio=0) for f in resampler.resample(frame)]
        frames += resampler.resample(None)
    return np.concatenate([f.to_ndarray()[0] for f in frames] or [np.zeros(0, np.int16)])


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
    y = trim(decode(source))
    if not SHORTEST <= len(y) / SR <= LONGEST:
        return None
    name = f"{voice.language}/{voice.speaker}/{prompt.replace('/', '__')}.ogg"
    encode(y, SPEECH / name)
    return {
        "path": name,
        "language": voice.language,
        "speaker": voice.speaker,
        "unheard": int(voice.unheard),
        "prompt": prompt,
        "duration": f"{len(y) / SR:.4f}",
        "source_sr": voice.source_sr,
        "package": voice.package,
        "version": version,
        "licence": voice.licence,
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
    jobs = []
    for voice in VOICES:
        target = work / voice.package
        version = unpack(debs, voice.package, target)
        text = (target / "usr/share/doc" / voice.package / "copyright").read_bytes()
        (SPEECH / "licences").mkdir(parents=True, exist_ok=True)
        (SPEECH / "licences" / f"{voice.package}.txt").write_bytes(text)
        root = target / "usr/share/asterisk/sounds" / voice.folder
        for source in sorted(p for p in root.rglob("*") if p.is_file()):
            prompt = source.relative_to(root).with_suffix("").as_posix()
            if source.suffix == ".g722" and not NOT_SPEECH.match(prompt):
                jobs.append((source, prompt, voice, version))
    return jobs


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
