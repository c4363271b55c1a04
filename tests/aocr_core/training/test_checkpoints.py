from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from aocr_core.config import TrainOptions
from aocr_core.errors import FinalError
from aocr_core.training.average import WeightAverage
from aocr_core.training.checkpoints import Checkpoints, State
from aocr_core.training.step import build_optimizer
from tests.aocr_core import small

STATE = State(7, 1.5, top_accuracy=0.25, top_cer=0.5, stale=2, best_accuracy=0.2, best_cer=0.6, validated=6)


def parts(directory: Path, seed: int = 1, optimizer: str = "adamw", **changes):
    model = small.model(seed=seed, **changes)
    optimizer = build_optimizer(TrainOptions(optimizer=optimizer, initial_learning_rate=0.1))
    optimizer.build(model.trainable_variables)
    average = WeightAverage(model.variables, 0.9)
    return model, optimizer, average, Checkpoints(directory, model, optimizer, average)


def test_everything_comes_back(tmp_path):
    model, optimizer, average, checkpoints = parts(tmp_path)
    gradients = [np.ones(variable.shape, np.float32) for variable in model.trainable_variables]
    optimizer.apply(gradients, model.trainable_variables)
    average.update()
    checkpoints.save(STATE)

    other, other_optimizer, other_average, other_checkpoints = parts(tmp_path, seed=2)
    assert other_checkpoints.restore() == STATE
    for one, two in (
        (model.variables, other.variables),
        (optimizer.variables, other_optimizer.variables),
        (average.averages, other_average.averages),
    ):
        for saved, restored in zip(one, two, strict=True):
            np.testing.assert_array_equal(saved.numpy(), restored.numpy())
    assert int(other_optimizer.iterations) == 1 and float(other_average.updates) == 1


def test_without_a_checkpoint_the_state_is_fresh(tmp_path):
    assert parts(tmp_path)[-1].restore() == State()


def test_a_checkpoint_of_an_earlier_version_is_gone_on_from(tmp_path):
    """Its state has no step of the last validation."""
    model, optimizer, average, _ = parts(tmp_path)
    older = tf.train.Checkpoint(
        weights=[variable.value for variable in model.variables],
        average=average,
        state=tf.Variable(list(asdict(STATE).values())[:-1], dtype=tf.float64, trainable=False),
        AdamW=[variable.value for variable in optimizer.variables],
    )
    tf.train.CheckpointManager(older, str(tmp_path), max_to_keep=2).save(checkpoint_number=7)
    assert parts(tmp_path, seed=2)[-1].restore() == replace(STATE, validated=STATE.step)


def test_the_newest_is_restored_and_old_ones_do_not_pile_up(tmp_path):
    *_, checkpoints = parts(tmp_path)
    for step in range(1, 6):
        checkpoints.save(State(step=step))
    assert parts(tmp_path)[-1].restore().step == 5
    assert len(list(tmp_path.glob("*.index"))) == 2


@pytest.mark.parametrize("changes", [{"decoder_units": 9}, {"decoder_layers": 2}, {"optimizer": "adadelta"}])
def test_a_checkpoint_of_something_else_is_refused_in_one_line(tmp_path, changes: dict):
    parts(tmp_path)[-1].save(STATE)
    with pytest.raises(FinalError, match=r"does not fit .* --no-resume$") as caught:
        parts(tmp_path, **changes)[-1].restore()
    assert "\n" not in str(caught.value)


def test_a_damaged_checkpoint(tmp_path):
    parts(tmp_path)[-1].save(STATE)
    for file in tmp_path.glob("*.data-*"):
        file.write_bytes(b"")
    with pytest.raises(FinalError, match="does not fit"):
        parts(tmp_path)[-1].restore()


@pytest.mark.parametrize(
    ("accuracy", "cer", "better"), [(0.3, 0.9, True), (0.25, 0.4, True), (0.25, 0.5, False), (0.2, 0.0, True)]
)
def test_more_exact_texts_or_fewer_wrong_characters_are_progress(accuracy: float, cer: float, better: bool):
    state = replace(STATE, stale=3)
    state.judge(accuracy, cer, 100)
    assert (state.stale == 0) is better


def test_of_validations_within_a_standard_error_the_later_is_kept_but_patience_counts_from_the_tops():
    state = State()
    assert state.judge(0.90, 0.02, 100) and state.stale == 0
    assert state.judge(0.88, 0.03, 100) and (state.best_accuracy, state.best_cer) == (0.88, 0.03)
    assert state.stale == 1 and (state.top_accuracy, state.top_cer) == (0.90, 0.02)
    assert not state.judge(0.86, 0.02, 100)  # the standard error is 0.03, counted from the top
    assert state.stale == 2 and state.best_accuracy == 0.88
    assert not state.judge(0.86, 0.01, 100) and state.stale == 0  # fewer wrong characters
    assert state.judge(0.91, 0.02, 100) and state.stale == 0


def test_of_long_lines_of_which_none_is_exact_those_with_few_wrong_characters_are_kept():
    state = State()
    assert state.judge(0.0, 0.10, 100) and state.judge(0.0, 0.05, 100) and state.judge(0.0, 0.06, 100)
    assert not state.judge(0.0, 0.5, 100) and (state.best_cer, state.stale) == (0.06, 2)


def test_all_of_a_few_images_read_right_are_no_certainty():
    state = State()
    assert state.judge(1.0, 0.0, 30)
    assert state.judge(29 / 30, 0.01, 30) and not state.judge(28 / 30, 0.01, 30)


def test_of_very_few_images_one_is_much():
    state = State()
    assert state.judge(1.0, 0.0, 1) and not state.judge(0.0, 5.0, 1)


def test_of_many_images_a_small_difference_is_enough():
    state = State()
    assert state.judge(0.90, 0.02, 100_000)
    assert not state.judge(0.89, 0.02, 100_000)
