"""What is changed in training excerpts is what it is called, by the amounts that it promises."""

import io

import librosa
import numpy as np
import pytest
import scipy
import soundfile

from helpers.audio.features import MFCCSetting, mfcc
from helpers.study import augmentation
from helpers.study.augmentation import (
    CHANGES,
    CODECS,
    change,
    coded,
    reverberated,
    room,
    stretched,
    version,
)

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


def noise(seconds, sr, seed=0):
    return np.random.default_rng(seed).normal(0, 0.1, round(seconds * sr)).astype(np.float32)


def levels(y, sr, *edges):
    """Return the power between neighbouring edges in hertz, in dB of that of the first."""
    frequency, power = scipy.signal.welch(y, sr, nperseg=512)
    bands = zip(edges, edges[1:], strict=False)
    means = [power[(frequency >= a) & (frequency < b)].mean() for a, b in bands]
    return 10 * np.log10(np.array(means) / means[0])


@pytest.mark.parametrize(("codec", "edge"), [("GSM 6.10", 4000), ("u-law", 4000), ("Opus", 5500)])
def test_a_codec_keeps_what_lies_below_its_edge_in_its_place_and_nothing_above(codec, edge):
    y = noise(2, 16_000)
    heard = coded(y, 16_000, codec)
    assert heard.shape == y.shape and heard.dtype == np.float32
    before, after = (levels(z, 16_000, 400, 3200, edge + 200, 8000) for z in (y, heard))
    assert abs(before[2]) < 1 and after[2] < -30
    low = scipy.signal.sosfiltfilt(scipy.signal.butter(8, 3000, fs=16_000, output="sos"), y)
    lags = np.arange(-40, 41)
    alike = [np.dot(low[100:-100], np.roll(heard, lag)[100:-100]) for lag in lags]
    assert abs(lags[np.argmax(alike)]) <= 1  # nothing comes late


def test_u_law_is_the_companding_of_the_telephone():
    """Its steps are a sixteenth of a segment, and each segment is twice the last (ITU-T G.711)."""
    y = noise(1, 8000, seed=2)
    segment = 2.0 ** np.ceil(np.log2(np.maximum(np.abs(y) + 33 / 8192, 64 / 8192)))
    error = np.abs(coded(y, 8000, "u-law") - y)
    half = segment / 32 / 2 + 2e-4  # of a step, but where a segment ends
    assert np.mean(error <= half) > 0.99 and (error <= 2 * half).all()
    assert np.mean(error > half / 4) > 0.5  # it is no better than that
    assert len(np.unique(coded(y, 8000, "u-law"))) <= 256


def test_gsm_is_what_a_file_of_it_holds():
    y = noise(1, 8000, seed=3)
    file = io.BytesIO()
    soundfile.write(file, y, 8000, format="WAV", subtype="GSM610")
    file.seek(0)
    np.testing.assert_allclose(coded(y, 8000, "GSM 6.10"), soundfile.read(file)[0][:8000])


def test_without_a_codec_the_sound_stays_and_an_unknown_one_is_named():
    y = noise(0.1, 16_000)
    np.testing.assert_array_equal(coded(y, 16_000, "none"), y)
    with pytest.raises(ValueError, match="^no codec 'mp3'; there are none, GSM 6.10, u-law, Opus$"):
        coded(y, 16_000, "mp3")


@pytest.mark.parametrize("sr", [8000, 16_000])
@pytest.mark.parametrize("t60", [0.2, 0.5, 0.8])
def test_a_room_takes_its_time_to_fall_by_60_db(t60, sr):
    """Schroeder (1965): what is left of the energy after each sample falls along a line."""
    response = room(sr, t60, 3.0, np.random.default_rng(0))
    left = np.cumsum(response[:0:-1] ** 2)[::-1]
    level = 10 * np.log10(left / left[0])
    part = (level < -5) & (level > -35)
    slope = np.polyfit(np.flatnonzero(part) / sr, level[part], 1)[0]
    assert -60 / slope == pytest.approx(t60, rel=0.06)


