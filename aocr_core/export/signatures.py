"""The graph that is exported: encoded images in, text out. `Recognizer` runs the same graph without exporting it."""

from typing import Any

import tensorflow as tf

from aocr_core import model_dir
from aocr_core.charset import FIRST_SYMBOL, GO, PAD
from aocr_core.config import ReadOptions
from aocr_core.data.preprocess import prepare_batch
from aocr_core.errors import UsageError
from aocr_core.model.folding import fold
from aocr_core.model.recognizer import DEFAULT, AttentionOCR
from aocr_core.model_dir import ModelConfig

Outputs = dict[str, tf.Tensor]


class ReadingGraph(tf.Module):
    """A model together with its preprocessing and its charset."""

    def __init__(self, model: AttentionOCR, config: ModelConfig, reading: ReadOptions = DEFAULT) -> None:
        super().__init__(name="aocr")
        self.model = model
        self.config = config
        self.reading = reading
        self.symbols = tf.constant(["", "", "", *config.charset.symbols], name="symbols")
        self.serve = tf.function(self._serve, input_signature=[tf.TensorSpec(None, tf.string, name="input")])
        self.details = tf.function(self._details, input_signature=[tf.TensorSpec([None], tf.string, name="input")])

    @classmethod
    def load(cls, directory: str, reading: ReadOptions | None = None) -> "ReadingGraph":
        """The model of a model directory, local or `gs://…`.

        Raises:
            AocrError: there is no usable model.
            UsageError: its CTC head, which is asked for, has learnt nothing.
        """
        model, config = model_dir.load_model(directory)
        reading = reading or DEFAULT
        if reading.decoder in ("ctc", "joint") and not config.training.ctc_weight:
            raise UsageError(f"{directory} was trained with --ctc-weight 0: it has only the decoder `attention`")
        return cls(model, config, reading)

    def folded(self) -> "ReadingGraph":
        """The same with fewer operations: see `aocr_core.model.folding`."""
        return ReadingGraph(fold(self.model), self.config, self.reading)

    def resolved_reading(self) -> ReadOptions:
        """How it reads, nothing left to the network."""
        return self.reading.model_copy(update={"decoder": self.model.who_reads(self.reading)})

    def signatures(self) -> dict[str, Any]:
        """What a SavedModel offers."""
        return {"serving_default": self.serve, "details": self.details}

    def _text(self, ids: tf.Tensor) -> tf.Tensor:
        """Ids `[batch, steps]` -> texts `[batch]`: the special ids stand for empty strings."""
        if self.config.charset.kind == "characters":
            return tf.strings.reduce_join(tf.gather(self.symbols, ids), axis=1)
        tokens = tf.RaggedTensor.from_tensor(ids, padding=PAD)
        tokens = tf.ragged.boolean_mask(tokens, tokens >= FIRST_SYMBOL)
        return tf.strings.reduce_join(tf.gather(self.symbols, tokens), axis=-1, separator=" ")

    def _serve(self, encoded: tf.Tensor) -> Outputs:
        """Encoded images of any shape -> `output` and `probability`, shaped like them."""
        images, widths = prepare_batch(tf.reshape(encoded, [-1]), self.config.image)
        decoded = self.model.read(images, widths, self.config.steps, self.reading)
        shape = tf.shape(encoded)
        return {
            "output": tf.reshape(self._text(decoded.ids), shape),
            "probability": tf.reshape(tf.exp(tf.reduce_sum(decoded.log_probabilities, axis=1)), shape),
        }

    def _details(self, encoded: tf.Tensor) -> Outputs:
        """Encoded images `[batch]` -> texts, and how sure each symbol is and where it was seen.

        Returns:
            `output`, `probability` `[batch]`; `symbols` `[batch, steps]`, "" from the end on; `symbol_probabilities`
            `[batch, steps]`, the end's included, 0 behind it; `attention` `[batch, steps, time]`; `time_steps`
            `[batch]`, how many of the time steps lie within the image.
        """
        images, widths = prepare_batch(encoded, self.config.image)
        encoding = self.model.encode(images, widths)
        memory, lengths = encoding
        ids, logs = self.model.decode(encoding, self.config.steps, self.reading)
        # The decoding keeps no attention; with the symbols known, one teacher-forced pass gives all of it.
        _, attention = self.model.decoder(
            memory, lengths, tf.concat([tf.fill([tf.shape(ids)[0], 1], GO), ids[:, :-1]], axis=1)
        )
        if self.config.image.mirrored:  # the time steps run along the image that was given
            attention = tf.reverse_sequence(attention, lengths, seq_axis=2, batch_axis=0)
        written = ids >= FIRST_SYMBOL
        return {
            "output": self._text(ids),
            "probability": tf.exp(tf.reduce_sum(logs, axis=1)),
            "symbols": tf.where(written, tf.gather(self.symbols, ids), ""),
            "symbol_probabilities": tf.where(ids == PAD, 0.0, tf.exp(logs)),
            "attention": tf.where(written[:, :, None], attention, 0.0),
            "time_steps": lengths,
        }
