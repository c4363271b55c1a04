"""The whole network: image -> features -> memory -> text, with a CTC head beside the attention decoder."""

from typing import Any, NamedTuple

import keras
from keras import layers, ops

from aocr_core.config import ReadOptions
from aocr_core.model import beam, ctc, joint
from aocr_core.model.backbone import Backbone
from aocr_core.model.decoder import Decoded, Decoder
from aocr_core.model.encoder import Encoder
from aocr_core.model.presets import Network
from aocr_core.model.temperatures import Temperatures

Tensor = Any

DEFAULT = ReadOptions()
UNCALIBRATED = Temperatures()


class Encoded(NamedTuple):
    """The encoder's view of a batch of images."""

    memory: Tensor
    """`[batch, time, features]`"""
    lengths: Tensor
    """Valid time steps, `[batch]`"""


class AttentionOCR(keras.Model):
    """Reads one line of text in an image.

    Args:
        network: Sizes of the layers.
        symbols: Number of symbol ids, the special ones included.
        channels: 1 (brightness) or 3 (RGB).
        temperatures: How sure the heads are when they read; training knows nothing of them.
    """

    def __init__(
        self, network: Network, symbols: int, channels: int = 1, temperatures: Temperatures = UNCALIBRATED
    ) -> None:
        # In mixed precision each layer rounds what it is given; the images are not to be rounded at the door.
        super().__init__(name="attention_ocr", autocast=False)
        self.network = network
        self.channels = channels
        self.temperatures = temperatures
        self.backbone = Backbone(
            network.convolutions,
            standardise=network.standardise,
            pool_first=network.pool_first,
            name="backbone",
        )
        self.encoder = Encoder(
            network.encoder_units,
            network.encoder_layers,
            norm=network.encoder_norm,
            skip=network.encoder_skip,
            dropout=network.dropout,
            drop_whole=network.drop_whole,
            name="encoder",
        )
        self.decoder = Decoder(network, symbols, temperatures.attention, name="decoder")
        self.ctc = layers.Dense(symbols, dtype="float32", name="ctc")

    def encode(self, images: Tensor, widths: Tensor, training: bool = False) -> Encoded:
        """Images `[batch, height, width, channels]` in [-1, 1] with valid widths `[batch]` -> memory and lengths."""
        features, lengths = self.backbone(images, widths, training=training)
        return Encoded(self.encoder(features, lengths, training=training), lengths)

    def call(
        self, images: Tensor, widths: Tensor, inputs: Tensor, training: bool = False
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Teacher-forced pass for training.

        Args:
            images: `[batch, height, width, channels]` in [-1, 1].
            widths: Valid pixels of each row, `[batch]`.
            inputs: GO, then the symbols, `[batch, steps]`.
            training: As for Keras.

        Returns:
            decoder logits `[batch, steps, symbols]`, CTC logits `[batch, time, symbols]` (blank is id 0) and the valid
            time steps `[batch]`.
        """
        memory, lengths = self.encode(images, widths, training=training)
        logits, _ = self.decoder(memory, lengths, inputs, training=training)
        return logits, self.ctc(memory), lengths

    def read(self, images: Tensor, widths: Tensor, steps: int, options: ReadOptions = DEFAULT) -> Decoded:
        """Read images `[batch, height, width, channels]`, at most `steps` symbols with END; see `decode`."""
        return self.decode(self.encode(images, widths), steps, options)

    def decode(self, encoded: Encoded, steps: int, options: ReadOptions = DEFAULT) -> Decoded:
        """Read what was encoded.

        Args:
            encoded: What to read.
            steps: Most symbols of a text with its END.
            options: Whose reading is taken.

        Returns:
            The texts, with the probabilities of the head that read; of the joint reading see `joint.read`.
        """
        decoder = self.who_reads(options)
        memory, lengths = encoded
        if decoder == "attention":
            found = beam.search(self.decoder, memory, lengths, steps, options.beam_width)
            return Decoded(found.ids[:, 0], found.log_probabilities[:, 0])
        logits = ops.cast(self.ctc(memory), "float32") / self.temperatures.ctc
        if decoder == "ctc":
            return Decoded(*ctc.read(logits, lengths, steps))
        return joint.read(self.decoder, memory, logits, lengths, steps, options.beam_width)

    def who_reads(self, options: ReadOptions) -> str:
        """The decoder that was asked for, or else the network's usual one."""
        return options.decoder or ("joint" if self.network.joint_decoding else "attention")

    @classmethod
    def create(
        cls, network: Network, symbols: int, channels: int = 1, temperatures: Temperatures = UNCALIBRATED
    ) -> "AttentionOCR":
        """A model whose weights exist, so that they can be loaded or counted."""
        model = cls(network, symbols, channels, temperatures)
        width = 8 * network.width_stride
        images = keras.ops.zeros((1, network.height, width, channels))
        model(images, keras.ops.full((1,), width, dtype="int32"), keras.ops.ones((1, 2), dtype="int32"))
        return model
