"""`train`: from a data set to a model directory."""

import logging
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras
import tensorflow as tf

from aocr_core import model_dir, storage
from aocr_core.config import DEFAULT_MODEL_DIR, DataOptions, ModelOptions, TrainOptions
from aocr_core.data import batches, info, records
from aocr_core.errors import AocrError, UsageError
from aocr_core.model.recognizer import AttentionOCR
from aocr_core.model_dir import ModelConfig
from aocr_core.training import calibration, precision, pretraining, schedule
from aocr_core.training import strategy as strategies
from aocr_core.training.average import WeightAverage
from aocr_core.training.checkpoints import State
from aocr_core.training.loop import Loop, Plan, Tools
from aocr_core.training.resolve import (
    SIZES_OF_THE_DATA,
    resolve,
    training_rows,
    validation_share,
    with_pretraining,
)
from aocr_core.training.step import build_optimizer, build_step
from aocr_core.training.transfer import Source, source_of, transfer
from aocr_core.training.validation import Validator
from aocr_core.training.workplace import workplace

logger = logging.getLogger(__name__)

CACHE_BYTES = 2**30
"""Prepared images are kept in memory as long as they need less than a gigabyte."""


@dataclass(frozen=True)
class TrainResult:
    """How a training ended. Accuracy and CER are those of the weights that are kept."""

    accuracy: float
    cer: float
    epochs: float
    steps: int
    seconds: float
    stopped: str
    """Why it ended, in words."""


def train(
    dataset: str,
    directory: str = DEFAULT_MODEL_DIR,
    validation: str | None = None,
    *,
    model: ModelOptions | None = None,
    data: DataOptions | None = None,
    options: TrainOptions | None = None,
) -> TrainResult:
    """Train a recogniser, or go on with one.

    Args:
        dataset: A TFRecord file or a folder of shards.
        directory: The model directory to write.
        validation: Data set to judge by; None holds a share of `dataset` out (of a tiny one, all images are judged).
        model: What the network looks like.
        data: How labels become symbols.
        options: How the weights are found.

    Raises:
        AocrError: nothing to train on, labels that the model cannot write, a directory of another configuration,
            a loss that is not a number, a directory that cannot be written.
        UsageError: a path or a device that is not there, or options that contradict each other.
    """
    options = options or TrainOptions()
    strategy = strategies.choose(options.gpu_id)
    return _train(dataset, directory, validation, model or ModelOptions(), data or DataOptions(), options, strategy)


def _train(
    dataset: str,
    directory: str,
    validation: str | None,
    model: ModelOptions,
    data: DataOptions,
    options: TrainOptions,
    strategy: tf.distribute.Strategy,
) -> TrainResult:
    keras.utils.set_random_seed(options.seed)
    described = info.load(dataset)
    # TensorFlow's own way to a bucket knows neither a mount nor the emulator, and cannot be told how long to try.
    with (
        storage.local_copies(records.files(dataset)) as files,
        storage.local_copies(records.files(validation) if validation else []) as judged,
        workplace(directory) as (target, publish),
    ):
        share = validation_share(described.rows, options)
        if validation is not None or not batches.splits(files, share):
            share = 0.0
        options = options.model_copy(update={"validation_share": share})
        existing = _existing(target) if options.resume else None
        under_way = existing is not None and tf.train.latest_checkpoint(str(target / model_dir.LATEST)) is not None
        source = source_of(options.init_from, existing, under_way)
        config = resolve(described, model, data, options, existing, source.config if source else None)
        _check_beginning(options, config, source, under_way)
        other_data = existing is not None and existing.dataset != config.dataset
        if existing is None:
            _start_anew(target, config)
        if not under_way:
            seconds = 0.0
            if not source and pretraining.wanted(described, config, options):
                place = storage.join(directory, model_dir.PRETRAINING)
                source, seconds = _pretrained(place, files, described, config, options.pretrain == "always", strategy)
            config = with_pretraining(config, options, described.rows, seconds)
        if other_data:
            logger.info("other data than before: the weights are the start of a training of full length")
        logger.info(_describe(config, described.rows))
        result = _run(target, publish, config, files, judged or files, described, strategy, other_data, source)
        shutil.rmtree(target / model_dir.PRETRAINING, ignore_errors=True)
        return result


def _check_beginning(options: TrainOptions, config: ModelConfig, source: Source | None, under_way: bool) -> None:
    if options.pretrain == "always" and source:
        raise UsageError("--pretrain always and --init-from are two ways to begin: choose one")
    if options.pretrain == "always" and under_way and not config.pretraining_seconds:
        raise AocrError(
            "the training in the model directory has begun without rendered words: start anew with --no-resume, or "
            "name another --model-dir"
        )


