"""What the header of a file promises, compared with what the file holds.

So a recording that breaks off is not taken for a shorter one, and a header that was written before
its recorder knew the length does not hide what follows it.
"""

from __future__ import annotations

import math
import re
import struct
from dataclasses import dataclass

import numpy as np

__all__ = ["Missing", "compare_with_header"]


@dataclass(frozen=True)
class Missing:
    """What a file's header promises and the file does not hold."""

    share: float | None = None  # of the sound that is there; None: nobody knows
    ends: float | None = None  # seconds, where the last whole piece ends

    def seconds(self, there: float) -> float:
        """Return how many seconds are missing, when so many are there."""
        return there * (1 / self.share - 1) if self.share else np.inf

    def said(self, there: float | None) -> str:
        """Return the reason in words."""
        if self.share and there is not None:
            return f"breaks off after {there:.2f} of {there / self.share:.2f} s"
        if self.ends is not None and self.ends <= 0:
            return "breaks off within its first piece"
        if self.ends is not None:
            return f"breaks off; its last whole piece ends at {self.ends:.2f} s"
        return "breaks off; copy it again"


@dataclass(frozen=True)
class Layout:
    """How a format of chunks is laid out."""

    start: int  # of the first chunk
    name: bytes  # of the chunk that holds the samples
    length: str  # of a chunk, as `struct` has it
    of_name: int = 4  # bytes
    within: bool = False  # whether a chunk's length counts its own name and length
    align: int = 2


LAYOUTS = {
    "wav": Layout(12, b"data", "<I"),
    "aiff": Layout(12, b"SSND", ">I"),
    "caf": Layout(8, b"data", ">q", align=1),
    "w64": Layout(
        40, b"data\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a", "<Q", 16, within=True, align=8
    ),
}


def compare_with_header(data: bytes, kind: str | None) -> tuple[bytes, Missing | None]:
    """Return the bytes, with the length of the samples put right, and what is missing of them."""
    if kind in LAYOUTS:
        return _compare_chunks(data, LAYOUTS[kind])
    if kind == "au" and len(data) >= 24:
        start, size = struct.unpack(">II" if data[:4] == b".snd" else "<II", data[4:12])
        there = len(data) - start
        unknown = size == 0xFFFFFFFF
        return data, None if unknown or there >= size else Missing(max(there, 0) / size)
    if kind == "sphere":
        return data, _missing_of_sphere(data)
    if kind == "avi":
        [size] = struct.unpack_from("<I", data, 4)
        return data, Missing() if len(data) < 8 + size < 0x7FFFF000 else None
    if kind == "ogg":
        return data, _missing_pages(data)
    if kind == "mp4":
        return data, _missing_boxes(data)
    return data, None


def _chunks(data: bytes, layout: Layout, start: int):
    """Yield name, begin and length of each chunk; the last one may promise more than there is."""
    head = layout.of_name + struct.calcsize(layout.length)
    at = start
    while at + head <= len(data):
        name = data[at : at + layout.of_name]
        [length] = struct.unpack_from(layout.length, data, at + layout.of_name)
        length -= head if layout.within else 0
        yield name, at + head, length
        at += head + max(length, 0)
        at += -at % layout.align if layout.align > 2 else length % layout.align


def _compare_chunks(data: bytes, layout: Layout) -> tuple[bytes, Missing | None]:
    """Compare the chunk of samples with what is there.

    A recorder that writes while it records cannot know the length beforehand. If it is stopped
    rudely, the header says 0, or the most that it can say; the samples then go on to the end.
    """
    if data[:4] == b"RIFX":
        layout = Layout(layout.start, layout.name, ">I")
    long = 0  # the length of the samples where 32 bits are too few
    for name, begin, length in _chunks(data, layout, layout.start):
        there = len(data) - begin
        if name == b"ds64" and there >= 16:
            [long] = struct.unpack_from("<Q", data, begin + 8)
        if name != layout.name:
            if length > there:
                return data, Missing()
            continue
        if length == 0xFFFFFFFF and data[:4] in (b"RF64", b"BW64"):
            length = long
        most = length < 0 or 0x7FFFF000 <= length > there
        if layout.length.endswith("I") and (most or length == 0 and _is_sound(data, begin, layout)):
            there -= there % 2
            size = struct.pack(layout.length, min(there, 0xFFFFFFFF))
            return data[: begin - 4] + size + data[begin : begin + there], None
        if most or length <= there:
            return data, None
        return data, Missing(there / length) if there else Missing()
    return data, Missing()


def _is_sound(data: bytes, begin: int, layout: Layout) -> bool:
    """Return whether what follows an empty chunk of samples are the samples, and no more chunks."""
    end = begin
    for name, start, length in _chunks(data, layout, begin):
        if not name.isascii() or start + length > len(data):
            return True
        end = start + length
    return len(data) - end > 1


def _missing_pages(data: bytes) -> Missing | None:
    """Return what is missing of an Ogg file, whose pages each tell their length (RFC 3533)."""
    at, sr, ends = 0, 0, 0.0
    while at < len(data):
        if data[at : at + 4] != b"OggS" or at + 27 > len(data):
            at = data.find(b"OggS", at + 1) if at + 27 <= len(data) else -1
            if at < 0:
                return Missing(ends=ends)
            continue
        segments = data[at + 26]
        body = at + 27 + segments
        end = body + sum(data[at + 27 : body])
        if end > len(data):
            return Missing(ends=ends)
        sr = sr or _ogg_rate(data[body : body + 64])
        [granule] = struct.unpack_from("<q", data, at + 6)
        ends = granule / sr if sr and granule > 0 else ends
        at = end
    return None


def _ogg_rate(packet: bytes) -> int:
    """Return the rate that an Ogg stream's positions are counted in, 0 if it is not known."""
    if packet.startswith(b"\x01vorbis") and len(packet) >= 16:
        return struct.unpack_from("<I", packet, 12)[0]
    if packet.startswith(b"OpusHead"):
        return 48_000
    if packet.startswith(b"Speex   ") and len(packet) >= 40:
        return struct.unpack_from("<I", packet, 36)[0]
    if packet.startswith(b"\x7fFLAC") and len(packet) >= 30:
        return int.from_bytes(packet[27:30]) >> 4
    return 0


def _missing_of_sphere(data: bytes) -> Missing | None:
    """Return what is missing of a file of NIST's, whose header is text."""
    field = rb"%s -i (\d+)"
    names = (b"sample_count", b"sample_n_bytes", b"channel_count")
    found = [re.search(field % name, data[:1024]) for name in names]
    if not all(found):
        return None
    promised = math.prod(int(match[1]) for match in found)
    there = max(len(data) - 1024, 0)
    return Missing(there / promised) if there < promised else None


def _missing_boxes(data: bytes) -> Missing | None:
    """Return what is missing of an MP4 file; the box that describes its samples may come last."""
    at, names = 0, set()
    while at + 8 <= len(data):
        length, name = struct.unpack_from(">I4s", data, at)
        if length == 1 and at + 16 <= len(data):
            [length] = struct.unpack_from(">Q", data, at + 8)
        names.add(name)
        if length == 0:  # to the end of the file
            at = len(data)
        elif length < 8:
            break  # damaged: for the decoder to say
        else:
            at += length
    return Missing() if at > len(data) or b"moov" not in names else None
