"""Rebuild ``assets/speech`` and ``assets/strangers`` from Debian's packages.

Nobody needs this to use the course: the recordings it makes are stored in the repository.
It needs Debian or Ubuntu (``apt-get`` and ``dpkg-deb``).

    make corpus                                         # downloads the packages, then builds
    python -m tools.build_corpus --debs DIR             # builds from the .deb files that lie in DIR
    python -m tools.build_corpus --to FOLDER            # builds elsewhere, to compare

``voices.csv`` names every voice, and pins the version of its package. The same versions, and the
same libsndfile, give the same bytes: FFmpeg decodes G.722 and GSM, libsndfile the rest, soxr
resamples, libsndfile encodes, and the random serial number that it draws for every file is
replaced. At the end it says how many clips are, byte for byte, those of the stored manifests.
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
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

import av
import librosa
import numpy as np
import soundfile

from helpers import ROOT
from helpers.audio import decoding, loading, signals
from helpers.audio.loading import SR

QUALITY = 0.2  # of Ogg Vorbis, 0 to 1
SHORTEST_STRANGER = 0.6  # seconds: the experiments use nothing shorter
SHORTEST_PROMPT, LONGEST_PROMPT, LONGEST_UNHEARD = 0.3, 20.0, 8.0  # seconds; all fit into 45 MB
LOUDEST_UNHEARD = 0.7  # of full scale: some are recorded so loud that the codec would overshoot
COMMON = ("GPL-2", "GFDL-1.3", "LGPL-2.1")  # licences that the packages only refer to
BARE = (".g722", ".gsm")  # formats without a header, for FFmpeg
SILENCE_DB, MARGIN = -40.0, 0.05  # below the loudest 20 ms; seconds kept around speech
COLUMNS = [name for name in loading.COLUMNS if name != "root"]
OF_SOURCE = ["version", "licence", "credit"]
"""Columns that are the same for all clips of a speaker from a package: they are stored once."""
LONGEST_WORD = 1.2  # seconds: an Asterisk prompt that takes longer is a sentence, or part of one
PAUSE = 0.2  # seconds; a long reading is cut where it is as long as this the softest
# Recordings that are no speech of the speaker's: tones, music, animals, silence; and those of
# a penguin that laughs, sleeps or is in love, and of hedgehogs that are hit, who may do it without
# a word.
NOT_SPEECH = re.compile(
    r"(^|/)(silence/|beep|tt-|.*music|ascending|descending|.*tone|.*ring)"
    r"|ktuberling/tux-(angry|huh|idea|laugh|love|sick|stare|what|wow|zzz)$"
    r"|ktuberling/robin_(heu|je-dors|je-me-fache|je-ris|j-aime|quoi|wouah)$"
    r"|hedgewars/(Firepunch|Hmm|Jump|Kamikaze|Laugh|Nooo|Ooff|Oops|Ouch|Ow|Poison|Uh-oh)"
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
    collection: str  # the folder of assets that it goes to
    content: str  # what all its clips hold; where empty, `content_of` says it of each
    line: str
    person: str  # whose voice it is, or may be
    most: str  # so many prompts at most
    long: str  # 1: readings of minutes, which are cut at pauses


with open(Path(__file__).with_name("voices.csv"), newline="", encoding="utf-8") as table:
    VOICES = [Voice(**row) for row in csv.DictReader(table)]
COLLECTIONS = sorted({voice.collection for voice in VOICES})


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
    if (peak := np.abs(y).max(initial=0.0)) > signals.OVERSHOOT:
        y = y / peak  # recorded so loud that it was clipped, and the codec rounds its corners
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


def pieces(y: np.ndarray) -> list[np.ndarray]:
    """Cut a long reading where it is softest into pieces of `LONGEST_UNHEARD` at most.

    The readings' pauses are short, and noisy: the middle of the softest stretch as long as `PAUSE`,
    between half the longest piece and all of it, is the surest place.
    """
    hop = SR // 50
    longest, pause = round(LONGEST_UNHEARD * SR / hop), round(PAUSE * SR / hop)
    blocks = y[: len(y) // hop * hop].reshape(-1, hop).astype(float)
    power = np.convolve(np.mean(blocks**2, axis=1), np.ones(pause), "valid")
    made, start = [], 0
    while len(blocks) - start > longest:
        first = start + longest // 2
        softest = first + np.argmin(power[first : start + longest - pause])
        made.append(y[start * hop : (cut := softest + pause // 2) * hop])
        start = cut
    return [*made, y[start * hop :]]


def content_of(prompt: str) -> str:
    """Return what a prompt of Asterisk's holds, as far as its name says it."""
    folder, _, name = prompt.rpartition("/")
    if folder in ("letters", "klettres/alpha"):
        return "letters"
    if folder == "klettres/syllab":
        return "syllables"
    if folder == "phonetic" or re.match(r"(day|mon)-|today|tomorrow|yesterday|.*noon", name):
        return "words"
    return "numbers" if folder == "digits" else ""


