"""The batches of a training: those of its steps, and those that it is judged by."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import tensorflow as tf

from aocr_core.data import batches
from aocr_core.data.info import DatasetInfo
from aocr_core.model_dir import ModelConfig
from aocr_core.training import schedule
from aocr_core.training.loop import Plan
from aocr_core.training.resolve import training_rows
from aocr_core.training.step import Batch
from aocr_core.training.team import Team

CACHE_BYTES = 2**30
"""Prepared images are kept in memory as long as they need less than a gigabyte."""
WORKERS_SEED = 1_000_003
"""So far apart are the seeds of workers' streams, farther than their steps."""


@dataclass(frozen=True)
class Judged:
    """The images that a training is judged by."""

    files: list[str]
    described: DatasetInfo
    """Of all images in the files."""
    share: float
    """Of them, held out of the training; 0: all in the files are judged."""
    apart: bool
    """Whether it is not trained on them."""

    def batches(self, config: ModelConfig) -> tf.data.Dataset:
        """One pass over them; those that are not too many are read once."""
        size = _bytes(self.described, config) * (self.share or 1.0)
        return batches.evaluation_batches(self.files, _spec(config), share=self.share, cache=size < CACHE_BYTES)


def stream(
    files: list[str], config: ModelConfig, described: DatasetInfo, plan: Plan, first_step: int, team: Team
) -> Iterator[Batch]:
    """Batches for the devices of this process, of images that no other process has.

    Args:
        files: The training data.
        config: The complete configuration.
        described: What is known of the training data.
        plan: How long the training is.
        first_step: Steps that are done.
        team: Who trains.
    """
    options = config.training
    assert options.validation_share is not None and options.num_epoch is not None  # resolved
    rows = training_rows(described.rows, options.validation_share)
    alone = team.size == 1
    of_a_step = 1 if alone else team.replicas
    spec = _spec(config)
    found = batches.training_batches(
        files,
        spec if alone else replace(spec, batch_size=team.share_of_batch(options.batch_size)),
        share=options.validation_share,
        seed=options.seed + WORKERS_SEED * team.index,
        rows=-(-rows // team.size),
        strength=schedule.distortion(options.num_epoch) if options.augment else 0.0,
        cache=_bytes(described, config) / team.size < CACHE_BYTES,
        frequency=_frequency(described, config),
        first_step=first_step * of_a_step,
        ramp_steps=round(schedule.RAMP_SHARE * plan.steps) * of_a_step or 1,
        part=(team.index, team.size),
    )
    if alone:
        return iter(team.strategy.experimental_distribute_dataset(found))
    return iter(team.strategy.distribute_datasets_from_function(lambda _: found))


def _spec(config: ModelConfig) -> batches.BatchSpec:
    return batches.BatchSpec(config.image, config.charset, config.training.batch_size, config.data.force_uppercase)


def _bytes(described: DatasetInfo, config: ModelConfig) -> float:
    """Size of all images, prepared."""
    return described.rows * described.mean_aspect * config.image.height**2 * config.image.channels


def _frequency(described: DatasetInfo, config: ModelConfig) -> dict[str, float]:
    """How often each symbol occurs, per label."""
    counts = described.symbol_counts(config.charset.kind, config.data.force_uppercase)
    return {symbol: count / described.rows for symbol, count in counts.items()}
