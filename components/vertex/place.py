"""Where on Vertex AI: the options that all commands share which ask there."""

import os
import re
from typing import Annotated, Any, ClassVar

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from aocr_core.config import Options

HOST = "https://{location}-aiplatform.googleapis.com"


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
