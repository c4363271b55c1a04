"""Step 2: from TFRecords to a model directory."""

from kfp.dsl import Dataset, Input, Metrics, Model, Output, component

from aocr_core.config import DataOptions, ModelOptions, TrainOptions
from components.form import describe
from components.image import IMAGE
from components.workers import WorkerOptions


@component(base_image=IMAGE, install_kfp_package=False)
@describe(ModelOptions, DataOptions, TrainOptions, WorkerOptions)
def train(
    dataset: Input[Dataset],
    preset: str,
    color: bool,
    input_height: int,
    max_prediction: int,
    charset: str,
    label_kind: str,
    force_uppercase: bool,
    num_epoch: int,
    max_minutes: float,
    batch_size: int,
    initial_learning_rate: float,
    augment: bool,
    pretrain: str,
    seed: int,
    worker_count: int,
    worker_machine: str,
    worker_accelerator: str,
    worker_spot: bool,
    model: Output[Model],
    metrics: Output[Metrics],
):
    """Train a recogniser until its validation no longer improves."""
    parameters = locals()
    from aocr_core.config import DataOptions, ModelOptions, TrainOptions
    from components.artifacts import record
    from components.form import options
    from components.training import train
    from components.workers import WorkerOptions

    network, labels = options(ModelOptions, parameters), options(DataOptions, parameters)
    training, workers = options(TrainOptions, parameters), options(WorkerOptions, parameters)
    record(metrics, train(dataset, model, network, labels, training, workers))
