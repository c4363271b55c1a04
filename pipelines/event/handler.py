"""What an event leads to: a run, or a line in the log that says why not.

An event comes at least once, and again (for a day, by Eventarc's default) while it is answered with an error. So what
may mend itself, or be mended by an administrator, is an error here; everything else is answered with "OK" and logged.
"""

import json
from collections.abc import Iterator
from typing import Any, Literal

import click

from aocr_core import gcs, storage
from aocr_core.errors import AocrError, UsageError
from aocr_core.storage import MissingError
from pipelines import submit
from pipelines.event import upload
from pipelines.event.settings import Settings
from pipelines.event.upload import Upload
from pipelines.vertex.jobs import ExistsError

NEAR = ("parameters.yaml", "parameters.yml", "parameters.json")
"""A file of parameters beside the annotation file, the first that is there."""


class LaterError(Exception):
    """The event is to come again."""


def handle(kind: str, data: Any, settings: Settings) -> None:
    """Do what an event asks for.

    Args:
        kind: the event's `type`.
        data: its content.
        settings: of this function.

    Raises:
        LaterError: nothing was started, but the same event may have success later.
    """
    try:
        told = upload.of(kind, data)
    except UsageError as error:
        say("ERROR", f"refused: {error}")
        return
    if not settings.wants(told.path):
        say("DEBUG", f"ignored: {told.path} is not {settings.pattern}, or written by a run")
        return
    try:
        say("NOTICE", _start(told, settings))
    except ExistsError:
        say("INFO", f"{told.path}: the run {told.job_id} has been started before")
    except (AocrError, click.ClickException) as error:
        message = error.format_message() if isinstance(error, click.ClickException) else str(error)
        if is_lasting(error):
            say("ERROR", f"{told.path}: no run: {message}; mend it and upload the annotation file again")
            return
        say("WARNING", f"{told.path}: no run yet: {message}")
        raise LaterError(message) from error


def _start(told: Upload, settings: Settings) -> str:
    """Start the run; says what was done."""
    now = gcs.generation(told.path)
    if now is None:
        return f"{told.path}: no run: it has been deleted"
    if now > told.generation:
        return f"{told.path}: no run: there is a newer one, of which another event tells"
    # The generation, not a look at the files: a new upload is new data, even if only the images differ.
    words = [*settings.words, "--annotations", told.path, "--data-version", str(told.generation)]
    if near := _near(told.path):
        words += ["--parameters", near]
    submit.command.main([*words, "--job-id", told.job_id], prog_name="submit", standalone_mode=False)
    return f"{told.path}: {'dry run, not submitted' if settings.dry_run else 'submitted as'} {told.job_id}"


def _near(path: str) -> str | None:
    files = (storage.join(storage.parent(path), name) for name in NEAR)
    return next((file for file in files if storage.exists(file)), None)


def is_lasting(error: BaseException) -> bool:
    """Whether the same request would fail the same way tomorrow: it is wrong in itself."""
    from google.api_core.exceptions import BadRequest, NotFound

    lasting = UsageError, MissingError, click.ClickException, BadRequest, NotFound
    return any(isinstance(cause, lasting) for cause in _causes(error))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error:
        yield error
        error = error.__cause__


def say(severity: Literal["DEBUG", "INFO", "NOTICE", "WARNING", "ERROR"], message: str) -> None:
    """One line in the form that Cloud Logging understands
    (https://cloud.google.com/logging/docs/structured-logging)."""
    click.echo(json.dumps({"severity": severity, "message": message}, ensure_ascii=False))
