"""What the browser sends is heard as it was spoken, and what cannot be heard is said."""

import io

import av
import numpy as np
import pandas as pd
import pytest
import soundfile

from helpers.audio import corpus
from helpers.show import microphone

CLIP = "it-IT/carlo/vm-goodbye.ogg"
TONE = (0.3 * np.sin(2 * np.pi * 440 * np.arange(48_000) / 48_000)).astype(np.float32)


class Answers:
    """An answer that notes what it was asked."""

    def __init__(self):
        self.asked = []

    def __call__(self, y, sr):  # noqa: D102
        self.asked.append((y, sr))
        return pd.DataFrame({"it": [0.4, 0.2], "ru": [0.6, 0.8]}, index=[0, len(y) / sr])


@pytest.fixture
def recorder(monkeypatch):
    """Return a recorder, what it has been asked to answer, and what it has sent."""
    answers, sent = Answers(), []
    shown = microphone.Recorder(answers, CLIP, "An example.")
    monkeypatch.setattr(shown, "send", sent.append)
    return shown, answers.asked, sent


def recorded(name, codec, rate):
    """Return a second of a tone as a telephone or a browser stores it."""
    data, t = io.BytesIO(), np.arange(rate) / rate
    tone = (0.3 * np.sin(2 * np.pi * 440 * t)).astype(np.float32)
    with av.open(data, "w", format={"m4a": "ipod"}.get(name[2:], name[2:])) as container:
        stream = container.add_stream(codec, rate=rate, layout="mono")
        frame = av.AudioFrame.from_ndarray(tone[None], format="fltp", layout="mono")
        frame.sample_rate = rate
        resampler = av.AudioResampler(stream.format, "mono", rate, stream.frame_size or 960)
        for part in [*resampler.resample(frame), *resampler.resample(None), None]:
            container.mux(stream.encode(part))
    return data.getvalue()


def wav(y, sr):
    data = io.BytesIO()
    soundfile.write(data, y, sr, format="WAV", subtype="FLOAT")
    return data.getvalue()


def test_without_a_kernel_the_answer_to_the_example_is_left(recorder):
    shown, asked, _ = recorder
    data, metadata = shown._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data and data["image/png"]
    assert metadata["image/png"]["alt"] == data["text/plain"] == repr(shown) == "An example."
    y, sr = corpus.load_clip(CLIP)
    np.testing.assert_array_equal(asked[0][0], y)
    assert shown.shown["said"] == "example: vm-goodbye.ogg: ru 0.80, it 0.20"
    assert "<audio" in shown.shown["html"] and "<img" in shown.shown["html"]


def test_samples_of_the_microphone_are_answered_as_they_are(recorder):
    shown, asked, sent = recorder
    shown._hear({"sr": 48_000, "name": "your recording"}, [TONE.tobytes()])
    y, sr = asked[-1]
    np.testing.assert_array_equal(y, TONE)
    assert sr == 48_000
    assert sent[0]["said"] == "your recording: ru 0.80, it 0.20"


def test_a_file_is_answered_like_a_recording(recorder):
    shown, asked, sent = recorder
    shown._hear({"name": "mine.wav"}, [memoryview(wav(np.stack([TONE, TONE], 1), 48_000))])
    np.testing.assert_array_equal(asked[-1][0], TONE)
    assert sent[0]["said"].startswith("mine.wav: ru")


@pytest.mark.parametrize(
    ("name", "codec", "rate"),
    [("a.m4a", "aac", 48_000), ("a.webm", "libopus", 48_000), ("a.3gp", "aac", 16_000)],
)
def test_what_a_telephone_or_a_browser_recorded_is_answered(recorder, name, codec, rate):
    shown, asked, sent = recorder
    shown._hear({"name": name}, [recorded(name, codec, rate)])
    y, sr = asked[-1]
    spectrum = np.abs(np.fft.rfft(y))
    assert sr == rate and abs(len(y) / sr - 1) < 0.1
    assert abs(np.argmax(spectrum) * sr / len(y) - 440) < 5
    assert sent[0]["said"] == f"{name}: ru 0.80, it 0.20"


def test_what_is_too_long_is_cut_off(recorder):
    shown, asked, _ = recorder
    long = np.tile(TONE[:8000], 20)
    shown._hear({"name": "long.wav"}, [wav(long, 8_000)])
    np.testing.assert_array_equal(asked[-1][0], long[: 15 * 8_000])


@pytest.mark.parametrize(
    ("content", "data", "said"),
    [
        ({"sr": 48_000}, np.zeros(9_000, np.float32).tobytes(), "is the microphone muted"),
        ({"sr": 48_000}, b"", "no samples"),
        ({"name": "a.wav"}, b"", "a.wav: the file is empty"),
        ({"name": "a.wav"}, wav(np.zeros(9_000), 8_000), "a.wav: silent"),
        ({"name": "a.m4a"}, b"no sound at all", "a.m4a: no known format of sound"),
    ],
)
def test_what_cannot_be_heard_is_said(recorder, content, data, said):
    shown, asked, sent = recorder
    shown._hear(content, [data])
    assert len(asked) == 1, "only the example was answered"
    assert said in sent[0]["said"] and "html" not in sent[0]


def test_an_error_of_the_network_is_said_and_the_next_recording_answered(recorder, monkeypatch):
    shown, _, sent = recorder
    works = shown._answer
    monkeypatch.setattr(shown, "_answer", lambda y, sr: 1 / 0)
    shown._hear({"sr": 48_000}, [TONE.tobytes()])
    monkeypatch.setattr(shown, "_answer", works)
    shown._hear({"sr": 48_000}, [TONE.tobytes()])
    assert "division by zero" in sent[0]["said"] and "ru 0.80" in sent[1]["said"]


def test_a_name_cannot_bring_markup_along(recorder):
    shown, _, sent = recorder
    shown._hear({"name": '<script>"x'}, [wav(TONE, 48_000)])
    assert "<script" not in sent[0]["html"] and '"x' not in sent[0]["html"]


def test_what_cannot_be_shown_is_refused():
    with pytest.raises(ValueError, match="alt is empty"):
        microphone.record(Answers(), CLIP, alt=" ")
    with pytest.raises(TypeError, match="expected a function"):
        microphone.record("model", CLIP, alt="An example.")
    with pytest.raises(corpus.CorpusError, match="not in the manifest"):
        microphone.record(Answers(), "nowhere.ogg", alt="An example.")
