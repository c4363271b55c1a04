"""Exports on disk, laid out as TF Serving expects them: `BASE/<version>/saved_model.pb`."""

import shutil
from pathlib import Path

from aocr_core import storage

GRAPH_FILE = "saved_model.pb"
"""Written last, so that a version without it is one that is still being written."""


def folders(base: str) -> dict[int, str]:
    """All numbered folders in a base path, complete or not: number -> folder, in ascending order."""
    numbers = [name for name in storage.list_dirs(base) if name.isascii() and name.isdecimal()]
    return {int(name): storage.join(base, name) for name in sorted(numbers, key=int)}


def is_complete(folder: str) -> bool:
    """Whether a folder holds a whole SavedModel."""
    return storage.stat(storage.join(folder, GRAPH_FILE)) is not None


def versions(base: str) -> dict[int, str]:
    """The complete versions in a base path: number -> folder, in ascending order."""
    return {number: folder for number, folder in folders(base).items() if is_complete(folder)}


def newest(base: str) -> tuple[int, str] | None:
    """Number and folder of the version that a server would serve, None if there is none."""
    return max(versions(base).items(), default=None)


def next_number(base: str) -> int:
    """One above every version, those included that are still being written."""
    return max(folders(base), default=0) + 1


def publish(files: Path, base: str) -> str:
    """Copy a version to the next number in a base path, where it appears whole or not at all.

    Returns:
        Its folder.

    Raises:
        TakenError: another version has got that number meanwhile.
        AocrError: it cannot be written.
    """
    target = storage.join(base, str(next_number(base)))
    with storage.output_dir(target, new=True) as folder:
        shutil.copytree(files, folder, dirs_exist_ok=True)
    return target
