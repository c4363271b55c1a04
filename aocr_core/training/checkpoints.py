"""Where training goes on from after an interruption: one TensorFlow checkpoint that appears whole or not at all."""

from dataclasses import asdict, dataclass
from pathlib import Path

import keras
import tensorflow as tf

from aocr_core.errors import AocrError
from aocr_core.model.recognizer import AttentionOCR
from aocr_core.training.average import WeightAverage


@dataclass
class State:
    """How far the training is."""

    step: int = 0
    seconds: float = 0.0
    """Time spent in training so far, over all runs."""
    best_accuracy: float = -1.0
    best_cer: float = float("inf")
    stale: int = 0
    """Validations since the best one."""
    validated: float = 0.0
    """`seconds` at the last validation."""

    def improves(self, accuracy: float, cer: float) -> bool:
        """Better by exact accuracy, then by character error rate."""
        return (accuracy, -cer) > (self.best_accuracy, -self.best_cer)


class Checkpoints:
    """Saves and restores weights, optimiser, average and state."""

    def __init__(
        self, directory: Path, model: AttentionOCR, optimizer: keras.optimizers.Optimizer, average: WeightAverage
    ) -> None:
        self._numbers = tf.Variable(tf.zeros([len(asdict(State()))], tf.float64), trainable=False)
        checkpoint = tf.train.Checkpoint(
            weights=[variable.value for variable in model.variables],
            average=average,
            state=self._numbers,
            # By name: the moments of one optimiser have the shapes of another's.
            **{type(optimizer).__name__: [variable.value for variable in optimizer.variables]},
        )
        self._checkpoint = checkpoint
        self._manager = tf.train.CheckpointManager(checkpoint, str(directory), max_to_keep=2)

    def save(self, state: State) -> None:
        """Write a checkpoint; the last but one is kept until it is complete."""
        self._numbers.assign(list(asdict(state).values()))
        self._manager.save(checkpoint_number=state.step)

    def restore(self) -> State:
        """The state to go on from; a fresh one if there is no checkpoint.

        Raises:
            AocrError: the checkpoint is damaged, or of another network or optimiser.
        """
        path = self._manager.latest_checkpoint
        if path is None:
            return State()
        try:
            # Partial: the error below says enough, without TensorFlow's line for every variable.
            self._checkpoint.restore(path).expect_partial().assert_existing_objects_matched()
        except (AssertionError, ValueError, IndexError, tf.errors.OpError) as error:
            raise AocrError(
                f"the checkpoint {path} does not fit ({str(error).splitlines()[0]}): "
                "give the options it was trained with, or start anew with --no-resume"
            ) from error
        step, seconds, accuracy, cer, stale, validated = self._numbers.numpy().tolist()
        return State(int(step), seconds, accuracy, cer, int(stale), validated)
