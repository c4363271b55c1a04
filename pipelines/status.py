"""`aocr-pipeline status`: runs on Vertex AI."""

from typing import Any

import click

from pipelines import spec
from pipelines.vertex import flags


@click.command()
@click.argument("job", required=False)
@flags.place_options
@click.option("--number", type=click.IntRange(1, 1000), default=10, help="Runs to list without JOB. [default: 10]")
@click.option("--wait", is_flag=True, help="Show the steps of JOB until it is over; exit code as of `submit --wait`.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(job: str | None, number: int, wait: bool, as_json: bool, **values: Any) -> None:
    """Show the run JOB on Vertex AI with its steps, or list the latest runs."""
    from components.vertex.connection import Connection
    from pipelines.vertex import jobs, report, request, watch

    connection = Connection(flags.place(values))
    if wait and as_json:
        raise click.UsageError("--wait shows the steps as they come: it does not go with --json")
    if job and wait:
        watch.until_over(connection, job)
    elif job:
        found = report.of(jobs.get(connection, job))
        click.echo(found.model_dump_json(indent=1) if as_json else found.text())
    elif wait:
        raise click.UsageError("--wait needs the id of a run")
    else:
        runs = [report.of(run) for run in jobs.latest(connection, request.name(spec.load()), number)]
        for run in runs:
            created = run.created.strftime("%Y-%m-%d %H:%M UTC") if run.created else ""
            click.echo(run.model_dump_json(exclude={"steps"}) if as_json else f"{run.id}  {run.state:<10} {created}")
