"""Files of sound for the tests, in the formats that people really have."""

import io
import struct
from pathlib import Path
from tempfile import TemporaryDirectory

import av
import numpy as np
import soundfile


def tone(sr=16_000, seconds=0.3, frequency=440.0, channels=1):
    """Return a tone, one column a channel."""
    y = 0.4 * np.sin(2 * np.pi * frequency * np.arange(round(seconds * sr)) / sr)
    return y if channels == 1 else np.stack([y] * channels, axis=1)


def encoded(y, sr, kind, subtype=None):
    """Return what soundfile writes."""
    data = io.BytesIO()
    soundfile.write(data, y, sr, format=kind, subtype=subtype)
    return data.getvalue()


def muxed(y, sr, kind, codec, title="", picture=False, **options):
    """Return what FFmpeg writes; with a picture, it is a film."""
    folder = TemporaryDirectory()
    path = Path(folder.name, "sound")  # an index can be moved to the front of a file alone
    with folder, av.open(str(path), "w", format=kind, options=options) as container:
        if title:
            container.metadata["title"] = title
        film = container.add_stream("mpeg4", rate=25) if picture else None
        stream = container.add_stream(codec, rate=sr) if codec else None
        if stream:
            stream.layout = "mono"
        if film:
            film.width, film.height, film.pix_fmt = 32, 32, "yuv420p"
            for i in range(round(25 * len(y) / sr)):
                frame = av.VideoFrame.from_ndarray(np.full((32, 32, 3), i % 256, np.uint8))
                frame.pts = i
                container.mux(film.encode(frame))
            container.mux(film.encode(None))
        if stream:
            whole = av.AudioFrame.from_ndarray(
                y.astype(np.float32)[np.newaxis], format="flt", layout="mono"
            )
            whole.sample_rate = sr
            size = stream.codec_context.frame_size or 0
            resampler = av.AudioResampler(stream.format.name, "mono", sr, frame_size=size)
            for frame in resampler.resample(whole) + resampler.resample(None):
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        container.close()
        return path.read_bytes()


def wav(y, sr, size=None, behind=b""):
    """Return a WAV of 16 bits by hand, whose header may give another size of the samples."""
    pcm = np.round(y * 32767).astype("<i2").tobytes()
    size = len(pcm) if size is None else size
    head = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, sr, 2 * sr, 2, 16)
    body = b"WAVE" + head + struct.pack("<4sI", b"data", size) + pcm + behind
    return b"RIFF" + struct.pack("<I", min(len(body), size + 36)) + body
