"""Rebuild ``assets/synthetic``: voices of a synthesiser, each of which speaks every language.

Nobody needs this to use the course: the clips it makes are stored in the repository. It needs
Debian or Ubuntu and espeak-ng in the version `ESPEAK`; ``make corpus`` runs it after
`tools.build_corpus`.

    python -m tools.build_synthetic                     # rebuilds assets/synthetic
    python -m tools.build_synthetic --to FOLDER         # builds elsewhere, to compare

Every voice says `SPOKEN` sentences of ``sentences.csv``, the same ones in every language. The same
version of espeak-ng, and the same PyAV, give the same bytes.
"""

import argparse
import csv
import hashlib
import io
import subprocess
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import av
import numpy as np

from helpers.audio.loading import SR, SYNTHETIC
from tools import build_corpus

PACKAGES = ("espeak-ng", "libespeak-ng1", "espeak-ng-data")
ESPEAK = "1.51+dfsg-10+deb12u2"  # their version
ESPEAK_SR = 22_050  # of its output, in hertz
LOUDNESS, LOUDEST = -23.0, 0.9  # root mean square of a clip in dB below full scale; its peak
BIT_RATE, FRAME_MS = 12_000, 60  # of Opus
LANGUAGES = {"en-US": "en-us", "es-ES": "es", "fr-FR": "fr", "it-IT": "it", "ru-RU": "ru"}
"""BCP 47 tags, and the names of the languages in espeak-ng."""
# Of the 99 variants of espeak-ng's voice: not the whispers and robots that their names or a missing
# pitch give away, none in which less than six tenths of the time is voiced, and of those that sound
# alike (mean of MFCCs 1 to 19, and pitch) only one.
VOICES = (
    "Alicia Andrea Andy Gene2 Jacky Lee Marco Nguyen RicishayMax adam anika antonio aunty benjamin "
    "boris ed edward f1 f5 grandma gustave iven2 linda m8 marcelo miguel norbert pablo paul pedro "
    "sandro shelby steph3 travis victor zac"
).split()
SPOKEN, STEP = 10, 7  # sentences a voice says; the next voice begins so many sentences later
CREDIT = "spoken by a machine: espeak-ng (https://github.com/espeak-ng/espeak-ng)"
# The program is under the GPL, version 3 or later. That alone does not reach what it makes; but of
# consonants it plays recordings that belong to it, so the clips are passed on under the same terms.
LICENCE = "GPL-3+"
LICENCE_TEXTS = {
    "espeak-ng.txt": Path("/usr/share/doc/espeak-ng/copyright"),
    "GPL-3.txt": Path("/usr/share/common-licenses/GPL-3"),
}


def sentences() -> list[dict[str, str]]:
    """Return the sentences: a row each, with its ``id`` and its text in every language."""
    with open(Path(__file__).with_name("sentences.csv"), newline="", encoding="utf-8") as table:
        return list(csv.DictReader(table))


def plan() -> list[tuple[str, dict[str, str]]]:
    """Return who says what: pairs of a voice and a sentence's row.

    All sentences by all voices would be too much to ship. This way each is said by as many voices
    as any other, or by one more or fewer, and a voice says its own in every language.
    """
    rows = sentences()
    return [
        (voice, rows[(STEP * i + k) % len(rows)])
        for i, voice in enumerate(VOICES)
        for k in range(SPOKEN)
    ]


def check_version() -> None:
    """Refuse another version of espeak-ng: its voices differ."""
    show = ["dpkg-query", "-W", "-f", "${Package} ${Version}\n", *PACKAGES]
    try:
        found = subprocess.run(show, capture_output=True, text=True).stdout.split()[1::2]
    except OSError:
        found = []
    if set(found) != {ESPEAK} or len(found) != len(PACKAGES):
        raise SystemExit(
            f"espeak-ng: version {', '.join(sorted(set(found))) or 'none'}; the clips are made "
            f"with {ESPEAK}: apt-get install {' '.join(f'{name}={ESPEAK}' for name in PACKAGES)}, "
            "or change it in tools/build_synthetic.py"
        )


