"""Step 2: from TFRecords to a model directory."""

from kfp.dsl import Dataset, Input, Metrics, Model, Output, component

from aocr_core.config import DataOptions, ModelOptions, TrainOptions
from components.form import describe
from components.image import IMAGE


@component(base_image=IMAGE, install_kfp_package=False)
@describe(ModelOptions, DataOptions, TrainOptions)
def train(
    dataset: Input[Dataset],
    preset: str,
    color: bool,
    max_prediction: int,
    charset: str,
    label_kind: str,
    force_uppercase: bool,
    num_epoch: int,
    max_minutes: float,
    batch_size: int,
    initial_learning_rate: float,
    augment: bool,
    seed: int,
    model: Output[Model],
    metrics: Output[Metrics],
):
    """Train a recogniser until its validation no longer improves."""
    parameters = locals()
    from dataclasses import asdict

    from aocr_core.config import DataOptions, ModelOptions, TrainOptions
    from aocr_core.training import train
    from components.artifacts import record
    from components.form import options

    result = train(
        dataset.path,
        model.path,
        validation=None,
        model=options(ModelOptions, parameters),
        data=options(DataOptions, parameters),
        options=options(TrainOptions, parameters),
    )
    record(metrics, asdict(result))
