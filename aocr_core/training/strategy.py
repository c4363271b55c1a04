"""Which devices train: chosen from the environment, so that the same command runs everywhere."""

import os

import tensorflow as tf

from aocr_core.errors import UsageError


def choose(gpu_id: int | None = None) -> tf.distribute.Strategy:
    """Several workers (`TF_CONFIG`), several GPUs, or one device.

    Args:
        gpu_id: Use only this GPU; below 0, only the CPU.

    Raises:
        UsageError: there is no such GPU.
    """
    gpus = tf.config.list_physical_devices("GPU")
    if gpu_id is not None:
        if gpu_id >= len(gpus) > 0:
            raise UsageError(f"--gpu-id {gpu_id}: this machine has {len(gpus)} GPU(s), numbered from 0")
        gpus = [gpus[gpu_id]] if 0 <= gpu_id < len(gpus) else []
        tf.config.set_visible_devices(gpus, "GPU")
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, True)
    if "TF_CONFIG" in os.environ:
        return tf.distribute.MultiWorkerMirroredStrategy()
    if len(gpus) > 1:
        return tf.distribute.MirroredStrategy()
    return tf.distribute.get_strategy()
