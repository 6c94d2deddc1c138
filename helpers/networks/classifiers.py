"""Recurrent networks that name a language: built alike, and saved with what they need.

``11_train`` derives what is built here.
"""

import contextlib
import random
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd

from helpers.audio import decoding
from helpers.audio.features import MFCCSetting, mfcc
from helpers.networks.backend import keras, tf
from helpers.networks.layers import kind_named

__all__ = [
    "LAYERS",
    "Features",
    "build",
    "classify",
    "every_step",
    "load",
    "recognise",
    "units_for",
]

LAYERS = ("SimpleRNN", "GRU", "LSTM")
"""The recurrent layers of the course, from the simplest to the oldest of the gated ones.

`helpers.networks.layers.KINDS` knows more.
"""


@keras.saving.register_keras_serializable("wave_to_language")
class Features(keras.layers.Masking):
    """First layer of a network: masks padding, and says which features the network takes.

    A network that is saved with this layer can be loaded only where the layer is known, so that
    nobody feeds it other features by mistake.

    Parameters
    ----------
    setting : MFCCSetting or dict
        The setting with which the features were computed.
    languages : sequence of str
        Names of the network's outputs.
    **kwargs
        As for any Keras layer.
    """

    def __init__(self, setting: MFCCSetting | dict, languages: Sequence[str], **kwargs):
        super().__init__(**{"mask_value": 0.0, **kwargs})
        self.setting = setting if isinstance(setting, MFCCSetting) else MFCCSetting(**setting)
        self.languages = tuple(languages)

    def build(self, input_shape: tuple) -> None:
        """Raise an error if the frames have another size than the setting says."""
        if input_shape[-1] != self.setting.n_mfcc:
            raise ValueError(
                f"frames of {input_shape[-1]} features; the setting has {self.setting.n_mfcc}; "
                "compute the features with this setting"
            )
        super().build(input_shape)

    def get_config(self) -> dict:
        """Return what the layer is made from, for the saved file."""
        own = {"setting": asdict(self.setting), "languages": list(self.languages)}
        return {**super().get_config(), **own}


def build(
    layer: str,
    units: int,
    setting: MFCCSetting,
    languages: Sequence[str],
    moments: tuple[np.ndarray, np.ndarray],
) -> keras.Model:
    """Return a network of one recurrent layer that decides on the language.

    Parameters
    ----------
    layer : str
        A key of `helpers.networks.layers.KINDS`: "SimpleRNN", "GRU", "LSTM", ...
    units : int
        Size of the state.
    setting : MFCCSetting
        The setting of the features that the network is to take.
    languages : sequence of str
        Names of its outputs.
    moments : tuple of numpy.ndarray, shape (n_mfcc,)
        Mean and variance of the training examples, as `helpers.study.dataset.Examples.moments`
        gives them; the input is normalised by them.

    Returns
    -------
    keras.Model
        From (batch, steps, n_mfcc) to probabilities (batch, languages). Frames of zeros at the
        end are padding. Not compiled.

    Raises
    ------
    ValueError
        If there is no such layer.

    Examples
    --------
    >>> model = build("GRU", 8, MFCCSetting(n_mfcc=13), ["it", "ru"], (np.zeros(13), np.ones(13)))
    >>> model(np.ones((4, 100, 13))).shape
    TensorShape([4, 2])
    """
    kind, (mean, variance) = kind_named(layer), moments
    frames = keras.Input((None, setting.n_mfcc))
    x = Features(setting, languages)(frames)
    x = keras.layers.Normalization(mean=mean, variance=variance)(x)
    for recurrent in kind.layers(units):
        x = recurrent(x)
    probabilities = keras.layers.Dense(len(languages), activation="softmax")(x)
    return keras.Model(frames, probabilities, name=re.sub(r"\W+", "_", layer.lower()))


