"""Figures carry their description, and players the very sound."""

import base64
import io
import re

import librosa
import matplotlib.pyplot as plt
import numpy as np
import pytest
import soundfile
from PIL import Image

from helpers.audio import decoding, features, loading, recordings
from helpers.show import listen, plots


def sound_in(player, name):
    found = re.search(f'aria-label="{re.escape(name)}".*?base64,([^"]*)"', player._repr_html_())
    return soundfile.read(io.BytesIO(base64.b64decode(found[1])))


def test_a_player_holds_the_very_samples():
    y = np.random.default_rng(0).uniform(-1, 1, 8_000)
    heard, sr = sound_in(listen.players({"noise": y, "half": y / 2}, 8_000), "half")
    assert sr == 8_000
    np.testing.assert_allclose(heard, y / 2, atol=2**-15)


def test_a_player_keeps_the_loudness_unless_told():
    y = np.full(1_000, 0.1)
    assert sound_in(listen.player(y, 8_000, "low"), "low")[0].max() == pytest.approx(0.1, abs=1e-4)
    loud = listen.player(20 * y, 8_000, "low", normalize=True)
    assert sound_in(loud, "low")[0].max() == pytest.approx(0.95, abs=1e-4)


@pytest.mark.parametrize(
    ("y", "complaint"),
    [([0.0, 2.5], "siren: reaches 2.5"), ([np.nan], "siren: sample 0"), ([], "siren: no samples")],
)
def test_what_cannot_be_heard_as_it_is_is_refused(y, complaint):
    with pytest.raises(ValueError, match=complaint):
        listen.player(np.array(y), 8_000, "siren")


def test_what_overshoots_is_turned_down_and_said_so_with_all_beside_it():
    both = listen.players({"siren": np.array([0.0, -1.6]), "hum": np.array([0.4, 0.0])}, 8_000)
    assert repr(both).startswith("sound: siren (turned down by 4.1 dB) (0.00 s), hum (turned down")
    for name, peak in zip(both.sounds, (1, 0.25), strict=True):
        assert abs(sound_in(both, name)[0]).max() == pytest.approx(peak, abs=1e-4)


@pytest.mark.parametrize(("peak", "usable"), [(1.0, True), (1.9, True), (2.1, False)])
def test_beyond_full_scale_files_tables_and_players_agree(tmp_path, peak, usable):
    rng = np.random.default_rng(0)
    for name in "ab":
        path = tmp_path / "it" / "anna" / f"{name}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        y = rng.uniform(-0.9, 0.9, 8_000).astype(np.float32)
        y[9] = peak if name == "b" else 0.9
        soundfile.write(path, y, 16_000, subtype="FLOAT")
    clips = recordings.folder(tmp_path)
    assert (len(clips), len(clips.attrs["skipped"])) == ((2, 0) if usable else (1, 1))
    if usable:
        assert max(abs(y).max() for y, _ in map(loading.load_clip, clips.to_dict("records"))) == (
            pytest.approx(peak)
        )
        assert decoding.read(path)[0].max() == pytest.approx(peak)
        assert features.mfcc(y, 16_000).size
        assert listen.player(y, 16_000, "b")
        return
    assert "1 is full scale" in clips.attrs["skipped"]["it/anna/b.wav"]
    for use in (
        lambda: decoding.read(path),
        lambda: features.mfcc(y, 16_000),
        lambda: listen.player(y, 16_000, "b"),
    ):
        with pytest.raises(ValueError, match="and 1 is full scale"):
            use()


@pytest.mark.parametrize("peak", [1e-3, 0.5, 3.0, 32768.0])
def test_a_sound_of_any_scale_can_be_brought_to_full_scale(peak):
    y = peak * np.sin(np.arange(1000) / 10)
    y *= peak / np.abs(y).max()
    shown = listen.players({"a": y, "still": 0 * y}, 16_000, normalize=True)
    assert np.abs(shown.sounds["a"]).max() == pytest.approx(0.95)
    assert not shown.sounds["still"].any()


def test_where_there_is_nothing_to_hear_no_player_is_shown():
    assert "audio" not in listen.players({}, 16_000)._repr_html_()


def test_a_name_cannot_break_the_page():
    assert "<b>" not in listen.player(np.zeros(9), 8_000, "<b>&")._repr_html_()


