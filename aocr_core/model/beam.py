"""Beam search over the attention decoder: the likeliest whole texts, where `Decoder.greedy` takes symbol by symbol."""

from typing import Any, NamedTuple

from keras import ops

from aocr_core.charset import END, GO, PAD
from aocr_core.model import operations
from aocr_core.model.decoder import Decoder

Tensor = Any

NEVER = -1e9
"""Log probability of what cannot be; finite, so that sums and differences stay numbers."""
STATES_OF_MEMORY = 3
"""The last states of the attention cell are what it looks at: the same in all hypotheses of an image."""


class Beams(NamedTuple):
    """The texts that were found for each image, the likeliest first."""

    ids: Tensor
    """Symbol ids `[batch, width, steps]`; END once the text is over, PAD behind it."""
    log_probabilities: Tensor
    """Log probability of each symbol, END included, `[batch, width, steps]`; 0 behind the end."""


def search(decoder: Decoder, memory: Tensor, lengths: Tensor, steps: int, width: int) -> Beams:
    """Follow the `width` likeliest beginnings at a time (Sutskever et al., https://arxiv.org/abs/1409.3215,
    section 3.2).

    A width of 1 is `Decoder.greedy`. Else every text has its END, at the last step at the latest; what a beam that is
    wider than there are texts holds besides them are repetitions, ranked last.

    Args:
        decoder: The decoder.
        memory: `[batch, time, features]`.
        lengths: Valid time steps, `[batch]`.
        steps: Most symbols of a text with its END.
        width: Texts to follow.
    """
    if width == 1:
        return Beams(*(part[:, None] for part in decoder.greedy(memory, lengths, steps)))
    batch = ops.shape(memory)[0]
    start = [ops.repeat(state, width, axis=0) for state in decoder.cell.start(memory, lengths)]
    states, looked_at = start[:-STATES_OF_MEMORY], start[-STATES_OF_MEMORY:]
    symbols = decoder.score.units
    behind_end = NEVER * (1.0 - ops.one_hot(PAD, symbols))
    only_end = ops.one_hot(END, symbols, dtype="bool")
    first_row = ops.arange(batch, dtype="int32")[:, None] * width
    # All beams of an image begin alike: only the first may be continued, or all would stay alike.
    totals = ops.repeat(ops.where(ops.arange(width) == 0, 0.0, NEVER)[None], batch, axis=0)
    last = ops.full((batch, width), GO, dtype="int32")
    going = ops.ones((batch, width), dtype="bool")
    ids = ops.full((steps, batch, width), PAD, dtype="int32")
    scores = ops.zeros((steps, batch, width), dtype="float32")

    def unfinished(step: Tensor, last: Tensor, going: Tensor, *rest: Tensor) -> Tensor:
        return ops.logical_and(step < steps, ops.any(going))

    def advance(
        step: Tensor, last: Tensor, going: Tensor, totals: Tensor, ids: Tensor, scores: Tensor, *states: Tensor
    ) -> Any:
        inputs = decoder.embedding(ops.reshape(last, (-1,)))
        outputs, new_states = decoder.cell(inputs, [*states, *looked_at])
        logs = decoder.symbol_logs(outputs)
        logs = ops.where(ops.logical_or(step < steps - 1, only_end), logs, NEVER)
        logs = ops.where(going[:, :, None], ops.reshape(logs, (batch, width, symbols)), behind_end)
        new_totals = ops.reshape(totals[:, :, None] + logs, (batch, width * symbols))
        found, places = ops.top_k(new_totals, width)
        parents, chosen = ops.cast(places // symbols, "int32"), ops.cast(places % symbols, "int32")
        gained = ops.take_along_axis(ops.reshape(logs, (batch, width * symbols)), places, axis=1)
        rows = ops.reshape(first_row + parents, (-1,))
        ids, scores = _reordered(ids, parents), _reordered(scores, parents)
        return (
            step + 1,
            chosen,
            ops.logical_and(ops.take_along_axis(going, parents, axis=1), chosen != END),
            found,
            operations.put(ids, step, chosen),
            operations.put(scores, step, gained),
            *(ops.take(state, rows, axis=0) for state in new_states[:-STATES_OF_MEMORY]),
        )

    begin = (ops.convert_to_tensor(0, dtype="int32"), last, going, totals, ids, scores, *states)
    _, _, _, _, ids, scores, *_ = ops.while_loop(unfinished, advance, begin, maximum_iterations=steps)
    return Beams(ops.transpose(ids, (1, 2, 0)), ops.transpose(scores, (1, 2, 0)))


def _reordered(rows: Tensor, parents: Tensor) -> Tensor:
    """What the beams `[steps, batch, width]` have written so far, in the order of `parents` `[batch, width]`."""
    return ops.take_along_axis(rows, ops.broadcast_to(parents[None], ops.shape(rows)), axis=2)
