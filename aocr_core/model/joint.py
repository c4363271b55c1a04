"""Two opinions on one image: what the CTC head reads, and how likely CTC finds a text.

The attention decoder may skip or repeat symbols where letters look alike; CTC cannot, but knows nothing of what it has
written so far. Of their two readings the one is taken that both together find likelier (Watanabe et al., "Hybrid
CTC/Attention Architecture for End-to-End Speech Recognition", https://doi.org/10.1109/JSTSP.2017.2763455, section
III-C, without the beam).
"""

from typing import Any

from keras import ops

from aocr_core.charset import END, FIRST_SYMBOL, PAD
from aocr_core.model import masking

Tensor = Any

CTC_SHARE = 0.3
"""Share of CTC's log probability in the comparison, the rest is the attention decoder's."""
NEVER = -1e9
"""Log probability of what cannot be; finite, so that differences of two stay numbers."""


def best_path(logits: Tensor, lengths: Tensor, steps: int) -> tuple[Tensor, Tensor]:
    """The likeliest symbol at each time, repetitions merged and blanks dropped.

    Args:
        logits: The CTC head's, `[batch, time, symbols]`; the blank is id 0.
        lengths: Valid time steps, `[batch]`.
        steps: Most symbols of a text with its END.

    Returns:
        ids `[batch, steps]`, END behind the text and PAD behind that, and whether the text fits, `[batch]`.
    """
    best = ops.cast(ops.argmax(logits, axis=-1), "int32")
    before = ops.pad(best[:, :-1], ((0, 0), (1, 0)))
    valid = masking.valid(lengths, ops.shape(best)[1], "bool")
    new = ops.cast(ops.logical_and(ops.logical_and(best != before, best >= FIRST_SYMBOL), valid), "int32")
    places = ops.cumsum(new, axis=1) * new - 1  # -1: no place
    count = ops.sum(new, axis=1)
    written = ops.one_hot(places, steps, dtype="int32") * best[:, :, None]
    return ops.sum(written, axis=1) + END * ops.one_hot(count, steps, dtype="int32"), count < steps


def log_probability(logits: Tensor, lengths: Tensor, ids: Tensor) -> Tensor:
    """How likely CTC finds texts: the forward algorithm (Graves et al. 2006, section 4.1).

    Args:
        logits: The CTC head's, `[batch, time, symbols]`; the blank is id 0.
        lengths: Valid time steps, `[batch]`.
        ids: Texts as in `best_path`, `[batch, steps]`.

    Returns:
        Log probabilities `[batch]`; about `NEVER` for a text that does not fit into its time steps.
    """
    symbols = ops.where(ids >= FIRST_SYMBOL, ids, PAD)
    lengths = ops.cast(lengths, "int32")
    batch, steps = ops.shape(symbols)
    places = 2 * steps + 1
    # A blank before, between and behind the symbols.
    path = ops.pad(ops.reshape(ops.stack([ops.zeros_like(symbols), symbols], axis=-1), (batch, -1)), ((0, 0), (0, 1)))
    logs = ops.log_softmax(ops.cast(logits, "float32"), axis=-1)
    time = ops.shape(logs)[1]
    emitted = ops.take_along_axis(logs, ops.broadcast_to(path[:, None, :], (batch, time, places)), axis=-1)
    # A blank may be passed over between two symbols, unless they are alike.
    earlier = ops.pad(path[:, :-2], ((0, 0), (2, 0)))
    skip = ops.where(ops.logical_and(path != PAD, path != earlier), 0.0, NEVER)
    start = ops.broadcast_to(ops.where(ops.arange(places) == 0, 0.0, NEVER)[None], (batch, places))

    def shifted(scores: Tensor, by: int) -> Tensor:
        return ops.pad(scores[:, :-by], ((0, 0), (by, 0)), constant_values=NEVER)

    def advance(step: Tensor, scores: Tensor) -> tuple[Tensor, Tensor]:
        ways = ops.logaddexp(scores, shifted(scores, 1))
        ways = ops.logaddexp(ways, shifted(scores, 2) + skip)
        new = ops.maximum(ways + ops.take(emitted, step, axis=1), NEVER)
        return step + 1, ops.where((step < lengths)[:, None], new, scores)

    # `start` stands before the first time step: only the first blank and the first symbol can be reached from it.
    first = ops.convert_to_tensor(0, dtype="int32")
    _, scores = ops.while_loop(lambda step, _: step < time, advance, (first, start))
    last = 2 * ops.sum(ops.cast(symbols != PAD, "int32"), axis=1)
    at_end = ops.take_along_axis(scores, last[:, None], axis=1)[:, 0]
    before_end = ops.take_along_axis(scores, ops.maximum(last - 1, 0)[:, None], axis=1)[:, 0]
    return ops.where(last > 0, ops.logaddexp(at_end, before_end), at_end)
