"""What a pipeline needs to be told beyond the library's own options: where data comes from and where models go."""

import re
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from aocr_core.config import Options, PositiveInt

ENDPOINT = re.compile(
    r"projects/(?P<project>[^/\s]+)/locations/(?P<location>[^/\s]+)/endpoints/(?P<id>[a-z]([a-z0-9-]{0,61}[a-z0-9])?|\d+)"
)


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


class EndpointOptions(Options):
    """A Vertex AI endpoint, and how a new version is put to work on it."""

    endpoint: str | None = Field(
        None,
        description="Vertex AI endpoint to deploy to, as a version of the model model_name in the Model Registry: "
        "projects/PROJECT/locations/REGION/endpoints/ID. It is created if there is none; ID is yours to choose. "
        "[default: none, serving_dir is all]",
    )
    canary_percent: Annotated[int, Field(ge=1, le=99)] = Field(
        10, description="Share of the endpoint's traffic for a new version until it has proved to read as its export."
    )
    serving_machine: str = Field("n1-standard-2", description="Machine type of the endpoint.")
    max_replicas: PositiveInt = Field(
        1, description="Machines of a version at most, under load; one is always up, and paid for."
    )
    keep_previous: bool = Field(
        False,
        description="Leave the version before deployed, without traffic: its machine is paid for, and a rollback takes "
        "seconds instead of the minutes to start one.",
    )

    @field_validator("endpoint")
    @classmethod
    def _name(cls, name: str | None) -> str | None:
        if name and not ENDPOINT.fullmatch(name):
            raise PydanticCustomError("endpoint", "input should be like projects/PROJECT/locations/REGION/endpoints/ID")
        return name
