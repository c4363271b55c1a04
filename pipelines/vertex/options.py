"""How a run on Vertex AI runs there: the options of `submit`, `schedule` and `job`."""

import re
from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from components.vertex.place import FromEnvironment

BUCKET_PATH = re.compile(r"gs://[a-z0-9][a-z0-9._-]{1,220}[a-z0-9](/.*)?")
NETWORK = re.compile(r"projects/[^/]+/global/networks/[^/]+")
KEY = re.compile(r"projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+")


def _in_bucket(path: str) -> str:
    if not BUCKET_PATH.fullmatch(path):
        raise PydanticCustomError("bucket", "input should be like gs://BUCKET/FOLDER")
    return path.rstrip("/")


class ContainerOptions(FromEnvironment):
    """The container image of a run or a job, and as whom and where it runs."""

    VARIABLES: ClassVar[dict[str, str]] = {"image": "AOCR_IMAGE"}

    image: str = Field(description="Container image to run, best as NAME@sha256:DIGEST: see --pin. [env: AOCR_IMAGE]")
    pin: bool | None = Field(
        None,
        description="Ask the image's registry for the digest that its tag stands for now, and send that: the run stays "
        "what it is, and no step is reused from another image. [default: pin if the registry is Google's and answers]",
    )
    service_account: str | None = Field(
        None,
        description="Account to run as. [default: for pipelines the Compute Engine default service account, for a job "
        "Vertex AI's own]",
    )
    network: str | None = Field(
        None, description="VPC network to peer with: projects/NUMBER/global/networks/NAME. [default: none]"
    )

    @field_validator("network")
    @classmethod
    def _network(cls, name: str | None) -> str | None:
        if name and not NETWORK.fullmatch(name):
            raise PydanticCustomError("network", "input should be like projects/NUMBER/global/networks/NAME")
        return name


class JobOptions(ContainerOptions):
    """How Vertex AI runs the pipeline."""

    VARIABLES: ClassVar[dict[str, str]] = ContainerOptions.VARIABLES | {"pipeline_root": "AOCR_PIPELINE_ROOT"}

    pipeline_root: str = Field(
        description="Folder for the outputs of all steps: gs://BUCKET/FOLDER. [env: AOCR_PIPELINE_ROOT]"
    )
    kms_key: str | None = Field(
        None,
        description="Customer-managed key (CMEK) that protects the run, and its model and endpoint if they are new: "
        "projects/P/locations/REGION/keyRings/R/cryptoKeys/K. [default: Google's keys]",
    )
    caching: bool = Field(
        True,
        description="Reuse steps of earlier runs for which nothing has changed; --no-caching runs every step. Approval "
        "and deployment always run.",
    )
    failure_policy: Literal["slow", "fast"] = Field(
        "slow", description="When a step has failed: `slow` still runs those that can, `fast` starts no more."
    )
    experiment: str | None = Field(
        None, description="Vertex AI Experiment to list the run in; it is created if need be. [default: none]"
    )
    display_name: str | None = Field(
        None, description="Name of the run in the console. [default: that of the pipeline]", max_length=128
    )

    @field_validator("pipeline_root")
    @classmethod
    def _bucket(cls, path: str) -> str:
        return _in_bucket(path)

    @field_validator("kms_key")
    @classmethod
    def _key(cls, name: str | None) -> str | None:
        if name and not KEY.fullmatch(name):
            raise PydanticCustomError("key", "input should be like projects/P/locations/L/keyRings/R/cryptoKeys/K")
        return name


class TrainingJobOptions(ContainerOptions):
    """A training as a job of its own, without the pipeline."""

    output_dir: str = Field(
        description="Folder for all that the job writes: gs://BUCKET/FOLDER. The finished model comes to model/ in it, "
        "what an interrupted training goes on from to checkpoints/, TensorBoard's files to logs/."
    )
    timeout_hours: Annotated[float, Field(gt=0)] | None = Field(
        None, description="End the job after so many hours. [default: Vertex AI's, 7 days]"
    )
    restart: bool = Field(
        True,
        description="Start all workers again when one was started again, as when its Spot machine is taken away; the "
        "training goes on from its last checkpoint.",
    )

    @field_validator("output_dir")
    @classmethod
    def _bucket(cls, path: str) -> str:
        return _in_bucket(path)
