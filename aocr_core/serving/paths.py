"""What may stand in a URL for a model's name, a version, a label."""

from typing import Annotated

from fastapi import Path
from starlette.convertors import IntegerConvertor, StringConvertor, register_url_convertor

Name = Annotated[str, Path(description="Name of a model.", pattern="^[^/:]+$")]
Version = Annotated[int, Path(description="Number of a version.", ge=0, lt=10**18)]


class _Name(StringConvertor):
    """A colon ends the name: GET `/v1/models/aocr:predict` does not ask for the model `aocr:predict`."""

    regex = "[^/:]+"


class _Version(IntegerConvertor):
    """As many digits as an int64 surely has room for, as TF Serving's versions."""

    regex = "[0-9]{1,18}"


def register() -> None:
    """Make `{x:name}` and `{x:version}` known to the routes that are declared from now on."""
    register_url_convertor("name", _Name())
    register_url_convertor("version", _Version())
