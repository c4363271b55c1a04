"""What the layers compute in while they are trained.

Weights, their averages, the optimiser and the scores of the symbols stay in float32 (Micikevicius et al., "Mixed
Precision Training", https://arxiv.org/abs/1710.03740; bfloat16 has float32's range, so no loss needs to be scaled).
Validation reads in the same precision; whatever loads the weights later reads in float32.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import keras

from aocr_core.config import Precision

POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16"}


@contextmanager
def used(precision: Precision) -> Iterator[None]:
    """Layers that are made within the block compute in a (resolved) precision."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(POLICIES[precision])
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
