"""The training loop: steps, learning rate, validation, best weights, early stop."""

import json
import logging
import math
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import astuple, dataclass
from pathlib import Path

import keras
import tensorflow as tf

from aocr_core import model_dir
from aocr_core.config import TrainOptions
from aocr_core.errors import FinalError
from aocr_core.evaluation.metrics import Summary
from aocr_core.model.recognizer import AttentionOCR
from aocr_core.progress import Bar, track
from aocr_core.training import schedule
from aocr_core.training.average import WeightAverage
from aocr_core.training.checkpoints import Checkpoints, State
from aocr_core.training.step import Batch, Step
from aocr_core.training.team import Team

logger = logging.getLogger(__name__)

LEAST_STEPS_BETWEEN, MOST_STEPS_BETWEEN = 50, 500
"""Default steps between validations: an epoch or a twentieth of the training, the longer one, within these bounds."""
USUAL_VALIDATIONS = 20
"""Of a small data set, several epochs lie between two: a dozen validations without improvement within a few hundred
steps would end the training by chance, long before the learning rate has come down."""


SCALAR = tf.compat.v1.SummaryMetadata(
    plugin_data=tf.compat.v1.SummaryMetadata.PluginData(plugin_name="scalars"), data_class="DATA_CLASS_SCALAR"
)


@dataclass(frozen=True)
class Plan:
    """How long the training is."""

    steps: int
    steps_per_epoch: float
    steps_between: int
    """From one validation and checkpoint to the next."""

    @classmethod
    def make(cls, rows: int, options: TrainOptions) -> "Plan":
        """Lengths for `rows` training images; at least one step."""
        assert options.num_epoch is not None  # resolved
        epoch = rows / options.batch_size
        steps = max(1, math.ceil(epoch * options.num_epoch))
        least = max(LEAST_STEPS_BETWEEN, round(epoch), math.ceil(steps / USUAL_VALIDATIONS))
        return cls(steps, epoch, options.steps_per_checkpoint or min(least, MOST_STEPS_BETWEEN))


@dataclass
class Tools:
    """What the loop drives."""

    model: AttentionOCR
    optimizer: keras.optimizers.Optimizer
    average: WeightAverage
    step: Step
    validator: Callable[[], Summary]
    """Judges the weights that the model has."""


@dataclass
class Stretch:
    """What the training did since the last validation."""

    steps: int = 0
    seconds: float = 0.0
    waited: float = 0.0
    """Of the seconds, those spent waiting for the next batch."""

    def speed(self, batch_size: int) -> dict[str, float]:
        """For the history."""
        seconds = max(self.seconds, 1e-9)
        return {
            "images_per_second": round(self.steps * batch_size / seconds, 1),
            "waiting_share": round(self.waited / seconds, 4),
        }


