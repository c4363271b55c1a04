"""`aocr-pipeline compile`: from the Python pipeline to the YAML that Vertex and the local runner take."""

import tempfile
from pathlib import Path

import click

from components.image import IMAGE
from pipelines import folder, spec


def compiled(image: str = IMAGE) -> str:
    """The text of the compiled pipeline, every step running in `image`."""
    from kfp import compiler

    from pipelines.training import training

    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "pipeline.yaml"
        compiler.Compiler().compile(training, str(path))
        return path.read_text(encoding="utf-8").replace(IMAGE, image)


@click.command(name="compile")
@click.option("--image", envvar="AOCR_IMAGE", help="Container image that all steps run in. [env: AOCR_IMAGE]")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File to write. [default: pipelines/aocr-training.yaml; with --image: build/aocr-training.yaml]",
)
def command(image: str | None, output: Path | None) -> None:
    """Compile the pipeline. Upload the file in the Vertex AI console, or give it to CI."""
    output = output or (folder.DEFAULT / spec.COMPILED.name if image else spec.COMPILED)
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(compiled(image or IMAGE), encoding="utf-8")
    click.echo(f"wrote {output}")