def text_of(source: Path, voice: Voice) -> str:
    """Return the words of a recording, where the package has them beside it (Tux Paint)."""
    beside = source.with_name(source.name.removesuffix(voice.suffix) + ".txt")
    if not (beside.is_file() and "_desc_" in voice.suffix):
        return ""
    key = voice.language.split("-")[0] + ".utf8="
    lines = beside.read_text(encoding="utf-8").splitlines()
    return next((line.removeprefix(key).strip() for line in lines if line.startswith(key)), "")


def make_clips(job: tuple[Path, str, Voice, Path]) -> list[dict]:
    """Make the clips of one recording; return their rows of the manifest."""
    source, prompt, voice, folder = job
    if voice.long != "1":
        return [row for row in [make_clip(job)] if row]
    y, source_sr = decode(source)
    numbered = enumerate(pieces(y), 1)
    made = [_clip(y, source_sr, source, f"{prompt}-{i:02}", voice, folder) for i, y in numbered]
    return [row for row in made if row]


def make_clip(job: tuple[Path, str, Voice, Path]) -> dict | None:
    """Make one clip; return its row of the manifest, or None where there is no speech."""
    source, prompt, voice, folder = job
    return _clip(*decode(source), source, prompt, voice, folder)


def _clip(
    y: np.ndarray, source_sr: int, source: Path, prompt: str, voice: Voice, speech: Path
) -> dict | None:
    y, shortest, longest = trim(y), SHORTEST_PROMPT, LONGEST_PROMPT
    if voice.unheard == "1":
        y, longest = turn_down(y), LONGEST_UNHEARD
    if voice.collection == "strangers":
        shortest = SHORTEST_STRANGER
    if not shortest <= len(y) / SR <= longest:
        return None
    name = f"{voice.language}/{voice.speaker}/{prompt.replace('/', '__')}.ogg"
    encode(y, speech / name)
    return {
        "path": name,
        "language": voice.language,
        "speaker": voice.speaker,
        "unheard": voice.unheard,
        "prompt": prompt,
        "text": text_of(source, voice),
        "content": voice.content or content_of(prompt),
        "line": voice.line,
        "person": voice.person,
        "synthetic": "0",
        "duration": f"{len(y) / SR:.4f}",
        "source_sr": source_sr,
        "package": voice.package,
        "version": voice.version,
        "licence": voice.licence,
        "credit": voice.credit,
        "sha256": hashlib.sha256((speech / name).read_bytes()).hexdigest(),
    }


def fill_content(rows: list[dict]) -> None:
    """Say of Asterisk's other prompts whether they are words or sentences.

    Their names do not tell. The same is said of a prompt in every language: it goes by the median
    over all voices of how long it takes.
    """
    seconds = {}
    for row in rows:
        seconds.setdefault(row["prompt"], []).append(float(row["duration"]))
    for row in rows:
        is_word = np.median(seconds[row["prompt"]]) < LONGEST_WORD
        row["content"] = row["content"] or ("words" if is_word else "sentences")


def without_twins(rows: list[dict]) -> list[dict]:
    """Leave out of each person's clips what is, byte for byte, one that came before."""
    seen, kept = set(), []
    for row in sorted(rows, key=lambda row: row["path"]):
        if (row["person"], row["sha256"]) not in seen:
            seen.add((row["person"], row["sha256"]))
            kept.append(row)
    return kept


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


def licence_file(package: str) -> str:
    """Return the name of the file with a package's terms: packages of one source have one."""
    return f"{re.sub('-(en|es|fr|it|ru)-g722$', '', package)}.txt"