class Loop:
    """Runs the steps of one training in a local directory, to which only the chief of its team writes."""

    def __init__(
        self,
        directory: Path,
        tools: Tools,
        options: TrainOptions,
        plan: Plan,
        publish: Callable[[], None] = lambda: None,
        spent: float = 0.0,
        team: Team | None = None,
    ) -> None:
        self.directory = directory
        self.tools = tools
        self.options = options
        self.plan = plan
        self.publish = publish
        """Called whenever the directory is complete."""
        self.spent = spent
        """Seconds of the time budget that are used up before the first step."""
        self.team = team or Team(tf.distribute.get_strategy())
        self.checkpoints = Checkpoints(directory / model_dir.LATEST, tools.model, tools.optimizer, tools.average)
        self.state = State.of(self.team.told(lambda: astuple(self.checkpoints.restore())))
        self.team.spread(self.checkpoints.variables)
        self._clock = time.monotonic()
        self._stretch = Stretch()

    def start_over(self) -> None:
        """Keep the weights, and forget how far they were trained and how well they read."""
        self.state = State()
        self._save()

    def judge_anew(self) -> None:
        """Keep the weights and how far they were trained, and forget how well they read."""
        self.state = State(self.state.step, self.state.seconds)
        self._save()

    def run(self, batches: Iterator[Batch]) -> str:
        """Train to the end of the plan, of the time budget, or of progress.

        An interruption (Ctrl-C) saves a checkpoint first.

        Returns:
            Why the training ended.

        Raises:
            FinalError: the loss is not a number any more.
        """
        plan, state = self.plan, self.state
        unjudged = self._finished() is not None and state.validated != state.step
        if unjudged:
            logger.info("step %d is the last and was not validated: that is made up for", state.step)
        elif state.step >= plan.steps:
            logger.info("nothing is left to do: --num-epoch makes the training longer, --no-resume starts anew")
        elif state.step:
            logger.info("going on at step %d of %d", state.step, plan.steps)
        with self._bar() as bar, self._writer().as_default():
            self._clock = time.monotonic()
            try:
                if unjudged:
                    self._validate({})
                while (reason := self._finished()) is None:
                    scalars = self._train_step(batches)
                    bar.advance(epoch=f"{state.step / plan.steps_per_epoch:.1f}", loss=scalars["loss"])
                    if state.step % plan.steps_between == 0 or self._at_the_end():
                        accuracy, cer = self._validate(scalars)
                        bar.advance(0, accuracy=f"{accuracy:.1%}", CER=f"{cer:.2%}")
            except KeyboardInterrupt:
                self._save()
                logger.info("interrupted at step %d: the next run goes on from here", state.step)
                raise
        return reason

    def _progress(self) -> float:
        """Share of the training that is done: of the steps or of the time, whichever is further."""
        share = self.state.step / self.plan.steps
        budget = self.options.max_minutes
        return share if budget is None else max(share, self.state.seconds / max(60 * budget - self.spent, 1.0))

    def _at_the_end(self) -> bool:
        return self._progress() >= 1.0

    def _finished(self) -> str | None:
        if self.state.step >= self.plan.steps:
            return f"{self.plan.steps} steps are done"
        if self._at_the_end():
            return f"the time budget of {self.options.max_minutes:g} minutes is used up"
        if self.options.patience and self.state.stale >= self.options.patience:
            return f"no improvement in {self.state.stale} validations"
        return None

    def _lap(self) -> float:
        now = time.monotonic()
        lap = now - self._clock
        self.state.seconds += lap
        self._clock = now
        if self.options.max_minutes:  # the learning rate depends on it, and must be the same everywhere
            (self.state.seconds,) = self.team.numbers(lambda: [self.state.seconds], 1)
        return lap

    def _train_step(self, batches: Iterator[Batch]) -> dict[str, float]:
        assert self.options.initial_learning_rate is not None  # resolved
        warm_up = schedule.warm_up_share(self.plan.steps)
        rate = self.options.initial_learning_rate
        if self.options.optimizer == "adamw":  # Adadelta finds its own pace
            rate = schedule.rate(self._progress(), warm_up, rate)
        self.tools.optimizer.learning_rate.assign(rate)
        asked = time.monotonic()
        batch = next(batches)
        self._stretch.waited += time.monotonic() - asked
        scalars = {name: float(value) for name, value in self.tools.step(batch).items()}
        self.state.step += 1
        self._stretch.steps += 1
        self._stretch.seconds += self._lap()
        if not math.isfinite(scalars["loss"]):
            raise FinalError(
                f"training diverged at step {self.state.step} (loss {scalars['loss']}): "
                "try a smaller --initial-learning-rate"
            )
        return scalars | {"learning_rate": rate}

    def _validate(self, scalars: dict[str, float]) -> tuple[float, float]:
        """Accuracy and CER, which also decide whether these are the weights to keep.

        Args:
            scalars: Of the last step; none if an earlier run did it.
        """
        with self.tools.average.in_place():
            accuracy, cer, images = self.team.numbers(self._figures, 3)
            if self.state.judge(accuracy, cer, round(images)):
                self._save_best()
        self.state.validated = self.state.step
        self._lap()
        self._record(scalars, accuracy, cer)
        self._stretch = Stretch()
        self._save()
        self._lap()  # the checkpoint is not part of the next stretch
        return accuracy, cer

    def _figures(self) -> tuple[float, float, float]:
        summary = self.tools.validator()
        return summary.accuracy, summary.cer, summary.count

    def _bar(self) -> AbstractContextManager[Bar]:
        steps, done = self.plan.steps, self.state.step
        if self.team.chief:
            return track("train", steps, "steps", done=done)
        return nullcontext(Bar("train", steps, "steps", done, []))

    def _writer(self) -> tf.summary.SummaryWriter:
        if not self.team.chief:
            return tf.summary.create_noop_writer()
        return tf.summary.create_file_writer(str(self.directory / model_dir.LOGS))

    def _save(self) -> None:
        if self.team.chief:
            self.checkpoints.save(self.state)
            self.publish()

    def _save_best(self) -> None:
        if not self.team.chief:
            return
        unfinished = self.directory / model_dir.UNFINISHED
        self.tools.model.save_weights(unfinished)
        unfinished.replace(self.directory / model_dir.WEIGHTS)

    def _record(self, scalars: dict[str, float], accuracy: float, cer: float) -> None:
        """One line of history, and the same numbers for TensorBoard."""
        if not self.team.chief:
            return
        numbers = {
            **{name: round(value, 6) for name, value in scalars.items()},
            "accuracy": accuracy,
            "cer": cer,
            **(self._stretch.speed(self.options.batch_size) if self._stretch.steps else {}),
        }
        line = {"step": self.state.step, "seconds": round(self.state.seconds, 1), **numbers}
        with (self.directory / model_dir.HISTORY).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        # `tf.summary.scalar` needs the TensorBoard package, which only those who look at the logs have to install.
        for name, value in numbers.items():
            tf.summary.write(name, tf.constant(value, tf.float32), step=self.state.step, metadata=SCALAR)
        tf.summary.flush()  # what is published with the checkpoint is then all of it
        logger.info(
            "step %d:%s validation accuracy %.2f %%, CER %.2f %%",
            self.state.step,
            f" loss {scalars['loss']:.4f}," if scalars else "",
            100 * accuracy,
            100 * cer,
        )
