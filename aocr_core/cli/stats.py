"""`aocr stats`: what is in a data set, or in the rows of an annotation file."""

import json
from typing import Any

import click

from aocr_core.cli import options
from aocr_core.config import DataOptions, PrepareOptions
from aocr_core.errors import AocrError


@click.command("stats", short_help="Describe a data set: sizes, lengths, characters, what to watch for.")
@click.argument("source")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of tables.")
@options.from_config(DataOptions, exclude=["charset", "force_uppercase"])
def command(source: str, as_json: bool, **values: Any) -> None:
    """Describe SOURCE: a .tfrecords file, a folder of them, or an annotation file whose images are then checked.

    Shows how many images there are and of what size, how long the labels are, which characters they hold, which of
    these are too rare to be learnt, and what else to watch for.
    """
    data = options.build(DataOptions, values)

    from aocr_core import storage
    from aocr_core.data import build, info, records, summary

    if storage.is_dir(source) or source.endswith(records.ENDING):
        described = info.load(source)
    else:
        described = build.survey(source, PrepareOptions(), data).info
    if not described.rows:
        raise AocrError(f"{source} has no labelled image")
    if as_json:
        shown = described.model_dump() | {"remarks": summary.remarks(described, data.label_kind)}
        click.echo(json.dumps(shown, ensure_ascii=False, indent=1))
        return
    from rich.console import Console

    summary.render(described, data.label_kind, Console(highlight=False))