def units_for(layer: str, parameters: int, features: int, classes: int) -> int:
    """Return the size of state that gives a network about so many trained parameters.

    Parameters
    ----------
    layer : str
        A key of `helpers.networks.layers.KINDS`: "SimpleRNN", "GRU", "LSTM", ...
    parameters : int
        Of the recurrent layer and the output layer together.
    features, classes : int
        Size of a frame, and of the output.

    Returns
    -------
    int
        The size that comes closest, at least 1.

    Raises
    ------
    ValueError
        If there is no such layer.

    Notes
    -----
    Layers are built and counted, so that any kind can be sized. ``09_lstm`` derives the number: a
    layer of ``b`` blocks has ``b * u * (features + u + biases)`` parameters.

    Examples
    --------
    >>> [units_for(layer, 25_000, features=64, classes=5) for layer in LAYERS]
    [127, 64, 53]
    """
    kind = kind_named(layer)

    def count(units: int) -> int:
        frames = keras.Input((None, features))
        model = keras.Sequential([frames, *kind.layers(units), keras.layers.Dense(classes)])
        return sum(int(np.prod(w.shape)) for w in model.trainable_weights)

    with _drawing_nothing():
        above = 1
        while count(above) < parameters:
            above *= 2
        below = above // 2
        while above - below > 1:
            middle = (above + below) // 2
            below, above = (middle, above) if count(middle) < parameters else (below, middle)
        possible = [units for units in (below, above) if units]
        return min(possible, key=lambda units: abs(count(units) - parameters))


@contextlib.contextmanager
def _drawing_nothing() -> Iterator[None]:
    """Leave no trace in the random numbers: Keras draws a layer's seeds from Python's."""
    state = random.getstate()
    try:
        yield
    finally:
        random.setstate(state)


def _features(model: keras.Model) -> Features:
    """Return the layer that says what a network's input has to be."""
    for layer in model.layers:
        if isinstance(layer, Features):
            return layer
    raise ValueError(
        f"{model.name}: does not say which features it was trained on; its first layer must be "
        "helpers.networks.classifiers.Features"
    )


def load(path: Path) -> keras.Model:
    """Load a network, with the setting of its features in it.

    Parameters
    ----------
    path : pathlib.Path
        A file that the model's ``save`` wrote; its name ends in ``.keras``.

    Returns
    -------
    keras.Model

    Raises
    ------
    ValueError
        If there is no such file, its name does not end in ``.keras``, it holds no network, or the
        network does not say which features it was trained on; with the file's name.

    Examples
    --------
    ``load("gru.keras")`` after ``model.save("gru.keras")``.
    """
    path = Path(path)
    if path.suffix != ".keras":
        raise ValueError(
            f"{path.name}: expected a file that model.save('{path.stem}.keras') wrote; other "
            "formats do not keep what the network's input has to be"
        )
    if not path.is_file():
        raise ValueError(f"{path}: no such file; save a network with model.save('{path.name}')")
    if not zipfile.is_zipfile(path):
        raise ValueError(f"{path.name}: holds no network; save it again, it may have broken off")
    model = keras.saving.load_model(path)
    _features(model)
    return model


def every_step(model: keras.Model) -> keras.Model:
    """Return a network of the same weights that answers after every frame, not only the last.

    Parameters
    ----------
    model : keras.Model
        A network that gives one answer a sequence.

    Returns
    -------
    keras.Model
        From (batch, steps, features) to answers (batch, steps, classes). After every frame stands
        what the model says of the sequence up to it.

    Notes
    -----
    A recurrent layer that reads forwards has these answers at hand: its copy returns its state
    after every step, and the layers behind it work on each state. Where a model holds anything
    else, such as a bidirectional layer or a mean over time, each beginning of the sequence is given
    to the model itself. That is right for any model, and takes as many times as long as there are
    steps.

    Examples
    --------
    >>> model = build("GRU", 8, MFCCSetting(n_mfcc=13), ["it", "ru"], (np.zeros(13), np.ones(13)))
    >>> x = np.random.default_rng(0).standard_normal((1, 50, 13)).astype("float32")
    >>> bool(np.allclose(every_step(model)(x)[:, -1], model(x), atol=1e-6))
    True
    """
    if not all(_works_stepwise(layer) for layer in model.layers):
        frames = keras.Input(model.input_shape[1:])
        return keras.Model(frames, _Beginnings(model)(frames), name=model.name)

    def copy(layer):
        config = layer.get_config()
        if isinstance(layer, keras.layers.RNN):
            config["return_sequences"] = True
        return type(layer).from_config(config)

    with _drawing_nothing():
        every = keras.models.clone_model(model, clone_function=copy)
    every.set_weights(model.get_weights())
    return every


