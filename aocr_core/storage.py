"""Local paths and `gs://` behind one small interface. What is written appears whole or not at all, but through a mount:
a copy to it that breaks off may leave a part of a file.

Where Vertex AI (or gcsfuse) mounts buckets under `/gcs`, `gs://BUCKET/…` is read through the mount and needs no
client; without a mount google-cloud-storage is used, which honours `STORAGE_EMULATOR_HOST`. A bucket has no rename,
so a folder is published there file by file, those that name the others (`*.json`, `*.pb`, `*.pbtxt`: the announcers)
last, and where it takes the place of another, the other's announcers go first: without them it is no data set, no
model and no export.
"""

import errno
import fnmatch
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from aocr_core import folders
from aocr_core.errors import AocrError

MOUNT = "/gcs"
AnyPath: TypeAlias = "str | os.PathLike[str]"


class MissingError(AocrError):
    """There is nothing at a path (other failures of a read are a plain `AocrError`)."""


class TakenError(AocrError):
    """What was to be new is there: somebody else has been quicker."""


@dataclass(frozen=True)
class Stat:
    """What is known of a file without reading it."""

    size: int
    """In bytes."""
    modified: float
    """Seconds since 1970."""


def is_remote(path: AnyPath) -> bool:
    """Whether the path needs the Cloud Storage client: `gs://…`, and the bucket is not mounted."""
    return _local(path).startswith("gs://")


def in_bucket(path: AnyPath) -> bool:
    """Whether the path is one in a bucket, mounted or not: where a file cannot be written to bit by bit."""
    return os.fspath(path).startswith("gs://") or _mounted(Path(path))


def join(base: AnyPath, *parts: str) -> str:
    """`join("gs://bucket/a/", "b")` -> `gs://bucket/a/b`; local paths as `os.path.join`."""
    if os.fspath(base).startswith("gs://"):
        return "/".join([os.fspath(base).rstrip("/"), *(part.strip("/") for part in parts)])
    return os.path.join(base, *parts)  # noqa: PTH118 - the result stays the string that the caller gave


def parent(path: AnyPath) -> str:
    """The folder that holds `path`: `gs://bucket/a/b` -> `gs://bucket/a`, `name` -> `.`."""
    text = os.fspath(path).rstrip("/")
    return text.rpartition("/")[0] if text.startswith("gs://") else str(Path(text).parent)


def stat(path: AnyPath) -> Stat | None:
    """Size and time of a file, None where there is no such file."""
    if is_remote(path):
        from aocr_core import gcs

        found = gcs.stat(_local(path))
        return Stat(*found) if found else None
    file = Path(_local(path))
    if not file.is_file():
        return None
    info = file.stat()
    return Stat(info.st_size, info.st_mtime)


def is_dir(path: AnyPath) -> bool:
    """Whether there is such a folder; in a bucket: whether any object lies below it."""
    if is_remote(path):
        from aocr_core import gcs

        # The first may be the nameless object by which consoles and mounts keep a folder.
        return any(True for _ in gcs.names(_local(path), limit=1))
    return Path(_local(path)).is_dir()


def exists(path: AnyPath) -> bool:
    """Whether there is such a file or folder."""
    return stat(path) is not None or is_dir(path)


def entries(path: AnyPath) -> list[str]:
    """Names of what lies directly in a folder, those of folders with a final `/`, sorted; none if it is not there."""
    if is_remote(path):
        from aocr_core import gcs

        files, below = gcs.entries(_local(path))
        return sorted([*files, *(f"{folder}/" for folder in below)])
    if not is_dir(path):
        return []
    return sorted(entry.name + ("/" if entry.is_dir() else "") for entry in Path(_local(path)).iterdir())


def list_files(path: AnyPath, pattern: str = "*") -> list[str]:
    """Paths of the files directly in a folder whose names match, sorted; none if there is no such folder."""
    names = [name for name in entries(path) if not name.endswith("/")]
    return [join(path, name) for name in fnmatch.filter(names, pattern)]


def list_dirs(path: AnyPath) -> list[str]:
    """Names of the folders directly in a folder, sorted; none if there is no such folder."""
    if is_remote(path):
        from aocr_core import gcs

        return sorted(gcs.entries(_local(path))[1])
    if not is_dir(path):
        return []
    return sorted(entry.name for entry in Path(_local(path)).iterdir() if entry.is_dir())


def files_below(path: AnyPath) -> list[str]:
    """Names of all files in a folder, at any depth and relative to it (`a/b`), sorted; none if it is not there."""
    if is_remote(path):
        from aocr_core import gcs

        return sorted(name for name in gcs.names(_local(path)) if not name.endswith("/"))
    folder = Path(_local(path))
    return sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())


def remove(path: AnyPath) -> None:
    """Delete a file; one that is gone already is what was wanted.

    Raises:
        AocrError: it cannot be deleted.
    """
    if is_remote(path):
        from aocr_core import gcs

        gcs.delete(_local(path))
        return
    with _writing(path):
        Path(_local(path)).unlink(missing_ok=True)


def read_bytes(path: AnyPath) -> bytes:
    """The content of a file.

    Raises:
        MissingError: there is no such file.
        AocrError: it cannot be read; the message names the path.
    """
    if is_remote(path):
        from aocr_core import gcs

        return gcs.read(_local(path))
    try:
        return Path(_local(path)).read_bytes()
    except FileNotFoundError as error:
        raise MissingError(f"no such file: {os.fspath(path)}") from error
    except OSError as error:
        raise AocrError(f"cannot read {os.fspath(path)}: {error.strerror}") from error


