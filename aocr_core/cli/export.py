"""`aocr export`: from a model directory to a verified SavedModel or frozen graph."""

from typing import Any, Literal

import click

from aocr_core import logs
from aocr_core.cli import compat
from aocr_core.cli.options import build, from_config
from aocr_core.config import DEFAULT_MODEL_DIR, ReadOptions


@click.command(name="export", short_help="Write a SavedModel or a frozen graph, verified against the checkpoint.")
@click.argument("output", default="exported")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["savedmodel", "frozengraph"]),
    default="savedmodel",
    show_default=True,
    help="`savedmodel` for serving, `frozengraph` as one file.",
)
@click.option(
    "--model-dir",
    "--job-dir",
    "model_dir",
    default=DEFAULT_MODEL_DIR,
    show_default=True,
    help="Directory of the trained model.",
)
@from_config(ReadOptions)
@compat.original_flags()
def command(output: str, format_: Literal["savedmodel", "frozengraph"], model_dir: str, **given: Any) -> None:
    """Export the model to OUTPUT (./exported if none is named).

    A SavedModel is written to OUTPUT/<version>/, the next free number, which is what TF Serving and `aocr serve` read;
    a frozen graph to OUTPUT/frozen_graph.pb. Either is loaded again and must read as the checkpoint does.
    """
    compat.choose_device(given)
    options = build(ReadOptions, given)
    with logs.without_import_chatter():
        from aocr_core.export import export
        from aocr_core.model_dir import read_config

    compat.verify(read_config(model_dir).options, given, model_dir)
    click.echo(export(model_dir, output, format_, reading=options))
