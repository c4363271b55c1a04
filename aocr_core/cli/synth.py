"""`aocr synth`: labelled word images out of nothing."""

from typing import Any

import click

from aocr_core.cli import options
from aocr_core.config import SynthOptions


@click.command("synth")
@click.argument("output")
@options.from_config(SynthOptions)
def command(output: str, **values: Any) -> None:
    """Render labelled word images into the folder OUTPUT, to train or test on.

    Writes OUTPUT/images/, OUTPUT/training.txt and OUTPUT/testing.txt, ready for `aocr dataset`. No word of the test
    images occurs in the training images. The same seed gives the same images.
    """
    from aocr_core.data.synth.build import build

    report = build(output, options.build(SynthOptions, values))
    click.echo(
        f"{output}: {report.training} training and {report.testing} test images, {report.families} font families"
    )
