"""What training computes in: bfloat16 is the faster where the processor has instructions for it.

Weights, their averages, the optimiser and the scores of the symbols stay in float32 (Micikevicius et al., "Mixed
Precision Training", https://arxiv.org/abs/1710.03740; bfloat16 has float32's range, so no loss needs to be scaled).
Validation reads in the same precision; whatever loads the weights later reads in float32.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import keras
import tensorflow as tf

from aocr_core.config import Precision

POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16"}
CPU_FLAGS = {"avx512_bf16", "amx_bf16"}
CPU_INFO = Path("/proc/cpuinfo")
LEAST_CAPABILITY = (8, 0)
"""Compute capability of the first NVIDIA GPUs with bfloat16 (Ampere)."""


def resolve(precision: Precision) -> Precision:
    """`auto` becomes what suits the devices that TensorFlow sees."""
    if precision != "auto":
        return precision
    gpus = tf.config.get_visible_devices("GPU")
    fits = all(_gpu_has_bfloat16(gpu) for gpu in gpus) if gpus else _cpu_has_bfloat16()
    return "bfloat16" if fits else "float32"


def _gpu_has_bfloat16(gpu: tf.config.PhysicalDevice) -> bool:
    return tf.config.experimental.get_device_details(gpu).get("compute_capability", (0, 0)) >= LEAST_CAPABILITY


def _cpu_has_bfloat16() -> bool:
    """Only Linux tells; elsewhere, and on processors that would have to emulate it, float32 is the faster one."""
    if not CPU_INFO.exists():
        return False
    lines = CPU_INFO.read_text().splitlines()
    return bool(CPU_FLAGS & set(next((line for line in lines if line.startswith("flags")), "").split()))


@contextmanager
def used(precision: Precision) -> Iterator[None]:
    """Layers that are made within the block compute in a (resolved) precision."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(POLICIES[precision])
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
