"""Cloud Storage objects by `gs://` path. Used by `aocr_core.storage` and imported only when such a path occurs.

Every object arrives whole: what is read and what is written is compared with its CRC32C, and whatever may pass by
itself (503, a broken connection, silence) is tried again for two minutes. A folder is many objects, and a bucket has no
rename: those that tell a reader that the others are there are taken away first and put back last.
"""

import base64
import logging
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from aocr_core.errors import AocrError
from aocr_core.folders import ANNOUNCERS
from aocr_core.gcs_calls import client, explained, fetched, for_each, patient
from aocr_core.storage import MissingError

FOLDER_FETCHES = 3
"""How often a folder is fetched that changes meanwhile."""

logger = logging.getLogger(__name__)


def stat(path: str) -> tuple[int, float] | None:
    """Size in bytes and time of the last change of an object, None if there is none."""
    with explained(path):
        bucket, name = _split(path)
        blob = client().bucket(bucket).get_blob(name, **patient()) if name else None
        return (blob.size, blob.updated.timestamp()) if blob else None


def names(path: str, limit: int | None = None) -> Iterator[str]:
    """Names of the objects below a folder, relative to it, at any depth."""
    yield from (name for name, _ in _below(path, limit))


def read(path: str) -> bytes:
    """The content of an object."""
    with explained(path):
        blob = _blob(path)
        options = patient() | {"retry": None}
        return fetched(lambda: blob.download_as_bytes(checksum="crc32c", **options))


def download(path: str, target: Path) -> None:
    """Copy an object to a file, or all objects below a folder to a folder, several at a time.

    The times of the files are those of the objects.

    Raises:
        MissingError: there is neither.
    """
    for left in reversed(range(FOLDER_FETCHES)):
        found = {name: blob for name, blob in _below(path) if not name.endswith("/")}
        if not found:
            with explained(path):
                bucket, name = _split(path)
                blob = client().bucket(bucket).get_blob(name, **patient()) if name else None
            if blob is None:
                raise MissingError(f"no such file or folder: {path}")
            found = {"": blob}
        if _fetch(path, found, target):
            return
        shutil.rmtree(target, ignore_errors=True)  # what has come so far may be of several states
        logger.info("%s changes while it is fetched%s", path, ": once more" if left else "")
    raise AocrError(f"{path} changes while it is fetched: somebody writes it, so try again later")


def _fetch(path: str, found: Mapping[str, Any], target: Path) -> bool:
    """Fetch listed objects; False if one of them is no longer what was listed."""
    from google.api_core.exceptions import NotFound, PreconditionFailed

    def fetch(name: str) -> None:
        blob, file = found[name], target / name
        file.parent.mkdir(parents=True, exist_ok=True)
        options = patient() | {"retry": None, "if_generation_match": blob.generation, "checksum": "crc32c"}
        fetched(lambda: blob.download_to_filename(str(file), **options))
        os.utime(file, (blob.updated.timestamp(),) * 2)

    with explained(path):
        try:
            for_each(fetch, found)
        except (NotFound, PreconditionFailed):
            return False
    return True


def upload(files: Mapping[str, Path], new: bool = False) -> None:
    """Copy local files to objects (path -> file), several at a time; each appears whole.

    Args:
        files: what goes where.
        new: none of the objects may be there already; another writer of the same is an error, not a mixture.
    """
    for_each(lambda path: _upload(path, files[path], new), files)


def _upload(path: str, file: Path, new: bool) -> None:
    from google.api_core.exceptions import PreconditionFailed

    with explained(path):
        blob = _blob(path)
        try:
            options = patient() | ({"if_generation_match": 0} if new else {})
            blob.upload_from_filename(str(file), checksum="crc32c", **options)
        except PreconditionFailed as error:
            # Either somebody else was first, or an earlier try of our own whose answer was lost.
            blob.reload(**patient())
            if blob.crc32c != _crc32c(file):
                raise AocrError(f"{path} has just been written by somebody else") from error


