"""Folders laid out as the corpora that people have, of shipped speech under other names."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import scipy
import soundfile

from helpers.audio import corpus, loading

PARTS = ("train", "train", "train", "train", "dev", "test")
"""Of the speakers, in their order."""


@dataclass(frozen=True)
class Clip:
    """What one of the made speakers says, before anybody has named it."""

    language: str
    speaker: int
    prompt: str
    y: np.ndarray

    @property
    def part(self) -> str:
        """The owner's part, which is that of the speaker."""
        return PARTS[self.speaker % len(PARTS)]

    @property
    def text(self) -> str:
        """What is said, with marks that a table might take for its own."""
        return f'He said: "{self.prompt}" in {self.language}.'


@lru_cache(maxsize=2)
def spoken(
    languages: tuple[str, ...] = ("de", "en", "fr"), speakers: int = 6, clips: int = 2
) -> tuple[Clip, ...]:
    """Return clips of so many speakers a language: one voice each, at other pitches and speeds."""
    table = corpus.manifest().query("not unheard and 0.7 < duration < 4")
    voices = [rows for _, rows in table.groupby("language")]
    many = speakers * clips
    made = []
    for i, language in enumerate(languages):
        rows = voices[i % len(voices)].sort_values("prompt").head(max(many // 2, clips))
        sounds = dict(zip(rows["prompt"], loading.load_clips(rows), strict=True))
        names = list(sounds)
        for speaker in range(speakers):
            # The first sentence is everybody's, the others are shared by some.
            chosen = [names[0], *(names[(speaker * 3 + k) % len(names)] for k in range(1, clips))]
            for prompt in dict.fromkeys(chosen):
                speed = 16 - speaker % 6, 14 + (speaker // 6) % 3
                y = scipy.signal.resample_poly(sounds[prompt], *speed).astype(np.float32)
                made.append(Clip(language, speaker, prompt, y / max(1, np.abs(y).max())))
    return tuple(made)


def common_voice(root: Path, clips=None, release="cv-corpus-17.0-2024-03-15") -> Path:
    """Make a folder of Common Voice, in one of three generations of it."""
    number = int(release.split("-")[2].split(".")[0])
    columns = ["client_id", "path", "sentence", "up_votes", "down_votes", "age", "gender", "accent"]
    if number >= 5:
        columns += ["locale", "segment"]
    if number >= 17:
        columns[2:3] = ["sentence_id", "sentence", "sentence_domain"]
    tables, lengths = {}, {}
    for i, clip in enumerate(clips or spoken()):
        home = root / release / clip.language
        name = f"common_voice_{clip.language}_{i:08}.mp3"
        seconds = _store(home / "clips" / name, clip.y, 32_000, "MP3")
        values = {
            "client_id": hashlib.sha512(f"{clip.language}{clip.speaker}".encode()).hexdigest(),
            "path": name,
            "sentence_id": hashlib.sha256(clip.text.encode()).hexdigest(),
            "sentence": clip.text,
            "up_votes": "2",
            "down_votes": "0",
            "locale": clip.language,
        }
        line = "\t".join(values.get(column, "") for column in columns)
        tables.setdefault(home / f"{clip.part}.tsv", ["\t".join(columns)]).append(line)
        tables.setdefault(home / "validated.tsv", ["\t".join(columns)]).append(line)
        lengths.setdefault(home, []).append((name, round(1000 * seconds)))
    for home, known in lengths.items():
        if number >= 16:
            lines = [f"{name}\t{ms}" for name, ms in known]
            tables[home / "clip_durations.tsv"] = ["clip\tduration[ms]", *lines]
        elif number >= 14:
            tables[home / "times.txt"] = [f"`/release/clips/{name}` = {ms}" for name, ms in known]
    return _written(tables, root / release)


def fleurs(root: Path, clips=None) -> Path:
    """Make a folder of FLEURS; a sentence has one identifier in all languages."""
    countries = {"de": "de_de", "en": "en_us", "fr": "fr_fr"}
    clips, tables = clips or spoken(), {}
    numbers = {prompt: 100 + i for i, prompt in enumerate(sorted({c.prompt for c in clips}))}
    for i, clip in enumerate(clips):
        home = root / countries.get(clip.language, clip.language)
        name = f"{10_000 + i}.wav"
        _store(home / "audio" / clip.part / name, clip.y, 16_000, "WAV", "FLOAT")
        characters = " ".join(clip.text.lower().replace(" ", "|"))
        gender = ("MALE", "FEMALE")[clip.speaker % 2]
        sentence = numbers[clip.prompt] + 500 * PARTS.index(clip.part)  # each is in one part
        fields = sentence, name, clip.text, clip.text.lower(), characters, len(clip.y), gender
        tables.setdefault(home / f"{clip.part}.tsv", []).append("\t".join(map(str, fields)))
    return _written(tables, root)


def librispeech(root: Path, clips=None, ending="flac") -> Path:
    """Make a folder of Multilingual LibriSpeech, of FLAC or of Opus."""
    names = {"de": "german", "en": "english", "fr": "french"}
    tables = {}
    for i, clip in enumerate(clips or spoken()):
        folder = f"mls_{names.get(clip.language, clip.language)}"
        home = root / (f"{folder}_opus" if ending == "opus" else folder) / clip.part
        speaker, book = 1000 + 100 * len(clip.language) + 10 * clip.speaker, 77 + clip.speaker // 2
        speaker += ord(clip.language[0]) * 10_000
        name = f"{speaker}_{book}_{i:06}"
        file = home / "audio" / str(speaker) / str(book) / f"{name}.{ending}"
        seconds = _store(
            file, clip.y, 16_000, *(("OGG", "OPUS") if ending == "opus" else ("FLAC",))
        )
        text = clip.text.lower().replace('"', "")
        tables.setdefault(home / "transcripts.txt", []).append(f"{name}\t{text}")
        address = "http://www.archive.org/download/a_book/chapter_64kb.mp3"
        times = f"{10.5:.2f}\t{10.5 + seconds:.2f}"
        tables.setdefault(home / "segments.txt", []).append(f"{name}\t{address}\t{times}")
    return _written(tables, root)


ENCODINGS = {"opus": ("OGG", "OPUS"), "flac": ("FLAC",)}


def voxlingua(root: Path, clips=None) -> Path:
    """Make a folder of VoxLingua107: what is for training at the top, as its archives unpack."""
    for i, clip in enumerate(clips or spoken()):
        home = root / "dev" / clip.language if clip.part != "train" else root / clip.language
        video = f"-{clip.language}_v---{clip.speaker:03}"[:11].ljust(11, "x")
        begin = 10 * i + 0.25
        times = f"{begin:08.3f}-{begin + len(clip.y) / 16_000:08.3f}"
        _store(home / f"{video}__U__S{i}---{times}.wav", clip.y, 16_000, "WAV")
    return root


LAYOUTS = {
    "Common Voice": common_voice,
    "FLEURS": fleurs,
    "Multilingual LibriSpeech": librispeech,
    "VoxLingua107": voxlingua,
}


def _store(file: Path, y: np.ndarray, sr: int, kind: str, subtype: str | None = None) -> float:
    """Write a sound; return its seconds."""
    file.parent.mkdir(parents=True, exist_ok=True)
    y = y if sr == 16_000 else scipy.signal.resample_poly(y, sr // 16_000, 1)
    soundfile.write(file, y, sr, subtype=subtype, format=kind)
    return len(y) / sr


def _written(tables: dict[Path, list[str]], folder: Path) -> Path:
    """Write the lines of each table."""
    for table, lines in tables.items():
        table.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def lines_of(table: Path) -> Iterator[list[str]]:
    """Return the fields of each line of a table, to be changed and written back."""
    return [line.split("\t") for line in table.read_text(encoding="utf-8").splitlines()]


def rewrite(table: Path, lines: list[list[str]]) -> None:
    """Write a table back."""
    text = "".join("\t".join(fields) + "\n" for fields in lines)
    table.write_text(text, encoding="utf-8")
