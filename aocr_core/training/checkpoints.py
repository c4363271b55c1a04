"""Where training goes on from after an interruption: one TensorFlow checkpoint that appears whole or not at all."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

import keras
import tensorflow as tf

from aocr_core.errors import FinalError
from aocr_core.model.recognizer import AttentionOCR
from aocr_core.training.average import WeightAverage

ROUNDING = 1e-6
"""Accuracies that differ by one image need not differ by exactly one image's share."""
CER_TOLERANCE = 0.25
"""Of a few hundred lines the error rate is hardly more certain than this; one image may be wrong altogether."""
VERY_FEW_IMAGES = 20
"""Of fewer, one is too much to give away."""


@dataclass
class State:
    """How far the training is."""

    step: int = 0
    seconds: float = 0.0
    """Time spent in training so far, over all runs."""
    top_accuracy: float = -1.0
    top_cer: float = float("inf")
    """Lowest so far."""
    stale: int = 0
    """Validations since either became better: of long lines hardly one may be exact while they are read ever better."""
    best_accuracy: float = -1.0
    """Of the weights that are kept."""
    best_cer: float = float("inf")
    validated: int = 0
    """Step of the last validation."""

    @classmethod
    def of(cls, numbers: Sequence[float]) -> "State":
        """The state from its numbers, in the order of the fields. Earlier versions did not keep the last one: theirs
        counts as validated.
        """
        found = cls(*numbers)  # type: ignore[arg-type]  # floats all, of which the next lines make integers
        validated = int(found.validated if len(numbers) == len(fields(cls)) else found.step)
        return replace(found, step=int(found.step), stale=int(found.stale), validated=validated)

    def judge(self, accuracy: float, cer: float, images: int) -> bool:
        """Take a validation of so many images in.

        Returns:
            Whether these weights are the ones to keep. Those that are below the top by no more than its uncertainty
            are, unless they get clearly more characters wrong than others did: they have learnt longer, and the highest
            of many noisy figures is the luckiest.
        """
        is_top = accuracy > self.top_accuracy
        self.stale = 0 if accuracy > self.top_accuracy or cer < self.top_cer else self.stale + 1
        self.top_accuracy, self.top_cer = max(accuracy, self.top_accuracy), min(cer, self.top_cer)
        as_exact = accuracy >= self.top_accuracy - uncertainty(self.top_accuracy, images)
        as_few_wrong = cer <= self.top_cer * (1 + CER_TOLERANCE) + 1 / max(1, images)
        keep = is_top or (as_exact and as_few_wrong)
        if keep:
            self.best_accuracy, self.best_cer = accuracy, cer
        return keep


def uncertainty(accuracy: float, images: int) -> float:
    """Standard error of an accuracy that was measured on so many images, and from `VERY_FEW_IMAGES` on at least one
    of them: all of a few images read right do not make the accuracy certain.
    """
    images = max(1, images)
    error = math.sqrt(accuracy * (1.0 - accuracy) / images)
    return max(error, (1.0 + ROUNDING) / images) if images >= VERY_FEW_IMAGES else error


class Checkpoints:
    """Saves and restores weights, optimiser, average and state."""

    variables: list[tf.Variable]
    """All that a checkpoint holds, the state excepted."""

    def __init__(
        self, directory: Path, model: AttentionOCR, optimizer: keras.optimizers.Optimizer, average: WeightAverage
    ) -> None:
        # Of any length: a state of an earlier version has fewer numbers.
        self._numbers = tf.Variable(tf.zeros([0], tf.float64), trainable=False, shape=[None])
        weights = [variable.value for variable in model.variables]
        moments = [variable.value for variable in optimizer.variables]
        checkpoint = tf.train.Checkpoint(
            weights=weights,
            average=average,
            state=self._numbers,
            # By name: the moments of one optimiser have the shapes of another's.
            **{type(optimizer).__name__: moments},
        )
        self.variables = [*weights, *moments, average.updates, *average.averages]
        self._checkpoint = checkpoint
        self._manager = tf.train.CheckpointManager(checkpoint, str(directory), max_to_keep=2)

    def save(self, state: State) -> None:
        """Write a checkpoint; the last but one is kept until it is complete."""
        self._numbers.assign(list(asdict(state).values()))
        self._manager.save(checkpoint_number=state.step)

    def restore(self) -> State:
        """The state to go on from; a fresh one if there is no checkpoint.

        Raises:
            FinalError: the checkpoint is damaged, or of another network or optimiser.
        """
        path = self._manager.latest_checkpoint
        if path is None:
            return State()
        try:
            # Partial: the error below says enough, without TensorFlow's line for every variable.
            self._checkpoint.restore(path).expect_partial().assert_existing_objects_matched()
            return State.of(self._numbers.numpy().tolist())
        except (AssertionError, ValueError, TypeError, IndexError, tf.errors.OpError) as error:
            raise FinalError(
                f"the checkpoint {path} does not fit ({str(error).splitlines()[0]}): "
                "give the options it was trained with, or start anew with --no-resume"
            ) from error
