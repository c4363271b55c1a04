"""`aocr train`: from TFRecords to a model directory."""

import signal
from typing import Any

import click

from aocr_core import logs
from aocr_core.cli import options
from aocr_core.config import DEFAULT_MODEL_DIR, DataOptions, ModelOptions, TrainOptions


@click.command(name="train", short_help="Train a recogniser on TFRecords.")
@click.argument("dataset")
@click.option("--validation", metavar="DATASET", help="Data set to judge by. [default: a share of DATASET held out]")
@click.option(
    "--model-dir",
    "--job-dir",
    "model_dir",
    default=DEFAULT_MODEL_DIR,
    envvar="AIP_MODEL_DIR",
    show_default=True,
    help="Directory that the model is written to. [env: AIP_MODEL_DIR]",
)
@click.option(
    "--checkpoint-dir",
    metavar="DIR",
    envvar="AIP_CHECKPOINT_DIR",
    help="Directory that an interrupted training goes on from; --model-dir then gets the finished model, and nothing "
    "before. [env: AIP_CHECKPOINT_DIR] [default: that of --model-dir]",
)
@click.option(
    "--tensorboard-dir",
    metavar="DIR",
    envvar="AIP_TENSORBOARD_LOG_DIR",
    help="Directory that gets a copy of TensorBoard's event files. [env: AIP_TENSORBOARD_LOG_DIR] [default: none]",
)
@options.from_config(TrainOptions)
@options.from_config(ModelOptions)
@options.from_config(DataOptions)
@click.option("--full-ascii", is_flag=True, help="The same as --charset ascii.")
def command(
    dataset: str,
    validation: str | None,
    model_dir: str,
    checkpoint_dir: str | None,
    tensorboard_dir: str | None,
    full_ascii: bool,
    **values: Any,
) -> None:
    """Train on DATASET, a .tfrecords file or a folder of them.

    Without any option this is the recommended way: sizes and characters come from the data, a share of the images is
    held out to judge by, and training ends when it no longer pays. Interrupt it at will: the same command goes on.
    Where TF_CONFIG names several workers, each of them runs this command, and they train one model together.
    """
    # A machine that is taken away (Spot) says so with SIGTERM: then, too, a checkpoint is written first.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if full_ascii:
        values["charset"] = values["charset"] or "ascii"
    model = options.build(ModelOptions, values)
    data = options.build(DataOptions, values)
    training = options.build(TrainOptions, values)

    from aocr_core.data import records

    for path in filter(None, (dataset, validation)):
        records.files(path)  # a wrong path is told before TensorFlow is loaded
    with logs.without_import_chatter():
        from aocr_core.training import train

    result = train(
        dataset,
        model_dir,
        validation,
        model=model,
        data=data,
        options=training,
        checkpoints=checkpoint_dir,
        logs=tensorboard_dir,
    )
    click.echo(
        f"validation accuracy {result.accuracy:.2%}, CER {result.cer:.2%} after {result.steps} steps "
        f"({result.epochs:.1f} epochs, {result.seconds:.0f} s): {model_dir}"
    )
