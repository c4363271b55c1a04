"""The models of a base path: one, `BASE/<version>/`, or several by name, `BASE/<name>/<version>/`."""

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Generic

from aocr_core.errors import AocrError, UsageError
from aocr_core.serving.versions import Model, Stamp, Versions, find_versions, stamp

logger = logging.getLogger(__name__)

POLL_SECONDS = 1.0


class Models(Generic[Model]):
    """Keeps the highest loadable version of each model in memory.

    Args:
        base: the folder of the versions, or of the models.
        name: of the model if `base` holds versions, else of the one to answer where a request names none.
        load: see `Versions`.

    Raises:
        UsageError: there is no model at all.
        AocrError: none can be loaded; the message is the reason for the first.
    """

    def __init__(self, base: Path, name: str, load: Callable[[Path], Model]) -> None:
        self._base, self._load = base, load
        self._seen: dict[str, Stamp] = {}
        self._refused: dict[str, Stamp] = {}
        self._by_name: dict[str, Versions[Model]] = {}
        self._named = not find_versions(base) and bool(self._folders())
        if not self._named:
            self._by_name[name] = Versions(base, load)
        else:
            reasons = self._add_new(at_once=True)
            if not self._by_name:
                raise AocrError(reasons[0])
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

    def refresh(self) -> None:
        """Look at the folder once: new versions of the models, and new models."""
        for versions in self._by_name.values():
            versions.refresh()
        if self._named:
            self._add_new()

    def watch(self, stop: threading.Event, seconds: float = POLL_SECONDS) -> None:
        """Refresh every `seconds` until `stop` is set. Meant for a thread of its own."""
        trouble = ""
        while not stop.wait(seconds):
            try:
                self.refresh()
                trouble = ""
            except OSError as error:  # files that vanish while we look, a network drive that is away
                if str(error) != trouble:
                    logger.warning("Cannot look for new versions: %s", error)
                trouble = str(error)

    def _folders(self) -> dict[str, Path]:
        """The folders with versions in them, by name."""
        if not self._base.is_dir():
            return {}
        folders = [entry for entry in sorted(self._base.iterdir()) if entry.is_dir() and entry.name[0] != "."]
        return {folder.name: folder for folder in folders if ":" not in folder.name and _is_versioned(folder)}

    def _add_new(self, at_once: bool = False) -> list[str]:
        """Load the models that have appeared; the reasons why some cannot be, each once for what lies there.

        Unless it has to be `at_once`, a model is only taken when its files have not changed since the last look.
        """
        reasons = []
        for name, folder in self._folders().items():
            if name in self._by_name or self._refused.get(name) == (found := stamp(folder)):
                continue
            settled = self._seen.get(name) == found
            self._seen[name] = found
            if not settled and not at_once:
                continue
            try:
                # Copied, not changed: others iterate over it in their threads.
                self._by_name = {**self._by_name, name: Versions(folder, self._load)}
                self._refused.pop(name, None)
            except UsageError:  # its versions have gone since
                continue
            except AocrError as error:
                logger.error("Model %s is refused: %s", name, error)
                self._refused[name] = found
                reasons.append(str(error))
        return reasons


def _is_versioned(folder: Path) -> bool:
    """Whether numbered versions lie in a folder; an export without a number is no model of several."""
    return any(path.parent == folder for path in find_versions(folder).values())
