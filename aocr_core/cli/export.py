"""`aocr export`: from a model directory to a verified export in the form that a runtime takes."""

from typing import TYPE_CHECKING, Any

import click

from aocr_core import logs
from aocr_core.cli import compat
from aocr_core.cli.options import build, from_config
from aocr_core.config import DEFAULT_MODEL_DIR, ReadOptions

if TYPE_CHECKING:
    from aocr_core.export.run import Format


@click.command(
    name="export", short_help="Write a SavedModel, frozen graph, LiteRT or ONNX model, verified against the checkpoint."
)
@click.argument("output", default="exported")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["savedmodel", "frozengraph", "litert", "onnx"]),
    default="savedmodel",
    show_default=True,
    help="`savedmodel` for serving, `frozengraph` as one file for TensorFlow, `litert` for phones and small computers, "
    "`onnx` for ONNX Runtime.",
)
@click.option(
    "--model-dir",
    "--job-dir",
    "model_dir",
    default=DEFAULT_MODEL_DIR,
    show_default=True,
    help="Directory of the trained model.",
)
@click.option(
    "--verify-with",
    metavar="DATASET",
    help="Data set (as for `aocr test`) on whose first 64 images the export must read as the checkpoint does, besides "
    "some drawn ones. [default: images that the training has left in the model directory]",
)
@from_config(ReadOptions)
@compat.original_flags()
def command(output: str, format_: "Format", model_dir: str, verify_with: str | None, **given: Any) -> None:
    """Export the model to OUTPUT (./exported if none is named).

    \b
    savedmodel    OUTPUT/<version>/, the next free number, which TF Serving and `aocr serve` read
    frozengraph   OUTPUT/frozen_graph.pb
    litert        OUTPUT/litert/: model.tflite, model.json, read.py
    onnx          OUTPUT/onnx/: model.onnx, model.json, read.py

    The first two take encoded images and give text. The others take prepared images and give symbol ids: model.json
    says how to prepare and to decode, and read.py does it, without TensorFlow and without aocr. They need
    pip install 'aocr-pipeline[export]'.

    Whatever is written has been loaded again and reads as the checkpoint does; what does not is not written.

    \b
    aocr export --format onnx --verify-with datasets/testing.tfrecords
    python exported/onnx/read.py word.png
    """
    compat.choose_device(given)
    options = build(ReadOptions, given)
    with logs.without_import_chatter():
        from aocr_core.export import export, probes
        from aocr_core.model_dir import read_config

    images = probes.of_dataset(verify_with) if verify_with else []
    compat.verify(read_config(model_dir).options, given, model_dir)
    click.echo(export(model_dir, output, format_, images, reading=options))
