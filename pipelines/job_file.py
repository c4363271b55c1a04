"""`aocr-pipeline job`: the file from which `gcloud` starts a training on Vertex AI, without the pipeline."""

from pathlib import Path
from typing import Any

import click
import yaml

from aocr_core import storage
from aocr_core.cli import options
from aocr_core.config import DataOptions, ModelOptions, TrainOptions
from aocr_core.errors import UsageError
from aocr_core.training.sharing import share_of_batch
from components.vertex import training_job
from components.workers import WorkerOptions
from pipelines.vertex import image
from pipelines.vertex.options import TrainingJobOptions


@click.command()
@click.argument("dataset")
@click.option("--validation", metavar="DATASET", help="Data set to judge by. [default: a share of DATASET held out]")
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("job.yaml"),
    show_default=True,
    help="File to write.",
)
@options.from_config(TrainingJobOptions)
@options.from_config(WorkerOptions)
@options.from_config(TrainOptions)
@options.from_config(ModelOptions)
@options.from_config(DataOptions)
def command(dataset: str, validation: str | None, output: Path, **values: Any) -> None:
    """Write the file from which gcloud starts a training on DATASET, TFRecords in a bucket.

    \b
    aocr-pipeline job gs://BUCKET/training.tfrecords --output-dir gs://BUCKET/job1
    gcloud ai custom-jobs create --region=REGION --display-name=NAME --config=job.yaml

    The options of `aocr train` are options here, too. Nothing is sent: gcloud does that.
    """
    job = options.build(TrainingJobOptions, values)
    workers = options.build(WorkerOptions, values)
    training = options.build(TrainOptions, values)
    groups = [training, options.build(ModelOptions, values), options.build(DataOptions, values)]
    for name, place in (("DATASET", dataset), ("--validation", validation)):
        if place and not place.startswith("gs://"):
            raise UsageError(f"{name} {place}: Vertex AI cannot see this machine's files; copy it to gs://BUCKET/…")
    share_of_batch(training.batch_size, workers.devices)
    named, reason = image.chosen(job.image, job.pin)
    if reason:
        click.echo(f"aocr-pipeline: {reason}", err=True)
    arguments = ["train", dataset, *([f"--validation={validation}"] if validation else []), *options.flags(*groups)]
    spec = training_job.spec(
        named,
        arguments,
        workers,
        output=job.output_dir,
        hours=job.timeout_hours,
        restart=job.restart,
        service_account=job.service_account,
        network=job.network,
    )
    text = yaml.dump(spec, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=120)
    storage.write_bytes(output, text.encode())
    click.echo(f"gcloud ai custom-jobs create --region=REGION --display-name=NAME --config={output}")


class _Plain(yaml.SafeDumper):
    """Writes what occurs twice, as the container of two pools, twice: gcloud's reader knows no anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True
