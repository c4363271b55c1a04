"""One step of the decoder: a recurrent cell that looks at the encoder's memory through additive attention.

Additive attention and input feeding as in Vinyals et al., "Grammar as a Foreign Language", https://arxiv.org/abs/1412.7449,
section 2.1, which the original aocr used. With a location kernel, the attention also sees where it has looked before:
at the last step (Chorowski et al., "Attention-Based Models for Speech Recognition", https://arxiv.org/abs/1506.07503,
section 2.2) and in all steps together (Shen et al., https://arxiv.org/abs/1712.05884, section 2.2), so that it skips
fewer symbols.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from keras import layers, ops

from aocr_core.model import masking, operations

Tensor = Any

FAR_BELOW = -1e9
"""Added to the energies of padding: softmax gives it exactly 0."""


class Memory(NamedTuple):
    """What the decoder attends to. The keys do not depend on the step, so they are computed once."""

    values: Tensor
    """`[batch, time, value units]`"""
    keys: Tensor
    """`[batch, time, attention units]`"""
    bias: Tensor
    """`[batch, time]`: 0, or `FAR_BELOW` in the padding."""


class AttentionCell(layers.Layer):
    """Recurrent cell with attention, to be run by `keras.layers.RNN` or one step at a time.

    Its states are those of the inner cells, then the last context, with a location kernel the last attention and the
    sum of all attention so far, then the three tensors of `Memory`, which pass through unchanged: a cell has no other
    way to be told what to attend to.
    """

    def __init__(
        self,
        cell: str,
        units: int,
        depth: int,
        input_units: int | None,
        attention_units: int,
        location_kernel: int | None = None,
        value_units: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        kind = {"lstm": layers.LSTMCell, "gru": layers.GRUCell}[cell]
        self.cells = [kind(units, name=f"cell{index}") for index in range(depth)]
        self.states_per_cell = 2 if cell == "lstm" else 1
        self.units = units
        self.feed = layers.Dense(input_units, name="feed") if input_units else None
        self.key = layers.Dense(attention_units, use_bias=False, name="key")
        self.value = layers.Dense(value_units, use_bias=False, name="value") if value_units else None
        self.query = layers.Dense(attention_units, name="query")
        self.energy = layers.Dense(1, use_bias=False, name="energy")
        self.location = (
            layers.Conv1D(attention_units, location_kernel, padding="same", use_bias=False, name="location")
            if location_kernel
            else None
        )
        self.bridge = layers.Dense(units * depth * self.states_per_cell, activation="tanh", name="bridge")
        self.context_units = 0

    def build(self, input_shape: Any, memory_shape: Any = None) -> None:
        """Create the weights from the shapes `[batch, embedding]` and `[batch, time, features]`."""
        if memory_shape is None:
            return  # keras.layers.RNN asks again when the cell has long been built
        features = memory_shape[-1]
        self.context_units = self.value.units if self.value is not None else features
        size = input_shape[-1] + self.context_units
        if self.feed is not None:
            self.feed.build((None, size))
            size = self.feed.units
        for cell in self.cells:
            cell.build((None, size))
            size = self.units
        self.key.build(memory_shape)
        if self.value is not None:
            self.value.build(memory_shape)
        self.query.build((None, self.units))
        self.energy.build((None, self.query.units))
        if self.location is not None:
            self.location.build((None, None, 2))
        self.bridge.build((None, features))
        self.built = True

    @property
    def state_size(self) -> list[int]:
        """Sizes of the recurrent states and the context (those of the memory vary with the batch)."""
        return [self.units] * (len(self.cells) * self.states_per_cell) + [self.context_units]

    def start(self, features: Tensor, lengths: Tensor) -> list[Tensor]:
        """First states: cells from the mean of the memory, an empty context, and the memory itself.

        Args:
            features: The encoder's output, `[batch, time, features]`.
            lengths: Valid time steps, `[batch]`.
        """
        mask = masking.valid(lengths, ops.shape(features)[1], features.dtype)
        steps = ops.cast(ops.maximum(lengths, 1), features.dtype)
        share = mask / steps[:, None]
        mean = ops.squeeze(ops.matmul(share[:, None, :], features), axis=1)
        states = ops.split(self.bridge(mean), len(self.cells) * self.states_per_cell, axis=-1)
        values = self.value(features) if self.value is not None else features
        memory = Memory(values, self.key(features), (1.0 - mask) * FAR_BELOW)
        seen = [ops.zeros_like(memory.bias)] * (2 if self.location is not None else 0)
        return [*states, ops.zeros_like(values[:, 0]), *seen, *memory]

    def attend(
        self, output: Tensor, memory: Memory, seen: Sequence[Tensor] = (), training: bool = False
    ) -> tuple[Tensor, Tensor]:
        """Look at the memory.

        Args:
            output: The cell's, `[batch, units]`.
            memory: What to look at.
            seen: With a location kernel, the last attention and the sum of all so far, each `[batch, time]`.
            training: Whether gradients will be asked for.

        Returns:
            weights over time `[batch, time]` and the context `[batch, value units]`.
        """
        hidden = memory.keys + self.query(output)[:, None, :]
        if self.location is not None:
            where = ops.stack(seen, axis=-1)
            hidden = hidden + (self.location(where) if training else _convolved(where, self.location.kernel))
        batch, time, units = ops.shape(hidden)
        # One row a time step: a product of matrices costs a third of one of three axes.
        energies = ops.reshape(self.energy(ops.reshape(ops.tanh(hidden), (-1, units))), (batch, time))
        # The softmax sums over all time steps, more than bfloat16 can count.
        weights = ops.cast(_softmax(ops.cast(energies + memory.bias, "float32")), memory.values.dtype)
        context = ops.squeeze(ops.matmul(weights[:, None, :], memory.values), axis=1)
        return weights, context

    def call(self, inputs: Tensor, states: list[Tensor], training: bool = False) -> tuple[Tensor, list[Tensor]]:
        """Read one symbol's embedding `[batch, embedding]`.

        Returns:
            outputs `[batch, units + value units + time]` (cell output, context, attention weights) and the new states.
        """
        count = len(self.cells) * self.states_per_cell
        recurrent, context, seen, memory = states[:count], states[count], states[count + 1 : -3], Memory(*states[-3:])
        output = ops.concatenate([inputs, context], axis=-1)
        if self.feed is not None:
            output = self.feed(output)
        carried: list[Tensor] = []
        for index, cell in enumerate(self.cells):
            first = index * self.states_per_cell
            output, new = cell(output, recurrent[first : first + self.states_per_cell])
            carried.extend(new)
        weights, context = self.attend(output, memory, seen, training)
        if self.location is not None:
            seen = [weights, seen[1] + weights]
        return ops.concatenate([output, context, weights], axis=-1), [*carried, context, *seen, *memory]


def _convolved(sequences: Tensor, kernel: Tensor) -> Tensor:
    """What a Conv1D with this kernel `[width, channels in, channels out]` gives for `[batch, time, channels in]`, with
    the ends padded: on a few short sequences in a third of the time, but its gradient would cost more.
    """
    width, channels, filters = kernel.shape
    batch, time, _ = ops.shape(sequences)
    padded = ops.pad(sequences, ((0, 0), ((width - 1) // 2, width // 2), (0, 0)))
    windows = operations.take(padded, ops.arange(time)[:, None] + ops.arange(width), axis=1)
    rows = ops.reshape(windows, (-1, width * channels))
    return ops.reshape(
        ops.matmul(rows, ops.cast(ops.reshape(kernel, (-1, filters)), rows.dtype)), (batch, time, filters)
    )


def _softmax(energies: Tensor) -> Tensor:
    """Softmax over the last axis. For as few numbers as these, setting up the kernel of oneDNN takes longer."""
    powers = ops.exp(energies - ops.stop_gradient(ops.max(energies, axis=-1, keepdims=True)))
    return powers / ops.sum(powers, axis=-1, keepdims=True)
