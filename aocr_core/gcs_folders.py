"""Folders in Cloud Storage, which has no rename: many objects that are to look like one to whoever reads them.

Those that tell a reader that the others are there, the announcers, are taken away first and put back last.
"""

import logging
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path

from aocr_core import gcs, storage
from aocr_core.errors import AocrError
from aocr_core.folders import ANNOUNCERS
from aocr_core.gcs_calls import for_each

logger = logging.getLogger(__name__)


def replace(path: str, files: Mapping[str, Path], announcers: Mapping[str, Path], new: bool = False) -> None:
    """Make the objects below `path` exactly these files (relative name -> local file).

    In a new folder the announcers come last, so that nobody takes half of it for the whole. Where there is one, what
    differs is brought to the bucket beside it first; then the announcers go, the rest is exchanged within the bucket,
    and the new announcers come: nobody meets a mixture of both, only, for that moment, nothing. Broken off before that
    moment, everything stays as it was; broken off within it, the folder lacks announcers, which lie beside it.

    Args:
        path: the folder.
        files: what stands for nothing by itself.
        announcers: what a reader looks for first; they appear in the order given.
        new: none of these may be there already; another writer of the same is an error, not a mixture.
    """
    place = path.rstrip("/")
    old = {} if new else {name: blob for name, blob in gcs.below(path) if name and not name.endswith("/")}
    if not old:
        _create(place, files, announcers)
        return
    every = {**files, **announcers}
    changed = {name: file for name, file in every.items() if name not in old or old[name].crc32c != gcs.crc32c(file)}
    gone = [name for name in old if name not in every]
    if changed or gone:
        told = [name for name in old if Path(name).suffix in ANNOUNCERS]
        _exchange(place, changed, told, gone, announcers)


def _create(place: str, files: Mapping[str, Path], announcers: Mapping[str, Path]) -> None:
    """Write the objects of a folder that is not there; if that fails, those that were written go again."""
    written: list[str] = []

    def create(name: str) -> None:
        gcs.write(f"{place}/{name}", {**files, **announcers}[name], new=True)
        written.append(name)

    try:
        for_each(create, files)
        for name in announcers:
            create(name)
    except BaseException:
        _clear(place, written)
        raise


def _exchange(
    place: str, changed: Mapping[str, Path], told: list[str], gone: list[str], announcers: Mapping[str, Path]
) -> None:
    """Replace the objects of a folder; `told` are the announcers that it has, of its old state."""
    above = storage.parent(place) if place.count("/") > 2 else place  # a whole bucket has nothing beside it
    beside = f"{above}/.aocr-{uuid.uuid4().hex[:12]}"
    try:
        gcs.upload({f"{beside}/{name}": file for name, file in {**announcers, **changed}.items()})
    except BaseException:
        _clear(beside, gcs.names(beside))
        raise
    try:
        for_each(lambda name: gcs.delete(f"{place}/{name}"), told)
        for_each(lambda name: gcs.copy(beside, place, name), [name for name in changed if name not in announcers])
        for_each(lambda name: gcs.delete(f"{place}/{name}"), [name for name in gone if name not in told])
        for name in announcers:
            gcs.copy(beside, place, name)
    except AocrError as error:
        raise AocrError(f"{error} ({place} may be incomplete now; what it lacks lies in {beside})") from error
    _clear(beside, gcs.names(beside))


def _clear(place: str, mine: Iterable[str]) -> None:
    """Take away what is of no use any more. A failure of this is told and no more: nobody takes it for anything."""
    try:
        for_each(lambda name: gcs.delete(f"{place}/{name}"), mine)
    except AocrError as error:
        logger.warning("left behind: %s (%s)", place, error)
