"""What a pipeline needs to be told beyond the library's own options: where data comes from and where models go."""

from typing import Annotated

from pydantic import Field

from aocr_core.config import Options


class PipelineInputs(Options):
    """Places, and how they are used."""

    annotations: str = Field(
        description="Annotation file, one row a line: image path, blank, label. CSV, TSV and JSONL work too. "
        "Paths in it may be relative to it."
    )
    test_annotations: str = Field(
        "", description="Annotation file of the images to judge the model with. [empty: hold out test_share]"
    )
    test_share: Annotated[float, Field(gt=0, lt=1)] = Field(
        0.1, description="Share of the images to hold out for judging when test_annotations is empty."
    )
    data_version: str = Field(
        "", description="Anything that changes when the images do: steps are reused only while it stays the same."
    )
    serving_dir: str = Field(
        description="Folder of served models. An approved model becomes serving_dir/model_name/<next version>, "
        "which TensorFlow Serving and `aocr serve` pick up."
    )
