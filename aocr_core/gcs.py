"""Cloud Storage objects by `gs://` path. Used by `aocr_core.storage` and imported only when such a path occurs."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from aocr_core.errors import AocrError
from aocr_core.storage import MissingError


def stat(path: str) -> tuple[int, float] | None:
    """Size in bytes and time of the last change of an object, None if there is none."""
    with _explained(path):
        bucket, name = _split(path)
        blob = _client().bucket(bucket).get_blob(name) if name else None
        return (blob.size, blob.updated.timestamp()) if blob else None


def names(path: str, limit: int | None = None) -> Iterator[str]:
    """Names of the objects below a folder, relative to it, at any depth."""
    bucket, name = _split(path)
    prefix = f"{name.rstrip('/')}/" if name else ""
    with _explained(path):
        for blob in _client().list_blobs(bucket, prefix=prefix, max_results=limit):
            yield blob.name.removeprefix(prefix)


def read(path: str) -> bytes:
    """The content of an object."""
    with _explained(path):
        return _blob(path).download_as_bytes()


def download(path: str, target: Path) -> None:
    """Copy an object to a file, or all objects below a folder to a folder.

    Raises:
        MissingError: there is neither.
    """
    below = [name for name in names(path) if not name.endswith("/")]
    if not below and not stat(path):
        raise MissingError(f"no such file or folder: {path}")
    with _explained(path):
        for name in below or [""]:
            file = target / name
            file.parent.mkdir(parents=True, exist_ok=True)
            _blob(f"{path.rstrip('/')}/{name}" if name else path).download_to_filename(str(file))


def upload(files: Mapping[str, Path]) -> None:
    """Copy local files to objects, in the order given; each appears whole."""
    for path, file in files.items():
        with _explained(path):
            _blob(path).upload_from_filename(str(file))


def replace_folder(path: str, files: Mapping[str, Path]) -> None:
    """Make the objects below `path` exactly these files (relative name -> local file), uploaded in the order given."""
    old = set(names(path))
    upload({f"{path.rstrip('/')}/{name}": file for name, file in files.items()})
    with _explained(path):
        for name in old - set(files):
            _blob(f"{path.rstrip('/')}/{name}").delete()


def _blob(path: str) -> Any:
    bucket, name = _split(path)
    if not name:
        raise AocrError(f"{path} names a bucket, not an object in it")
    return _client().bucket(bucket).blob(name)


def _split(path: str) -> tuple[str, str]:
    bucket, _, name = path.removeprefix("gs://").partition("/")
    if not bucket:
        raise AocrError(f"{path}: the bucket is missing (gs://BUCKET/…)")
    return bucket, name


def _client() -> Any:
    return _client_for(os.environ.get("STORAGE_EMULATOR_HOST"))


@lru_cache(maxsize=1)
def _client_for(emulator: str | None) -> Any:
    """One client for the process, and another when the emulator changes (google-cloud-storage reads the variable)."""
    try:
        import google.cloud.storage as storage
    except ImportError as error:
        raise AocrError("gs:// paths need google-cloud-storage: pip install 'aocr-pipeline[pipeline]'") from error
    # Objects are addressed by bucket alone; a project is needed only to create buckets.
    return storage.Client(project=os.environ.get("GOOGLE_CLOUD_PROJECT", "none") if emulator else None)


@contextmanager
def _explained(path: str) -> Iterator[None]:
    """Turn what Google's libraries raise into one line that names the path."""
    try:
        yield
    except AocrError:
        raise
    except Exception as error:
        from google.api_core.exceptions import Forbidden, GoogleAPIError, NotFound
        from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError
        from requests.exceptions import RequestException

        if isinstance(error, NotFound):
            raise MissingError(f"no such object or bucket: {path}") from error
        if isinstance(error, Forbidden):
            raise AocrError(f"no permission for {path}: {error.message}") from error
        if isinstance(error, DefaultCredentialsError):
            raise AocrError(f"{path}: not logged in; run `gcloud auth application-default login`") from error
        if isinstance(error, GoogleAPIError | GoogleAuthError | RequestException):
            raise AocrError(f"Cloud Storage, {path}: {str(error).splitlines()[0]}") from error
        raise
