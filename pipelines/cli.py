"""Entry point of `aocr-pipeline`."""

import click

from aocr_core import __version__
from aocr_core.cli.main import LazyGroup, run

COMMANDS = {
    "run": "Run the compiled pipeline on this machine, from an annotation file to a served prediction.",
    "stop": "Stop the endpoint that `run` left up.",
    "compile": "Compile the pipeline to the YAML that Vertex AI takes.",
    "submit": "Run the compiled pipeline on Vertex AI.",
    "status": "Show a run on Vertex AI, or list the latest ones.",
    "cancel": "End a run on Vertex AI.",
    "deploy": "Let an export serve: from a folder of served models, and on an endpoint of Vertex AI.",
    "rollback": "Let the model serve again that did before.",
    "job": "Write the file from which gcloud starts a training on Vertex AI, without the pipeline.",
    "schedule": "Run the pipeline on Vertex AI at set times: set, list, pause, resume, delete.",
}


@click.group(
    cls=LazyGroup,
    modules=COMMANDS,
    package="pipelines",
    files={"job": "job_file"},
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(__version__, prog_name="aocr-pipeline")
def command() -> None:
    """Train, judge, export and deploy a text recogniser as one pipeline."""
    from aocr_core import logs

    logs.configure(packages=("aocr_core", "components"))


def main() -> None:
    """The `aocr-pipeline` console script."""
    run(command, "aocr-pipeline")
