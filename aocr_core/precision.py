"""Which precision suits the devices: bfloat16 is the faster where a processor has instructions for it.

What is computed in bfloat16 of an exported float32 graph is decided where it runs, not where it was exported: the same
export serves on processors without bfloat16.
"""

import threading
from pathlib import Path

import tensorflow as tf

from aocr_core.config import Precision

CPU_FLAGS = {"avx512_bf16", "amx_bf16"}
CPU_INFO = Path("/proc/cpuinfo")
LEAST_CAPABILITY = (8, 0)
"""Compute capability of the first NVIDIA GPUs with bfloat16 (Ampere)."""

_setting = threading.Lock()
_here = threading.local()
_nothing = tf.function(lambda: tf.constant(0))


def resolve(precision: Precision) -> Precision:
    """`auto` becomes what suits the devices that TensorFlow sees."""
    if precision != "auto":
        return precision
    gpus = tf.config.get_visible_devices("GPU")
    fits = all(_gpu_has_bfloat16(gpu) for gpu in gpus) if gpus else _cpu_has_bfloat16()
    return "bfloat16" if fits else "float32"


def read_in(precision: Precision) -> None:
    """From now on this thread runs exported graphs on its processor in a (resolved) precision.

    A GPU goes on in float32. See https://www.tensorflow.org/api_docs/python/tf/config/optimizer/set_experimental_options.
    """
    if getattr(_here, "precision", None) == precision:
        return
    # The options are the process's, but each thread takes a copy with its next call and keeps it: it has to take it
    # before another thread sets them.
    with _setting:
        tf.config.optimizer.set_experimental_options({"auto_mixed_precision_onednn_bfloat16": precision == "bfloat16"})
        _nothing()
    _here.precision = precision


def _gpu_has_bfloat16(gpu: tf.config.PhysicalDevice) -> bool:
    return tf.config.experimental.get_device_details(gpu).get("compute_capability", (0, 0)) >= LEAST_CAPABILITY


def _cpu_has_bfloat16() -> bool:
    """Only Linux tells; elsewhere, and on processors that would have to emulate it, float32 is the faster one."""
    if not CPU_INFO.exists():
        return False
    lines = CPU_INFO.read_text().splitlines()
    return bool(CPU_FLAGS & set(next((line for line in lines if line.startswith("flags")), "").split()))
