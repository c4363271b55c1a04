"""What is served of a base path in a bucket, in a local folder: of each model the newest version, as it appears."""

import logging
import shutil
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, NamedTuple

from aocr_core import exports, gcs, storage
from aocr_core.errors import AocrError, UsageError
from aocr_core.serving.models import Models
from aocr_core.serving.versions import Model, Stamp

logger = logging.getLogger(__name__)

POLL_SECONDS = 10.0
"""Between two looks into the bucket: each costs some calls."""


class _Place(NamedTuple):
    """Where the versions of a model lie."""

    name: str
    """Of its folder; "" if there is only one model."""
    remote: str
    local: Path


class Mirror:
    """Fetches the versions that are to be served, each under a hidden name until it is whole.

    A version is fetched when its objects have not changed since the last look. Where the newest cannot be loaded, the
    one below it is fetched, too.

    Args:
        base: `gs://…`, laid out as `Models` has it.
        folder: an empty local one.
    """

    def __init__(self, base: str, folder: Path) -> None:
        self._base, self._folder = base, folder
        self._seen: dict[str, Stamp] = {}
        self._fetched: dict[str, Stamp] = {}
        self._served: Models[Any] | None = None
        self._next_look = 0.0

    def models(self, name: str, load: Callable[[Path], Model]) -> Models[Model]:
        """The models in the bucket: see `Models`, which takes the same arguments."""

        def loaded(folder: Path) -> Model:
            try:
                return load(folder)
            except AocrError as error:
                raise AocrError(str(error).replace(str(self._folder), self._base.rstrip("/"))) from error

        places = self._places()
        fetched = [self._update(place, at_once=True) for place in places]
        if not any(fetched):
            raise UsageError(
                f"no exported model in {self._base} (looked for <number>/{exports.GRAPH_FILE}); "
                f"write one with: aocr export {self._base}"
            )
        while True:
            try:
                models = Models(self._folder, name, loaded, self.look)
                break
            except AocrError:
                fetched = [self._update(place, at_once=True, passed=self._here(place)) for place in places]
                if not any(fetched):
                    raise
        self._served = models
        self._next_look = time.monotonic() + POLL_SECONDS
        return models

    def look(self) -> None:
        """Fetch what is new, if the last look is long enough ago.

        Raises:
            AocrError: the bucket could not be asked, or not all of what is new could be fetched.
        """
        if time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + POLL_SECONDS
        trouble = []
        for place in self._places():
            try:
                self._update(place, passed=self._refused(place))
            except AocrError as error:  # the other models have their turn all the same
                trouble.append(str(error))
        if trouble:
            raise AocrError("; ".join(trouble))

    def _places(self) -> list[_Place]:
        one = _Place("", self._base, self._folder)
        if self._served is not None and not self._served.named:
            return [one]
        if self._served is None and _versions(self._base):
            return [one]
        names = [name for name in storage.list_dirs(self._base) if name[0] != "." and ":" not in name]
        return [_Place(name, storage.join(self._base, name), self._folder / name) for name in names]

    def _update(self, place: _Place, at_once: bool = False, passed: Collection[int] = ()) -> bool:
        """Fetch the newest version that is complete, and settled or wanted `at_once`; whether one was fetched.

        Those that were `passed` over, since they cannot be loaded, are fetched again only if they have changed.
        """
        found = exports.folders(place.remote) if place.name else _versions(place.remote)
        current = self._current(place)
        for number in sorted(found, reverse=True):
            if number == current:
                break
            if not exports.is_complete(found[number]):
                continue
            state = _stamp(found[number])
            settled, self._seen[found[number]] = self._seen.get(found[number]) == state, state
            if self._fetched.get(found[number]) == state and (place.local / str(number)).exists():
                if number in passed:
                    continue
                break
            if not (settled or at_once):
                break
            self._fetch(found[number], place.local / str(number))
            self._fetched[found[number]] = state
            return True
        self._tidy(place, found, current)
        return False

    def _fetch(self, remote: str, local: Path) -> None:
        hidden = local.with_name(f".{local.name}")
        shutil.rmtree(hidden, ignore_errors=True)
        hidden.parent.mkdir(exist_ok=True)
        gcs.download(remote, hidden)
        shutil.rmtree(local, ignore_errors=True)
        hidden.rename(local)
        logger.info("fetched %s", remote)

    def _tidy(self, place: _Place, found: Collection[int], current: int | None) -> None:
        """Remove versions that serve no more, and those that have gone from the bucket; the last stays."""
        here = self._here(place)
        for number in here:
            old = current in found and number < (current or 0)
            gone = number not in found and here & set(found)
            if old or gone:
                shutil.rmtree(place.local / str(number))

    def _here(self, place: _Place) -> set[int]:
        return set(exports.folders(str(place.local)))

    def _current(self, place: _Place) -> int | None:
        """The version that serves."""
        if self._served is None:
            return None
        versions = self._served.find(place.name or self._served.names[0])
        return versions.current.version if versions else None

    def _refused(self, place: _Place) -> Collection[int]:
        """The versions that are here and cannot be loaded."""
        assert self._served is not None
        versions = self._served.find(place.name or self._served.names[0])
        if versions:
            return set(versions.refused)
        return self._here(place) if place.name in self._served.refused else ()


def _versions(base: str) -> dict[int, str]:
    """As `find_versions` has it: a base path that is itself an export is version 1."""
    return exports.folders(base) or ({1: base} if exports.is_complete(base) else {})


def _stamp(folder: str) -> Stamp:
    """Names, sizes and generations of the objects of a version."""
    return tuple((name, blob.size, blob.generation) for name, blob in gcs.below(folder))
