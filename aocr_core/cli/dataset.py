"""`aocr dataset`: from an annotation file to TFRecords."""

from typing import Any

import click

from aocr_core.cli import options
from aocr_core.config import DataOptions, PrepareOptions


@click.command("dataset", short_help="Build TFRecords from an annotation file, checking every row.")
@click.argument("annotations")
@click.argument("output", default="./dataset.tfrecords")
@options.from_config(PrepareOptions)
@click.option("--charset", help="Reject labels with other symbols than these: a preset, or a file with one a line.")
@options.from_config(DataOptions, exclude=["charset"])
def command(annotations: str, output: str, **values: Any) -> None:
    """Check the images and labels that ANNOTATIONS names, and write them to OUTPUT.

    A line of ANNOTATIONS is the path of an image, a blank, and the text in it; CSV, TSV and JSON lines with named
    columns (image, label) do as well. Paths are relative to the annotation file or to the working directory.
    OUTPUT is one file if it ends in .tfrecords [default: ./dataset.tfrecords], else a folder. Rows that cannot be
    used are counted and listed in rejected.tsv.
    """
    prepare = options.build(PrepareOptions, values)
    data = options.build(DataOptions, values)

    from aocr_core.data import target
    from aocr_core.data.build import build_dataset

    report = build_dataset(annotations, output, prepare, data)
    click.echo(report)
    if report.read > report.accepted:
        click.echo(f"Each rejected row and its reason: {target.rejected_place(output)}")
    click.echo(f"Dataset is ready: {report.accepted} images in {output}")
