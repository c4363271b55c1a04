"""The recurrent encoder: every time step comes to know the whole line."""

from typing import Any

from keras import layers, ops

from aocr_core.model import masking

Tensor = Any


class BidirectionalLSTM(layers.Layer):
    """An LSTM in each direction. The backward one starts at each row's own end, not in its padding.

    Turning the rows round by their lengths costs less than Keras' masks, which select old or new state at each step.
    """

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.forward = layers.LSTM(units, return_sequences=True, name="forward")
        self.backward = layers.LSTM(units, return_sequences=True, name="backward")

    def call(self, sequences: Tensor, lengths: Tensor) -> Tensor:
        """`[batch, time, features]` -> `[batch, time, 2 * units]`."""
        ahead = self.forward(sequences)
        back = masking.reverse(self.backward(masking.reverse(sequences, lengths)), lengths)
        return ops.concatenate([ahead, back], axis=-1)


class Encoder(layers.Layer):
    """A stack of bidirectional LSTMs."""

    def __init__(self, units: int, depth: int, dropout: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.stack = [BidirectionalLSTM(units, name=f"layer{index}") for index in range(depth)]
        self.dropout = layers.Dropout(dropout)

    def call(self, features: Tensor, lengths: Tensor, training: bool = False) -> Tensor:
        """`[batch, time, features]` and lengths `[batch]` -> memory `[batch, time, 2 * units]`."""
        for layer in self.stack:
            features = self.dropout(layer(features, lengths), training=training)
        return features
