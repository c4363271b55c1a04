"""`aocr-pipeline cancel`: end a run on Vertex AI."""

from typing import Any

import click

from pipelines.vertex import flags


@click.command()
@click.argument("job")
@flags.place_options
def command(job: str, **values: Any) -> None:
    """End the run JOB on Vertex AI. What its steps have written stays."""
    from components.vertex.connection import Connection
    from pipelines.vertex import jobs, report

    connection = Connection(flags.place(values))
    found = report.of(jobs.get(connection, job))
    if found.over:
        click.echo(f"{found.id} is over already: {found.state}")
        return
    jobs.cancel(connection, job)
    click.echo(f"{found.id}: asked to end; see aocr-pipeline status {found.id}")
