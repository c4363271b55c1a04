"""The models of a base path: one, `BASE/<version>/`, or several by name, `BASE/<name>/<version>/`."""

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Generic

from aocr_core.errors import AocrError, UsageError
from aocr_core.serving.versions import AllRefusedError, Model, Refusal, Stamp, Versions, find_versions, stamp

logger = logging.getLogger(__name__)

POLL_SECONDS = 1.0


class Models(Generic[Model]):
    """Keeps the highest loadable version of each model in memory.

    Args:
        base: the folder of the versions, or of the models.
        name: of the model if `base` holds versions, else of the one to answer where a request names none.
        load: see `Versions`.
        before: called before each further look at the folder.

    Raises:
        UsageError: there is no model at all.
        AocrError: none can be loaded; the message is the reason for the first.
    """

    def __init__(
        self, base: Path, name: str, load: Callable[[Path], Model], before: Callable[[], None] = lambda: None
    ) -> None:
        self._base, self._load, self._before = base, load, before
        self._troubles: dict[str, str] = {}
        self._seen: dict[str, Stamp] = {}
        self._refused: dict[str, dict[int, Refusal]] = {}
        self._by_name: dict[str, Versions[Model]] = {}
        self.named = not find_versions(base) and bool(self._folders())
        """Whether each model has a folder of its own."""
        if not self.named:
            self._by_name[name] = Versions(base, load)
        else:
            reasons = self._add_new(at_once=True)
            if not self._by_name:
                reasons += [f"{what}: {why}" for what, why in self._troubles.items()]
                raise AocrError(reasons[0] if reasons else f"the models in {base} have gone while they were loaded")
        self._default = name

    @property
    def names(self) -> list[str]:
        """Of the models that answer."""
        return list(self._by_name)

    @property
    def default(self) -> str | None:
        """The model for requests that name none: that of `name`, or the only one."""
        if self._default in self._by_name or len(self._by_name) > 1:
            return self._default if self._default in self._by_name else None
        return next(iter(self._by_name))

    def find(self, name: str) -> Versions[Model] | None:
        """The versions of a model, None if there is no such model."""
        return self._by_name.get(name)

    @property
    def refused(self) -> Mapping[str, Mapping[int, Refusal]]:
        """The models of which no version could be loaded yet, and why, by version."""
        return self._refused

    def refresh(self) -> None:
        """Look at the folder once: new versions of the models, and new models.

        A model that gives trouble (files that vanish while we look, a network drive that is away, a folder that
        nobody may read) goes on answering with the version that it has, and the others are looked at all the same.
        """
        with self._telling("Cannot look for new versions"):
            self._before()
        for name, versions in self._by_name.items():
            with self._telling(f"Cannot look for new versions of {name}"):
                versions.refresh()
        if self.named:
            with self._telling("Cannot look for new models"):
                self._add_new()

    def watch(self, stop: threading.Event, seconds: float = POLL_SECONDS) -> None:
        """Refresh every `seconds` until `stop` is set. Meant for a thread of its own."""
        while not stop.wait(seconds):
            self.refresh()

    @contextmanager
    def _telling(self, what: str) -> Iterator[None]:
        """Whatever goes wrong within is logged, once until it is another thing or over: the watcher has to go on."""
        try:
            yield
        except Exception as error:
            why = str(error) or type(error).__name__
            if self._troubles.get(what) != why:
                expected = isinstance(error, OSError | AocrError)
                logger.warning("%s: %s", what, why, exc_info=None if expected else error)
            self._troubles[what] = why
        else:
            self._troubles.pop(what, None)

    def _folders(self) -> dict[str, Path]:
        """The folders with versions in them, by name."""
        if not self._base.is_dir():
            return {}
        folders = [entry for entry in sorted(self._base.iterdir()) if entry.name[0] != "." and ":" not in entry.name]
        found = {}
        for folder in folders:
            with self._telling(f"Cannot look into {folder}"):
                if folder.is_dir() and _is_versioned(folder):
                    found[folder.name] = folder
        return found

    def _add_new(self, at_once: bool = False) -> list[str]:
        """Load the models that have appeared, and those that could not be before; the reasons why some cannot be.

        Unless it has to be `at_once`, a model is only taken when its files have not changed since the last look.
        """
        reasons = []
        folders = self._folders()
        self._refused = {name: refused for name, refused in self._refused.items() if name in folders}
        for name, folder in folders.items():
            if name not in self._by_name:
                with self._telling(f"Cannot load the model {name}"):
                    reasons += self._add(name, folder, at_once)
        return reasons

    def _add(self, name: str, folder: Path, at_once: bool) -> list[str]:
        found = stamp(folder)
        settled = self._seen.get(name) == found
        self._seen[name] = found
        if not settled and not at_once:
            return []
        before = self._refused.get(name, {})
        # Replaced, not changed: others iterate over them in their threads.
        try:
            self._by_name = {**self._by_name, name: Versions(folder, self._load, before)}
        except UsageError:  # its versions have gone since
            return []
        except AllRefusedError as error:
            if error.refused != before:
                logger.error("Model %s is refused: %s", name, error)
            self._refused = {**self._refused, name: error.refused}
            return [str(error)]
        self._refused = {other: refused for other, refused in self._refused.items() if other != name}
        return []


def _is_versioned(folder: Path) -> bool:
    """Whether numbered versions lie in a folder; an export without a number is no model of several."""
    return any(path.parent == folder for path in find_versions(folder).values())
