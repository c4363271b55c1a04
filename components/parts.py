"""One part of the rows of the annotation files, where several machines check them at a time."""

from typing import Annotated

from pydantic import Field

from aocr_core.config import Options, PositiveInt


class Part(Options):
    """Which part of how many."""

    part: Annotated[int, Field(ge=0)] = Field(description="Which part of the rows to check, from 0.")
    parts: PositiveInt = Field(description="Number of parts that the rows are checked in.")
