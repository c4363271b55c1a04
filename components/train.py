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
    model: Output[Model],
    metrics: Output[Metrics],
):
    """Train a recogniser until its validation no longer improves."""
    parameters = locals()
    from dataclasses import asdict

    from aocr_core.config import DataOptions, ModelOptions, TrainOptions
    from aocr_core.data import info
    from aocr_core.training import train
    from aocr_core.training.unfinished import kept_until_done
    from components.artifacts import record
    from components.form import options

    network, labels = options(ModelOptions, parameters), options(DataOptions, parameters)
    training = options(TrainOptions, parameters)
    identity = [info.load(dataset.path).fingerprint, *(o.model_dump_json() for o in (network, labels, training))]
    with kept_until_done(model.path, *identity) as directory:
        result = train(dataset.path, directory, validation=None, model=network, data=labels, options=training)
    record(metrics, asdict(result))
