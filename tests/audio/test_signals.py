"""What counts as a signal, and what is said of one that does not."""

import librosa
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from helpers.audio import signals

FLOATS = st.floats(-1, 1, width=32)


@given(hnp.arrays(np.float32, st.tuples(st.just(2), st.integers(3, 50)), elements=FLOATS))
def test_stereo_is_averaged_on_either_axis_as_librosa_does(y):
    assume(not signals.channels_cancel(y))
    expected = librosa.to_mono(y)
    np.testing.assert_allclose(signals.as_mono(y), expected, atol=1e-7)
    np.testing.assert_allclose(signals.as_mono(y.T), expected, atol=1e-7)


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int16])
@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize(("left_over", "cancels"), [(0, True), (-50, True), (-30, False)])
def test_of_channels_that_cancel_the_first_is_taken(kind, axis, left_over, cancels):
    rng = np.random.default_rng(0)
    left = rng.uniform(-0.5, 0.5, 4000)
    rest = rng.uniform(-1, 1, 4000) * (10 ** (left_over / 20) if left_over else 0)
    y = np.stack([left, -left + rest], axis=axis)
    y = (y * 32768).astype(kind) if kind == np.int16 else y.astype(kind)
    full = 32768 if kind == np.int16 else 1
    first = y.take(0, axis=axis) / full
    mean = y.astype(float).mean(axis=axis) / full
    got = signals.as_mono(y)
    np.testing.assert_allclose(got, first if cancels else mean, atol=1e-6)
    assert got.flags.c_contiguous
    assert signals.channels_cancel(y.astype(float)) == cancels


THREE = np.outer([1, -1, 0], np.arange(1, 9))  # their mean is silent


@pytest.mark.parametrize(
    "y", [np.zeros((2, 9)), np.ones(9), np.array([1.0, -1.0]), np.ones((1, 9)), THREE, THREE.T]
)
def test_silence_one_channel_and_three_do_not_cancel(y):
    assert not signals.channels_cancel(y)


def test_what_exceeds_full_scale_far_is_on_another_scale():
    np.testing.assert_array_equal(signals.as_mono([2.0, -1.5]), [2.0, -1.5])
    for y in ([0.0, -2.01], [[0.0] * 3, [3.0] * 3]):
        with pytest.raises(ValueError, match="^clip: reaches .* and 1 is full scale; divide"):
            signals.as_mono(y, "clip")
    np.testing.assert_array_equal(signals.as_mono([0.0, -32768.0], any_scale=True), [0, -32768])


@pytest.mark.parametrize("kind", [np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16])
def test_integers_reach_full_scale_and_silence_is_0(kind):
    lowest, highest = int(np.iinfo(kind).min), int(np.iinfo(kind).max)
    middle = (lowest + highest + 1) // 2
    y = signals.as_mono(np.array([lowest, middle, highest], dtype=kind))
    assert y.dtype == np.float32
    assert y[:2].tolist() == [-1, 0]
    assert y[2] == np.float32(1 - 1 / (highest - middle + 1))  # one step below full scale


def test_sixteen_bits_are_scaled_as_librosa_does():
    y = np.arange(-32768, 32768, 17, dtype=np.int16)
    np.testing.assert_allclose(signals.as_mono(y), librosa.util.buf_to_float(y.tobytes()))


@pytest.mark.parametrize(
    "y", [np.zeros(100), np.ones(1), [0.5, -0.5]], ids=["silence", "one", "list"]
)
def test_quiet_and_short_signals_are_signals(y):
    np.testing.assert_array_equal(signals.as_mono(y), y)


@pytest.mark.parametrize("shape", [(100,), (2, 50), (50, 2)])
def test_double_precision_is_kept_and_half_is_widened(shape):
    y = np.random.default_rng(0).uniform(-1, 1, shape)
    assert signals.as_mono(y).dtype == np.float64
    for kind in (np.float16, np.float32):
        assert signals.as_mono(y.astype(kind)).dtype == np.float32


def test_a_signal_without_a_name_is_called_y():
    with pytest.raises(ValueError, match="^y: no samples"):
        signals.as_mono([])


