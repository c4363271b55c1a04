"""`train`: from a data set to a model directory."""

import json
import logging
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from aocr_core import model_dir, storage
from aocr_core.config import DEFAULT_MODEL_DIR, DataOptions, ModelOptions, TrainOptions
from aocr_core.data import batches, records
from aocr_core.data.info import DatasetInfo
from aocr_core.errors import AocrError
from aocr_core.model.recognizer import AttentionOCR
from aocr_core.model_dir import ModelConfig
from aocr_core.training import beginning, calibration, feeding, precision, pretraining, samples
from aocr_core.training.average import WeightAverage
from aocr_core.training.beginning import Beginning
from aocr_core.training.checkpoints import State
from aocr_core.training.feeding import Judged
from aocr_core.training.inputs import DataSet
from aocr_core.training.loop import Loop, Plan, Tools
from aocr_core.training.resolve import (
    SIZES_OF_THE_DATA,
    training_rows,
    validation_share,
    with_pretraining,
)
from aocr_core.training.step import build_optimizer, build_step
from aocr_core.training.team import Team
from aocr_core.training.transfer import Source, transfer
from aocr_core.training.validation import Validator
from aocr_core.training.workplace import Places, no_place, workplace

logger = logging.getLogger(__name__)


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
    checkpoints: str | None = None,
    logs: str | None = None,
) -> TrainResult:
    """Train a recogniser, or go on with one.

    Where `TF_CONFIG` names several workers, each of them calls this, and they train one model together. Only the chief
    needs `directory`, `checkpoints` and `logs`.

    Args:
        dataset: A TFRecord file or a folder of shards.
        directory: The model directory to write.
        validation: Data set to judge by; None holds a share of `dataset` out (of a tiny one, all images are judged).
        model: What the network looks like.
        data: How labels become symbols.
        options: How the weights are found.
        checkpoints: Directory to go on from after an interruption (see `workplace.Places`); None: `directory`.
        logs: Directory that gets TensorBoard's event files, besides the one that they lie in.

    Raises:
        AocrError: nothing to train on or to judge by, images that cannot be decoded, labels that the model cannot
            write, a directory of another configuration, a loss that is not a number, a directory that cannot be
            written.
        LostError: another worker has gone.
        UsageError: a path or a device that is not there, or options that contradict each other.
    """
    options = options or TrainOptions()
    team = Team.assembled(options.gpu_id)
    places = Places(directory, checkpoints, logs)
    with team.together():
        return _train(dataset, places, validation, model or ModelOptions(), data or DataOptions(), options, team)


def _train(
    dataset: str,
    places: Places,
    validation: str | None,
    model: ModelOptions,
    data: DataOptions,
    options: TrainOptions,
    team: Team,
) -> TrainResult:
    keras.utils.set_random_seed(options.seed)
    trained = DataSet.look(dataset)
    described = trained.described
    # TensorFlow's own way to a bucket knows neither a mount nor the emulator, and cannot be told how long to try.
    with (
        storage.local_copies(records.files(dataset)) as files,
        storage.local_copies(records.files(validation) if validation and team.chief else []) as apart,
        workplace(places) if team.chief else no_place() as (target, publish),
    ):
        share = validation_share(described.rows, options)
        if validation is not None or not batches.splits(files, share):
            share = 0.0
        options = options.model_copy(update={"validation_share": share})
        source: Source | None = None  # in memory of the chief, whose weights all get
        judged = Judged(files, described, share, apart=share > 0)

        def decide() -> dict[str, Any]:
            nonlocal source, judged
            given = DataSet.look(validation) if validation else None
            if given:
                judged = Judged(apart, given.described, 0.0, apart=True)
            found, source = beginning.of(target, trained, given, model, data, options, team)
            return asdict(found) | {"config": found.config.model_dump(mode="json")}

        told = team.told(decide)
        begun = Beginning(**(told | {"config": ModelConfig.model_validate(told["config"])}))
        config = begun.config
        if config.dataset != described.fingerprint:
            raise AocrError(f"{dataset} is another data set here than where the chief of this training sees it")
        if not begun.under_way:
            seconds = 0.0
            if begun.pretrain:
                place = storage.join(places.home, model_dir.PRETRAINING)
                source, seconds = _pretrained(place, files, described, config, options.pretrain == "always", team)
            config = with_pretraining(config, options, described.rows, seconds)
        if begun.other_data:
            logger.info("other data than before: the weights are the start of a training of full length")
        if begun.other_validation:
            logger.info("other validation images than before: how well the weights read the earlier ones is forgotten")
        if team.chief:
            logger.info(_describe(config, described.rows, team.size))
        begun = replace(begun, config=config)
        return _run(target, publish, begun, files, described, judged, team, source)


