"""How a training begins, or goes on, in a model directory: decided by the chief, for all workers."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import tensorflow as tf

from aocr_core import model_dir
from aocr_core.config import DataOptions, ModelOptions, TrainOptions
from aocr_core.data.info import DatasetInfo
from aocr_core.errors import AocrError, UsageError
from aocr_core.model_dir import ModelConfig
from aocr_core.training import pretraining
from aocr_core.training.inputs import DataSet
from aocr_core.training.resolve import resolve, training_rows
from aocr_core.training.team import Team
from aocr_core.training.transfer import Source, source_of


@dataclass(frozen=True)
class Beginning:
    """What the chief finds in the model directory, and makes of it."""

    config: ModelConfig
    under_way: bool
    """Whether there is a checkpoint to go on from."""
    other_data: bool
    """Whether it is one of a training on other data."""
    other_validation: bool
    """Whether it is one of a training on the same data that was judged by other images."""
    pretrain: bool
    """Whether rendered words are learnt first."""


def of(
    target: Path,
    trained: DataSet,
    judged: DataSet | None,
    model: ModelOptions,
    data: DataOptions,
    options: TrainOptions,
    team: Team,
) -> tuple[Beginning, Source | None]:
    """Make a model directory ready, and tell how the training begins and with what weights.

    Args:
        target: The directory.
        trained: The training data.
        judged: The data set to judge by, if it is another.
        model: What the network looks like.
        data: How labels become symbols.
        options: How the weights are found.
        team: Who trains.

    Raises:
        AocrError: see `aocr_core.training.run.train`.
    """
    described = trained.described
    existing = _existing(target) if options.resume else None
    under_way = existing is not None and tf.train.latest_checkpoint(str(target / model_dir.LATEST)) is not None
    source = source_of(options.init_from, existing, under_way)
    config = resolve(described, model, data, options, existing, source.config if source else None)
    config = config.model_copy(update={"validation": (judged or trained).described.fingerprint})
    for given in filter(None, (trained, judged)):
        given.require(config.image.channels)
    _check_beginning(options, config, source, under_way)
    _check_team(team, described, config.training)
    if existing is None:
        _start_anew(target, config)
    other_data = existing is not None and existing.dataset != config.dataset
    pretrain = not under_way and not source and pretraining.wanted(described, config, options)
    other_validation = under_way and not other_data and _judged_otherwise(config, existing)
    return Beginning(config, under_way, other_data, other_validation, pretrain), source


def _judged_otherwise(config: ModelConfig, existing: ModelConfig | None) -> bool:
    if existing is None:
        return False
    other_set = existing.validation is not None and existing.validation != config.validation
    return other_set or existing.training.validation_share != config.training.validation_share


def _check_beginning(options: TrainOptions, config: ModelConfig, source: Source | None, under_way: bool) -> None:
    if options.pretrain == "always" and source:
        raise UsageError("--pretrain always and --init-from are two ways to begin: choose one")
    if options.pretrain == "always" and under_way and not config.pretraining_seconds:
        raise AocrError(
            "the training in the model directory has begun without rendered words: start anew with --no-resume, or "
            "name another --model-dir"
        )


def _check_team(team: Team, described: DatasetInfo, options: TrainOptions) -> None:
    assert options.validation_share is not None  # resolved
    if team.size > 1:
        team.share_of_batch(options.batch_size)
        rows = training_rows(described.rows, options.validation_share)
        if rows < max(options.batch_size, team.size):
            raise AocrError(f"{rows} images to train on are too few for {team.size} workers: let one machine train")


def _existing(target: Path) -> ModelConfig | None:
    return model_dir.read_config(str(target)) if (target / model_dir.CONFIG).exists() else None


def _start_anew(target: Path, config: ModelConfig) -> None:
    """Make the directory and drop what an earlier model left in it; nothing else in it is touched."""
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AocrError(f"cannot make the model directory {target}: {error.strerror}") from error
    for name in (model_dir.LATEST, model_dir.LOGS, model_dir.PRETRAINING):
        shutil.rmtree(target / name, ignore_errors=True)
    for name in (model_dir.WEIGHTS, model_dir.HISTORY, model_dir.RESULT):
        (target / name).unlink(missing_ok=True)
    model_dir.write_config(str(target), config)
