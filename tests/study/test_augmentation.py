"""What is changed in training excerpts is what it is called, by the amounts that it promises."""

import librosa
import numpy as np
import pytest
import scipy

from helpers.audio.features import MFCCSetting, mfcc
from helpers.study import augmentation
from helpers.study.augmentation import CHANGES, change, stretched

SETTING = MFCCSetting(n_mfcc=40, n_mels=40, hop_length=480)
CENTRES = librosa.mel_frequencies(42, fmin=0, fmax=8000)[1:-1]


def bands_of(y):
    return scipy.fft.idct(mfcc(y, 16_000, SETTING), norm="ortho")


def test_as_many_coefficients_as_bands_keep_the_mel_spectrogram():
    y = np.random.default_rng(0).uniform(-0.5, 0.5, 16_000).astype(np.float32)
    power = librosa.feature.melspectrogram(y=y, sr=16_000, n_fft=400, hop_length=480, n_mels=40)
    np.testing.assert_allclose(bands_of(y).T, librosa.power_to_db(power), atol=1e-3)


def test_stretching_is_linear_interpolation():
    x = np.random.default_rng(1).normal(size=(37, 3))
    got = stretched(x, 91)
    at = np.linspace(0, 36, 91)
    np.testing.assert_allclose(got, scipy.interpolate.interp1d(np.arange(37), x, axis=0)(at))
    np.testing.assert_array_equal(stretched(x[:1], 4), np.repeat(x[:1], 4, axis=0))


def test_speed_keeps_the_bands_and_changes_how_long_they_take():
    ramp = np.outer(np.linspace(0, 1, 100), np.ones(40))
    lengths = []
    for seed in range(200):
        got = change(ramp, {"speed"}, np.random.default_rng(seed), SETTING)
        lengths.append(len(got))
        np.testing.assert_allclose(got[:, 5], np.linspace(0, 1, len(got)))
    assert 86 <= min(lengths) < 90 and 112 < max(lengths) <= 116


def test_warping_moves_a_tone_by_one_factor():
    for seed, hertz in enumerate((700.0, 1500.0, 3000.0)):
        bands = bands_of(0.5 * np.sin(2 * np.pi * hertz * np.arange(8000) / 16_000))
        factor = np.exp(np.random.default_rng(seed).uniform(-0.15, 0.15))
        got = change(bands, {"warp"}, np.random.default_rng(seed), SETTING)
        peak = CENTRES[got.mean(axis=0).argmax()]
        width = np.diff(CENTRES)[np.searchsorted(CENTRES, peak) - 1]
        assert abs(peak - hertz / factor) <= width


def test_a_channel_is_one_smooth_curve_for_all_frames():
    bands = np.random.default_rng(2).normal(size=(30, 40))
    curves = []
    for seed in range(300):
        difference = change(bands, {"channel"}, np.random.default_rng(seed), SETTING) - bands
        np.testing.assert_allclose(difference, difference[:1].repeat(30, axis=0), atol=1e-12)
        curves.append(difference[0])
    cosines = scipy.fft.dct(np.array(curves), norm="ortho", axis=1) * np.sqrt(2 / 40)
    np.testing.assert_allclose(cosines[:, 1:4].std(axis=0), augmentation.TILT, rtol=0.15)
    np.testing.assert_allclose(cosines[:, 4:], 0, atol=1e-9)


def test_noise_adds_power_and_never_takes_any():
    quiet = np.full((50, 40), -100.0)
    quiet[20:30] = 0.0  # loud for a fifth of the time
    for seed in range(50):
        got = change(quiet, {"noise"}, np.random.default_rng(seed), SETTING)
        assert (got >= quiet - 1e-9).all()
        floor = got[0] - _curve_of(got[0])
        assert -50.5 <= floor.mean() <= -19.5
        np.testing.assert_allclose(got[:20], got[:1].repeat(20, axis=0))


def _curve_of(row):
    """Return the part of a row that its first two cosines make up."""
    kept = scipy.fft.dct(row, norm="ortho")
    kept[0] = 0
    kept[3:] = 0
    return scipy.fft.idct(kept, norm="ortho")


def test_half_of_all_excerpts_lose_what_no_telephone_carries():
    bands = np.random.default_rng(3).normal(size=(10, 40))
    cut = 0
    for seed in range(400):
        got = change(bands, {"telephone"}, np.random.default_rng(seed), SETTING)
        lost = (got == bands.min()).all(axis=0)
        inside = (CENTRES > 350) & (CENTRES < 3300)
        outside = (CENTRES < 100) | (CENTRES > 3800)
        np.testing.assert_array_equal(got[:, inside], bands[:, inside])
        if lost.any():
            cut += 1
            assert lost[outside].all()
    assert 160 < cut < 240


def test_nothing_is_changed_unasked_and_the_excerpt_never():
    bands = np.random.default_rng(4).normal(size=(20, 40))
    before = bands.copy()
    np.testing.assert_array_equal(change(bands, (), np.random.default_rng(0), SETTING), bands)
    for name in CHANGES:
        change(bands, {name}, np.random.default_rng(0), SETTING)
        np.testing.assert_array_equal(bands, before)


def test_what_cannot_be_changed_is_named():
    with pytest.raises(ValueError, match="no change echo; there are speed, warp"):
        change(np.zeros((3, 40)), {"echo"}, np.random.default_rng(0), SETTING)
    with pytest.raises(ValueError, match=r"shape \(3, 39\); the setting has 40 mel bands"):
        change(np.zeros((3, 39)), {"warp"}, np.random.default_rng(0), SETTING)