def _works_stepwise(layer) -> bool:
    """Return whether a layer's answer to a step depends on this step and those before alone."""
    if isinstance(layer, keras.layers.RNN):
        return not (layer.go_backwards or layer.stateful or layer.return_state)
    return isinstance(
        layer,
        keras.layers.InputLayer
        | keras.layers.Masking
        | keras.layers.Normalization
        | keras.layers.Dense
        | keras.layers.Dropout
        | keras.layers.Activation
        | keras.layers.Add,
    )


class _Beginnings(keras.layers.Layer):
    """Gives a model every beginning of a sequence."""

    def __init__(self, model: keras.Model):
        super().__init__()
        self.model = model

    def call(self, x):
        """Return the model's answers, shape (batch, steps, classes)."""
        answers = tf.map_fn(
            lambda stop: self.model(x[:, :stop]),
            tf.range(1, tf.shape(x)[1] + 1),
            fn_output_signature=self.compute_dtype,
        )
        return tf.transpose(answers, [1, 0, 2])

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """Return the shape of the answers."""
        return (*input_shape[:2], self.model.output_shape[-1])


def recognise(model: keras.Model, y: np.ndarray, sr: float) -> pd.DataFrame:
    """Return which language a network takes a sound for, after every frame.

    Parameters
    ----------
    model : keras.Model
        As `build` makes it, trained.
    y : array_like, shape (samples,)
        The sound; see `helpers.audio.signals.as_mono` for what becomes of stereo and integers.
    sr : float
        Its sampling rate in hertz; it is resampled to the network's.

    Returns
    -------
    pandas.DataFrame, shape (frames, languages)
        Probabilities, indexed by time in seconds. The last row is the answer.

    Raises
    ------
    ValueError
        If the sound is shorter than a frame or is not one (see `helpers.audio.features.mfcc`), or
        the network does not say which features it was trained on.

    Examples
    --------
    >>> model = build("GRU", 8, MFCCSetting(), ["it", "ru"], (np.zeros(64), np.ones(64)))
    >>> recognise(model, np.ones(16_000), 16_000).shape
    (101, 2)
    """
    known = _features(model)
    frames = mfcc(y, sr, known.setting)
    probabilities = every_step(model)(frames[np.newaxis])[0].numpy()
    times = pd.Index(np.arange(len(frames)) / known.setting.frames_per_second, name="time in s")
    return pd.DataFrame(probabilities, index=times, columns=known.languages)


def classify(model: keras.Model, path: Path) -> pd.Series:
    """Return which language a network takes a recording for.

    Parameters
    ----------
    model : keras.Model
        As `build` makes it, trained.
    path : pathlib.Path
        Any recording that `helpers.audio.decoding.read` reads: WAV, FLAC, Ogg, MP3, and what
        telephones and browsers write, such as M4A and WebM.

    Returns
    -------
    pandas.Series
        Probability of each language, the most probable first.

    Raises
    ------
    ValueError
        If there is no such file, it holds no sound, or the sound is shorter than one frame; the
        message begins with the file's name.

    Examples
    --------
    >>> from helpers.audio import corpus
    >>> model = build("GRU", 8, MFCCSetting(), ["it", "ru"], (np.zeros(64), np.ones(64)))
    >>> len(classify(model, corpus.SPEECH / "en-US/allison/vm-goodbye.ogg"))
    2
    """
    name = Path(path).name
    y, sr = decoding.read(path)
    try:
        answer = recognise(model, y, sr).iloc[-1]
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error
    return answer.sort_values(ascending=False).rename(name)