def _pretrained(
    place: str,
    files: list[str],
    described: info.DatasetInfo,
    config: ModelConfig,
    always: bool,
    strategy: tf.distribute.Strategy,
) -> tuple[Source | None, float]:
    """A model that has learnt rendered words, and the seconds that it took; without `always`, if there can be any."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="aocr-words-") as scratch:
        try:
            words = pretraining.render(Path(scratch), files, described, config)
        except AocrError as error:
            if always:
                raise
            logger.info("the training begins without rendered words: %s", error)
            return None, 0.0
        rendering = time.monotonic() - began
        network = config.options.model_copy(update=dict.fromkeys(SIZES_OF_THE_DATA))
        options = pretraining.options_for(config.training)
        result = _train(words, place, None, network, DataOptions(), options, strategy)
    logger.info("the words are learnt; now the images of the data set")
    return Source.load(place), rendering + result.seconds


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
    for name in (model_dir.WEIGHTS, model_dir.HISTORY):
        (target / name).unlink(missing_ok=True)
    model_dir.write_config(str(target), config)


def _describe(config: ModelConfig, rows: int) -> str:
    image, training = config.image, config.training
    return (
        f"training on {rows} images, {len(config.charset)} symbols, "
        f"input {image.height}x{image.width}x{image.channels}, texts up to {config.options.max_prediction} symbols, "
        f"{training.num_epoch} epochs in batches of {training.batch_size} "
        f"({config.options.preset}, {training.optimizer}, {training.precision})"
    )


def _run(
    target: Path,
    publish: Callable[[], None],
    config: ModelConfig,
    files: list[str],
    validation_files: list[str],
    described: info.DatasetInfo,
    strategy: tf.distribute.Strategy,
    other_data: bool,
    source: Source | None,
) -> TrainResult:
    options = config.training
    share = options.validation_share
    assert share is not None and options.num_epoch is not None  # resolved
    spec = batches.BatchSpec(config.image, config.charset, options.batch_size, config.data.force_uppercase)
    cache = described.rows * described.mean_aspect * config.image.height**2 * config.image.channels < CACHE_BYTES
    rows = training_rows(described.rows, share)
    with strategy.scope(), precision.used(options.precision):
        network = AttentionOCR.create(config.network, config.charset.size, config.image.channels)
        optimizer = build_optimizer(options)
        optimizer.build(network.trainable_variables)
        if source:
            _begin_with(source, network, config)
        average = WeightAverage(network.variables, options.ema_decay)
    validation = batches.evaluation_batches(validation_files, spec, share=share, cache=cache)
    tools = Tools(
        network,
        optimizer,
        average,
        build_step(network, optimizer, average, options, strategy),
        Validator(network, config, validation),
    )
    plan = Plan.make(rows, options)
    loop = Loop(target, tools, options, plan, publish, spent=config.pretraining_seconds)
    if other_data:
        # Figures of other images, and steps of another plan, say nothing here; not even if this run is killed at once.
        loop.start_over()
    model_dir.write_config(str(target), config)
    stream = batches.training_batches(
        files,
        spec,
        share=share,
        seed=options.seed,
        rows=rows,
        strength=schedule.distortion(options.num_epoch) if options.augment else 0.0,
        cache=cache,
        frequency=_frequency(described, config),
        first_step=loop.state.step,
        ramp_steps=round(schedule.RAMP_SHARE * plan.steps) or 1,
    )
    stopped = loop.run(iter(strategy.experimental_distribute_dataset(stream)))
    logger.info("training ended: %s", stopped)
    if share or validation_files is not files:  # on what was learnt by heart, every head may be as sure as it is
        _calibrate(target, config, validation)
        publish()
    return _result(loop.state, plan, config.pretraining_seconds, stopped)


def _calibrate(target: Path, config: ModelConfig, validation: tf.data.Dataset) -> None:
    if not (target / model_dir.WEIGHTS).exists():  # the time was over before the first validation
        return
    best, _ = model_dir.load_model(str(target))
    temperatures = calibration.fit(best, config, validation)
    model_dir.write_config(str(target), config.model_copy(update={"temperatures": temperatures}))


def _begin_with(source: Source, network: AttentionOCR, config: ModelConfig) -> None:
    shared, symbols = transfer(network, config.charset, source.model, source.config.charset), len(config.charset)
    logger.info("the training begins with %s, which knows %d of the %d symbols", source.place, shared, symbols)


def _frequency(described: info.DatasetInfo, config: ModelConfig) -> dict[str, float]:
    """How often each symbol occurs, per label."""
    counts = described.symbol_counts(config.charset.kind, config.data.force_uppercase)
    return {symbol: count / described.rows for symbol, count in counts.items()}


def _result(state: State, plan: Plan, before: float, stopped: str) -> TrainResult:
    seconds = before + state.seconds
    return TrainResult(
        state.best_accuracy, state.best_cer, state.step / plan.steps_per_epoch, state.step, seconds, stopped
    )