def test_a_figure_is_stored_with_its_description():
    fig, ax = plt.subplots(figsize=(2, 1), dpi=100)
    data, metadata = plots.picture(fig, "An empty plot.")
    plt.close(fig)
    assert metadata["image/png"]["alt"] == data["text/plain"] == "An empty plot."
    assert Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).size == (200, 100)


def test_a_thin_line_keeps_its_colour_beside_a_colourful_image():
    fig, (above, below) = plt.subplots(2, figsize=(9, 5))
    above.imshow(np.random.default_rng(0).random((100, 300)), cmap="magma", aspect="auto")
    for row, colour in enumerate(("#0072B2", "#009E73", "#D55E00")):
        below.plot([0, 1], [row, row], color=colour, linewidth=1)
    drawn = io.BytesIO()
    fig.savefig(drawn, format="png")
    png = base64.b64decode(plots.picture(fig, "noise above three lines")[0]["image/png"])
    plt.close(fig)
    wanted, stored = (
        np.asarray(Image.open(picture).convert("RGB")).astype(int)
        for picture in (drawn, io.BytesIO(png))
    )
    assert np.abs(stored - wanted).max() <= 20  # of 255


@pytest.mark.parametrize("alt", ["", "  "])
def test_a_figure_without_description_is_refused(alt):
    fig, _ = plt.subplots()
    with pytest.raises(ValueError, match="alt is empty"):
        plots.show(fig, alt)
    plt.close(fig)


def test_a_waveform_is_drawn_at_its_time():
    fig, ax = plt.subplots()
    (line,) = plots.waveform(np.array([0, 16384], np.int16), 1_000, ax, start=2.0)
    np.testing.assert_allclose(line.get_xydata(), [[2, 0], [2.001, 0.5]])
    plt.close(fig)


@pytest.mark.parametrize("db", [np.zeros(5), np.full((3, 3), -np.inf)], ids=["vector", "infinite"])
def test_levels_that_cannot_be_drawn_are_refused(db):
    fig, ax = plt.subplots()
    with pytest.raises(ValueError, match="matrix|not finite"):
        plots.spectrogram(db, 16_000, 160, ax)
    plt.close(fig)


@pytest.mark.parametrize(("sr", "bands"), [(16_000, 40), (16_000, 128), (8_000, 64)])
def test_mel_bands_stand_at_the_frequencies_of_their_filters(sr, bands):
    fig, ax = plt.subplots()
    plots.spectrogram(np.zeros((bands, 5)), sr, 160, ax, y_axis="mel", colorbar=False)
    assert ax.get_ylim() == (-0.5, bands - 0.5)
    bank = librosa.filters.mel(sr=sr, n_fft=1 << 16, n_mels=bands)
    peaks = bank.argmax(axis=1) * sr / (1 << 16)
    ticks = {
        1000 * float(t.get_text()): row
        for row, t in zip(ax.get_yticks(), ax.get_yticklabels(), strict=True)
    }
    assert set(ticks) == {f for f in (500.0, 1000.0, 2000.0, 4000.0) if f < sr / 2}
    for hertz, row in ticks.items():
        assert np.interp(row, range(bands), peaks) == pytest.approx(hertz, rel=0.01)
    plt.close(fig)


def test_rows_of_another_kind_are_refused():
    fig, ax = plt.subplots()
    with pytest.raises(ValueError, match="y_axis is 'cqt_hz'"):
        plots.spectrogram(np.zeros((3, 3)), 16_000, 160, ax, y_axis="cqt_hz")
    plt.close(fig)


@pytest.mark.parametrize("sr", [0, -16_000, np.nan, np.inf])
def test_what_is_no_sampling_rate_is_refused(sr):
    fig, ax = plt.subplots()
    for use in (
        lambda: plots.waveform(np.zeros(9), sr, ax),
        lambda: plots.spectrogram(np.zeros((3, 3)), sr, 160, ax),
        lambda: listen.player(np.zeros(9), sr, "silence"),
    ):
        with pytest.raises(ValueError, match=f"sr is {sr}; expected a positive"):
            use()
    plt.close(fig)


def test_a_player_takes_whole_rates_and_a_spectrogram_whole_hops():
    with pytest.raises(ValueError, match="whole number of hertz"):
        listen.player(np.zeros(9), 22_050.5, "silence")
    fig, ax = plt.subplots()
    with pytest.raises(ValueError, match="hop_length is 0"):
        plots.spectrogram(np.zeros((3, 3)), 16_000, 0, ax)
    plt.close(fig)