def write_bytes(path: AnyPath, data: bytes) -> None:
    """Write a file whole, folders included; a reader sees the old content or the new, never a part.

    Raises:
        AocrError: it cannot be written; the message names the path.
    """
    with output_file(path) as temporary:
        temporary.write_bytes(data)


@contextmanager
def local_copy(path: AnyPath) -> Iterator[Path]:
    """A local file or folder with the content of `path`: itself if it is local, else a copy for the block's duration.

    Raises:
        MissingError: there is nothing at `path`.
    """
    if not is_remote(path):
        if not exists(path):
            raise MissingError(f"no such file or folder: {os.fspath(path)}")
        yield Path(_local(path))
        return
    from aocr_core import gcs

    with tempfile.TemporaryDirectory(prefix="aocr-") as folder:
        target = Path(folder) / os.fspath(path).rstrip("/").rpartition("/")[2]
        gcs.download(_local(path), target)
        yield target


@contextmanager
def local_copies(paths: Sequence[AnyPath]) -> Iterator[list[str]]:
    """Local files with the content of `paths`, for programs that know no `gs://`; fetched several at a time.

    Raises:
        MissingError: there is nothing at one of them.
    """
    if missing := next((path for path in paths if not is_remote(path) and not exists(path)), None):
        raise MissingError(f"no such file or folder: {os.fspath(missing)}")
    with tempfile.TemporaryDirectory(prefix="aocr-") as folder:
        fetched = {
            path: Path(folder, str(number), os.fspath(path).rpartition("/")[2])
            for number, path in enumerate(paths)
            if is_remote(path)
        }
        if fetched:
            from aocr_core import gcs, gcs_calls

            gcs_calls.for_each(lambda path: gcs.download(_local(path), fetched[path]), fetched)
        yield [str(fetched.get(path) or _local(path)) for path in paths]


@contextmanager
def output_file(path: AnyPath) -> Iterator[Path]:
    """A temporary local file that becomes `path` when the block ends well, and vanishes when it fails.

    Raises:
        AocrError: `path` cannot be written, or is a folder.
    """
    with _workplace(path) as (folder, target):
        file = folder / "output"
        if target and target.is_dir():
            raise AocrError(f"cannot write {os.fspath(path)}: it is a folder")
        yield file
        with _writing(path):
            if target is None:
                from aocr_core import gcs

                gcs.write(_local(path), file)
            elif _stays(target):
                with file.open("rb") as source, target.open("wb") as sink:
                    shutil.copyfileobj(source, sink)
            else:
                file.replace(target)


@contextmanager
def output_dir(path: AnyPath, new: bool = False) -> Iterator[Path]:
    """A temporary local folder that becomes `path` when the block ends well, and vanishes when it fails.

    An existing folder is replaced, and only after success; with `new` it is an error, also if it has come to be in
    the meantime.

    Raises:
        TakenError: it is there although it should be new.
        AocrError: `path` cannot be written, or is a file.
    """
    with _workplace(path) as (work, target):
        folder = work / "output"
        folder.mkdir()
        if target and target.is_file():
            raise AocrError(f"cannot write {os.fspath(path)}: it is a file")
        yield folder
        with _writing(path):
            files, announcers = folders.parts(folder)
            # A mount has no way to ask for a file on the condition that it is new.
            if target is None or (new and os.fspath(path).startswith("gs://")):
                from aocr_core import gcs_folders

                gcs_folders.replace(os.fspath(path), files, announcers, new)
            elif new and target.exists():
                raise TakenError(f"cannot write {os.fspath(path)}: somebody else has just written it")
            elif _mounted(target):
                folders.copy_over(files, announcers, target)
            elif new:
                _rename_to_new(folder, target)
            else:
                folders.swap(folder, target, work / "replaced")


def _rename_to_new(folder: Path, target: Path) -> None:
    try:
        folder.rename(target)
    except OSError as error:
        if error.errno in (errno.EEXIST, errno.ENOTEMPTY):
            raise TakenError(f"cannot write {target}: somebody else has just written it") from error
        raise


@contextmanager
def _workplace(path: AnyPath) -> Iterator[tuple[Path, Path | None]]:
    """A temporary folder, and the local target or None; beside the target, so that a rename is enough to publish."""
    target = None if is_remote(path) else Path(_local(path))
    with _writing(path):
        if target:
            target.parent.mkdir(parents=True, exist_ok=True)
        beside = target.parent if target and not _stays(target) else None
        folder = tempfile.mkdtemp(prefix=".aocr-", dir=beside)
    try:
        yield Path(folder), target
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise AocrError(f"cannot write {os.fspath(path)}: {error.strerror}") from error
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _writing(path: AnyPath) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise AocrError(f"cannot write {os.fspath(path)}: {error.strerror or error}") from error


def _stays(target: Path) -> bool:
    """Whether it is written to, not replaced: a device or a pipe, and what lies in a mount, which knows no rename."""
    return _mounted(target) or (target.exists() and not (target.is_file() or target.is_dir()))


def _mounted(path: Path) -> bool:
    return Path(MOUNT) in path.absolute().parents


def _local(path: AnyPath) -> str:
    """`gs://BUCKET/x` -> `/gcs/BUCKET/x` where that bucket is mounted; other paths as they are."""
    text = os.fspath(path)
    if text.startswith("gs://") and Path(MOUNT, text[5:].partition("/")[0]).is_dir():
        return f"{MOUNT}/{text[5:]}"
    return text
