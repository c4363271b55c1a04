"""Tells whether the data behind annotation files has changed since the last run."""

import hashlib

from aocr_core import storage
from aocr_core.data import annotations


def fingerprint(annotation_files: list[str], charset: str = "") -> str:
    """A hash of what a run learns from, as far as it lies in files.

    Args:
        annotation_files: they count, and so do size and time of every image that they name.
        charset: counts if it is a file; presets do not change.

    Raises:
        UsageError: there is no such annotation file.
        AocrError: it cannot be understood.
    """
    digest = hashlib.sha256()
    if storage.stat(charset):
        digest.update(storage.read_bytes(charset))
    for path in annotation_files:
        folder = storage.parent(path)
        for row in annotations.read(path):
            digest.update(f"{row}\0".encode("utf-8", "surrogatepass"))
            # One question for each image in a bucket would take too long; for those there is `data_version`.
            if row.path and not storage.is_remote(path) and not storage.is_remote(row.path):
                # Where the path leads is found out when the data set is built: here every place counts.
                digest.update(f"{storage.stat(row.path)}\0{storage.stat(storage.join(folder, row.path))}\0".encode())
    return digest.hexdigest()[:16]
