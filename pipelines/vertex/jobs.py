"""Runs on Vertex AI: start, look up, list, cancel."""

import re
from itertools import islice
from typing import TYPE_CHECKING

from aocr_core.errors import AocrError, UsageError
from components.vertex.connection import Connection
from components.vertex.errors import explained

if TYPE_CHECKING:
    from google.cloud.aiplatform_v1.types import CreatePipelineJobRequest, PipelineJob

JOB_ID = re.compile(r"[a-z][-a-z0-9]{0,127}")
RESOURCE = re.compile(r"projects/[^/]+/locations/[^/]+/pipelineJobs/[^/]+")


class ExistsError(AocrError):
    """There is a run of that name already."""


def submit(connection: Connection, request: "CreatePipelineJobRequest") -> "PipelineJob":
    """Start a run; the same request twice starts one run.

    Args:
        connection: where to.
        request: its job id is one that nobody else uses.

    Returns:
        The run as Vertex AI has it.

    Raises:
        ExistsError: somebody has started a run of that id before.
        AocrError: Vertex AI refuses it, or cannot be reached.
    """
    from google.api_core.exceptions import Conflict, NotFound

    name = f"{request.parent}/pipelineJobs/{request.pipeline_job_id}"
    tries, taken = 0, False

    def create() -> "PipelineJob":
        nonlocal tries, taken
        tries += 1
        try:
            return connection.pipelines.create_pipeline_job(request=request, **connection.once)
        except Conflict as error:
            taken = taken or tries == 1
            try:
                job = connection.pipelines.get_pipeline_job(name=name, **connection.once)
            except NotFound:  # 409 is answered to requests that get into each other's way, too
                raise error from None
            if taken:
                raise ExistsError(f"cannot submit to {request.parent}: {job.name} already exists") from error
            # An earlier try had arrived, and only its answer was lost.
            return job

    with explained(f"submit to {request.parent}"):
        return connection.persistence(create)()


def get(connection: Connection, job: str) -> "PipelineJob":
    """The run of that id or resource name.

    Raises:
        AocrError: there is none.
    """
    name = resource_name(connection, job)
    with explained(f"look up {name}"):
        return connection.pipelines.get_pipeline_job(name=name, **connection.patience)


def latest(connection: Connection, pipeline: str, number: int) -> "list[PipelineJob]":
    """The newest runs of a pipeline, newest first; without the details of their steps."""
    from google.cloud.aiplatform_v1.types import ListPipelineJobsRequest

    request = ListPipelineJobsRequest(
        parent=connection.parent,
        filter=f'pipeline_name="{pipeline}"',
        order_by="create_time desc",
        page_size=min(number, 100),
    )
    with explained(f"list the runs in {connection.parent}"):
        return list(islice(connection.pipelines.list_pipeline_jobs(request=request, **connection.patience), number))


def cancel(connection: Connection, job: str) -> None:
    """Ask for the end of a run. Vertex AI stops its steps and then calls it CANCELLED.

    Raises:
        AocrError: there is no such run, or it is over.
    """
    from google.api_core.exceptions import BadRequest

    name = resource_name(connection, job)
    tries = 0

    def attempt() -> None:
        nonlocal tries
        tries += 1
        try:
            connection.pipelines.cancel_pipeline_job(name=name, **connection.once)
        except BadRequest:
            if tries == 1:
                raise
            # It is over: an earlier try had arrived, and only its answer was lost.

    with explained(f"cancel {name}"):
        connection.persistence(attempt)()


def check_id(job_id: str) -> None:
    """Refuse what cannot be the id of a run.

    Raises:
        UsageError: it has other characters, or too many.
    """
    if not JOB_ID.fullmatch(job_id):
        raise UsageError(f"--job-id {job_id}: only a-z, 0-9 and -, at most 128 of them, beginning with a letter")


def resource_name(connection: Connection, job: str) -> str:
    """`projects/…/pipelineJobs/ID` from an id or from such a name.

    Raises:
        UsageError: it is neither.
    """
    if RESOURCE.fullmatch(job):
        return job
    if not JOB_ID.fullmatch(job):
        raise UsageError(f"{job} is no run: name the id that `aocr-pipeline status` lists")
    return f"{connection.parent}/pipelineJobs/{job}"


def console_url(job: "PipelineJob") -> str:
    """Where a run is seen in the Google Cloud console."""
    _, project, _, location, _, job_id = job.name.split("/")
    return f"https://console.cloud.google.com/vertex-ai/locations/{location}/pipelines/runs/{job_id}?project={project}"
