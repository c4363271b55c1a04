"""The stand-in in the state before a version comes, or goes back, time and again."""

from collections.abc import Callable
from typing import Any, Literal

from google.cloud.aiplatform_v1.types import Endpoint, Model

from aocr_core import deployment as folders
from aocr_core import gcs
from components import deployment
from tests.components.vertex import toys

Play = Literal["the first version", "the next version", "back"]
PLAYS: dict[Play, tuple[str, int]] = {"the first version": ("a", 1), "the next version": ("ab", 2), "back": ("abc", 2)}
"""Which exports there are, and the number of the version that serves in the end."""
OPTIONS = toys.OPTIONS.model_copy(update={"canary_percent": 50})
"""With few requests the version that comes has answered often enough."""


class Stage:
    """What is to be done, and how it is begun anew and checked.

    Args:
        words: the fixture.
        play: the first version comes; version 2 comes while version 1 serves; version 2 comes back for version 3.
        files: whether the files of the version that comes lie in the bucket already.
    """

    def __init__(self, words: Any, play: Play, files: bool = True) -> None:
        self.words, self.vertex = words, words.vertex
        self.texts, self.number = PLAYS[play]
        exports = [words.export(text) for text in self.texts]
        for export in exports if play == "back" else exports[:-1]:
            toys.deploy(export)
        self._play, self._files, self._export = play, files, exports[-1]
        self._before = words.split(), words.deployed()
        words.always_served = bool(words.split())
        models, ends = self.vertex.models, self.vertex.endpoints
        self._models = {name: _copied(versions, Model) for name, versions in models.stored.items()}
        self._evaluations = {name: list(found) for name, found in models.evaluations.items()}
        self._endpoints, self._replicas = _copied(ends.stored, Endpoint), dict(ends.replicas)

    def set(self) -> None:
        """As at the beginning."""
        models, ends = self.vertex.models, self.vertex.endpoints
        self.vertex.faults.heal()
        self.vertex.faults.met = 0
        models.stored = {name: _copied(versions, Model) for name, versions in self._models.items()}
        models.evaluations = {name: list(found) for name, found in self._evaluations.items()}
        for toy in self._replicas.values():
            toy.up = True
        ends.replicas = dict(self._replicas)
        ends.stored = _copied(self._endpoints, Endpoint)
        folder = f"{toys.SERVING}/aocr/{self.number}"
        if self._files:
            folders.deploy(self._export, toys.SERVING, "aocr")
        else:
            for name in list(gcs.names(folder)):
                gcs.delete(f"{folder}/{name}")

    def work(self) -> None:
        """What is to be done."""
        if self._play == "back":
            deployment.rollback(None, "aocr", OPTIONS)
        else:
            toys.deploy(self._export, OPTIONS)

    def serving(self) -> int:
        """The version that serves by its alias, 0 if none does."""
        (versions,) = self.vertex.models.stored.values() or [{}]
        found = [number for number, one in versions.items() if "serving-words" in one.version_aliases]
        assert len(found) < 2
        return sum(found)

    def check_either(self) -> None:
        """Either the version serves, and perhaps the old one is still there, or all is as it was."""
        if self.serving() == self.number:
            assert self.words.split() == {self.number: 100} and self.number in self.words.deployed()
        else:
            assert (self.words.split(), self.words.deployed()) == self._before

    def check_done(self) -> None:
        """The version serves, alone, and everything is there once."""
        assert (self.words.split(), self.words.deployed()) == ({self.number: 100}, [self.number])
        assert self.serving() == self.number
        (versions,) = self.vertex.models.stored.values()
        assert sorted(versions) == list(range(1, 1 + len(self.texts)))
        assert toys.versions_kept() == [str(number) for number in versions]
        assert {len(found) for found in self.vertex.models.evaluations.values()} == {1}
        assert [toy.up for toy in self.vertex.endpoints.replicas.values()] == [True]


def _copied(stored: dict[Any, Any], kind: Callable[[Any], Any]) -> dict[Any, Any]:
    return {key: kind(kind.pb(value)) for key, value in stored.items()}
