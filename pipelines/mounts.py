"""Which files and folders of this machine the steps of a run read, so that containers can be shown them."""

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from aocr_core.data import annotations
from aocr_core.errors import UsageError

MOST = 50
"""Mounts; where images lie in more folders than that, the folders that hold these are shown."""


def needed(arguments: Mapping[str, Any]) -> list[str]:
    """Absolute paths of what the parameters of a run name, the images in annotation files included.

    Raises:
        UsageError: a place is in a bucket, or there is no such annotation file.
        AocrError: it cannot be understood.
    """
    places = set()
    for name in ("annotations", "test_annotations", "charset", "serving_export"):
        value = str(arguments.get(name) or "")
        _refuse_bucket("--" + name.replace("_", "-"), value)
        if value and Path(value).exists():  # a charset may be a name
            places.add(_absolute(value))
    for name in ("annotations", "test_annotations"):
        if arguments.get(name):
            places.update(_images(str(arguments[name])))
    return [str(place) for place in few(places)]


def few(places: Iterable[Path], most: int = MOST) -> list[Path]:
    """Places that cover all the given ones: none within another, and no more than `most`."""
    found = _outermost(places)
    while len(found) > most:
        depth = max(len(place.parts) for place in found)
        found = _outermost(place.parent if len(place.parts) == depth else place for place in found)
    return found


def _outermost(places: Iterable[Path]) -> list[Path]:
    found: list[Path] = []
    for place in sorted(set(places)):  # what lies in a folder comes right after it
        if not (found and place.is_relative_to(found[-1])):
            found.append(place)
    return found


def _images(annotation_file: str) -> Iterator[Path]:
    """The folders of the images that rows name, looked for where the data set's builder looks."""
    beside = Path(annotation_file).parent
    for row in annotations.read(annotation_file):
        _refuse_bucket(f"{annotation_file}, line {row.line}", row.path)
        for place in {beside / row.path, Path(row.path)}:
            if place.is_file():
                yield _absolute(place).parent
                if place.is_symlink():
                    yield place.resolve().parent


def _absolute(path: str | Path) -> Path:
    """Without following symbolic links: in the container the path is to be found as it is written here."""
    return Path(os.path.abspath(path))  # noqa: PTH100 - `Path.absolute` keeps `..`


def _refuse_bucket(what: str, path: str) -> None:
    if path.startswith("gs://"):
        raise UsageError(f"{what}: {path}: steps in containers see this machine's files only; leave --image out")