def collect(debs: Path, work: Path, built: Path) -> list[tuple[Path, str, Voice, Path]]:
    """Unpack every voice; return one job a prompt, and store each package's copyright file."""
    found = []
    for package, version in sorted({(voice.package, voice.version) for voice in VOICES}):
        unpack(debs, package, version, work / package)
    for voice in VOICES:
        target = work / voice.package
        doc = target / "usr/share/doc" / voice.package
        licences = built / voice.collection / "licences"
        licences.mkdir(parents=True, exist_ok=True)
        text, path = (doc / "copyright").read_bytes(), licences / licence_file(voice.package)
        if path.exists() and path.read_bytes() != text:
            raise SystemExit(f"{voice.package}: its terms are others than those in {path.name}")
        path.write_bytes(text)
        if (text := doc / "LICENCIA.gz").exists():  # the GPL in full, which others only refer to
            (licences / "GPL-2.txt").write_bytes(gzip.decompress(text.read_bytes()))
        root = target / "usr/share" / voice.folder
        prompts = {
            voice.prefix + p.relative_to(root).as_posix().removesuffix(voice.suffix): p
            for p in sorted(root.rglob(f"*{voice.suffix}"))
            if re.match(voice.pick, p.stem)
        }
        prompts = {k: p for k, p in prompts.items() if not NOT_SPEECH.match(k)}
        found.append((voice, share(prompts, int(voice.most or len(prompts)))))
    # Of an unheard voice's telephone prompts, those that every voice speaks are enough.
    shared = set.intersection(*(set(prompts) for voice, prompts in found if not voice.prefix))
    return [
        (source, prompt, voice, built / voice.collection)
        for voice, prompts in found
        for prompt, source in prompts.items()
        if voice.unheard == "0" or voice.prefix or prompt in shared
    ]


def share(prompts: dict[str, Path], most: int) -> dict[str, Path]:
    """Return so many prompts, the same ones of all voices that have them."""
    dealt = sorted(prompts, key=lambda prompt: hashlib.sha256(prompt.encode()).digest())
    return {prompt: prompts[prompt] for prompt in sorted(dealt[:most])}


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
    made = {row["path"] for row in rows}
    shutil.copytree(built, speech, dirs_exist_ok=True)
    for clip in [*speech.rglob("*.ogg"), *speech.rglob("*.opus")]:
        if clip.relative_to(speech).as_posix() not in made:
            clip.unlink()
    rows = sorted(rows, key=lambda row: row["path"])
    own = [name for name in COLUMNS if name not in OF_SOURCE]
    shared = {(row["package"], row["speaker"]): row for row in rows}
    _write(speech / "manifest.csv", own, rows)
    _write(speech / "sources.csv", ["package", "speaker", *OF_SOURCE], shared.values())


def _write(path: Path, columns: list[str], rows: Iterable[dict]) -> None:
    """Write some columns of rows as a table."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def main(arguments: list[str] | None = None) -> None:
    """Build all clips and the manifests."""
    parser = argparse.ArgumentParser(description="Rebuild the clips from Debian's packages.")
    parser.add_argument("--debs", type=Path, help="the folder that holds the .deb files")
    parser.add_argument("--to", type=Path, default=ROOT / "assets", help="the folder to build in")
    parser.add_argument("--only", choices=COLLECTIONS, help="build only one of the folders")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        work, built = Path(scratch), Path(scratch, "built")
        if asked.debs is None:
            download(work)
        jobs = collect((asked.debs or work).resolve(), work / "unpacked", built)
        for name in [asked.only] if asked.only else COLLECTIONS:
            ours = [job for job in jobs if job[2].collection == name]
            with ProcessPoolExecutor() as pool:
                rows = [row for made in pool.map(make_clips, ours, chunksize=16) for row in made]
            fill_content(rows)
            if name == "strangers":
                rows = without_twins(rows)
                for licence in COMMON:
                    text = Path("/usr/share/common-licenses", licence)
                    shutil.copy(text, built / name / "licences" / f"{licence}.txt")
            told = compare(rows, ROOT / "assets" / name / "manifest.csv")
            put(built / name, rows, asked.to / name)
            print(f"{name}: {len(rows)} clips of {len(ours)} prompts; {told}")
    print(f"PyAV {av.__version__}, libsndfile {soundfile.__libsndfile_version__}")


if __name__ == "__main__":
    main()
