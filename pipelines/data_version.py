"""Tells whether the data behind annotation files has changed since the last run."""

import hashlib

from aocr_core import storage
from aocr_core.data import annotations


def fingerprint(*paths: str) -> str:
    """A hash of annotation files and of the size and time of every image they name; empty paths are passed over.

    Raises:
        UsageError: there is no such annotation file.
        AocrError: it cannot be understood.
    """
    digest = hashlib.sha256()
    for path in filter(None, paths):
        folder = storage.parent(path)
        for row in annotations.read(path):
            digest.update(f"{row}\0".encode("utf-8", "surrogatepass"))
            if row.path and not storage.is_remote(path):
                # Where the path leads is found out when the data set is built: here every place counts.
                digest.update(f"{storage.stat(row.path)}\0{storage.stat(storage.join(folder, row.path))}\0".encode())
    return digest.hexdigest()[:16]
