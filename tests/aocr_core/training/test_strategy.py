import os
import subprocess
import sys
from pathlib import Path

import pytest

from aocr_core.training import strategy

ROOT = Path(__file__).parents[3]

# Both replicas get the same four images, so that their mean is the step of one device on these four.
TWO_DEVICES = """
import numpy as np, tensorflow as tf
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)
from aocr_core.config import TrainOptions
from aocr_core.training.average import WeightAverage
from aocr_core.training.step import build_optimizer, build_step
from tests.aocr_core import small

options = TrainOptions(optimizer="adamw", initial_learning_rate=0.01)
chance = np.random.default_rng(0)
batch = {
    "images": chance.uniform(-1, 1, (4, 16, 48, 1)).astype("float32"),
    "widths": np.array([48, 30, 48, 17], "int32"),
    "inputs": np.array([[1, 3, 4], [1, 5, 0], [1, 3, 3], [1, 7, 6]], "int32"),
    "targets": np.array([[3, 4, 2], [5, 2, 0], [3, 3, 2], [7, 6, 2]], "int32"),
}

def trained(strategy, copies):
    with strategy.scope():
        model = small.model(dropout=0.0)
        optimizer = build_optimizer(options)
        optimizer.build(model.trainable_variables)
        average = WeightAverage(model.variables, 0.9)
    step = build_step(model, optimizer, average, options, strategy)
    whole = {name: np.concatenate([value] * copies) for name, value in batch.items()}
    stream = iter(strategy.experimental_distribute_dataset(
        tf.data.Dataset.from_tensors(whole).repeat().unbatch().batch(4 * copies, drop_remainder=True)
    ))
    losses = [float(step(next(stream))["loss"]) for _ in range(2)]
    with average.in_place():
        averaged = [variable.numpy() for variable in model.trainable_variables]
    return losses, [variable.numpy() for variable in model.trainable_variables], averaged

devices = tf.config.list_logical_devices("CPU")
one = trained(tf.distribute.get_strategy(), 1)
two = trained(tf.distribute.MirroredStrategy([device.name for device in devices]), 2)
assert len(devices) == 2
np.testing.assert_allclose(one[0], two[0], rtol=2e-3)
assert one[0][-1] < one[0][0]
for alone, mirrored in zip(one[1:], two[1:]):
    differences = np.abs(np.concatenate([(a - m).ravel() for a, m in zip(alone, mirrored)]))
    # AdamW makes full steps of gradients that are hardly more than rounding errors.
    assert np.quantile(differences, 0.95) < 1e-3 and differences.max() < 0.05, differences.max()
"""


def test_one_device_unless_there_is_reason_for_more(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    assert strategy.choose(-1).num_replicas_in_sync == 1


@pytest.mark.slow
def test_two_devices_train_as_one_does():
    environment = os.environ | {"PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": "-1"}
    done = subprocess.run(
        [sys.executable, "-c", TWO_DEVICES], env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-3000:]