@pytest.mark.parametrize("direct", [0.0, 7.5, 12.0])
def test_a_voice_is_louder_than_its_reverberation_by_as_much_as_asked(direct):
    response = room(16_000, 0.4, direct, np.random.default_rng(1))
    assert response[0] == 1
    assert -10 * np.log10(np.sum(response[1:] ** 2)) == pytest.approx(direct)


def test_a_room_is_drawn_and_the_same_dice_draw_the_same():
    one, again, other = (room(8000, 0.3, 6.0, np.random.default_rng(seed)) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, again)
    assert abs(np.corrcoef(one[1:], other[1:])[0, 1]) < 0.1
    as_noise = one[1:] * 10 ** (3 * np.arange(2400) / 2400)
    assert abs(scipy.stats.kurtosis(as_noise)) < 0.3  # Gaussian: uniform noise has -1.2
    with pytest.raises(ValueError, match="^t60 is 0.0 s; expected at least one sample"):
        room(8000, 0.0, 6.0, np.random.default_rng(0))


def test_a_sound_in_a_room_is_a_convolution_that_is_no_louder():
    y, response = noise(0.05, 16_000), room(16_000, 0.05, -6.0, np.random.default_rng(4))
    heard, wanted = reverberated(y, response), np.convolve(y, response)[: len(y)]
    np.testing.assert_allclose(heard * np.abs(wanted).max(), wanted * np.abs(y).max(), atol=1e-6)
    assert np.abs(heard).max() == pytest.approx(np.abs(y).max(), rel=1e-5)
    assert not reverberated(np.zeros(50), response).any()


def test_versions_are_the_same_every_time_and_differ_from_one_another():
    y = noise(0.3, 16_000)
    rooms = [version(y, 16_000, number, ["rooms"], seed=5) for number in range(4)]
    np.testing.assert_array_equal(rooms[0], y)
    for number, one in enumerate(rooms):
        again = version(y, 16_000, number, ["rooms"], seed=5)
        np.testing.assert_array_equal(one, again)
        assert all(np.abs(one - other).max() > 1e-3 for other in rooms[:number])
    assert np.abs(version(y, 16_000, 1, ["rooms"], seed=6) - rooms[1]).max() > 1e-3
    np.testing.assert_array_equal(version(y, 16_000, 2, (), seed=5), y)


def test_each_version_goes_through_another_codec_and_with_rooms_through_any(monkeypatch):
    y = noise(0.02, 16_000)
    monkeypatch.setattr(augmentation, "coded", lambda y, sr, codec: codec)
    plain = [version(y, 16_000, number, ["codecs"], seed=1) for number in range(4)]
    assert plain == list(CODECS)
    first = []
    for seed in range(200):
        through = [version(y, 16_000, n, ["rooms", "codecs"], seed=seed) for n in range(4)]
        assert sorted(through) == sorted(CODECS)
        first.append(through[0])
    assert all(30 < first.count(codec) < 70 for codec in CODECS)


def test_rooms_are_as_reverberant_as_they_say(monkeypatch):
    drawn = []
    monkeypatch.setattr(augmentation, "room", lambda sr, *of: drawn.append(of[:2]) or np.ones(1))
    for seed in range(100):
        for number in (1, 2, 3):
            version(noise(0.01, 16_000), 16_000, number, ["rooms"], seed=seed)
    for values, (low, high) in zip(
        np.transpose(drawn), (augmentation.T60, augmentation.DIRECT), strict=True
    ):
        assert scipy.stats.kstest(values, "uniform", (low, high - low)).pvalue > 0.01


def test_a_version_that_is_none_is_named():
    with pytest.raises(ValueError, match="^no change warp; there are rooms, codecs$"):
        version(np.zeros(9), 16_000, 0, ["warp", "rooms"], seed=0)
    for number in (-1, 4):
        with pytest.raises(ValueError, match=f"^version {number}; expected 0 to 3$"):
            version(np.zeros(9), 16_000, number, ["rooms"], seed=0)
