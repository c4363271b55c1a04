"""`aocr-pipeline run`: the whole way from an annotation file to a served prediction, on this machine."""

from pathlib import Path
from typing import Any

import click

from aocr_core.cli import options
from aocr_core.config import SynthOptions
from aocr_core.errors import AocrError, UsageError
from components.inputs import EndpointOptions
from components.workers import WorkerOptions
from pipelines import folder
from pipelines.flags import pipeline_options

DECIDED = ("serving_dir", "data_version")
"""Parameters of the pipeline that follow from the build folder and the data."""
RENDERED = ("count", "test_count")


@click.command()
@pipeline_options(exclude=(*DECIDED, *EndpointOptions.model_fields, *WorkerOptions.model_fields))
@options.from_config(WorkerOptions, hidden=True)
@options.from_config(SynthOptions, exclude=set(SynthOptions.model_fields) - set(RENDERED))
@folder.option
@click.option(
    "--keep-endpoint/--no-keep-endpoint",
    default=True,
    help="Leave the endpoint up until nobody has asked for 10 minutes. [default: keep-endpoint]",
)
@click.option(
    "--image",
    help="Run each step in a container of this image, which `make image` builds, as Vertex AI does. Needs a Docker "
    "engine. [default: no containers, this Python environment]",
)
def command(build_dir: Path, keep_endpoint: bool, image: str | None, **values: Any) -> None:
    """Run the compiled pipeline on this machine: data set, training, evaluation, approval, export, deployment.

    Then ask the deployed model once over HTTP. Without --annotations it renders words to learn from (--count,
    --test-count). Steps for which nothing has changed since an earlier run are reused, and a training that was
    interrupted is gone on with.
    """
    workers = options.build(WorkerOptions, {name: values.pop(name) for name in WorkerOptions.model_fields})
    if workers.apart:
        raise UsageError(
            f"{' '.join(options.flags(workers))} needs Vertex AI: aocr-pipeline submit; here, one process trains on "
            "all processors and GPUs of this machine"
        )
    from pipelines import folder_run

    rendered = options.build(SynthOptions, {name: values.pop(name) for name in RENDERED})
    given = {name: value for name, value in values.items() if value is not None}
    summary = folder_run.run(build_dir, given, rendered, keep_endpoint, image)
    click.echo(summary.text())
    if not summary.approved and not summary.unchanged:
        why = "; ".join(summary.refusals)
        raise AocrError(f"the model was not approved, so it was not deployed: {why} (more in {summary.decision})")
