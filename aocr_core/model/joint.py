"""Two opinions on one image: the attention decoder's and the CTC head's.

The attention decoder may skip or repeat symbols where letters look alike; CTC cannot, but knows nothing of what it has
written so far. Of all their readings the one is taken that both together find likeliest (Watanabe et al., "Hybrid
CTC/Attention Architecture for End-to-End Speech Recognition", https://doi.org/10.1109/JSTSP.2017.2763455, section
III-C, in a second pass over the readings).
"""

from typing import Any

from keras import ops

from aocr_core.charset import END
from aocr_core.model import ctc
from aocr_core.model.beam import NEVER, Beams

Tensor = Any

CTC_SHARE = 0.5
"""Share of CTC's log probability in the comparison, the rest is the attention decoder's. Temperatures have made the two
comparable: neither has more say. (Without, 0.2 to 0.4 was best on rendered words, which is about the same.)
"""


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
    best = ops.argmax(ops.where(ended, scores, 2.0 * NEVER), axis=1)
    unknown = ops.logical_and(known[:, 0] <= NEVER / 2, ended[:, 0])
    return ops.where(unknown, 0, ops.cast(best, "int32"))
