"""`aocr test`: how good a model is on a data set."""

from typing import TYPE_CHECKING, Any

import click

from aocr_core import logs
from aocr_core.cli import compat
from aocr_core.cli.options import build, from_config
from aocr_core.config import DEFAULT_MODEL_DIR, ReadOptions

if TYPE_CHECKING:
    from aocr_core.evaluation.results import Evaluation


@click.command("test")
@click.argument("dataset", default="./dataset.tfrecords")
@click.option("--visualize", is_flag=True, help="Also write the attention for every image: predict-TEXT/image.gif.")
@click.option(
    "--output-dir",
    default="./results",
    show_default=True,
    help="Folder for report.html, predictions.tsv, metrics.json.",
)
@click.option(
    "--model-dir",
    "--job-dir",
    default=DEFAULT_MODEL_DIR,
    show_default=True,
    help="The model's directory, or an export.",
)
@click.option("--batch-size", type=click.IntRange(min=1), default=64, show_default=True, help="Images read at a time.")
@click.option("--no-distance", is_flag=True, help="Count exact matches only: no figures from edit distances.")
@from_config(ReadOptions)
@compat.original_flags(own=["output_dir", "no_distance"])
def command(
    dataset: str, visualize: bool, output_dir: str, model_dir: str, batch_size: int, no_distance: bool, **given: Any
) -> None:
    """Read all images of DATASET (a TFRecords file, or a folder of them) and compare with the labels.

    Prints the figures and writes a report with the attention on the worst mistakes.
    """
    compat.choose_device(given)
    options = build(ReadOptions, given)
    from aocr_core.data import info, records

    files, rows = records.files(dataset), info.load(dataset).rows
    with logs.without_import_chatter():
        from aocr_core.evaluation.evaluate import evaluate
        from aocr_core.recognizer import Recognizer

    recognizer = Recognizer.load(model_dir, options)
    compat.verify(recognizer.config.options, given, model_dir)
    evaluation = evaluate(
        recognizer,
        records.read(files),
        output_dir,
        visualize=rows if visualize else 0,
        batch_size=batch_size,
        total=rows,
    )
    click.echo(_table(evaluation, distances=not no_distance))
    click.echo(f"report: {output_dir.rstrip('/')}/report.html")


def _table(evaluation: "Evaluation", distances: bool) -> str:
    from aocr_core.display import percent

    summary, calibration = evaluation.summary, evaluation.calibration
    low, high = (percent(bound) for bound in evaluation.interval)
    unit = "token" if evaluation.kind == "tokens" else "character"
    lines = [
        ("images", str(summary.count), ""),
        ("exactly right", percent(summary.accuracy), f"95 % interval {low} … {high}"),
        ("right but for case", percent(summary.caseless_accuracy), ""),
    ]
    if distances:
        lines += [
            (f"{unit} error rate", percent(summary.cer, 2), f"edits over {unit}s of the labels"),
            ("1-NED", percent(summary.one_minus_ned), "1 - edits over the longer text"),
            (f"{unit} similarity", percent(summary.character_similarity), "what aocr 0.7 called accuracy"),
        ]
    lines += [
        ("mean confidence", percent(calibration.mean_confidence), ""),
        ("calibration error", percent(calibration.expected_error), "distance of confidence and accuracy"),
    ]
    return "\n".join(f"{name:<22}{value:>9}  {remark}".rstrip() for name, value, remark in lines)
