"""Networks differ in their recurrent layer alone, repeat their numbers, and know their features."""

import subprocess
import sys
from pathlib import Path

import av
import librosa
import numpy as np
import pytest
import soundfile

from helpers.audio import corpus, decoding
from helpers.audio.features import MFCCSetting, extract, mfcc
from helpers.networks.backend import keras, set_seed
from helpers.networks.classifiers import (
    LAYERS,
    Features,
    build,
    classify,
    every_step,
    load,
    recognise,
    units_for,
)
from helpers.networks.layers import KINDS
from helpers.networks.progress import Progress
from helpers.study.dataset import batches, cut, split

# Keras hands its variables to h5py as it did before NumPy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

ROOT = Path(__file__).resolve().parents[2]
SMALL = MFCCSetting(n_mfcc=13, n_mels=40, hop_length=480)
LANGUAGES = ("en-US", "ru-RU")
MOMENTS = (np.full(13, 2.0), np.full(13, 4.0))
RNG = np.random.default_rng(0)
X = RNG.standard_normal((6, 20, 13)).astype(np.float32)


def small(layer="GRU", units=6):
    set_seed(0)
    return build(layer, units, SMALL, LANGUAGES, MOMENTS)


@pytest.fixture(scope="module")
def examples():
    """Return short clips in two languages, as examples to train on and to test on."""
    clips = corpus.manifest().query("not unheard and duration < 2 and language in @LANGUAGES")
    clips = clips.groupby("language").head(60).reset_index(drop=True)
    pieces = cut(clips, extract(clips, SMALL), steps=50)
    part = split(clips, {"train": 0.7, "test": 0.3}).to_numpy()[pieces.clip]
    return pieces[part == "train"], pieces[part == "test"]


def learn(train, epochs=8, layer="GRU", xla=False, **kwargs):
    set_seed(1)
    model = build(layer, 16, SMALL, train.languages, train.moments())
    model.compile(
        optimizer=keras.optimizers.Adam(0.01),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=xla,
    )
    model.fit(batches(train, 16, shuffle=0), epochs=epochs, shuffle=False, verbose=0, **kwargs)
    return model


def test_networks_differ_in_their_recurrent_layer_alone():
    configs = set()
    for layer in LAYERS:
        stack = small(layer).layers
        own = [type(x).__name__ for x in KINDS[layer].layers(1)]
        kinds = [type(x).__name__ for x in stack]
        assert kinds == ["InputLayer", "Features", "Normalization", *own, "Dense"]
        shared = [*stack[:3], stack[-1]]
        configs.add(str([{k: v for k, v in x.get_config().items() if k != "name"} for x in shared]))
    assert len(configs) == 1


@pytest.mark.parametrize("layer", LAYERS)
def test_padding_changes_nothing(layer):
    model = small(layer)
    padded = np.concatenate([X, np.zeros((6, 7, 13), np.float32)], axis=1)
    np.testing.assert_allclose(model(padded), model(X), atol=1e-6)


@pytest.mark.parametrize("layer", LAYERS)
def test_the_input_is_normalised(layer):
    model = small(layer)
    recurrent, output = model.layers[-2:]
    np.testing.assert_allclose(output(recurrent((X - 2) / 2)), model(X), atol=1e-5)


@pytest.mark.parametrize("layer", LAYERS)
def test_after_every_step_stands_what_a_shorter_excerpt_gives(layer):
    model = small(layer)
    every = every_step(model)(X).numpy()
    for t in (1, 7, 20):
        np.testing.assert_allclose(every[:, t - 1], model(X[:, :t]), atol=1e-6)


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("parameters", [1, 600, 5_000, 25_000])
def test_units_come_as_close_as_whole_units_can(layer, parameters):
    def count(units):
        network = build(layer, units, SMALL, LANGUAGES, MOMENTS)
        return sum(int(np.prod(w.shape)) for w in network.trainable_weights)

    units = units_for(layer, parameters, features=13, classes=2)
    off = abs(count(units) - parameters)
    assert off <= abs(count(units + 1) - parameters)
    assert units == 1 or off <= abs(count(units - 1) - parameters)


