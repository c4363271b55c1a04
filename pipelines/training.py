"""The pipeline: six steps from an annotation file to a served model."""

import functools
import inspect
from typing import Any

from kfp import dsl

from aocr_core.config import ApproveOptions, DataOptions, ModelOptions, ServeOptions, TrainOptions
from components import merge_rows
from components.approve import approve
from components.build_tfrecords import build_tfrecords
from components.check_rows import check_rows
from components.deploy import deploy
from components.deployment import IMAGE_VARIABLE
from components.evaluate import evaluate
from components.export import export
from components.form import defaults, describe
from components.image import IMAGE
from components.inputs import EndpointOptions, PipelineInputs
from components.train import train
from components.workers import WorkerOptions
from pipelines.spec import CODE_VERSION_VARIABLE

INPUTS, DATA, MODEL, TRAIN = (defaults(group) for group in (PipelineInputs, DataOptions, ModelOptions, TrainOptions))
GATE, SERVE, ENDPOINT = (defaults(group) for group in (ApproveOptions, ServeOptions, EndpointOptions))
WORKERS = defaults(WorkerOptions)
TRIES_AGAIN = 2
"""How often a training that has failed is tried again: few times, for a mistake would be paid for each time."""


@describe(PipelineInputs, DataOptions, ModelOptions, TrainOptions, WorkerOptions)
@describe(ApproveOptions, ServeOptions, EndpointOptions)
def _training(
    parts: int,
    code_version: str | None,
    annotations: str,
    serving_dir: str,
    test_annotations: str = INPUTS.test_annotations,
    test_share: float = INPUTS.test_share,
    data_version: str = INPUTS.data_version,
    model_name: str = SERVE.model_name,
    min_accuracy: float = GATE.min_accuracy,
    min_gain: float = GATE.min_gain,
    serving_export: str = GATE.serving_export,
    charset: str = DATA.charset,
    label_kind: str = DATA.label_kind,
    force_uppercase: bool = DATA.force_uppercase,
    preset: str = MODEL.preset,
    color: bool = MODEL.color,
    input_height: int = MODEL.input_height,
    max_prediction: int = MODEL.max_prediction,
    num_epoch: int = TRAIN.num_epoch,
    max_minutes: float = TRAIN.max_minutes,
    batch_size: int = TRAIN.batch_size,
    initial_learning_rate: float = TRAIN.initial_learning_rate,
    augment: bool = TRAIN.augment,
    pretrain: str = TRAIN.pretrain,
    seed: int = TRAIN.seed,
    worker_count: int = WORKERS.worker_count,
    worker_machine: str = WORKERS.worker_machine,
    worker_accelerator: str = WORKERS.worker_accelerator,
    worker_spot: bool = WORKERS.worker_spot,
    endpoint: str = ENDPOINT.endpoint,
    canary_percent: int = ENDPOINT.canary_percent,
    serving_machine: str = ENDPOINT.serving_machine,
    max_replicas: int = ENDPOINT.max_replicas,
    keep_previous: bool = ENDPOINT.keep_previous,
):
    """Train a model that reads text in images, and let it serve if it is good enough.

    1. Builds TFRecords from the annotation file, checking every row, and holds out a test set.
    2. Trains an attention model until its validation no longer improves.
    3. Evaluates it on the test set: exact accuracy, character error rate, attention pictures.
    4. Approves it if it reaches min_accuracy and surely reads better than what serves now.
    5. Exports an approved model as a verified SavedModel.
    6. Deploys the export as the next version in serving_dir, and to the endpoint by canary.
    """
    asked = {
        "annotations": annotations,
        "test_annotations": test_annotations,
        "data_version": data_version,
        "charset": charset,
        "label_kind": label_kind,
        "force_uppercase": force_uppercase,
    }
    checking = []
    if parts == 1:
        data = build_tfrecords(test_share=test_share, **asked)
    else:
        with dsl.ParallelFor(list(range(parts)), name="parts") as part:
            checked = check_rows(part=part, parts=parts, **asked).set_display_name("1 Check rows")
        checking = [checked]
        rows = dsl.Collected(checked.outputs["rows"])
        data = merge_rows.build_tfrecords(parts=rows, test_share=test_share, **asked)
    data.set_display_name("1 Build TFRecords")
    model = train(
        dataset=data.outputs["training"],
        preset=preset,
        color=color,
        input_height=input_height,
        max_prediction=max_prediction,
        charset=charset,
        label_kind=label_kind,
        force_uppercase=force_uppercase,
        num_epoch=num_epoch,
        max_minutes=max_minutes,
        batch_size=batch_size,
        initial_learning_rate=initial_learning_rate,
        augment=augment,
        pretrain=pretrain,
        seed=seed,
        worker_count=worker_count,
        worker_machine=worker_machine,
        worker_accelerator=worker_accelerator,
        worker_spot=worker_spot,
    ).set_display_name("2 Train")
    # The step may lose its machine while workers train: what is started then finds their job.
    model.set_retry(num_retries=TRIES_AGAIN, backoff_duration="60s")
    scores = evaluate(model=model.outputs["model"], dataset=data.outputs["test"]).set_display_name("3 Evaluate")
    gate = approve(
        evaluation=scores.outputs["results"],
        dataset=data.outputs["test"],
        serving_dir=serving_dir,
        model_name=model_name,
        endpoint=endpoint,
        min_accuracy=min_accuracy,
        min_gain=min_gain,
        serving_export=serving_export,
    ).set_display_name("4 Approve")
    # What serves may have changed since the last run: never reuse an old verdict or an old deployment.
    gate.set_caching_options(False)
    with dsl.If(gate.outputs["Output"] == True, name="approved"):  # noqa: E712 (a channel, not a bool)
        exported = export(model=model.outputs["model"], dataset=data.outputs["test"]).set_display_name("5 Export")
        deployed = deploy(
            exported=exported.output,
            scores=scores.outputs["metrics"],
            serving_dir=serving_dir,
            model_name=model_name,
            endpoint=endpoint,
            canary_percent=canary_percent,
            serving_machine=serving_machine,
            max_replicas=max_replicas,
            keep_previous=keep_previous,
        ).set_display_name("6 Deploy")
        deployed.set_caching_options(False)
    # A container does not know its own image; workers run it, too, and what serves is the image that has trained.
    for step in (model, deployed):
        step.set_env_variable(IMAGE_VARIABLE, IMAGE)
    if code_version:
        for step in (*checking, data, model, scores, gate, exported, deployed):
            step.set_env_variable(CODE_VERSION_VARIABLE, code_version)


def pipeline(parts: int = 1, code_version: str | None = None) -> Any:
    """The pipeline.

    Args:
        parts: so many steps at a time check the rows of the annotation files, and one puts them together.
        code_version: told to every step, so that none of another version is reused; None: nothing is told.
    """

    @functools.wraps(_training)
    def training(*parameters: Any) -> None:
        _training(parts, code_version, *parameters)

    # KFP reads the parameters from the signature; mypy does not know that functions may have this attribute.
    signature = inspect.signature(_training)
    training.__signature__ = signature.replace(parameters=list(signature.parameters.values())[2:])  # type: ignore[attr-defined]
    return dsl.pipeline(name="aocr-training", display_name="Attention OCR training")(training)