def replace_folder(path: str, files: Mapping[str, Path], announcers: Mapping[str, Path], new: bool = False) -> None:
    """Make the objects below `path` exactly these files (relative name -> local file).

    In a new folder the announcers come last, so that nobody takes half of it for the whole. Where there is one, what
    differs is brought to the bucket beside it first; then the announcers go, the rest is exchanged within the bucket,
    and the new announcers come: nobody meets a mixture of both, only, for that moment, nothing. Broken off before that
    moment, everything stays as it was; broken off within it, the folder lacks announcers, which lie beside it.

    Args:
        path: the folder.
        files: what stands for nothing by itself.
        announcers: what a reader looks for first; they appear in the order given.
        new: there must be none of these yet (see `upload`).
    """
    place = path.rstrip("/")
    old = {} if new else {name: blob for name, blob in _below(path) if name and not name.endswith("/")}
    if not old:
        upload(_under(place, files), new=True)
        for name, file in announcers.items():
            upload({f"{place}/{name}": file}, new=True)
        return
    every = {**files, **announcers}
    changed = {name: file for name, file in every.items() if name not in old or old[name].crc32c != _crc32c(file)}
    gone = [name for name in old if name not in every]
    if changed or gone:
        told = [name for name in old if Path(name).suffix in ANNOUNCERS]
        _exchange(place, changed, told, gone, announcers)


def _exchange(
    place: str, changed: Mapping[str, Path], told: list[str], gone: list[str], announcers: Mapping[str, Path]
) -> None:
    """Replace the objects of a folder; `told` are the announcers that it has, of its old state."""
    above, _, folder = place.rpartition("/")
    beside = f"{above}/.aocr-{uuid.uuid4().hex[:12]}-{folder}"
    try:
        upload(_under(beside, {**announcers, **changed}))
    except BaseException:
        _clear(beside)
        raise
    try:
        for_each(lambda name: _delete(f"{place}/{name}"), told)
        for_each(lambda name: _copy(beside, place, name), [name for name in changed if name not in announcers])
        for_each(lambda name: _delete(f"{place}/{name}"), [name for name in gone if name not in told])
        for name in announcers:
            _copy(beside, place, name)
    except AocrError as error:
        raise AocrError(f"{error} ({place} may be incomplete now; what it lacks lies in {beside})") from error
    _clear(beside)


def _clear(place: str) -> None:
    """Take away what was brought beside a folder. A failure of this is told and no more: it harms nobody."""
    try:
        for_each(lambda name: _delete(f"{place}/{name}"), list(names(place)))
    except AocrError as error:
        logger.warning("left behind: %s (%s)", place, error)


def _copy(source: str, target: str, name: str) -> None:
    """Copy an object within its bucket."""
    with explained(f"{target}/{name}"):
        blob = _blob(f"{source}/{name}")
        blob.bucket.copy_blob(blob, blob.bucket, _split(f"{target}/{name}")[1], **patient())


def _delete(path: str) -> None:
    """Delete an object; one that is gone already is what was wanted."""
    from google.api_core.exceptions import NotFound

    with explained(path):
        try:
            _blob(path).delete(**patient())
        except NotFound:
            logger.debug("%s was gone already", path)


def _below(path: str, limit: int | None = None) -> Iterator[tuple[str, Any]]:
    """The objects below a folder, with their names relative to it."""
    bucket, name = _split(path)
    prefix = f"{name.rstrip('/')}/" if name else ""
    with explained(path):
        for blob in client().list_blobs(bucket, prefix=prefix, max_results=limit, **patient()):
            yield blob.name.removeprefix(prefix), blob


def _under(place: str, files: Mapping[str, Path]) -> dict[str, Path]:
    return {f"{place}/{name}": file for name, file in files.items()}


def _crc32c(file: Path) -> str:
    """As Cloud Storage writes it."""
    import google_crc32c

    checksum = google_crc32c.Checksum()
    with file.open("rb") as stream:
        for _ in checksum.consume(stream, 1 << 20):
            pass
    return base64.b64encode(checksum.digest()).decode()


def _blob(path: str) -> Any:
    bucket, name = _split(path)
    if not name:
        raise AocrError(f"{path} names a bucket, not an object in it")
    return client().bucket(bucket).blob(name)


def _split(path: str) -> tuple[str, str]:
    bucket, _, name = path.removeprefix("gs://").partition("/")
    if not bucket:
        raise AocrError(f"{path}: the bucket is missing (gs://BUCKET/…)")
    return bucket, name
