"""`aocr-pipeline stop`: end the endpoint that a run left up."""

from pathlib import Path

import click


@click.command()
@click.option(
    "--build-dir",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("build"),
    show_default=True,
    help="Folder of the run.",
)
def command(build_dir: Path) -> None:
    """Stop the endpoint that `aocr-pipeline run` left up."""
    from pipelines import endpoint

    stopped = endpoint.stop(build_dir)
    click.echo(f"stopped {stopped.url}" if stopped else "no endpoint is running")
