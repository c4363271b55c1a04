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
    """`[batch, time, features]`"""
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
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        kind = {"lstm": layers.LSTMCell, "gru": layers.GRUCell}[cell]
        self.cells = [kind(units, name=f"cell{index}") for index in range(depth)]
        self.states_per_cell = 2 if cell == "lstm" else 1
        self.units = units
        self.feed = layers.Dense(input_units, name="feed") if input_units else None
        self.key = layers.Dense(attention_units, use_bias=False, name="key")
        self.query = layers.Dense(attention_units, name="query")
        self.energy = layers.Dense(1, use_bias=False, name="energy")
        self.location = (
            layers.Conv1D(attention_units, location_kernel, padding="same", use_bias=False, name="location")
            if location_kernel
            else None
        )
        self.bridge = layers.Dense(units * depth * self.states_per_cell, activation="tanh", name="bridge")
        self.features = 0

    def build(self, input_shape: Any, memory_shape: Any = None) -> None:
        """Create the weights from the shapes `[batch, embedding]` and `[batch, time, features]`."""
        if memory_shape is None:
            return  # keras.layers.RNN asks again when the cell has long been built
        embedding, self.features = input_shape[-1], memory_shape[-1]
        size = embedding + self.features
        if self.feed is not None:
            self.feed.build((None, size))
            size = self.feed.units
        for cell in self.cells:
            cell.build((None, size))
            size = self.units
        self.key.build(memory_shape)
        self.query.build((None, self.units))
        self.energy.build((None, None, self.query.units))
        if self.location is not None:
            self.location.build((None, None, 2))
        self.bridge.build((None, self.features))
        self.built = True

    @property
    def state_size(self) -> list[int]:
        """Sizes of the recurrent states and the context (those of the memory vary with the batch)."""
        return [self.units] * (len(self.cells) * self.states_per_cell) + [self.features]

    def start(self, values: Tensor, lengths: Tensor) -> list[Tensor]:
        """First states: cells from the mean of the memory, an empty context, and the memory itself.

        Args:
            values: The encoder's output, `[batch, time, features]`.
            lengths: Valid time steps, `[batch]`.
        """
        mask = masking.valid(lengths, ops.shape(values)[1], values.dtype)
        steps = ops.cast(ops.maximum(lengths, 1), values.dtype)
        share = mask / steps[:, None]
        mean = ops.squeeze(ops.matmul(share[:, None, :], values), axis=1)
        states = ops.split(self.bridge(mean), len(self.cells) * self.states_per_cell, axis=-1)
        memory = Memory(values, self.key(values), (1.0 - mask) * FAR_BELOW)
        seen = [ops.zeros_like(memory.bias)] * (2 if self.location is not None else 0)
        return [*states, ops.zeros_like(mean), *seen, *memory]

    def attend(self, output: Tensor, memory: Memory, seen: Sequence[Tensor] = ()) -> tuple[Tensor, Tensor]:
        """Look at the memory.

        Args:
            output: The cell's, `[batch, units]`.
            memory: What to look at.
            seen: With a location kernel, the last attention and the sum of all so far, each `[batch, time]`.

        Returns:
            weights over time `[batch, time]` and the context `[batch, features]`.
        """
        hidden = memory.keys + self.query(output)[:, None, :]
        if self.location is not None:
            hidden = hidden + _located(self.location, ops.stack(seen, axis=-1))
        energies = self.energy(ops.tanh(hidden))
        # The softmax sums over all time steps, more than bfloat16 can count.
        energies = ops.cast(ops.squeeze(energies, axis=-1) + memory.bias, "float32")
        weights = ops.cast(ops.softmax(energies, axis=-1), memory.values.dtype)
        context = ops.squeeze(ops.matmul(weights[:, None, :], memory.values), axis=1)
        return weights, context

    def call(self, inputs: Tensor, states: list[Tensor], training: bool = False) -> tuple[Tensor, list[Tensor]]:
        """Read one symbol's embedding `[batch, embedding]`.

        Returns:
            outputs `[batch, units + features + time]` (cell output, context, attention weights) and the new states.
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
        weights, context = self.attend(output, memory, seen)
        if self.location is not None:
            seen = [weights, seen[1] + weights]
        return ops.concatenate([output, context, weights], axis=-1), [*carried, context, *seen, *memory]


def _located(location: layers.Conv1D, seen: Tensor) -> Tensor:
    """The convolution over earlier attention, `[batch, time, 2]` -> `[batch, time, attention units]`."""
    if not operations.converting():
        return location(seen)
    # The converter to ONNX does not know the shape of a kernel that is used in a loop behind a condition.
    width, time = location.kernel.shape[0], ops.shape(seen)[1]
    padded = ops.pad(seen, ((0, 0), ((width - 1) // 2, width // 2), (0, 0)))
    windows = ops.concatenate([padded[:, place : place + time] for place in range(width)], axis=-1)
    return ops.matmul(windows, ops.reshape(location.kernel, (2 * width, location.filters)))
