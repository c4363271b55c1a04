import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from aocr_core.errors import UsageError
from aocr_core.training import strategy
from aocr_core.training.strategy import Cluster

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

# With other images on each device they still are copies of one model, statistics of batch normalisation included.
strategy = tf.distribute.MirroredStrategy([device.name for device in devices])
with strategy.scope():
    model = small.model()
    optimizer = build_optimizer(options)
    optimizer.build(model.trainable_variables)
    average = WeightAverage(model.variables, 0.9)
step = build_step(model, optimizer, average, options, strategy)
halves = tf.data.Dataset.from_tensor_slices(batch).repeat().batch(4)
step(next(iter(strategy.experimental_distribute_dataset(halves))))
moved = 0
for variable in model.variables:
    first, second = (value.numpy() for value in strategy.experimental_local_results(variable.value))
    np.testing.assert_array_equal(first, second, err_msg=variable.path)
    moved += "moving_mean" in variable.path and bool(first.any())
assert moved
"""


def test_one_device_unless_there_is_reason_for_more(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    assert strategy.choose(-1).num_replicas_in_sync == 1


WORKERS = {"chief": ["a:2222"], "worker": ["b:2222", "c:2222"]}


@pytest.mark.parametrize(
    ("told", "size", "index"),
    [
        ({"cluster": WORKERS, "task": {"type": "chief", "index": 0}, "environment": "cloud", "job": "{}"}, 3, 0),
        ({"cluster": WORKERS, "task": {"type": "worker", "index": 1}}, 3, 2),
        ({"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": "1"}}, 2, 1),
        ({"cluster": {"master": ["a:1"], "worker": ["b:1"], "ps": []}, "task": {"type": "master", "index": 0}}, 2, 0),
        ({"cluster": {"chief": ["a:1"]}, "task": {"type": "chief", "index": 0}}, 1, 0),
        ({"cluster": {}, "task": {"type": "cloud"}}, 1, 0),
        ({}, 1, 0),
    ],
)
def test_the_environment_tells_who_trains(monkeypatch, told: dict, size: int, index: int):
    monkeypatch.setenv("TF_CONFIG", json.dumps(told))
    cluster = Cluster.of_environment()
    assert (cluster.size, cluster.index) == (size, index)
    assert "master" not in cluster.tasks and cluster.kind in ("chief", "worker")


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ("{", "TF_CONFIG is not understood"),
        ("[]", "TF_CONFIG is not understood"),
        (json.dumps({"cluster": WORKERS}), "TF_CONFIG is not understood"),
        (json.dumps({"cluster": WORKERS, "task": {"type": "worker", "index": 2}}), "there is no worker 2"),
        (json.dumps({"cluster": WORKERS, "task": {"type": "evaluator", "index": 0}}), "nothing is done by evaluator"),
        (json.dumps({"cluster": WORKERS | {"ps": ["d:1"]}, "task": {"type": "chief", "index": 0}}), "done by ps"),
    ],
)
def test_an_environment_that_is_of_no_use_is_told_in_one_line(monkeypatch, told: str, message: str):
    monkeypatch.setenv("TF_CONFIG", told)
    with pytest.raises(UsageError, match=message):
        Cluster.of_environment()


@pytest.mark.slow
def test_two_devices_train_as_one_does():
    environment = os.environ | {"PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": "-1"}
    done = subprocess.run(
        [sys.executable, "-c", TWO_DEVICES], env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-3000:]
