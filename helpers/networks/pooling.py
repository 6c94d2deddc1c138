"""One vector out of all states of a sequence: a learned weighted mean over time."""

from helpers.networks.backend import keras

__all__ = ["AttentionPooling"]


@keras.saving.register_keras_serializable("wave_to_language")
class AttentionPooling(keras.layers.Layer):
    r"""Average the states of a sequence, each weighted by how much it matters.

    Every step's state gets a score, :math:`e_t=v^\top\tanh(W h_t+b)`; the softmax of the scores
    over time weights the states: :math:`\sum_t \alpha_t h_t`. Padded steps get no weight.

    Parameters
    ----------
    **kwargs
        As for any Keras layer.

    Notes
    -----
    The scores are those of Bahdanau, Cho and Bengio (2015, arXiv:1409.0473) without a decoder's
    state, as Lin et al. (2017, arXiv:1703.03130) use them with one set of weights.

    Examples
    --------
    Equal states are their own mean, whatever the weights:

    >>> import numpy as np
    >>> AttentionPooling()(np.ones((2, 5, 3))).numpy().round(3).tolist()
    [[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def build(self, input_shape: tuple) -> None:
        """Make the weights: as many hidden numbers as the states have."""
        units = input_shape[-1]
        self.hidden = keras.layers.Dense(units, activation="tanh", dtype=self.dtype_policy)
        self.score = keras.layers.Dense(1, use_bias=False, dtype=self.dtype_policy)
        self.hidden.build(input_shape)
        self.score.build((*input_shape[:-1], units))

    def call(self, inputs, mask=None):
        """Return the weighted mean, shape (batch, units), of states (batch, steps, units)."""
        scores = self.score(self.hidden(inputs))
        if mask is not None:
            scores = keras.ops.where(mask[:, :, None], scores, -1e9)
        # The softmax in full: Keras's own warns where a sequence has one step.
        weights = keras.ops.exp(scores - keras.ops.max(scores, axis=1, keepdims=True))
        return keras.ops.sum(weights * inputs, axis=1) / keras.ops.sum(weights, axis=1)

    def compute_mask(self, inputs, mask=None):
        """Return no mask: there are no steps any more."""

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """Return the shape of the output: that of the input, without its steps."""
        return (input_shape[0], input_shape[-1])
