"""`aocr-pipeline compile`: from the Python pipeline to the YAML that Vertex and the local runner take."""

import tempfile
from pathlib import Path

import click

from aocr_core import storage
from aocr_core.errors import UsageError
from components.image import IMAGE
from pipelines import folder, spec


def compiled(image: str = IMAGE, parts: int = 1, code_version: str | None = None) -> str:
    """The text of the compiled pipeline.

    Args:
        image: what every step runs in.
        parts: rows are checked in so many.
        code_version: steps of another one are not reused; None: only the image's name tells versions apart.
    """
    from kfp import compiler

    from pipelines.training import pipeline

    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "pipeline.yaml"
        compiler.Compiler().compile(pipeline(parts, code_version), str(path))
        return _heard(path.read_text(encoding="utf-8")).replace(IMAGE, image)


def _heard(text: str) -> str:
    """The compiled pipeline whose steps hear that they are to end.

    KFP has a shell start Python and wait for it. Vertex AI tells the end (SIGTERM) to the first process alone, and a
    shell does not pass it on: so Python takes the shell's place.
    """
    return text.replace("_KFP_RUNTIME=true python3 ", "export _KFP_RUNTIME=true; exec python3 ")


parts_option = click.option(
    "--data-parts",
    type=click.IntRange(1, 100),
    default=1,
    help="Check the rows of the annotation files in so many parts, each on a machine of its own, and put them "
    "together: the same data set, sooner where there are millions of images. [default: 1]",
)
"""Decorator: the option `--data-parts`."""


def chosen(parts: int) -> spec.Spec:
    """The compiled pipeline whose rows are checked in so many parts."""
    return spec.load() if parts == 1 else spec.of_text(compiled(parts=parts))


@click.command(name="compile")
@click.option("--image", envvar="AOCR_IMAGE", help="Container image that all steps run in. [env: AOCR_IMAGE]")
@click.option("--pin", is_flag=True, help="Write the digest that the image's tag stands for now.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File to write. [default: pipelines/aocr-training.yaml; with other options build/aocr-training.yaml]",
)
@parts_option
def command(image: str | None, pin: bool, output: Path | None, data_parts: int) -> None:
    """Compile the pipeline. Upload the file in the Vertex AI console, or give it to CI.

    With --image, the file also holds the version of the code: a run of it reuses no step that other code has made.
    """
    if pin:
        if not image:
            raise UsageError("--pin: name the image with --image")
        from pipelines.vertex import image as images

        image, _ = images.chosen(image, pin)
    output = output or (folder.DEFAULT / spec.COMPILED.name if image or data_parts > 1 else spec.COMPILED)
    text = compiled(image, data_parts, spec.code_version()) if image else compiled(parts=data_parts)
    storage.write_bytes(output, text.encode())
    click.echo(f"wrote {output}")
