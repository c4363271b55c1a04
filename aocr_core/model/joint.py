"""Two opinions on one image: the CTC head's and the attention decoder's.

The attention decoder may skip or repeat symbols where letters look alike; CTC cannot, but knows nothing of what it has
written so far. CTC reads first, since that costs next to nothing. Where it is not sure, the attention decoder reads as
well, and of all readings the one is taken that both together find likeliest (Watanabe et al., "Hybrid CTC/Attention
Architecture for End-to-End Speech Recognition", https://doi.org/10.1109/JSTSP.2017.2763455, section III-C, in a second
pass over the readings).
"""

from typing import Any

from keras import ops

from aocr_core.charset import END
from aocr_core.model import beam, ctc, operations
from aocr_core.model.beam import NEVER, Beams
from aocr_core.model.decoder import Decoded, Decoder

Tensor = Any

SURE = 0.9
"""Probability from which CTC's reading is taken as it is, as most are. In single trials (benchmarks/RESULTS.md) the
attention decoder changed no such reading for the better: on receipt lines, and on number plates without temperatures.
"""

CTC_SHARE = 0.5
"""Share of CTC's log probability in the comparison, the rest is the attention decoder's. Temperatures have made the two
comparable: neither has more say. (Without, 0.2 to 0.4 was best on rendered words, which is about the same.)
"""


def read(decoder: Decoder, memory: Tensor, logits: Tensor, lengths: Tensor, steps: int, beam_width: int) -> Decoded:
    """Read with CTC, and what that is not sure of with both heads.

    Args:
        decoder: The attention decoder.
        memory: `[batch, time, features]`.
        logits: The CTC head's, `[batch, time, symbols]`; the blank is id 0.
        lengths: Valid time steps, `[batch]`.
        steps: Most symbols of a text with its END.
        beam_width: Texts that the attention decoder follows at a time.

    Returns:
        The texts, with the probabilities that the head gives them which was asked last.
    """
    ids, logs = ctc.read(logits, lengths, steps)
    sure = ops.logical_and(ops.exp(ops.sum(logs, axis=1)) >= SURE, ops.any(ids == END, axis=1))

    def second_opinion() -> tuple[Tensor, Tensor]:
        (rows,) = ops.nonzero(ops.logical_not(sure))
        theirs = [ops.take(part, rows, axis=0) for part in (memory, logits, lengths, ids)]
        chosen = both(decoder, theirs[0], theirs[1], theirs[2], theirs[3], beam_width)
        places = ops.cast(rows, "int32")[:, None]
        return ops.scatter_update(ids, places, chosen.ids), ops.scatter_update(logs, places, chosen.log_probabilities)

    def second_opinion_of_all() -> tuple[Tensor, Tensor]:
        """Where all shapes must be known beforehand, some rows cannot be picked out."""
        chosen = both(decoder, memory, logits, lengths, ids, beam_width)
        return ops.where(sure[:, None], ids, chosen.ids), ops.where(sure[:, None], logs, chosen.log_probabilities)

    if not operations.tensorflow_only():
        return Decoded(*ops.cond(ops.all(sure), lambda: (ids, logs), second_opinion_of_all))

    def turn(done: Tensor, *_: Tensor) -> tuple[Tensor, ...]:
        return (ops.ones_like(done), *second_opinion())

    # A loop of no turn or one: in a graph that TensorFlow 2.21 itself rounds to bfloat16, `cond` gives nothing here
    # when all are sure.
    first = (ops.all(sure), ids, logs)
    return Decoded(*ops.while_loop(lambda done, *_: ops.logical_not(done), turn, first)[1:])


def both(decoder: Decoder, memory: Tensor, logits: Tensor, lengths: Tensor, ids: Tensor, beam_width: int) -> Decoded:
    """Of both heads' readings the likeliest, with the attention decoder's probability.

    Arguments as for `read`; `ids` are what CTC has read, `[batch, steps]`.
    """
    if beam_width == 1:
        greedy, given = decoder.greedy_and_judge(memory, lengths, ids)
        found = Beams(*(part[:, None] for part in greedy))
    else:
        found = beam.search(decoder, memory, lengths, ids.shape[1], beam_width)
        given = decoder.judge(memory, lengths, ids)
    readings = Beams(*(ops.concatenate([part, its[:, None]], axis=1) for part, its in zip(found, given, strict=True)))
    best = likeliest(logits, lengths, readings)[:, None, None]
    return Decoded(*(ops.take_along_axis(part, best, axis=1)[:, 0] for part in readings))


def likeliest(logits: Tensor, lengths: Tensor, readings: Beams) -> Tensor:
    """Which of some readings both heads together find likeliest.

    One that has no end is taken only if none has. Where the first does not fit into its time steps, CTC knows nothing
    of the image, and the first is taken.

    Args:
        logits: The CTC head's, `[batch, time, symbols]`; the blank is id 0.
        lengths: Valid time steps, `[batch]`.
        readings: Texts, with the log probabilities that the attention decoder gives them.

    Returns:
        The number of the reading, `[batch]`; of equals, the first.
    """
    count, steps = ops.shape(readings.ids)[1:]
    texts = ops.reshape(readings.ids, (-1, steps))
    known = ctc.log_probability(ops.repeat(logits, count, axis=0), ops.repeat(lengths, count, axis=0), texts)
    known = ops.reshape(known, (-1, count))
    scores = CTC_SHARE * known + (1.0 - CTC_SHARE) * ops.sum(readings.log_probabilities, axis=2)
    ended = ops.any(readings.ids == END, axis=2)
    best = operations.argmax(ops.where(ended, scores, 2.0 * NEVER))
    unknown = ops.logical_and(known[:, 0] <= NEVER / 2, ended[:, 0])
    return ops.where(unknown, 0, best)
