"""`aocr-pipeline deploy`: the last step of the pipeline, by hand."""

from typing import Any

import click

from aocr_core.cli import options
from aocr_core.config import ServeOptions
from components.inputs import EndpointOptions, PipelineInputs

SERVING_DIR = PipelineInputs.model_fields["serving_dir"].description
model_name = options.from_config(ServeOptions, exclude=set(ServeOptions.model_fields) - {"model_name"})
"""Decorator: the option `--model-name`."""


@click.command()
@click.argument("export_dir", metavar="EXPORT")
@click.option("--serving-dir", required=True, help=SERVING_DIR)
@model_name
@options.from_config(EndpointOptions)
@click.option("--image", envvar="AOCR_IMAGE", help="Container image that the endpoint runs. [env: AOCR_IMAGE]")
def command(export_dir: str, serving_dir: str, image: str | None, **values: Any) -> None:
    """Let the newest version in EXPORT, a folder of `aocr export`, serve; what serves already is left as it is.

    With --endpoint it becomes a version in Vertex AI's Model Registry, gets a small share of the traffic, is asked
    for what its export reads, and gets all of the traffic. If anything fails the traffic goes back where it was; the
    same command once more finishes what was broken off.
    """
    from components import deployment

    name = options.build(ServeOptions, {"model_name": values["model_name"]}).model_name
    click.echo(deployment.deploy(export_dir, serving_dir, name, options.build(EndpointOptions, values), image))
