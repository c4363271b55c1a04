"""The attention decoder: teacher-forced over known symbols, or greedy until every row has ended."""

from typing import Any, NamedTuple

from keras import layers, ops

from aocr_core.charset import END, GO, PAD
from aocr_core.model import operations
from aocr_core.model.attention import FAR_BELOW, AttentionCell
from aocr_core.model.presets import Network

Tensor = Any


class Decoded(NamedTuple):
    """What was read, and how likely the head finds it that read last."""

    ids: Tensor
    """Symbol ids `[batch, steps]`; END once the text is over, PAD behind it."""
    log_probabilities: Tensor
    """Log probability of each symbol, END included, `[batch, steps]`; 0 behind the end."""


def without_special(logits: Tensor) -> Tensor:
    """Logits `[..., symbols]` that leave nothing to PAD and GO, which are no symbols and are never taken."""
    return logits + FAR_BELOW * ops.sum(ops.one_hot([PAD, GO], logits.shape[-1]), axis=0)


class Embedding(layers.Embedding):
    """Keras' layer, with fewer operations."""

    def call(self, ids: Tensor) -> Tensor:
        """Ids `[...]` -> `[..., embedding]`."""
        return ops.cast(operations.take(self.embeddings, ids, axis=0), self.compute_dtype)


class Decoder(layers.Layer):
    """Embedding, attention cell and the layer that scores the symbols.

    Args:
        network: Sizes of the layers.
        symbols: Number of symbol ids, the special ones included.
        temperature: What the logits are divided by when it reads; training and `call` know nothing of it.
    """

    def __init__(self, network: Network, symbols: int, temperature: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.network = network
        self.temperature = temperature
        self.embedding = Embedding(symbols, network.embedding_size, name="embedding")
        self.cell = AttentionCell(
            network.decoder_cell,
            network.decoder_units,
            network.decoder_layers,
            network.decoder_input,
            network.attention_units,
            network.location_kernel,
            network.value_units,
            name="attention_cell",
        )
        self.recurrence = layers.RNN(self.cell, return_sequences=True, name="recurrence")
        self.dropout = layers.Dropout(network.dropout)
        self.score = layers.Dense(symbols, dtype="float32", name="score")

    def build(self, memory_shape: Any) -> None:
        """Create the weights from the shape of the memory, `[batch, time, features]`."""
        self.embedding.build((None, None))
        self.cell.build((None, self.network.embedding_size), memory_shape)
        self.score.build((None, None, self.cell.units + self.cell.context_units))
        self.built = True

    def call(self, memory: Tensor, lengths: Tensor, inputs: Tensor, training: bool = False) -> tuple[Tensor, Tensor]:
        """Score the next symbol after each of the given ones (teacher forcing).

        Args:
            memory: `[batch, time, features]`.
            lengths: Valid time steps, `[batch]`.
            inputs: GO, then the symbols, integers `[batch, steps]`.
            training: Drop features.

        Returns:
            logits `[batch, steps, symbols]` and attention weights `[batch, steps, time]`.
        """
        states = self.cell.start(memory, lengths)
        outputs = self.recurrence(self.embedding(inputs), initial_state=states)
        size = self.cell.units + self.cell.context_units
        logits = self.score(self.dropout(outputs[..., :size], training=training))
        return logits, outputs[..., size:]

    def greedy(self, memory: Tensor, lengths: Tensor, steps: int) -> Decoded:
        """Take the likeliest symbol at each step, at most `steps` of them, END included.

        The loop ends as soon as every row has ended. What a row gives does not depend on the others. The last step is
        kept for END: a text that would go on is cut before it.
        """
        states = self.cell.start(memory, lengths)
        return self._follow(states, ops.full((ops.shape(memory)[0], steps), PAD, dtype="int32"))

    def judge(self, memory: Tensor, lengths: Tensor, ids: Tensor) -> Decoded:
        """How likely the decoder finds given texts.

        Args:
            memory: `[batch, time, features]`.
            lengths: Valid time steps, `[batch]`.
            ids: Symbols, END, then PAD, `[batch, steps]`.
        """
        return self._follow(self.cell.start(memory, lengths), ids)

    def greedy_and_judge(self, memory: Tensor, lengths: Tensor, ids: Tensor) -> tuple[Decoded, Decoded]:
        """What `greedy` and `judge` give, in one loop: with few rows its steps cost the same whatever they do.

        Arguments as for `judge`.
        """
        states = [ops.concatenate([state, state], axis=0) for state in self.cell.start(memory, lengths)]
        found = self._follow(states, ops.concatenate([ops.full_like(ids, PAD), ids], axis=0))
        halves = [ops.split(part, 2, axis=0) for part in found]
        return Decoded(*(half[0] for half in halves)), Decoded(*(half[1] for half in halves))

    def _follow(self, states: list[Tensor], given: Tensor) -> Decoded:
        """Go from step to step, in each row to the likeliest symbol, or, where `given` does not begin with PAD, through
        the text that stands there.

        Args:
            states: The cell's first.
            given: `[batch, steps]`.
        """
        given = ops.cast(given, "int32")
        batch, steps = ops.shape(given)[0], given.shape[1]
        free = given[:, 0] == PAD
        ids = ops.full((batch, steps), PAD, dtype="int32")
        scores = ops.zeros((batch, steps), dtype="float32")
        last = ops.full((batch,), GO, dtype="int32")
        going = ops.ones((batch,), dtype="bool")
        symbols = ops.arange(self.score.units, dtype="int32")

        def unfinished(step: Tensor, last: Tensor, going: Tensor, *rest: Tensor) -> Tensor:
            return ops.logical_and(step < steps, ops.any(going))

        def advance(step: Tensor, last: Tensor, going: Tensor, ids: Tensor, scores: Tensor, *states: Tensor) -> Any:
            outputs, new_states = self.cell(self.embedding(last), list(states))
            logs = self.symbol_logs(outputs)
            next = ops.where(free, operations.argmax(logs), operations.take(given, step, axis=1))
            taken = ops.logical_and(going, ops.logical_or(next == END, step < steps - 1))
            gained = ops.sum(ops.where(symbols == next[:, None], logs, 0.0), axis=1)
            here = ops.logical_and(taken[:, None], ops.arange(steps) == step)
            ids, scores = ops.where(here, next[:, None], ids), ops.where(here, gained[:, None], scores)
            going = ops.logical_and(going, next != END)
            return (step + 1, next, going, ids, scores, *new_states)

        start = (ops.convert_to_tensor(0, dtype="int32"), last, going, ids, scores, *states)
        result = ops.while_loop(unfinished, advance, start, maximum_iterations=steps)
        return Decoded(result[3], result[4])

    def symbol_logs(self, outputs: Tensor) -> Tensor:
        """Log probabilities of the symbols and END, `[..., symbols]`, from the cell's outputs."""
        logits = ops.cast(self.score(outputs[..., : self.cell.units + self.cell.context_units]), "float32")
        return ops.log_softmax(without_special(logits / self.temperature), axis=-1)
