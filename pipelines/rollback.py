"""`aocr-pipeline rollback`: back to the model that served before."""

from typing import Any

import click

from aocr_core.cli import options
from aocr_core.config import ServeOptions
from components.inputs import EndpointOptions
from pipelines.deploy import SERVING_DIR, model_name


@click.command()
@click.option("--serving-dir", help=f"{SERVING_DIR} Not with --endpoint.")
@model_name
@options.from_config(EndpointOptions)
def command(serving_dir: str | None, **values: Any) -> None:
    """Let the model serve again that did before the present one; once more, the one before that.

    On an endpoint it comes as a new version does, with a small share of the traffic first. In a folder of served
    models it becomes the next version.
    """
    from components import deployment

    name = options.build(ServeOptions, {"model_name": values["model_name"]}).model_name
    serves = deployment.rollback(serving_dir, name, options.build(EndpointOptions, values))
    click.echo(f"serves now: {serves}")
