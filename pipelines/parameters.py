"""The values that a user gives to the pipeline, checked before any step is at work."""

from collections.abc import Mapping
from typing import Any

from aocr_core.charset import Charset
from aocr_core.config import ApproveOptions, DataOptions, ModelOptions, ServeOptions, TrainOptions
from aocr_core.errors import UsageError
from aocr_core.training.sharing import share_of_batch
from components import form
from components.inputs import EndpointOptions, PipelineInputs
from components.vertex import registry
from components.workers import WorkerOptions

TRAINING = (ModelOptions, DataOptions, TrainOptions, WorkerOptions)
GROUPS = (PipelineInputs, *TRAINING, ApproveOptions, ServeOptions, EndpointOptions)


def check(given: Mapping[str, Any]) -> None:
    """Refuse what a step would refuse, only minutes earlier.

    Raises:
        UsageError: a value is out of its range or names nothing; the message says which.
    """
    for group in GROUPS:
        form.options(group, {"annotations": "", "serving_dir": ""} | dict(given))
    workers, training = form.options(WorkerOptions, given), form.options(TrainOptions, given)
    if workers.apart:
        share_of_batch(training.batch_size, workers.devices)
    if given.get("endpoint"):
        registry.check_id(given.get("model_name") or ServeOptions().model_name)
    if charset := given.get("charset"):
        Charset.named(charset)
    if given.get("test_annotations") and not given.get("annotations"):
        raise UsageError("--test-annotations alone: name the images to train on too, with --annotations")
