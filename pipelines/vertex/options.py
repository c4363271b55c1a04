"""Where on Vertex AI a run goes, and how it runs there: the options of `submit`, `schedule`, `status` and `cancel`."""

import os
import re
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from aocr_core.config import Options

HOST = "https://{location}-aiplatform.googleapis.com"
BUCKET_PATH = re.compile(r"gs://[a-z0-9][a-z0-9._-]{1,220}[a-z0-9](/.*)?")
NETWORK = re.compile(r"projects/[^/]+/global/networks/[^/]+")
KEY = re.compile(r"projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+")


class FromEnvironment(Options):
    """Options of which some are taken from environment variables when they are not given."""

    VARIABLES: ClassVar[dict[str, str]] = {}

    @model_validator(mode="before")
    @classmethod
    def _from_environment(cls, given: dict[str, Any]) -> dict[str, Any]:
        found = {name: os.environ[variable] for name, variable in cls.VARIABLES.items() if os.environ.get(variable)}
        return found | given


class Place(FromEnvironment):
    """A project and a region of Google Cloud, and how they are reached."""

    VARIABLES: ClassVar[dict[str, str]] = {
        "project": "GOOGLE_CLOUD_PROJECT",
        "location": "GOOGLE_CLOUD_LOCATION",
        "api_endpoint": "AOCR_VERTEX_ENDPOINT",
    }

    project: str | None = Field(
        None, description="Google Cloud project. [env: GOOGLE_CLOUD_PROJECT] [default: that of your login]"
    )
    location: str = Field("us-central1", description="Region. [env: GOOGLE_CLOUD_LOCATION]")
    api_endpoint: str | None = Field(
        None,
        description="Address to ask instead of the region's public one: of a private endpoint, or of an emulator. An "
        "http:// address is asked without credentials. [env: AOCR_VERTEX_ENDPOINT]",
    )
    request_timeout: Annotated[float, Field(gt=0)] = Field(
        60.0, description="Seconds to wait for the answer to one request."
    )

    @field_validator("api_endpoint")
    @classmethod
    def _address(cls, address: str | None) -> str | None:
        if address is None or re.fullmatch(r"(https?://)?[^/\s]+/?", address):
            return address and address.rstrip("/")
        raise PydanticCustomError("address", "input should be like https://HOST or http://127.0.0.1:PORT")

    @property
    def url(self) -> str:
        """The address that is asked."""
        return self.api_endpoint or HOST.format(location=self.location)


class JobOptions(FromEnvironment):
    """How Vertex AI runs the pipeline."""

    VARIABLES: ClassVar[dict[str, str]] = {"pipeline_root": "AOCR_PIPELINE_ROOT", "image": "AOCR_IMAGE"}

    pipeline_root: str = Field(
        description="Folder for the outputs of all steps: gs://BUCKET/FOLDER. [env: AOCR_PIPELINE_ROOT]"
    )
    image: str = Field(
        description="Container image that all steps run in, best as NAME@sha256:DIGEST: see --pin. [env: AOCR_IMAGE]"
    )
    pin: bool = Field(
        False,
        description="Ask the image's registry for the digest that its tag stands for now, and send that: the run stays "
        "what it is, and no step is reused from another image.",
    )
    service_account: str | None = Field(
        None, description="Account that the steps run as. [default: the Compute Engine default service account]"
    )
    network: str | None = Field(
        None, description="VPC network to peer with: projects/NUMBER/global/networks/NAME. [default: none]"
    )
    kms_key: str | None = Field(
        None,
        description="Customer-managed key (CMEK) that protects the run: "
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
        if not BUCKET_PATH.fullmatch(path):
            raise PydanticCustomError("bucket", "input should be like gs://BUCKET/FOLDER")
        return path.rstrip("/")

    @field_validator("network")
    @classmethod
    def _network(cls, name: str | None) -> str | None:
        if name and not NETWORK.fullmatch(name):
            raise PydanticCustomError("network", "input should be like projects/NUMBER/global/networks/NAME")
        return name

    @field_validator("kms_key")
    @classmethod
    def _key(cls, name: str | None) -> str | None:
        if name and not KEY.fullmatch(name):
            raise PydanticCustomError("key", "input should be like projects/P/locations/L/keyRings/R/cryptoKeys/K")
        return name
