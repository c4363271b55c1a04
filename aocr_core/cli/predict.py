"""`aocr predict`: read images with a model on this machine."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aocr_core import logs
from aocr_core.cli import compat, lines
from aocr_core.cli.options import build, from_config
from aocr_core.config import DEFAULT_MODEL_DIR, ReadOptions
from aocr_core.display import tsv_line
from aocr_core.errors import AocrError, UsageError

if TYPE_CHECKING:
    from aocr_core.data.images import PlainImage
    from aocr_core.recognizer import Reading

BATCH = 64
IMAGE_SUFFIXES = {".bmp", ".gif", ".jp2", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}


@click.command()
@click.argument("images", nargs=-1)
@click.option(
    "--model-dir",
    "--job-dir",
    default=DEFAULT_MODEL_DIR,
    show_default=True,
    help="A trained model's directory, or an export.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, with the symbols' probabilities.")
@from_config(ReadOptions)
@compat.original_flags()
def command(images: tuple[str, ...], model_dir: str, as_json: bool, **given: Any) -> None:
    """Read IMAGES: files, or folders of images; without any (or with -), paths on standard input, one a line.

    Prints `path<TAB>text<TAB>probability`; tabs and line ends are written \\t, \\n, \\r. An image that cannot be read
    is reported on standard error, and the exit code is then 1.
    """
    compat.choose_device(given)
    options = build(ReadOptions, given)
    named = [path for image in images if image != "-" for path in _expand(image)]
    with logs.without_import_chatter():
        from aocr_core.recognizer import Recognizer

    recognizer = Recognizer.load(model_dir, options)
    compat.verify(recognizer.config.options, given, model_dir)
    total = failed = 0
    for paths in _batches(named, from_stdin=not images or "-" in images):
        plain = [(path, image.data) for path in paths if (image := _plain(path))]
        readings = recognizer.read_plain([data for _, data in plain], attention=as_json)
        for (path, _), reading in zip(plain, readings, strict=True):
            # As bytes: a path need not be UTF-8.
            click.echo(_line(path, reading, as_json).encode("utf-8", "surrogateescape"), nl=False)
        total += len(paths)
        failed += len(paths) - len(plain)
    if failed:
        raise AocrError(f"{failed} of {total} images could not be read")


def _batches(named: list[str], from_stdin: bool) -> Iterator[list[str]]:
    for start in range(0, len(named), BATCH):
        yield named[start : start + BATCH]
    if not from_stdin:
        return
    if sys.stdin.isatty():
        click.echo("Type the path of an image; Ctrl-D ends.", err=True)
    yield from lines.waiting(sys.stdin.fileno(), BATCH)


def _expand(image: str) -> list[str]:
    """The images in a folder; anything else is left to the reader of images, which says what is wrong with it."""
    from aocr_core import storage

    if not storage.is_dir(image):
        return [image]
    found = [path for path in storage.list_files(image) if Path(path).suffix.lower() in IMAGE_SUFFIXES]
    if not found:
        raise UsageError(f"no images in {image} ({', '.join(sorted(IMAGE_SUFFIXES))})")
    return found


def _plain(path: str) -> "PlainImage | None":
    from aocr_core.data import images

    try:
        return images.from_any(path)
    except AocrError as error:
        reason = str(error).removeprefix(f"cannot read {path}: ").removesuffix(f": {path}")
        click.echo(f"aocr predict: {path}: {reason}", err=True)
        return None


def _line(path: str, reading: "Reading", as_json: bool) -> str:
    if not as_json:
        return tsv_line(path, reading.text, f"{reading.probability:.4f}")
    fields = {
        "path": path,
        "text": reading.text,
        "probability": reading.probability,
        "symbols": reading.symbols,
        "symbol_probabilities": reading.symbol_probabilities,
    }
    return json.dumps(fields, ensure_ascii=False) + "\n"