def _pretrained(
    place: str,
    files: list[str],
    described: DatasetInfo,
    config: ModelConfig,
    always: bool,
    team: Team,
) -> tuple[Source | None, float]:
    """A model that has learnt rendered words, and the seconds that it took; without `always`, if there can be any.

    The model is there for the chief alone.
    """
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="aocr-words-") as scratch:
        failure: AocrError | None = None
        try:
            words = pretraining.render(Path(scratch), files, described, config)
        except AocrError as error:
            failure = error
        try:
            team.told(lambda: _raise(failure))
        except AocrError as error:
            if always:
                raise
            logger.info("the training begins without rendered words: %s", error)
            return None, 0.0
        _raise(failure)  # of this worker alone
        (rendering,) = team.numbers(lambda: [time.monotonic() - began], 1)
        network = config.options.model_copy(update=dict.fromkeys(SIZES_OF_THE_DATA))
        options = pretraining.options_for(config.training)
        result = _train(words, Places(place), None, network, DataOptions(), options, team)
    logger.info("the words are learnt; now the images of the data set")
    return Source.load(place) if team.chief else None, rendering + result.seconds


def _raise(failure: AocrError | None) -> None:
    if failure:
        raise failure


def _describe(config: ModelConfig, rows: int, workers: int) -> str:
    image, training = config.image, config.training
    return (
        f"training on {rows} images, {len(config.charset)} symbols, "
        f"input {image.height}x{image.width}x{image.channels}, texts up to {config.options.max_prediction} symbols, "
        f"{training.num_epoch} epochs in batches of {training.batch_size} "
        f"({config.options.preset}, {training.optimizer}, {training.precision})"
        + (f", shared by {workers} workers" if workers > 1 else "")
    )


def _run(
    target: Path,
    publish: Callable[[], None],
    begun: Beginning,
    files: list[str],
    described: DatasetInfo,
    judged: Judged,
    team: Team,
    source: Source | None,
) -> TrainResult:
    config = begun.config
    options = config.training
    assert options.validation_share is not None  # resolved
    with team.strategy.scope(), precision.used(options.precision):
        network = AttentionOCR.create(config.network, config.charset.size, config.image.channels)
        optimizer = build_optimizer(options)
        optimizer.build(network.trainable_variables)
        if source:
            _begin_with(source, network, config)
        average = WeightAverage(network.variables, options.ema_decay)
    validation = judged.batches(config)
    tools = Tools(
        network,
        optimizer,
        average,
        build_step(network, optimizer, average, options, team.strategy),
        Validator(network, config, validation),
    )
    plan = Plan.make(training_rows(described.rows, options.validation_share), options)
    loop = Loop(target, tools, options, plan, publish, spent=config.pretraining_seconds, team=team)
    if begun.other_data:
        # Figures of other images, and steps of another plan, say nothing here; not even if this run is killed at once.
        loop.start_over()
    if begun.other_validation:
        loop.judge_anew()
    if team.chief:
        model_dir.write_config(str(target), config)
    stopped = loop.run(feeding.stream(files, config, described, plan, loop.state.step, team))
    logger.info("training ended: %s", stopped)

    def finish() -> dict[str, Any]:
        if judged.apart:  # on what was learnt by heart, every head may be as sure as it is
            _calibrate(target, config, validation)
        samples.keep(target, judged.files, judged.share)
        result = asdict(_result(loop.state, plan, config.pretraining_seconds, stopped))
        storage.write_bytes(target / model_dir.RESULT, json.dumps(result, indent=1).encode() + b"\n")
        shutil.rmtree(target / model_dir.PRETRAINING, ignore_errors=True)
        publish()
        return result

    return TrainResult(**team.told(finish))


def _calibrate(target: Path, config: ModelConfig, validation: tf.data.Dataset) -> None:
    if not (target / model_dir.WEIGHTS).exists():  # the time was over before the first validation
        return
    best, _ = model_dir.load_model(str(target))
    temperatures = calibration.fit(best, config, validation)
    model_dir.write_config(str(target), config.model_copy(update={"temperatures": temperatures}))


def _begin_with(source: Source, network: AttentionOCR, config: ModelConfig) -> None:
    shared, symbols = transfer(network, config.charset, source.model, source.config.charset), len(config.charset)
    logger.info("the training begins with %s, which knows %d of the %d symbols", source.place, shared, symbols)


def _result(state: State, plan: Plan, before: float, stopped: str) -> TrainResult:
    seconds = before + state.seconds
    return TrainResult(
        state.best_accuracy, state.best_cer, state.step / plan.steps_per_epoch, state.step, seconds, stopped
    )
