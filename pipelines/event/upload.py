"""An upload to Cloud Storage, as the event tells of it."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aocr_core.errors import UsageError

FINALIZED = "google.cloud.storage.object.v1.finalized"
"""An object is there whole: new, or with new content."""
BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]")
GENERATION = re.compile(r"[1-9]\d{0,18}")
MOST_OF_NAME = 80
"""Characters of the object's name that a run's id shows; it may have 128 in all."""


@dataclass(frozen=True)
class Upload:
    """One content of one object."""

    bucket: str
    name: str
    generation: int
    """Changes with the content; grows."""

    @property
    def path(self) -> str:
        """`gs://BUCKET/NAME`."""
        return f"gs://{self.bucket}/{self.name}"

    @property
    def job_id(self) -> str:
        """The id of the run that this upload starts: the same whenever it is told of, and of no other upload."""
        readable = re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")[:MOST_OF_NAME].strip("-")
        digest = hashlib.sha256(f"{self.path}#{self.generation}".encode("utf-8", "surrogatepass")).hexdigest()
        return "-".join(part for part in ("upload", readable, str(self.generation), digest[:8]) if part)


def of(kind: str, data: Any) -> Upload:
    """The upload that an event tells of.

    Args:
        kind: the event's `type`.
        data: its content, a `StorageObjectData` (https://github.com/googleapis/google-cloudevents).

    Raises:
        UsageError: it tells of something else, or is broken.
    """
    if kind != FINALIZED:
        raise UsageError(f"an event of the type {kind}, not {FINALIZED}")
    if not isinstance(data, Mapping):
        raise UsageError("an event without an object's description")
    bucket, name, generation = data.get("bucket"), data.get("name"), str(data.get("generation"))
    if not (isinstance(bucket, str) and BUCKET.fullmatch(bucket)):
        raise UsageError(f"an event without the name of a bucket: {bucket!r}")
    if not (isinstance(name, str) and name):
        raise UsageError(f"an event without the name of an object: {name!r}")
    if not GENERATION.fullmatch(generation):
        raise UsageError(f"an event without the generation of {name!r}: {generation!r}")
    return Upload(bucket, name, int(generation))
