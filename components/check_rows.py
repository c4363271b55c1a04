"""Step 1, in parts: check some of the rows."""

from kfp.dsl import Dataset, Output, component

from aocr_core.config import DataOptions
from components.form import describe
from components.image import IMAGE
from components.inputs import PipelineInputs
from components.parts import Part


@component(base_image=IMAGE, install_kfp_package=False)
@describe(PipelineInputs, DataOptions, Part)
def check_rows(
    annotations: str,
    test_annotations: str,
    data_version: str,
    charset: str,
    label_kind: str,
    force_uppercase: bool,
    part: int,
    parts: int,
    rows: Output[Dataset],
):
    """Check one part of all rows."""
    parameters = locals()
    from aocr_core.config import DataOptions, PrepareOptions
    from aocr_core.data.split import check_part
    from components.form import options

    data = options(DataOptions, parameters)
    check_part(annotations, test_annotations, rows.path, part, parts, PrepareOptions(save_filename=True), data)
