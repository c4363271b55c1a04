"""Which uploads start a run, and what run: from environment variables, looked at before any event comes."""

import fnmatch
import re
import shlex
from dataclasses import dataclass
from typing import Any, ClassVar

import click
from pydantic import Field, ValidationError, field_validator
from pydantic_core import PydanticCustomError

from aocr_core.cli import options
from aocr_core.errors import UsageError
from components.vertex.place import FromEnvironment
from pipelines import submit
from pipelines.vertex import image
from pipelines.vertex.options import JobOptions

PATTERN = re.compile(r"gs://[a-z0-9][a-z0-9._-]+/.+")
DECIDED = {"annotations": "upload", "data_version": "upload", "job_id": "upload", "wait": "function"}
"""Options of `submit` that are not the user's to give here, and what decides them."""


class Variables(FromEnvironment):
    """The function's own variables; those of `submit` (`AOCR_IMAGE`, …) count, too."""

    VARIABLES: ClassVar[dict[str, str]] = {"pattern": "AOCR_EVENT_PATTERN", "submit": "AOCR_EVENT_SUBMIT"}

    pattern: str = Field(
        description="The annotation files that start a run: gs://BUCKET/NAME. In NAME, `*` stands for any characters, "
        "`?` for one."
    )
    submit: str = Field("", description="Options of `aocr-pipeline submit` for these runs, as a shell takes them.")

    @field_validator("pattern")
    @classmethod
    def _named(cls, pattern: str) -> str:
        if not PATTERN.fullmatch(pattern):
            raise PydanticCustomError("pattern", "write gs://BUCKET/NAME, with * where anything may stand in NAME")
        return pattern


@dataclass(frozen=True)
class Settings:
    """What the function does."""

    pattern: str
    words: tuple[str, ...]
    """Options for `submit`."""
    written: tuple[str, ...]
    """Folders that runs write to."""
    dry_run: bool

    def wants(self, path: str) -> bool:
        """Whether an upload to `gs://…` starts a run. What a run itself writes does not, whatever the pattern."""
        own = any(path.startswith(f"{folder}/") for folder in self.written)
        return fnmatch.fnmatchcase(path, self.pattern) and not own


def load() -> Settings:
    """The settings of this process.

    Raises:
        UsageError: a variable is missing, or holds what `submit` does not understand.
    """
    try:
        given = Variables.model_validate({})
        words = tuple(shlex.split(given.submit))
    except ValidationError as error:
        name = Variables.VARIABLES[str(error.errors()[0]["loc"][0])]
        missing = error.errors()[0]["type"] == "missing"
        raise UsageError(f"{name}: {'set it' if missing else error.errors()[0]['msg']}") from error
    except ValueError as error:
        raise UsageError(f"{Variables.VARIABLES['submit']}: {error}") from error
    values = _understood(words)
    chosen = options.build(JobOptions, values)
    image.parse(chosen.image)
    written = tuple(folder.rstrip("/") for folder in (chosen.pipeline_root, values["serving_dir"]) if folder)
    return Settings(given.pattern, words, written, values["dry_run"])


def _understood(words: tuple[str, ...]) -> dict[str, Any]:
    """The values of all options of `submit`."""
    variable = Variables.VARIABLES["submit"]
    try:
        context = submit.command.make_context("submit", list(words))
    except (click.ClickException, click.exceptions.Exit) as error:
        told = error.format_message() if isinstance(error, click.ClickException) else "it asks for help"
        raise UsageError(f"{variable}: {told}") from error
    for name, what in DECIDED.items():
        if context.get_parameter_source(name) == click.core.ParameterSource.COMMANDLINE:
            raise UsageError(f"{variable}: --{name.replace('_', '-')} is decided by the {what}")
    return context.params
