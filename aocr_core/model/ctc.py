"""What the CTC head reads, and how likely it finds a text.

After Graves et al., "Connectionist Temporal Classification", 2006, https://www.cs.toronto.edu/~graves/icml_2006.pdf.

The blank is id 0, as padding is: no symbol has it.
"""

from typing import Any

from keras import ops

from aocr_core.charset import END, FIRST_SYMBOL, PAD
from aocr_core.model import masking, operations
from aocr_core.model.beam import NEVER

Tensor = Any


def best_path(logits: Tensor, lengths: Tensor, steps: int) -> Tensor:
    """The likeliest symbol at each time, repetitions merged and blanks dropped.

    Args:
        logits: The CTC head's, `[batch, time, symbols]`; the blank is id 0.
        lengths: Valid time steps, `[batch]`.
        steps: Most symbols of a text with its END.

    Returns:
        ids `[batch, steps]`, END behind the text and PAD behind that; without END, the text is longer.
    """
    best = _best(logits, lengths)
    return _written(best, _places(best), steps)


def read(logits: Tensor, lengths: Tensor, steps: int) -> tuple[Tensor, Tensor]:
    """The text of the best path, as `Decoder.greedy` gives its own.

    Args:
        logits: The CTC head's, `[batch, time, symbols]`; the blank is id 0.
        lengths: Valid time steps, `[batch]`.
        steps: Most symbols of a text with its END.

    Returns:
        ids and log probabilities, `[batch, steps]`: of a symbol, where it is seen best; of END, what is missing to the
        probability of the whole text, or 0 where faint paths make that likelier than its symbols. A text without room
        for END is cut before the last step.
    """
    best = _best(logits, lengths)
    places = _places(best)
    ids = _written(best, places, steps)
    ids = ops.where(ops.logical_and(ops.arange(steps) == steps - 1, ids != END), PAD, ids)
    logs = ops.max(ops.log_softmax(logits, axis=-1), axis=-1)
    seen = ops.where(
        ops.logical_and(_same_place(places, steps), (best >= FIRST_SYMBOL)[:, :, None]), logs[:, :, None], NEVER
    )
    symbols = ops.where(ids >= FIRST_SYMBOL, ops.max(seen, axis=1), 0.0)
    rest = ops.minimum(log_probability(logits, lengths, ids) - ops.sum(symbols, axis=1), 0.0)
    return ids, ops.where(ids == END, rest[:, None], symbols)


def log_probability(logits: Tensor, lengths: Tensor, ids: Tensor) -> Tensor:
    """How likely CTC finds texts.

    Args:
        logits: The CTC head's, `[batch, time, symbols]`; the blank is id 0.
        lengths: Valid time steps, `[batch]`.
        ids: Texts as in `best_path`, `[batch, steps]`.

    Returns:
        Log probabilities `[batch]`; about `NEVER` for a text that does not fit into its time steps.
    """
    if not operations.tensorflow_only():
        return forward(logits, lengths, ids)
    from aocr_core.model import kernels

    losses, fits = kernels.ctc_losses(logits, lengths, ids)
    return ops.where(fits, -losses, NEVER)


def forward(logits: Tensor, lengths: Tensor, ids: Tensor) -> Tensor:
    """`log_probability` by the forward algorithm (Graves et al. 2006, section 4.1): slower than TensorFlow's kernel, by
    some milliseconds for the loop over time.
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
        ways = operations.add_logs(scores, shifted(scores, 1))
        ways = operations.add_logs(ways, shifted(scores, 2) + skip)
        new = ops.maximum(ways + ops.take(emitted, step, axis=1), NEVER)
        return step + 1, ops.where((step < lengths)[:, None], new, scores)

    # `start` stands before the first time step: only the first blank and the first symbol can be reached from it.
    first = ops.convert_to_tensor(0, dtype="int32")
    _, scores = ops.while_loop(lambda step, _: step < time, advance, (first, start))
    last = 2 * ops.sum(ops.cast(symbols != PAD, "int32"), axis=1)
    at_end = ops.take_along_axis(scores, last[:, None], axis=1)[:, 0]
    before_end = ops.take_along_axis(scores, ops.maximum(last - 1, 0)[:, None], axis=1)[:, 0]
    return ops.where(last > 0, operations.add_logs(at_end, before_end), at_end)


def _best(logits: Tensor, lengths: Tensor) -> Tensor:
    """The likeliest id at each time, the blank in the padding, `[batch, time]`."""
    best = operations.argmax(logits)
    return best * masking.valid(lengths, ops.shape(best)[1], "int32")


def _places(best: Tensor) -> Tensor:
    """Which symbol of its text each time step belongs to, `[batch, time]`; -1: none has begun yet. Blanks belong to the
    symbol before them.
    """
    before = ops.pad(best[:, :-1], ((0, 0), (1, 0)))
    begins = ops.logical_and(best != before, best >= FIRST_SYMBOL)
    return ops.cumsum(ops.cast(begins, "int32"), axis=1) - 1


def _same_place(places: Tensor, steps: int) -> Tensor:
    """`[batch, time, steps]`"""
    return places[:, :, None] == ops.arange(steps, dtype="int32")


def _written(best: Tensor, places: Tensor, steps: int) -> Tensor:
    """The text of the best path, `[batch, steps]`."""
    symbols = ops.max(ops.where(_same_place(places, steps), best[:, :, None], PAD), axis=1)
    behind = ops.equal(ops.arange(steps, dtype="int32"), places[:, -1][:, None] + 1)  # nowhere, if the text is longer
    return symbols + END * ops.cast(behind, "int32")
