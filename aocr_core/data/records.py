"""Labelled images as TFRecords: the contract with the original aocr, and with every later step.

Each record is a `tf.train.Example` with `image` (encoded bytes), `label` (UTF-8), `width` and `height` (pixels), and
`comment` (the source path) where it is wanted. aocr 0.7.6 reads these, and its own records, with labels in latin-1
and without sizes, are read here.
"""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from aocr_core import storage
from aocr_core.data import example, tfrecord
from aocr_core.errors import AocrError, UsageError

ENDING = ".tfrecords"
SHARD_BYTES = 128_000_000
"""Size at which a new shard begins: large enough for sequential reads from buckets, small enough to shuffle files."""


@dataclass(frozen=True)
class Record:
    """One labelled image."""

    image: bytes
    """An encoded image that TensorFlow decodes faithfully (see `aocr_core.data.images`)."""
    label: str
    comment: str = ""
    """Where the image came from; not needed by any later step."""
    width: int = 0
    """In pixels, as is the height; 0 where the record does not say."""
    height: int = 0

    @property
    def key(self) -> int:
        """Stable 63-bit hash of the image: equal images have equal keys, so that a split by key never parts them."""
        return int.from_bytes(hashlib.blake2b(self.image, digest_size=8).digest(), "big") >> 1


def encode(record: Record) -> bytes:
    """The record as a serialised `tf.train.Example`."""
    features: dict[str, bytes | int] = {"image": record.image, "label": record.label.encode("utf-8")}
    if record.comment:
        features["comment"] = record.comment.encode("utf-8")
    if record.width and record.height:
        features |= {"width": record.width, "height": record.height}
    return example.encode(features)


def decode(data: bytes) -> Record:
    """The record in a serialised `tf.train.Example`, of this program or of aocr 0.7.6.

    Raises:
        ValueError: not an Example, or one without an image or a label.
    """
    features = example.decode(data)
    image, label, comment = (features.get(name, b"") for name in ("image", "label", "comment"))
    if not isinstance(image, bytes) or not isinstance(label, bytes) or not isinstance(comment, bytes):
        raise ValueError("image, label and comment must hold bytes")
    if not image or not label:
        raise ValueError(f"no {'image' if not image else 'label'}")
    width, height = (int(features.get(name, 0)) for name in ("width", "height"))
    return Record(image, _text(label), _text(comment), width, height)


def _text(data: bytes) -> str:
    """UTF-8, or the latin-1 of aocr 0.7.6; few texts in latin-1 are valid UTF-8 unless both agree."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def files(dataset: str) -> list[str]:
    """The record files of a data set: a file itself, or the `*.tfrecords` of a folder, in order.

    Raises:
        UsageError: there is no such file or folder.
        AocrError: the folder holds no record files.
    """
    if storage.stat(dataset):
        return [dataset]
    if not storage.is_dir(dataset):
        raise UsageError(f"data set {dataset} does not exist; build one with `aocr dataset`")
    found = storage.list_files(dataset, f"*{ENDING}")
    if not found:
        raise AocrError(f"{dataset} holds no *{ENDING}; build a data set with `aocr dataset`")
    return found


def read(paths: Iterable[str]) -> Iterator[Record]:
    """The records of the files, in order.

    Raises:
        AocrError: a file cannot be read, is damaged, or holds something else; the message names it.
    """
    for path in paths:
        with storage.local_copy(path) as file:
            for number, payload in enumerate(tfrecord.read(file, path), start=1):
                try:
                    yield decode(payload)
                except ValueError as error:
                    raise AocrError(f"{path} holds no labelled images: record {number}: {error}") from error


class Writer:
    """Writes one record file: `with Writer(path) as writer: writer.write(record)`. The path is a local one."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")

    def write(self, record: Record) -> None:
        """Append a record."""
        tfrecord.write(self._file, encode(record))

    def __enter__(self) -> "Writer":
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()


class ShardWriter:
    """Writes `part-00000-of-00004.tfrecords` and so on into a local folder.

    Args:
        folder: where the shards go; it exists.
        shards: deal the records out in turn to so many files; None: begin a new file every `SHARD_BYTES`.
    """

    def __init__(self, folder: Path, shards: int | None = None) -> None:
        self._folder, self._shards = folder, shards
        self._stack = ExitStack()
        self._parts: list[BinaryIO] = []
        self._written = 0
        self._room = 0

    def write(self, record: Record) -> None:
        """Append a record."""
        full = len(self._parts) < self._shards if self._shards else self._room <= 0
        if full:
            self._room = SHARD_BYTES
            path = self._folder / f"part-{len(self._parts):05d}"
            self._parts.append(self._stack.enter_context(path.open("wb")))
        part = self._parts[self._written % self._shards if self._shards else -1]
        self._room -= tfrecord.write(part, encode(record))
        self._written += 1

    def __enter__(self) -> "ShardWriter":
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()
        total = len(self._parts)
        for index in range(total):
            part = self._folder / f"part-{index:05d}"
            part.rename(self._folder / f"part-{index:05d}-of-{total:05d}{ENDING}")
