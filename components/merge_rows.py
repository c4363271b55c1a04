"""Step 1, in parts: put the checked rows together.

The component has the name of the one that does all at once: whoever reads a run finds the step by it.
"""

from kfp.dsl import Dataset, Input, Metrics, Output, component

from aocr_core.config import DataOptions
from components.form import describe
from components.image import IMAGE
from components.inputs import PipelineInputs


@component(base_image=IMAGE, install_kfp_package=False)
@describe(PipelineInputs, DataOptions)
def build_tfrecords(
    parts: Input[list[Dataset]],
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
    """Write a training and a test set of rows that were checked in parts."""
    parameters = locals()
    from components.building import build

    build(parameters, training, test, metrics, parts)
