"""From a row of an annotation file to a record, or to the reason why not; many rows at a time.

The work is done by threads: nearly all of it is reading files and decoding, where Python's lock is not held, and
one thread already checks thousands of images a second. Only a few rows are under way at once, whatever the size of
the data set, and they come out in the order in which they went in.
"""

import os
import re
import stat
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import TypeVar

from aocr_core import storage
from aocr_core.charset import Charset
from aocr_core.config import DataOptions, PrepareOptions
from aocr_core.data import annotations, images
from aocr_core.data.annotations import Rejection, Row
from aocr_core.data.records import Record
from aocr_core.errors import AocrError
from aocr_core.model.presets import PRESETS

CONTROL = "control character in the label: kept as it is"
SMALLEST = PRESETS["fast"]
"""No network of another preset scales images to less."""
CROWDED = f"more symbols than time steps where the image is {SMALLEST.height} pixels tall: is it cut to its text?"
MISNAMED = "the ending of the file name is not that of its format"

_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_FORMATS = {
    ".bmp": "BMP",
    ".gif": "GIF",
    ".jpeg": "JPEG",
    ".jpg": "JPEG",
    ".png": "PNG",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".webp": "WEBP",
}
_BATCH = 4
_REMOTE_WORKERS = 16
_FIRST_ROWS = 100
"""Rows that tell whether the images are in a bucket, where the annotation file is not."""
# No image needs more: 16 bits for red, green, blue and alpha, without compression.
_BYTES_PER_PIXEL = 8

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Accepted:
    """A row that has become a record."""

    line: int
    record: Record
    warnings: tuple[str, ...] = ()


class RowError(Exception):
    """The row cannot be used: `(kind, detail)`."""


def checked_rows(path: str, options: PrepareOptions, data: DataOptions) -> Iterator[Accepted | Rejection]:
    """All rows of an annotation file in order, each with its image read, decoded and judged.

    Raises:
        UsageError: there is no such file, or no such charset.
        AocrError: the file is no annotation file, or a bucket cannot be reached.
    """
    return checked(annotations.read(path), path, options, data)


def checked(
    rows: Iterator[Row | Rejection], path: str, options: PrepareOptions, data: DataOptions
) -> Iterator[Accepted | Rejection]:
    """The same for rows that have been read from an annotation file."""
    checker = Checker(path, options, data)
    first = list(islice(rows, _FIRST_ROWS))
    remote = storage.is_remote(path) or any(storage.is_remote(row.path) for row in first)
    workers = options.workers or (_REMOTE_WORKERS if remote else os.cpu_count() or 1)
    return _ordered_map(checker.check, chain(first, rows), workers)


class Checker:
    """Judges rows of one annotation file.

    Args:
        path: the annotation file; images are looked for beside it, then in the working directory.
        options: limits, and whether to keep the paths.
        data: what a symbol is, and which are known.
    """

    def __init__(self, path: str, options: PrepareOptions, data: DataOptions) -> None:
        self._folder = storage.parent(path)
        self._options = options
        self._data = data
        self._charset = Charset.named(data.charset) if data.charset else None

    def check(self, row: Row | Rejection) -> Accepted | Rejection:
        """The record of a row. A rejection goes through as it is."""
        if isinstance(row, Rejection):
            return row
        try:
            label, symbols = self._label(row.label)
            image = images.plain(
                self._read(row.path), max_pixels=self._options.max_pixels, max_aspect=self._options.max_aspect
            )
            if symbols > image.width:
                size = f"{symbols} symbols on {image.width} pixels"
                raise RowError("label longer than the image is wide", size)
        except RowError as error:
            return Rejection(row.line, row.path, *error.args)
        except images.ImageError as error:
            return Rejection(row.line, row.path, error.kind, error.detail)
        comment = row.path if self._options.save_filename else ""
        warnings = list(image.warnings)
        if symbols * SMALLEST.width_stride * image.height > image.width * SMALLEST.height:
            warnings.append(CROWDED)
        if _CONTROLS.search(label):
            warnings.append(CONTROL)
        if _FORMATS.get(Path(row.path).suffix.lower(), image.format) != image.format:
            warnings.append(MISNAMED)
        return Accepted(row.line, Record(image.data, label, comment, image.width, image.height), tuple(warnings))

    def _label(self, label: str) -> tuple[str, int]:
        """The label to be learnt, and the number of its symbols."""
        if self._data.force_uppercase:
            label = label.upper()
        length = len(label.split() if self._data.label_kind == "tokens" else label)
        if length > self._options.max_label:
            raise RowError("label too long", f"{length} symbols, {self._options.max_label} are allowed")
        if self._charset and (unknown := self._charset.unknown(label)):
            raise RowError("symbols not in the charset", " ".join(unknown))
        return label, length

    def _read(self, path: str) -> bytes:
        place = self._locate(path)
        try:
            return storage.read_bytes(place)
        except storage.MissingError as error:
            raise RowError("no such file") from error
        except AocrError as error:
            if storage.is_remote(place):
                raise  # the bucket cannot be reached: that says nothing of the row
            raise RowError("cannot be read", str(error)) from error

    def _locate(self, path: str) -> str:
        """Where the image is: beside the annotation file, or under the working directory."""
        remote = storage.is_remote(self._folder)
        if path.startswith("gs://"):
            return path
        if Path(path).is_absolute():
            places = [path]
        else:
            # ".." may wander about inside the folder of the annotations, but not out of it.
            inside = not os.path.normpath(path).startswith("..")
            beside = [storage.join(self._folder, os.path.normpath(path))] if inside else []
            if remote and inside:
                return beside[0]
            here = [path] if inside or Path(self._folder).resolve() in Path(path).resolve().parents else []
            places = beside + here
        if not places or remote:
            meant = "a gs:// path" if remote else "an absolute path"
            raise RowError("outside the folder of the annotations", f"give {meant} if that is meant")
        for place in places:
            try:
                info = Path(place).stat()
            except (OSError, ValueError):  # ValueError: a NUL in the path
                continue
            if stat.S_ISDIR(info.st_mode):
                raise RowError("a folder, not an image")
            if not stat.S_ISREG(info.st_mode):
                raise RowError("not a regular file")
            if info.st_size > _BYTES_PER_PIXEL * self._options.max_pixels:
                raise RowError("image too large", f"a file of {info.st_size:,} bytes")
            return place
        raise RowError("no such file", _hint(path))


def _hint(path: str) -> str:
    if "\\" in path:
        return "write / between folders, not \\"
    return "" if Path(path).suffix else "a path with blanks needs quotes"


def _ordered_map(function: Callable[[Item], Result], items: Iterable[Item], workers: int) -> Iterator[Result]:
    """`map` by threads, in order, with no more than a few batches under way."""
    iterator = iter(items)
    pending: deque[Future[list[Result]]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="check") as pool:
        try:
            while batch := list(islice(iterator, _BATCH)):
                pending.append(pool.submit(lambda rows: [function(row) for row in rows], batch))
                if len(pending) > 2 * workers:
                    yield from pending.popleft().result()
            while pending:
                yield from pending.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)
