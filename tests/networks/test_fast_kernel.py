"""Where TensorFlow sees a GPU, the course's gated layers run on cuDNN's kernel: Keras says so.

The kernel takes tanh and sigmoid, a bias, ``reset_after``, no ``unroll`` and no
``recurrent_dropout``, and masks that are true at the beginning and false from then on.
"""

import importlib

import numpy as np
import pytest

from helpers.audio import corpus, features
from helpers.networks.backend import keras
from helpers.networks.classifiers import Features
from helpers.networks.layers import KINDS
from helpers.study.dataset import cut

rnn = importlib.import_module("keras.src.backend.tensorflow.rnn")  # where Keras decides


@pytest.fixture(autouse=True)
def gpu(monkeypatch):
    """Let Keras believe that there is one, when it decides which kernel a layer takes."""
    monkeypatch.setattr(rnn, "_is_gpu_available", lambda: True)


def takes_the_kernel(layer):
    """Return whether Keras would hand a layer to cuDNN; it then rules XLA out for it."""
    if isinstance(layer, keras.layers.Bidirectional):
        return takes_the_kernel(layer.forward_layer) and takes_the_kernel(layer.backward_layer)
    fast = getattr(layer, "use_cudnn", None) == "auto" and not layer.supports_jit
    return fast and not layer.recurrent_dropout


@pytest.mark.parametrize("name", KINDS)
def test_every_gated_layer_takes_the_fast_kernel(name):
    recurrent = KINDS[name].layers(8)[0]
    assert takes_the_kernel(recurrent) == (name != "SimpleRNN")  # for which cuDNN has none here


@pytest.mark.parametrize(
    ("kind", "option"),
    [("GRU", {"reset_after": False}), ("GRU", {"activation": "relu"}), ("LSTM", {"unroll": True}),
     ("GRU", {"recurrent_activation": "hard_sigmoid"}), ("LSTM", {"recurrent_dropout": 0.1}),
     ("LSTM", {"use_bias": False}), ("GRU", {"use_cudnn": False})],
)  # fmt: skip
def test_what_gives_the_kernel_up_is_noticed(kind, option):
    assert takes_the_kernel(getattr(keras.layers, kind)(8))
    assert not takes_the_kernel(getattr(keras.layers, kind)(8, **option))


def test_examples_are_padded_on_the_right_alone():
    clips = corpus.manifest().iloc[::150].reset_index(drop=True)
    setting = features.MFCCSetting()
    examples = cut(clips, features.extract(clips, setting), 200, shortest=20)
    assert len(set(examples.lengths)) > 5
    mask = Features(setting, examples.languages).compute_mask(examples.x)
    np.testing.assert_array_equal(mask, examples.mask)
    assert rnn._is_sequence_right_padded(mask) and not rnn._has_fully_masked_sequence(mask)
    assert not rnn._is_sequence_right_padded(mask[:, ::-1])