def say(text: str, language: str, voice: str) -> np.ndarray:
    """Return what espeak-ng says, at its own sampling rate.

    Parameters
    ----------
    text : str
    language : str
        One of espeak-ng's, such as ``"fr"``.
    voice : str
        One of its variants, such as ``"linda"``.

    Returns
    -------
    y : numpy.ndarray, shape (samples,), float64
        Within -1 and 1, at `ESPEAK_SR`.
    """
    # At half its amplitude, no voice reaches full scale.
    command = ["espeak-ng", "-a", "50", "-v", f"{language}+{voice}", "--stdout"]
    spoken = subprocess.run(command, input=text.encode(), check=True, capture_output=True).stdout
    sr = int.from_bytes(spoken[24:28], "little")
    if spoken[:4] != b"RIFF" or sr != ESPEAK_SR:
        raise SystemExit(f"espeak-ng: expected a WAV at {ESPEAK_SR} Hz, not {spoken[:44]!r}")
    return np.frombuffer(spoken[44:], "<i2") / 32768  # the header cannot know how long it is


def level(y: np.ndarray) -> np.ndarray:
    """Bring all clips to one level, by which nobody can then be told."""
    gain = 10 ** (LOUDNESS / 20) / np.sqrt(np.mean(y**2))
    return y * min(gain, LOUDEST / np.abs(y).max())


def encode(y: np.ndarray) -> bytes:
    """Return the samples as Ogg Opus."""
    out = io.BytesIO()
    asked = {"application": "audio", "frame_duration": str(FRAME_MS), "vbr": "on"}
    with av.open(out, "w", format="ogg", options={"fflags": "+bitexact"}) as file:
        stream = file.add_stream("libopus", rate=SR, layout="mono", options=asked)
        stream.bit_rate = BIT_RATE
        pcm = build_corpus.to_pcm(y)[np.newaxis]
        frame = av.AudioFrame.from_ndarray(pcm, format="s16", layout="mono")
        frame.sample_rate = SR
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            file.mux(packet)
    return build_corpus.fix_serial(out.getvalue())


def make_clip(job: tuple[str, str, str, str, Path]) -> dict:
    """Make one clip; return its row of the manifest."""
    language, voice, sentence, text, folder = job
    y = build_corpus.resample(say(text, LANGUAGES[language], voice), ESPEAK_SR)
    y = level(build_corpus.trim(build_corpus.to_pcm(y)) / 32768)
    name = f"{language}/{voice}/{sentence}.opus"
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data := encode(y))
    return {
        "path": name,
        "language": language,
        "speaker": voice,
        "unheard": "0",
        "prompt": sentence,
        "text": text,
        "content": "sentences",
        "line": "synthesiser",
        "person": voice,
        "synthetic": "1",
        "duration": f"{len(y) / SR:.4f}",
        "source_sr": ESPEAK_SR,
        "package": PACKAGES[0],
        "version": ESPEAK,
        "licence": LICENCE,
        "credit": CREDIT,
        "sha256": hashlib.sha256(data).hexdigest(),
    }


def main(arguments: list[str] | None = None) -> None:
    """Build all clips and the manifest."""
    parser = argparse.ArgumentParser(description="Rebuild assets/synthetic with espeak-ng.")
    parser.add_argument("--to", type=Path, default=SYNTHETIC, help="the folder to build")
    asked = parser.parse_args(arguments)
    check_version()
    with tempfile.TemporaryDirectory() as scratch:
        built = Path(scratch, "synthetic")
        jobs = [
            (language, voice, row["id"], row[language[:2]], built)
            for language in LANGUAGES
            for voice, row in plan()
        ]
        with ProcessPoolExecutor() as pool:
            rows = list(pool.map(make_clip, jobs, chunksize=16))
        (licences := built / "licences").mkdir()
        for name, path in LICENCE_TEXTS.items():
            (licences / name).write_bytes(path.read_bytes())
        told = build_corpus.compare(rows, SYNTHETIC / "manifest.csv")
        build_corpus.put(built, rows, asked.to)
    print(f"{len(rows)} clips; {told}")


if __name__ == "__main__":
    main()
