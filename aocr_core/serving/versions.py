"""Versions of a model on disk, laid out as TF Serving expects them: `BASE/<number>/saved_model.pb`.

One version is in memory: the one with the highest number that can be loaded. A new version is loaded and warmed up
while the old one answers, and only then takes over; one that cannot be loaded is refused and the old one stays.
"""

import logging
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from aocr_core import exports
from aocr_core.errors import AocrError, UsageError

logger = logging.getLogger(__name__)

RETRY_SECONDS = (10.0, 60.0, 600.0)
"""Pauses before a version that could not be loaded is tried again: memory may have been short, or a disk away."""

Model = TypeVar("Model")
Stamp = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class Served(Generic[Model]):
    """The version that answers."""

    version: int
    model: Model


@dataclass(frozen=True)
class Refusal:
    """Why a version does not serve, and the state of its files when that was found out."""

    reason: str
    stamp: Stamp
    attempts: int = 1
    again: float = math.inf
    """When to try once more, by `time.monotonic`."""


class AllRefusedError(AocrError):
    """None of a model's versions can be loaded; the message is the reason for the highest.

    Attributes:
        refused: why, by version.
    """

    def __init__(self, refused: Mapping[int, Refusal]) -> None:
        super().__init__(refused[max(refused)].reason)
        self.refused = dict(refused)


def find_versions(base: Path) -> dict[int, Path]:
    """Folders of `base` that hold a SavedModel, by version number.

    A `base` that is itself a SavedModel (the original's `aocr export DIR`) is version 1.
    """
    if exports.is_complete(str(base)):
        return {1: base}
    return {number: Path(folder) for number, folder in exports.versions(str(base)).items()}


def stamp(folder: Path) -> Stamp:
    """Names, sizes and times of a version's files: changes while the version is being copied."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return tuple((str(path.relative_to(folder)), (stat := path.stat()).st_size, stat.st_mtime_ns) for path in files)


def _nothing_to_serve(base: Path) -> str:
    if not base.is_dir():
        return f"no such folder: {base}; write an export with: aocr export {base}"
    if (base / "config.json").is_file():
        return f"{base} is a model directory, not an export; run: aocr export OUTPUT --model-dir {base}"
    return f"no exported model in {base} (looked for <number>/{exports.GRAPH_FILE}); write one with: aocr export {base}"


class Versions(Generic[Model]):
    """Keeps the highest loadable version of `base` in memory.

    Args:
        base: The folder of the versions.
        load: Reads a version folder and warms the model up; raises AocrError if the version is of no use.
        refused: Versions that could not be loaded before; each is tried again when its time has come.

    Raises:
        UsageError: there is no version at all.
        AllRefusedError: no version can be loaded.
    """

    def __init__(self, base: Path, load: Callable[[Path], Model], refused: Mapping[int, Refusal] | None = None) -> None:
        self._base, self._load = base, load
        self._seen: dict[int, Stamp] = {}
        self._current: Served[Model] | None = None
        self.refused: dict[int, Refusal] = dict(refused or {})
        self.refresh()
        if self.refused and self._current is None:
            raise AllRefusedError(self.refused)
        if self._current is None:
            raise UsageError(_nothing_to_serve(base))

    @property
    def current(self) -> Served[Model]:
        """The version that answers now. Ask once a request: the next call may return another version."""
        assert self._current is not None  # the constructor has seen to it
        return self._current

    def refresh(self) -> None:
        """Look at the folder once; switch if a better version is there, or if the current one was removed."""
        found = find_versions(self._base)
        self.refused = {number: refusal for number, refusal in self.refused.items() if number in found}
        for number in sorted(found, reverse=True):
            if self._current and number == self._current.version:
                return
            if self._try(number, found[number]):
                return

    def _try(self, number: int, folder: Path) -> bool:
        """Load a version and let it take over; False if it is refused or still being written."""
        found = stamp(folder)
        before = self.refused.get(number)
        if before and before.stamp == found and time.monotonic() < before.again:
            return False
        settled = self._seen.get(number) == found
        self._seen[number] = found
        if self._current and not settled:
            return False
        try:
            model = self._load(folder)
        except AocrError as error:
            refusal = _refusal(str(error), found, before)
            self.refused = {**self.refused, number: refusal}
            logger.error("Version %d is refused: %s", number, error)
            return False
        if self._current:
            logger.info("Version %d takes over from version %d", number, self._current.version)
        self.refused = {other: refusal for other, refusal in self.refused.items() if other != number}
        self._current = Served(number, model)
        return True


def _refusal(reason: str, found: Stamp, before: Refusal | None) -> Refusal:
    attempts = before.attempts + 1 if before and before.stamp == found else 1
    if attempts > len(RETRY_SECONDS):
        return Refusal(reason, found, attempts)
    return Refusal(reason, found, attempts, time.monotonic() + RETRY_SECONDS[attempts - 1])
