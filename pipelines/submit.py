"""`aocr-pipeline submit`: run the compiled pipeline on Vertex AI."""

from typing import Any

import click

from aocr_core.errors import AocrError
from pipelines.compile import chosen, parts_option
from pipelines.vertex import flags


@click.command()
@flags.run_options(caching=True)
@parts_option
@flags.place_options
@click.option(
    "--job-id", help="Name of the run; a second one of that name is refused. [default: pipeline, time, a number]"
)
@click.option("--dry-run", is_flag=True, help="Print the request (CreatePipelineJobRequest as JSON), and send nothing.")
@click.option(
    "--wait", is_flag=True, help="Show the steps until the run is over; exit code 1 if it fails or refuses the model."
)
def command(job_id: str | None, dry_run: bool, wait: bool, data_parts: int, **values: Any) -> None:
    """Run the compiled pipeline on Vertex AI.

    Needs --annotations, --serving-dir and --pipeline-root, all of them gs://…, and --image. What is printed on
    standard output is the run's id, which `status` and `cancel` take.
    """
    from components.vertex.connection import Connection
    from pipelines.vertex import experiment, jobs, request, watch

    if job_id:
        jobs.check_id(job_id)
    connection, compiled = Connection(flags.place(values)), chosen(data_parts)
    wish, parent = flags.wish(compiled, values), connection.parent
    # From here on others are asked: registry, bucket, Vertex AI.
    wish = flags.settled(wish)
    wanted = request.create_job(parent, compiled, wish, job_id or request.new_job_id(compiled))
    if dry_run:
        click.echo(request.as_json(wanted))
        return
    listed_in = wish.options.experiment and experiment.prepare(
        connection, wish.options.experiment, wish.options.kms_key
    )
    job = jobs.submit(connection, wanted)
    click.echo(job.name.rpartition("/")[2])
    click.echo(f"Submitted: {jobs.console_url(job)}", err=True)
    if listed_in:
        try:
            experiment.add(connection, listed_in, lambda: jobs.get(connection, job.name))
        except AocrError as error:  # the run is under way, and that matters more
            click.echo(f"aocr-pipeline: {error}", err=True)
    if wait:
        watch.until_over(connection, job.name)
