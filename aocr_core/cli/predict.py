"""`aocr predict`: read images with a model on this machine, or with one that a server has."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import click
from click.core import ParameterSource

from aocr_core import logs
from aocr_core.cli import compat, lines
from aocr_core.cli.options import build, from_config
from aocr_core.config import DEFAULT_MODEL_DIR, ReadOptions
from aocr_core.display import tsv_line
from aocr_core.errors import AocrError, UsageError

if TYPE_CHECKING:
    from aocr_core.data.images import PlainImage
    from aocr_core.reading import Reading
    from aocr_core.recognizer import Recognizer

BATCH = 64
"""Images read at a time on this machine; a client decides for itself."""
FETCHES = 16
"""Images that are fetched from a bucket at a time."""
IMAGE_SUFFIXES = {".bmp", ".gif", ".jp2", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}

_Batch: TypeAlias = "list[tuple[str, PlainImage | AocrError, Reading | AocrError]]"
"""Paths, the images there, and what is read in them or why nothing is."""


@click.command()
@click.argument("images", nargs=-1)
@click.option(
    "--model-dir",
    "--job-dir",
    default=DEFAULT_MODEL_DIR,
    show_default=True,
    help="A trained model's directory, or an export.",
)
@click.option("--server", metavar="URL", help="Ask a server in place of a model here: http://HOST:PORT, or its model.")
@click.option("--model-name", metavar="NAME", help="Which of the server's models. [default: the only one]")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, with the symbols' probabilities.")
@from_config(ReadOptions)
@compat.original_flags()
@click.pass_context
def command(
    context: click.Context,
    images: tuple[str, ...],
    model_dir: str,
    server: str | None,
    model_name: str | None,
    as_json: bool,
    **given: Any,
) -> None:
    """Read IMAGES: files, or folders of images; without any (or with -), paths on standard input, one a line.

    Prints `path<TAB>text<TAB>probability`; tabs and line ends are written \\t, \\n, \\r. An image that cannot be read
    is reported on standard error, and the exit code is then 1. What is odd about an image is told there, too.

    With --server the images are read by `aocr serve`, or by TF Serving, and no TensorFlow is needed here. The token
    that a server may want is taken from the environment, AOCR_TOKEN.
    """
    named = [path for image in images if image != "-" for path in _expand(image)]
    from_stdin = not images or "-" in images
    if not server:
        if model_name:
            raise UsageError("--model-name chooses among a server's models: name the server with --server")
        read = partial(_load(model_dir, given).read_plain, attention=as_json)
        return _report(map(partial(_read, read), _batches(named, from_stdin, BATCH)), as_json)
    from aocr_core.serving import ahead, client

    if context.get_parameter_source("model_dir") is not ParameterSource.DEFAULT:
        given["model_dir"] = model_dir
    _refuse(given)
    with client.Client(server, model_name) as asked:
        ask = partial(asked.read_each, attention=as_json)
        batches = _batches(named, from_stdin, client.BATCH)
        _report(ahead.in_order(partial(_read, ask), batches, client.CONNECTIONS), as_json)


def _load(model_dir: str, given: dict[str, Any]) -> "Recognizer":
    compat.choose_device(given)
    options = build(ReadOptions, given)
    with logs.without_import_chatter():
        from aocr_core.recognizer import Recognizer

    recognizer = Recognizer.load(model_dir, options)
    compat.verify(recognizer.config.options, given, model_dir)
    return recognizer


def _refuse(given: dict[str, Any]) -> None:
    """What is about a model on this machine cannot be asked of a server."""
    for name, value in given.items():
        if value is not None:
            option = f"--{'no-' if value is False else ''}{name.replace('_', '-')}"
            raise UsageError(f"{option} is about a model on this machine; a server's reads as it was exported")


def _read(read: "Callable[[list[bytes]], Sequence[Reading | AocrError]]", paths: list[str]) -> _Batch:
    looked = list(zip(paths, _looked_at(paths), strict=True))
    plain = [image.data for _, image in looked if not isinstance(image, AocrError)]
    readings = iter(read(plain))
    return [(path, image, image if isinstance(image, AocrError) else next(readings)) for path, image in looked]


def _report(batches: Iterable[_Batch], as_json: bool) -> None:
    """Print what is read, as it comes.

    Raises:
        AocrError: there were images that could not be read.
    """
    total = failed = 0
    for path, image, reading in chain.from_iterable(batches):
        total += 1
        for warning in () if isinstance(image, AocrError) else image.warnings:
            click.echo(f"aocr predict: {path}: warning: {warning}", err=True)
        if isinstance(reading, AocrError):
            failed += 1
            reason = str(reading).removeprefix(f"cannot read {path}: ").removesuffix(f": {path}")
            click.echo(f"aocr predict: {path}: {reason}", err=True)
        else:
            # As bytes: a path need not be UTF-8.
            click.echo(_line(path, reading, as_json).encode("utf-8", "surrogateescape"), nl=False)
    if failed:
        raise AocrError(f"{failed} of {total} images could not be read")


def _batches(named: list[str], from_stdin: bool, size: int) -> Iterator[list[str]]:
    for start in range(0, len(named), size):
        yield named[start : start + size]
    if not from_stdin:
        return
    if sys.stdin.isatty():
        click.echo("Type the path of an image; Ctrl-D ends.", err=True)
    yield from lines.waiting(sys.stdin.fileno(), size)


def _expand(image: str) -> list[str]:
    """The images in a folder; anything else is left to the reader of images, which says what is wrong with it."""
    from aocr_core import storage

    if not storage.is_dir(image):
        return [image]
    found = [path for path in storage.list_files(image) if Path(path).suffix.lower() in IMAGE_SUFFIXES]
    if not found:
        raise UsageError(f"no images in {image} ({', '.join(sorted(IMAGE_SUFFIXES))})")
    return found


def _looked_at(paths: list[str]) -> "list[PlainImage | AocrError]":
    """The images of a batch; those in a bucket are fetched several at a time."""
    from aocr_core import storage

    if not any(map(storage.is_remote, paths)):
        return [_plain(path) for path in paths]
    with ThreadPoolExecutor(FETCHES) as pool:
        return list(pool.map(_plain, paths))


def _plain(path: str) -> "PlainImage | AocrError":
    from aocr_core.data import images

    try:
        return images.from_any(path)
    except AocrError as error:
        return error


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
