"""Cloud Storage objects by `gs://` path. Used by `aocr_core.storage` and imported only when such a path occurs.

Every object arrives whole: what is read and what is written is compared with its CRC32C, and whatever may pass by
itself (503, a broken connection, silence) is tried again for two minutes.
"""

import base64
import logging
import shutil
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from aocr_core.errors import AocrError
from aocr_core.gcs_calls import client, explained, fetched, for_each, patient
from aocr_core.storage import MissingError, TakenError

FOLDER_FETCHES = 3
"""How often a folder is fetched that changes meanwhile."""
WRITER = "aocr-writer"
"""Name of the metadata by which the writer of a new object knows it again."""

logger = logging.getLogger(__name__)


def stat(path: str) -> tuple[int, float] | None:
    """Size in bytes and time of the last change of an object, None if there is none."""
    with explained(path):
        bucket, name = _split(path)
        blob = client().bucket(bucket).get_blob(name, **patient()) if name else None
        return (blob.size, blob.updated.timestamp()) if blob else None


def generation(path: str) -> int | None:
    """The number that Cloud Storage has given to the content of an object, None if there is no object."""
    with explained(path):
        bucket, name = _split(path)
        blob = client().bucket(bucket).get_blob(name, **patient()) if name else None
        return int(blob.generation) if blob else None


def names(path: str, limit: int | None = None) -> Iterator[str]:
    """Names of the objects below a folder, relative to it, at any depth."""
    yield from (name for name, _ in below(path, limit))


def entries(path: str) -> tuple[list[str], list[str]]:
    """Names of the objects and of the folders directly in a folder; what lies deeper is not listed."""
    bucket, name = _split(path)
    prefix = f"{name.rstrip('/')}/" if name else ""
    with explained(path):
        found = client().list_blobs(bucket, prefix=prefix, delimiter="/", **patient())
        files = [blob.name.removeprefix(prefix) for blob in found]
        # Known only when all pages have been seen. An object named like the folder itself is a console's placeholder.
        return [file for file in files if file], [folder.removeprefix(prefix)[:-1] for folder in found.prefixes]


def below(path: str, limit: int | None = None) -> Iterator[tuple[str, Any]]:
    """The objects below a folder, with their names relative to it."""
    bucket, name = _split(path)
    prefix = f"{name.rstrip('/')}/" if name else ""
    with explained(path):
        for blob in client().list_blobs(bucket, prefix=prefix, max_results=limit, **patient()):
            yield blob.name.removeprefix(prefix), blob


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
        found = {name: blob for name, blob in below(path) if name and not name.endswith("/")}
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

    with explained(path):
        try:
            for_each(fetch, found)
        except (NotFound, PreconditionFailed):
            return False
    return True


def upload(files: Mapping[str, Path]) -> None:
    """Copy local files to objects (path -> file), several at a time; each appears whole."""
    for_each(lambda path: write(path, files[path]), files)


def write(path: str, file: Path, new: bool = False) -> None:
    """Copy a local file to an object, which appears whole.

    Args:
        path: the object.
        file: its content.
        new: it may not be there already; another writer of the same object is an error.
    """
    from google.api_core.exceptions import PreconditionFailed

    with explained(path):
        blob, options, writer = _blob(path), patient(), uuid.uuid4().hex
        if new:
            blob.metadata = {WRITER: writer}
            options["if_generation_match"] = 0
        try:
            blob.upload_from_filename(str(file), checksum="crc32c", **options)
        except PreconditionFailed as error:
            # Either somebody else was first, or an earlier try of our own whose answer was lost. The same content
            # proves nothing: who takes another's object for its own takes it away again when the next one fails.
            blob.reload(**patient())
            if (blob.metadata or {}).get(WRITER) != writer:
                raise TakenError(f"{path} has just been written by somebody else") from error


def copy(source: str, target: str, name: str) -> None:
    """Copy an object within its bucket."""
    with explained(f"{target}/{name}"):
        blob = _blob(f"{source}/{name}")
        blob.bucket.copy_blob(blob, blob.bucket, _split(f"{target}/{name}")[1], **patient())


def delete(path: str) -> None:
    """Delete an object; one that is gone already is what was wanted."""
    from google.api_core.exceptions import NotFound

    with explained(path):
        try:
            _blob(path).delete(**patient())
        except NotFound:
            logger.debug("%s was gone already", path)


def crc32c(file: Path) -> str:
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
