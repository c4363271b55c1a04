"""Waiting for a run on behalf of a command: the steps as they go, the closing lines, and the exit code."""

import click

from aocr_core.errors import AocrError
from components.vertex.connection import Connection
from pipelines.vertex import jobs, report
from pipelines.vertex.follow import follow


def until_over(connection: Connection, job: str) -> None:
    """Show the steps of a run until it is over, then what it came to.

    Raises:
        AocrError: it failed or was cancelled, the model was not approved, or Vertex AI does not answer any more.
    """
    first, job_id = report.of(jobs.get(connection, job)), job.rpartition("/")[2]
    goes_on = f"the run goes on: aocr-pipeline status {job_id} --wait, or: cancel {job_id}"
    try:
        last = follow(first, lambda: report.of(jobs.get(connection, job)))
    except KeyboardInterrupt:
        click.echo(goes_on, err=True)
        raise
    except AocrError as error:
        raise AocrError(f"{error}; {goes_on}") from error
    click.echo(last.text(), err=True)
    if last.state != "succeeded":
        raise AocrError(f"the run {last.id} {_ended(last)}")
    if last.refused:
        raise AocrError(f"the model was not approved, so it was not deployed: {last.reasons}")


def _ended(last: report.RunReport) -> str:
    return "was cancelled" if last.state == "cancelled" else f"failed: {last.complaint}"
