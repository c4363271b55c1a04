"""Annotation files: one row an image, `PATH LABEL`, or CSV, TSV and JSON lines with named columns.

A row that cannot be understood is handed on as a `Rejection`, never dropped and never an end of the run.
"""

import csv
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeAlias

from aocr_core import storage
from aocr_core.errors import AocrError, UsageError

IMAGE_COLUMNS = ("image", "path", "file", "filename", "file_name", "image_path", "img")
LABEL_COLUMNS = ("label", "text", "words", "transcription", "ground_truth")

_JSON_ARRAY = re.compile(r'\[\s*(\{\s*)?("|$)')
"""How an array of objects begins; the path of an image may begin with brackets, too."""
_STRAY_BYTE = re.compile("[\udc80-\udcff]")
"""What `surrogateescape` makes of one."""
_QUOTED = re.compile(r'"([^"]+)"(?:\s(.*))?', re.DOTALL)
_BARE = re.compile(r"(\S+)(?:\s(.*))?", re.DOTALL)

Parser: TypeAlias = "Callable[[int, str], Row | Rejection | None]"
"""Takes the line's number and its content; None for a header."""


@dataclass(frozen=True)
class Row:
    """One row as it was written."""

    line: int
    """Counted from 1, empty lines and the header included."""
    path: str
    label: str
    """Without outer white space; not empty."""


@dataclass(frozen=True)
class Rejection:
    """A row that is not used, and why."""

    line: int
    path: str
    """As written; empty where the row names none."""
    kind: str
    """The reason without its details, to count by."""
    detail: str = ""

    @property
    def reason(self) -> str:
        """The whole reason."""
        return f"{self.kind}: {self.detail}" if self.detail else self.kind

    def __str__(self) -> str:
        return f"line {self.line}: {printable(self.path) or '(no path)'}: {printable(self.reason)}"


def printable(text: str) -> str:
    r"""The text on one line and in valid UTF-8: tabs and line ends as `\t` and `\n`, stray bytes as `\xNN`, halves of
    characters as `\uNNNN`.
    """
    bytes_told = _STRAY_BYTE.sub(lambda byte: rf"\x{ord(byte[0]) - 0xDC00:02x}", text)
    raw = bytes_told.encode("utf-8", errors="backslashreplace").decode("utf-8")
    return raw.replace("\t", r"\t").replace("\n", r"\n").replace("\r", r"\r")


def read(path: str) -> Iterator[Row | Rejection]:
    """The rows of an annotation file, in order; empty lines are passed over.

    The kind of file is told by its name (`.csv`, `.tsv`, `.jsonl`), or by a first line that names the columns.

    Raises:
        UsageError: there is no such file.
        AocrError: it is not text in UTF-8, or a table whose columns are not named.
    """
    with _local(path) as file:
        with file.open("rb") as start:
            if b"\0" in start.read(4096):
                raise AocrError(f"{path} is no text in UTF-8: a binary file, or UTF-16 that should be saved as UTF-8")
        # Bytes that are no UTF-8 survive as lone surrogates, so that they spoil their own row only.
        with file.open(encoding="utf-8-sig", errors="surrogateescape", newline="\n") as text:
            parse = _parser(path, text.readline())
            text.seek(0)
            for number, line in enumerate(text, start=1):
                content = line.strip(" \r\n")
                if content.strip() and (row := parse(number, content)):
                    yield _checked(row)


def count_lines(path: str) -> int:
    """Number of lines, to tell how far the work is.

    Raises:
        UsageError: there is no such file.
    """
    with _local(path) as file, file.open("rb") as lines:
        return sum(1 for _ in lines)


@contextmanager
def _local(path: str) -> Iterator[Path]:
    if not storage.stat(path):
        problem = "is a folder; name the annotation file in it" if storage.is_dir(path) else "does not exist"
        raise UsageError(f"annotation file {path} {problem}")
    with storage.local_copy(path) as file:
        yield file


def _parser(path: str, first: str) -> Parser:
    ending = path.lower().rpartition(".")[2]
    if ending in ("jsonl", "ndjson") or first.startswith("{"):
        return _json
    if _JSON_ARRAY.match(first):
        raise AocrError(f"{path} is one JSON array: write one object a line instead (JSON lines)")
    for delimiter in ",\t;":
        columns = _columns(first.rstrip("\r\n").split(delimiter))
        if columns:
            return partial(_cells, delimiter, *columns)
    if ending == "csv":
        raise AocrError(f"{path}: the first line must name the columns, such as image,label")
    return partial(_cells, "\t", 0, 1) if ending == "tsv" else _plain


def _columns(header: list[str]) -> tuple[int, int] | None:
    """Where the image and the label are, if these are names of columns."""
    names = [name.strip().strip('"').lower() for name in header]
    image = next((names.index(name) for name in IMAGE_COLUMNS if name in names), None)
    label = next((names.index(name) for name in LABEL_COLUMNS if name in names), None)
    return None if image is None or label is None else (image, label)


def _plain(number: int, content: str) -> Row | Rejection:
    content = content.strip()
    match = (_QUOTED if content.startswith('"') else _BARE).fullmatch(content)
    if match is None:
        return Rejection(number, content, "broken quotes", 'a path in quotes is written "PATH" LABEL')
    if match[2] is None and any(delimiter in content for delimiter in ",;"):
        return Rejection(number, content, "no label", "no blank behind the path; CSV names its columns in line 1")
    return Row(number, match[1], match[2] or "")


def _cells(delimiter: str, image: int, label: int, number: int, content: str) -> Row | Rejection | None:
    """A row of a table. Each line stands for itself: an open quote must not swallow the lines that follow."""
    try:
        cells = next(csv.reader([content], delimiter=delimiter, strict=True))
    except csv.Error as error:
        if delimiter != "\t":
            return Rejection(number, content.partition(delimiter)[0], "broken row", str(error))
        cells = content.split("\t")  # in TSV a quote is mostly a character like any other
    if number == 1 and _columns(cells):
        return None
    if len(cells) <= max(image, label):
        return Rejection(number, cells[image] if image < len(cells) else "", "no label", "too few columns")
    return Row(number, cells[image].strip(), cells[label])


def _json(number: int, content: str) -> Row | Rejection:
    try:
        item = json.loads(content)
    except ValueError as error:
        return Rejection(number, "", "broken row", f"not JSON: {error}")
    columns = _columns(list(item)) if isinstance(item, dict) else None
    if columns is None:
        return Rejection(number, "", "broken row", 'use {"image": PATH, "label": TEXT}')
    path, label = (list(item.values())[column] for column in columns)
    if not isinstance(path, str) or not isinstance(label, str):
        return Rejection(number, str(path), "broken row", "image and label must be strings")
    return Row(number, path.strip(), label)


def _checked(row: Row | Rejection) -> Row | Rejection:
    """What every format demands of a row: valid UTF-8, a path and a label."""
    if isinstance(row, Rejection):
        return row
    if not _is_utf8(row.path + row.label):
        return Rejection(row.line, row.path, "not UTF-8", "bytes that are no text in the path or the label")
    if not row.path:
        return Rejection(row.line, "", "no path")
    label = row.label.strip()
    if not label:
        return Rejection(row.line, row.path, "no label")
    return Row(row.line, row.path, label)


def _is_utf8(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