def test_an_unknown_layer_is_refused():
    for call in (lambda: small("RNN"), lambda: units_for("RNN", 100, 13, 2)):
        with pytest.raises(ValueError, match=f"no layer 'RNN'; there are {', '.join(LAYERS)}"):
            call()


def test_batches_hold_every_example_once_and_shuffle_by_seed(examples):
    train, _ = examples
    plain = [y.numpy() for _, y in batches(train, 16)]
    np.testing.assert_array_equal(np.concatenate(plain), train.y)

    def order(data):
        return np.concatenate([x.numpy() for x, _ in data])

    data = batches(train, 16, shuffle=5)
    first, second = order(data), order(data)
    again = order(batches(train, 16, shuffle=5))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, second), "each epoch has the same order"
    np.testing.assert_array_equal(
        np.sort(first.sum(axis=(1, 2))), np.sort(train.x.sum(axis=(1, 2)))
    )


@pytest.mark.parametrize(
    ("layer", "xla"), [("SimpleRNN", False), ("GRU", False), ("GRU", True), ("LSTM", False)]
)
def test_the_same_seed_gives_the_same_network_which_has_learned(examples, layer, xla):
    train, test = examples
    one, two = (learn(train, layer=layer, xla=xla) for _ in range(2))
    for a, b in zip(one.get_weights(), two.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    right = np.argmax(one(test.x), axis=1) == test.y
    assert right.mean() > 0.75  # chance: 0.5


def test_a_saved_network_brings_its_features_along(tmp_path, examples):
    train, test = examples
    model = learn(train, epochs=1)
    model.save(tmp_path / "gru.keras")
    loaded = load(tmp_path / "gru.keras")
    np.testing.assert_array_equal(loaded(test.x), model(test.x))
    [features] = [layer for layer in loaded.layers if isinstance(layer, Features)]
    assert features.setting == SMALL and features.languages == LANGUAGES


def test_a_fresh_interpreter_classifies_a_file_with_the_saved_network(tmp_path, examples):
    model = learn(examples[0], epochs=1)
    model.save(tmp_path / "gru.keras")
    y, sr = corpus.load_clip("ru-RU/ivrvoice/vm-goodbye.ogg")
    soundfile.write(tmp_path / "clip.flac", np.stack([y, y], axis=1), sr)
    code = (
        "import sys; from helpers.networks.classifiers import load, classify\n"
        "answer = classify(load(sys.argv[1]), sys.argv[2])\n"
        "print(*(answer[name] for name in ('en-US', 'ru-RU')))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "gru.keras", tmp_path / "clip.flac"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stderr == "", "TensorFlow's messages would stand on a student's screen"
    frames = mfcc(soundfile.read(tmp_path / "clip.flac")[0], sr, SMALL)
    np.testing.assert_allclose(
        [float(p) for p in run.stdout.split()], model(frames[np.newaxis])[0], atol=1e-5
    )


def test_keras_alone_cannot_load_what_it_would_feed_wrongly(tmp_path):
    small().save(tmp_path / "gru.keras")
    code = "import sys, keras; keras.saving.load_model(sys.argv[1])"
    run = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "gru.keras"], capture_output=True, text=True
    )
    assert run.returncode == 1 and "Features" in run.stderr


def test_a_network_that_does_not_know_its_features_is_refused(tmp_path):
    frames = keras.Input((None, 13))
    bare = keras.Model(frames, keras.layers.Dense(2)(keras.layers.GRU(3)(frames)), name="bare")
    bare.save(tmp_path / "bare.keras")
    with pytest.raises(ValueError, match="bare: does not say which features"):
        load(tmp_path / "bare.keras")
    with pytest.raises(ValueError, match="bare: does not say which features"):
        recognise(bare, np.ones(16_000), 16_000)


def test_features_of_another_size_are_refused():
    with pytest.raises(ValueError, match="frames of 20 features; the setting has 13"):
        Features(SMALL, LANGUAGES)(keras.Input((None, 20)))


