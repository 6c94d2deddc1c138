"""Which format the bytes of a file are in, told from the bytes alone."""

from __future__ import annotations

__all__ = ["FORMATS", "PCM", "SUFFIXES", "WITHOUT_SOUNDFILE", "kind_of", "looks_like_sound"]

SUFFIXES = frozenset(
    "3g2 3ga 3gp 3gpp aac aif aifc aiff alac amr au avi caf flac flv gsm m4a m4b m4v mka mkv mov "
    "mp2 mp3 mp4 mpeg mpga mpg oga ogg ogv opus pcm ra raw rf64 snd sph spx ts voc w64 wav wave "
    "weba webm wma wmv wv".split()
)
"""Endings, without the dot, that promise a recording."""
FORMATS = {  # kind: the name that people know it by, and FFmpeg's name of the format
    "wav": ("WAV", "wav"),
    "w64": ("W64", "w64"),
    "aiff": ("AIFF", "aiff"),
    "au": ("AU", "au"),
    "caf": ("CAF", "caf"),
    "flac": ("FLAC", "flac"),
    "ogg": ("Ogg", "ogg"),
    "mpeg": ("MP3", "mp3"),
    "adts": ("AAC", "aac"),
    "mp4": ("MP4 (M4A, 3GP, MOV)", "mov"),
    "matroska": ("WebM or Matroska", "matroska"),
    "amr": ("AMR", "amr"),
    "asf": ("WMA", "asf"),
    "avi": ("AVI", "avi"),
    "flv": ("FLV", "flv"),
    "sphere": ("NIST SPHERE", "nistsphere"),
    "other": ("", ""),  # soundfile's alone
}
STARTS = {
    b"fLaC": "flac",
    b"OggS": "ogg",
    b".snd": "au",
    b"dns.": "au",
    b"caff": "caf",
    b"\x1aE\xdf\xa3": "matroska",
    b"#!AMR": "amr",
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11": "asf",
    b"riff\x2e\x91\xcf\x11": "w64",
    b"FLV\x01": "flv",
    b"NIST_1A": "sphere",
    b"Creative Voice File": "other",
}
PCM = {"wav", "w64", "aiff", "au", "caf", "mp4", "matroska"}  # which may hold floats of any scale
WITHOUT_SOUNDFILE = {"mpeg", "adts", "mp4", "matroska", "amr", "asf", "avi", "flv"}
BOXES = {b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"styp"}


def looks_like_sound(data: bytes) -> bool:
    """Return whether the first bytes of a file are those of a format of sound or video.

    Parameters
    ----------
    data : bytes
        The first 64 bytes or more.

    Examples
    --------
    >>> looks_like_sound(b"RIFF....WAVEfmt "), looks_like_sound(b"RIFF....WEBPVP8 ")
    (True, False)
    """
    return _kind_at_start(data) is not None


def kind_of(data: bytes) -> str | None:
    """Return the format of a whole file, a key of `FORMATS`; None if it is none of sound."""
    if kind := _kind_at_start(data) or _hidden_mpeg(data):
        return kind
    # Perhaps MPEG whose first frame is damaged: libsndfile would hand it to mpg123, which prints
    # its complaints.
    return "mpeg" if data[:1] == b"\xff" else None


def _kind_at_start(data: bytes) -> str | None:
    """Return the format that the first bytes name, None if it is none of sound."""
    if data[:4] in (b"RIFF", b"RF64", b"BW64", b"RIFX"):
        return {b"WAVE": "wav", b"AVI ": "avi"}.get(data[8:12])
    if data[:4] == b"FORM":
        return {b"AIFF": "aiff", b"AIFC": "aiff", b"8SVX": "other"}.get(data[8:12])
    if data[4:8] in BOXES and len(data) >= 16:
        # Still pictures lie in the same boxes as films.
        return None if data[8:12] in (b"heic", b"heix", b"mif1", b"avif", b"crx ") else "mp4"
    for start, kind in STARTS.items():
        if data.startswith(start):
            return kind
    if data[:3] == b"ID3" and len(data) >= 10:
        size = sum((byte & 0x7F) << 7 * (3 - i) for i, byte in enumerate(data[6:10]))
        behind = data[10 + size :]
        return (_kind_at_start(behind) if behind[:3] != b"ID3" else None) or "mpeg"
    if len(data) >= 2 and data[0] == 0xFF and data[1] & 0xF6 == 0xF0:
        return "adts"
    return "mpeg" if _mpeg_frame(data, 0) else None


def _mpeg_frame(data: bytes, at: int) -> tuple[int, bytes] | None:
    """Return length and fixed bits of the MPEG audio frame that begins here, None if none does.

    Source: ISO/IEC 11172-3, section 2.4.1.3, and 13818-3 for the lower sampling rates.
    """
    head = data[at : at + 4]
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    version, layer = head[1] >> 3 & 3, 4 - (head[1] >> 1 & 3)  # 3: MPEG 1; 2: MPEG 2; 0: 2.5
    rate, bits = head[2] >> 2 & 3, head[2] >> 4
    if version == 1 or layer == 4 or rate == 3 or bits in (0, 15):
        return None
    sr = (44_100, 48_000, 32_000)[rate] >> {3: 0, 2: 1, 0: 2}[version]
    if version == 3:
        step = {
            1: [32 * i for i in range(15)],
            2: [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
            3: [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
        }[layer]
    elif layer == 1:
        step = [0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256]
    else:
        step = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160]
    padding = head[2] >> 1 & 1
    if layer == 1:
        length = (12_000 * step[bits] // sr + padding) * 4
    else:
        length = (72_000 if layer == 3 and version != 3 else 144_000) * step[bits] // sr + padding
    return length, bytes([head[1] & 0xFE, head[2] & 0x0C])


def _hidden_mpeg(data: bytes, within: int = 65_536) -> str | None:
    """Return "mpeg" if three MPEG frames in a row follow a beginning that is something else."""
    at = data.find(b"\xff")
    while 0 <= at < within:
        here, kinds = at, []
        while len(kinds) < 3 and (frame := _mpeg_frame(data, here)):
            kinds.append(frame[1])
            here += frame[0]
        if len(kinds) == 3 and len(set(kinds)) == 1:
            return "mpeg"
        at = data.find(b"\xff", at + 1)
    return None
