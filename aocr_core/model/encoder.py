"""The recurrent encoder: every time step comes to know the whole line."""

from typing import Any

from keras import layers, ops

from aocr_core.model import masking, operations

Tensor = Any


class BidirectionalLSTM(layers.Layer):
    """An LSTM in each direction. The backward one starts at each row's own end, not in its padding.

    Turning the rows round by their lengths costs less than Keras' masks, which select old or new state at each step.
    """

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.forward = layers.LSTM(units, return_sequences=True, name="forward")
        self.backward = layers.LSTM(units, return_sequences=True, name="backward")
        self.packed: tuple[Any, Any] = (None, None)

    def build(self, sequences_shape: Any, lengths_shape: Any) -> None:
        """Create the weights from the shape `[batch, time, features]`."""
        for layer in (self.forward, self.backward):
            layer.build(sequences_shape)
        self.built = True

    def pack(self) -> None:
        """Put the weights in the order in which TensorFlow's kernel takes them, once: at each reading it would be a
        quarter of the time of a single image. From then on they must not change.
        """
        if not operations.tensorflow_only():
            return
        from aocr_core.model import recurrence

        ahead, back = (
            recurrence.pack(*(weight.value for weight in layer.cell.weights)) for layer in (self.forward, self.backward)
        )
        self.packed = (ahead, back)

    def call(self, sequences: Tensor, lengths: Tensor, training: bool = False) -> Tensor:
        """`[batch, time, features]` -> `[batch, time, 2 * units]`."""
        places = masking.reversal(lengths, ops.shape(sequences)[1])
        ahead = self._run(self.forward, sequences, training, self.packed[0])
        back = self._run(self.backward, masking.reverse(sequences, places), training, self.packed[1])
        return ops.concatenate([ahead, masking.reverse(back, places)], axis=-1)

    def _run(self, layer: layers.LSTM, sequences: Tensor, training: bool, packed: Any) -> Tensor:
        if not operations.tensorflow_only():
            return layer(sequences)
        from aocr_core.model import recurrence

        return recurrence.run(layer, sequences, training, packed)


class Encoder(layers.Layer):
    """A stack of bidirectional LSTMs.

    With `norm`, features are brought to unit variance before the first LSTM and after each one (Ba et al., "Layer
    Normalization", https://arxiv.org/abs/1607.06450). The outputs of an untrained LSTM are so small that both heads
    first learn how often each symbol occurs, and only much later to look: on number plates the losses left that plateau
    after some 100 steps instead of 200.

    With `drop_whole`, a feature is dropped at all time steps of a line or at none (Gal and Ghahramani, "A Theoretically
    Grounded Application of Dropout in Recurrent Neural Networks", https://arxiv.org/abs/1512.05287): there is less to
    draw.
    """

    def __init__(
        self, units: int, depth: int, *, norm: bool, skip: bool, dropout: float, drop_whole: bool, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.stack = [BidirectionalLSTM(units, name=f"layer{index}") for index in range(depth)]
        self.norms = [layers.LayerNormalization(name=f"norm{index}") for index in range(depth + 1)] if norm else []
        self.skip = skip
        self.dropout = layers.Dropout(dropout, noise_shape=(None, 1, None) if drop_whole else None)

    def call(self, features: Tensor, lengths: Tensor, training: bool = False) -> Tensor:
        """Read the sequences in both directions.

        Args:
            features: `[batch, time, features]`.
            lengths: Valid time steps, `[batch]`.
            training: Drop features and outputs.

        Returns:
            Memory `[batch, time, 2 * units]`; with `skip`, the normalised features follow in it.
        """
        features = self.dropout(features, training=training)
        outputs = local = self.norms[0](features) if self.norms else features
        for index, layer in enumerate(self.stack):
            outputs = layer(outputs, lengths, training=training)
            if self.norms:
                outputs = self.norms[index + 1](outputs)
            outputs = self.dropout(outputs, training=training)
        return ops.concatenate([outputs, local], axis=-1) if self.skip else outputs
