"""`aocr-pipeline stop`: end the endpoint that a run left up."""

from pathlib import Path

import click

from pipelines import folder


@click.command()
@folder.option
def command(build_dir: Path) -> None:
    """Stop the endpoint that `aocr-pipeline run` left up."""
    from pipelines import endpoint

    stopped = endpoint.stop(build_dir)
    click.echo(f"stopped {stopped.url}" if stopped else f"no endpoint of {build_dir} is running")
