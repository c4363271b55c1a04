"""An annotation file in parts: each is checked by itself, on another machine say, and all of them make one data set.

A part keeps everything that its rows have come to, in order and with their lines, so that the data set is the same,
byte by byte, as without parts.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from aocr_core import progress, storage
from aocr_core.config import DataOptions, PrepareOptions
from aocr_core.data import annotations, check, example, tfrecord
from aocr_core.data.annotations import Rejection
from aocr_core.data.check import Accepted
from aocr_core.data.records import decode, encode
from aocr_core.errors import AocrError

ROWS, ABOUT = "rows.tfrecords", "part.json"
"""The rows, in the framing of TFRecords; which part of how many it is, and the lines of the annotation file."""


def write(path: str, folder: str, part: int, parts: int, options: PrepareOptions, data: DataOptions) -> None:
    """Check the rows of one part of an annotation file.

    Args:
        path: the annotation file.
        folder: what to write.
        part: which part, from 0.
        parts: how many there are; they are of nearly as many lines each.
        options: limits and forms.
        data: how labels become symbols.

    Raises:
        UsageError: there is no annotation file.
        AocrError: it is none, or a bucket cannot be reached.
    """
    lines = annotations.count_lines(path)
    begin, end = lines * part // parts, lines * (part + 1) // parts
    rows = (row for row in annotations.read(path) if begin < row.line <= end)
    with storage.output_dir(folder) as place, progress.track("checking", end - begin, "lines") as bar:
        with (place / ROWS).open("wb") as file:
            for row in check.checked(rows, path, options, data):
                tfrecord.write(file, _encode(row))
                bar.advance(row.line - begin - bar.done)
        about = {"part": part, "parts": parts, "lines": lines}
        (place / ABOUT).write_text(json.dumps(about) + "\n", encoding="utf-8")


def read(folders: Sequence[str]) -> tuple[int, Iterator[Accepted | Rejection]]:
    """The rows of all parts.

    Args:
        folders: of all parts, in any order.

    Returns:
        Lines of the annotation file, and the rows in its order.

    Raises:
        AocrError: a part is missing or damaged, or they are not of one annotation file.
    """
    about = {folder: json.loads(storage.read_bytes(storage.join(folder, ABOUT))) for folder in folders}
    ordered = sorted(about, key=lambda folder: about[folder]["part"])
    found = [about[folder]["part"] for folder in ordered]
    wanted = {(one["parts"], one["lines"]) for one in about.values()}
    if len(wanted) != 1 or found != list(range(next(iter(wanted))[0])):
        raise AocrError(f"these are not all parts of one annotation file: {', '.join(ordered) or 'none'}")
    return about[ordered[0]]["lines"], chain.from_iterable(map(_rows, ordered))


def _rows(folder: str) -> Iterator[Accepted | Rejection]:
    path = storage.join(folder, ROWS)
    with storage.local_copy(path) as file:
        for payload in tfrecord.read(file, path):
            yield _decode(example.decode(payload))


def _encode(row: Accepted | Rejection) -> bytes:
    """As a `tf.train.Example`: a record with its line and warnings, or a rejection."""
    if isinstance(row, Accepted):
        about = json.dumps({"line": row.line, "warnings": row.warnings})
        return example.encode({"about": about.encode(), "record": encode(row.record)})
    rejection = {"line": row.line, "path": row.path, "kind": row.kind, "detail": row.detail}
    return example.encode({"rejection": json.dumps(rejection).encode()})


def _decode(found: Mapping[str, Any]) -> Accepted | Rejection:
    if "rejection" in found:
        return Rejection(**json.loads(found["rejection"]))
    about = json.loads(found["about"])
    return Accepted(about["line"], decode(found["record"]), tuple(about["warnings"]))
