"""How a finished local folder takes the place of another: by a rename, or where there is none, file by file."""

import shutil
from collections.abc import Mapping
from pathlib import Path

ANNOUNCERS = (".json", ".pb", ".pbtxt")
"""Endings of the files that a reader looks for first: without them a folder is no data set, no model, no export."""


def swap(new: Path, target: Path, aside: Path) -> None:
    """Put `new` in the place of `target`, which goes `aside` and is put back if that fails."""
    if not target.exists():
        new.rename(target)
        return
    target.rename(aside)
    try:
        new.rename(target)
    except OSError:
        aside.rename(target)
        raise


def parts(folder: Path) -> tuple[dict[str, Path], dict[str, Path]]:
    """All files below a folder by their relative names: those that announce the others to a reader apart."""
    found: tuple[dict[str, Path], dict[str, Path]] = {}, {}
    for file in sorted(file for file in folder.rglob("*") if file.is_file()):
        found[file.suffix in ANNOUNCERS][file.relative_to(folder).as_posix()] = file
    return found


def copy_over(files: Mapping[str, Path], announcers: Mapping[str, Path], target: Path) -> None:
    """Make a folder of a mounted bucket consist of these files; it has no announcers until all is in its place."""
    old = [file for file in target.rglob("*") if file.is_file()]
    for file in old:
        if file.suffix in ANNOUNCERS:
            file.unlink()
    for file in old:
        if file.suffix not in ANNOUNCERS and file.relative_to(target).as_posix() not in files:
            file.unlink()
    for name, source in [*files.items(), *announcers.items()]:
        place = target / name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, place)