@pytest.mark.parametrize(
    ("y", "complaint"),
    [
        (np.zeros(0), "clip: no samples"),
        (np.zeros((2, 0)), "clip: no samples"),
        (np.zeros((1, 1, 4)), "clip: 3 dimensions"),
        (np.array([0.0, np.nan]), "clip: sample 1 is nan"),
        (np.array([0.0, 0.0, -np.inf]), "clip: sample 2 is -inf"),
        (np.array([[0.0] * 3, [0.0, np.inf, np.nan]]), "clip: sample 4 is inf; replace"),
        (np.zeros((3, 100)), "clip: 3 channels; expected 1 or 2"),
        (np.zeros((100, 6)), "clip: 6 channels; expected 1 or 2"),
        (np.zeros((2, 2)), "clip: shape .2, 2. does not say"),
        (np.zeros(4, complex), "clip: samples of type complex128"),
        (np.array(["a"]), "clip: samples of type <U1"),
        (np.array([True]), "clip: samples of type bool"),
    ],
)
def test_what_is_no_signal_is_named(y, complaint):
    with pytest.raises(ValueError, match=complaint):
        signals.as_mono(y, "clip")


@given(st.integers(1, 2000), st.integers(1, 500), st.integers(1, 500))
def test_frames_are_refused_just_when_librosa_refuses_them(n_samples, frame_length, hop_length):
    try:
        librosa.util.frame(np.zeros(n_samples), frame_length=frame_length, hop_length=hop_length)
    except librosa.ParameterError:
        with pytest.raises(ValueError, match=f"one frame {frame_length}"):
            signals.check_framing(n_samples, frame_length, hop_length)
    else:
        signals.check_framing(n_samples, frame_length, hop_length)


@pytest.mark.parametrize(
    ("frame_length", "hop_length", "complaint"),
    [(400, 0, "hop_length is 0"), (400, -160, "hop_length is -160"), (0, 160, "frame_length is 0"),
     (400, 160.5, "hop_length is 160.5")],
)  # fmt: skip
def test_a_hop_or_frame_that_is_no_length_is_named(frame_length, hop_length, complaint):
    with pytest.raises(ValueError, match=complaint):
        signals.check_framing(16_000, frame_length, hop_length)


def test_a_hop_may_be_longer_than_any_frame():
    for hop in (1, np.int64(160), 10**9):
        signals.check_length("hop_length", hop)
    for hop in (0, -1, 0.5, "160", None, True, np.nan):
        with pytest.raises(ValueError, match="^hop_length is .*; expected a whole number"):
            signals.check_length("hop_length", hop)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"n_mels": 202}, "202 mel filters on 201 bins"),
        ({"n_mels": 0}, "0 mel filters"),
        ({"fmax": 8_001}, "above half the sampling rate"),
        ({"fmax": 8_000.01}, r"fmax is 8000.01 Hz, above half the sampling rate \(8000 Hz\)"),
        ({"fmin": 5_000, "fmax": 4_000}, "fmin is 5000 Hz and fmax 4000 Hz; expected 0 <= fmin"),
        ({"fmin": 4_000, "fmax": 4_000}, "expected 0 <= fmin < fmax"),
        ({"fmin": 8_000}, "fmin is 8000 Hz and fmax 8000 Hz"),
        ({"fmin": -1}, "fmin is -1 Hz"),
        ({"n_mels": 202, "n_fft": 401}, "202 mel filters on 201 bins; take 1 to 201 filters"),
        ({"sr": 0}, "sr is 0"),
        ({"sr": np.inf}, "sr is inf"),
        ({"sr": np.nan}, "sr is nan"),
    ],
)
def test_a_mel_bank_that_cannot_be_is_named(options, complaint):
    with pytest.raises(ValueError, match=complaint):
        signals.check_mel(**{"sr": 16_000, "n_fft": 400, "n_mels": 40, **options})


def test_the_usual_mel_bank_is_accepted():
    signals.check_mel(16_000, 400, 128)
    signals.check_mel(8_000, 200, 101, 20, 4_000)
    signals.check_mel(1, 2, 1)
