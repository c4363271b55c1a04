"""Jobs of Vertex AI that a step waits for: each is started once, found again, and ended with the step."""

import json
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from aocr_core.errors import AocrError
from components.ending import told_as_interrupt
from components.vertex.changes import ensured
from components.vertex.connection import Connection
from components.vertex.errors import explained, in_one_line, is_passing

if TYPE_CHECKING:
    from google.api_core.retry import Retry
    from google.cloud.aiplatform_v1 import JobServiceClient
    from google.cloud.aiplatform_v1.types import CustomJob

logger = logging.getLogger(__name__)

PATIENCE_HOURS = 6.0
"""So long a job is looked for while Vertex AI does not answer: it goes on all the same, and is paid for."""
LONGEST_PAUSE = 300.0
"""Seconds between two of these looks; they double from one to the next."""
SUCCEEDED, CANCELLING = "JOB_STATE_SUCCEEDED", "JOB_STATE_CANCELLING"
OVER = (SUCCEEDED, "JOB_STATE_FAILED", "JOB_STATE_CANCELLED", "JOB_STATE_EXPIRED", "JOB_STATE_PARTIALLY_SUCCEEDED")
FIRST_WAIT, LONGEST_WAIT = 1.0, 15.0
"""Seconds from one look at a job to the next: short ones are seen at once, long ones not asked for every second."""


def run(connection: Connection, wanted: dict[str, Any]) -> "CustomJob":
    """Start a job, unless one of its display name is at work or has succeeded, and wait until it is over.

    If this process is told to end (SIGTERM, Ctrl-C), the job is cancelled: without the one, nobody waits for the other.

    Args:
        connection: where it runs.
        wanted: the `CustomJob` in the JSON form of the REST API; nothing else has its display name.

    Returns:
        The job, which has succeeded.

    Raises:
        AocrError: it failed or was cancelled, or Vertex AI refuses it or does not answer for hours.
    """
    client = _client(connection)
    with _ended_together(connection, client, wanted["displayName"]):
        return _run(connection, client, wanted)


def _run(connection: Connection, client: "JobServiceClient", wanted: dict[str, Any]) -> "CustomJob":
    name = wanted["displayName"]
    earlier = _named(connection, client, name)
    for job in earlier:
        if job.state.name == CANCELLING:
            _wait(connection, client, job)
    found = next((job for job in earlier if job.state.name == SUCCEEDED or _at_work(job)), None)
    if found:
        logger.info("%s: found again: %s", name, console_url(found))
    job = _wait(connection, client, found or _created(connection, client, wanted, {job.name for job in earlier}))
    if job.state.name != SUCCEEDED:
        said = " ".join(job.error.message.split()) or "without a word"
        raise AocrError(f"the job {name} has ended as {_word(job)}: {said} ({console_url(job)})")
    return job


def console_url(job: "CustomJob") -> str:
    """Where a job is seen in the Google Cloud console."""
    _, project, _, location, _, number = job.name.split("/")
    return f"https://console.cloud.google.com/vertex-ai/locations/{location}/training/{number}?project={project}"


def _client(connection: Connection) -> "JobServiceClient":
    from google.cloud.aiplatform_v1 import JobServiceClient

    return connection.client(JobServiceClient)


def _named(connection: Connection, client: "JobServiceClient", name: str) -> "list[CustomJob]":
    """All jobs of a display name."""
    from google.cloud.aiplatform_v1.types import ListCustomJobsRequest

    request = ListCustomJobsRequest(parent=connection.parent, filter=f"display_name={json.dumps(name)}")
    with explained(f"list the jobs in {connection.parent}"):
        return list(client.list_custom_jobs(request=request, **connection.patience))


def _created(
    connection: Connection, client: "JobServiceClient", wanted: dict[str, Any], earlier: set[str]
) -> "CustomJob":
    """A new job. Vertex AI numbers jobs itself, so that a repeated request would start a second one."""
    from google.cloud.aiplatform_v1.types import CustomJob
    from google.protobuf import json_format

    message = CustomJob(json_format.ParseDict(wanted, CustomJob.pb()()))
    answered: list[CustomJob] = []

    def look() -> "CustomJob | None":
        # What was answered counts, even if Vertex AI does not list it yet.
        arrived = answered or _named(connection, client, wanted["displayName"])
        return next((job for job in arrived if job.name not in earlier), None)

    def create() -> None:
        answered.append(client.create_custom_job(parent=connection.parent, custom_job=message, **connection.once))

    job = ensured(connection, f"start the job {wanted['displayName']} in {connection.parent}", look, create)
    logger.info("%s: started: %s", wanted["displayName"], console_url(job))
    return job


def _wait(connection: Connection, client: "JobServiceClient", job: "CustomJob") -> "CustomJob":
    """The job when it is over; each new state is logged.

    Raises:
        AocrError: Vertex AI does not say any more how it stands; the message tells where to look after it.
    """
    began, state = time.monotonic(), ""
    asking: dict[str, Any] = {"timeout": connection.place.request_timeout, "retry": _long_patience(job)}
    while True:
        if job.state.name != state:
            state = job.state.name
            logger.info("%s: %s", job.display_name, _word(job))
        if state in OVER:
            return job
        time.sleep(min(LONGEST_WAIT, FIRST_WAIT + (time.monotonic() - began) / 60))
        try:
            with explained(f"look up {job.name}"):
                job = client.get_custom_job(name=job.name, **asking)
        except AocrError as error:
            raise AocrError(f"{error}; the job may be at work, and has to be paid for: {console_url(job)}") from error


def _long_patience(job: "CustomJob") -> "Retry":
    """How one look at a job is repeated."""
    from google.api_core.retry import Retry

    def tell(error: BaseException) -> None:
        logger.warning("%s: asking again how it stands: %s", job.display_name, in_one_line(error))

    patience = PATIENCE_HOURS * 3600
    return Retry(predicate=is_passing, initial=FIRST_WAIT, maximum=LONGEST_PAUSE, timeout=patience, on_error=tell)


@contextmanager
def _ended_together(connection: Connection, client: "JobServiceClient", name: str) -> Iterator[None]:
    """Within the block, what ends this process cancels jobs of that display name."""
    with told_as_interrupt():
        try:
            yield
        except KeyboardInterrupt:
            for job in filter(_at_work, _named(connection, client, name)):
                logger.info("%s: to be cancelled", name)
                with explained(f"cancel {job.name}"):
                    client.cancel_custom_job(name=job.name, **connection.patience)
            raise


def _at_work(job: "CustomJob") -> bool:
    return job.state.name not in (*OVER, CANCELLING)


def _word(job: "CustomJob") -> str:
    return job.state.name.removeprefix("JOB_STATE_").lower().replace("_", " ")
