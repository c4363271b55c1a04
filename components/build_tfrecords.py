"""Step 1: from an annotation file to checked TFRecords."""

from kfp.dsl import Dataset, Metrics, Output, component

from aocr_core.config import DataOptions
from components.form import describe
from components.image import IMAGE
from components.inputs import PipelineInputs


@component(base_image=IMAGE, install_kfp_package=False)
@describe(PipelineInputs, DataOptions)
def build_tfrecords(
    annotations: str,
    test_annotations: str,
    test_share: float,
    data_version: str,
    charset: str,
    label_kind: str,
    force_uppercase: bool,
    training: Output[Dataset],
    test: Output[Dataset],
    metrics: Output[Metrics],
):
    """Check every row and write a training and a test set."""
    parameters = locals()
    from components.building import build

    build(parameters, training, test, metrics)