def test_recognising_resamples_and_answers_after_every_frame():
    y, sr = corpus.load_clip("ru-RU/ivrvoice/vm-goodbye.ogg")
    model = small()
    table = recognise(model, y, sr)
    assert table.index.name == "time in s"
    assert tuple(table.columns) == LANGUAGES
    np.testing.assert_allclose(table.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(np.diff(table.index), 0.03)
    np.testing.assert_allclose(table.iloc[-1], model(mfcc(y, sr, SMALL)[np.newaxis])[0], atol=1e-6)
    other = librosa.resample(y, orig_sr=sr, target_sr=44_100)
    np.testing.assert_allclose(recognise(model, other, 44_100).iloc[-1], table.iloc[-1], atol=0.05)


def test_what_is_no_saved_network_is_refused_by_name(tmp_path):
    small().save(tmp_path / "whole.keras")
    (tmp_path / "half.keras").write_bytes((tmp_path / "whole.keras").read_bytes()[:2000])
    small().save_weights(tmp_path / "gru.weights.h5")
    for name, message in {
        "half.keras": "half.keras: holds no network",
        "missing.keras": "missing.keras: no such file; save a network with",
        "gru.weights.h5": "gru.weights.h5: expected a file that model.save.* wrote",
        "gru.h5": "gru.h5: expected a file that model.save",
        "gru": "gru: expected a file that model.save",
    }.items():
        with pytest.raises(ValueError, match=message):
            load(tmp_path / name)
    assert load(str(tmp_path / "whole.keras")).name == "gru"


def test_what_a_telephone_records_is_classified(tmp_path):
    """AAC in M4A, which soundfile cannot read."""
    y, sr = corpus.load_clip("ru-RU/ivrvoice/vm-goodbye.ogg")
    with av.open(str(tmp_path / "clip.m4a"), "w") as file:
        stream = file.add_stream("aac", rate=sr, layout="mono")
        frame = av.AudioFrame.from_ndarray(y[np.newaxis], format="fltp", layout="mono")
        frame.sample_rate = sr
        for packet in (*stream.encode(frame), *stream.encode(None)):
            file.mux(packet)
    with pytest.raises(soundfile.LibsndfileError):
        soundfile.read(tmp_path / "clip.m4a")
    model = small()
    answer = classify(model, tmp_path / "clip.m4a")
    assert answer.name == "clip.m4a" and answer.is_monotonic_decreasing
    heard, rate = decoding.read(tmp_path / "clip.m4a")
    course = np.correlate(heard, y, "valid" if len(heard) >= len(y) else "same")
    alike = np.max(course) / np.linalg.norm(y) / np.linalg.norm(heard)
    assert alike > 0.9  # AAC begins a little later
    wanted = model(mfcc(heard, rate, SMALL)[np.newaxis])[0]
    np.testing.assert_allclose(answer[list(LANGUAGES)], wanted, atol=1e-5)


def test_files_without_sound_are_named(tmp_path):
    (tmp_path / "notes.txt").write_text("no sound")
    soundfile.write(tmp_path / "click.wav", np.ones(10), 16_000)
    for name in ("notes.txt", "click.wav", "missing.wav"):
        with pytest.raises(ValueError, match=f"^{name}: (?!{name})"):
            classify(small(), tmp_path / name)


def test_progress_grows_and_ends_in_one_line(examples, monkeypatch):
    train, test = examples
    shown = []
    progress = Progress("GRU <1>")
    monkeypatch.setattr(progress.handle, "display", lambda data, raw: shown.append(data))
    monkeypatch.setattr(progress.handle, "update", lambda data, raw: shown.append(data))
    learn(train, epochs=2, validation_data=batches(test), callbacks=[progress])
    values = [float(s["text/html"].split('"')[1]) for s in shown]
    assert values == sorted(values) and values[0] == 0 and values[-1] == 1
    assert shown[0]["text/plain"].startswith("GRU <1>: epoch 0 of 2")
    assert shown[-1]["text/plain"].startswith("GRU <1>: epoch 2, accuracy: training 0.")
    assert "validation" in shown[-1]["text/plain"]
    assert "GRU &lt;1&gt;" in shown[-1]["text/html"]
