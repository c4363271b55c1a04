"""The stand-in as it is when version 1 serves and version 2 is about to come, time and again."""

from collections.abc import Callable
from typing import Any

from google.cloud.aiplatform_v1.types import Endpoint, Model

from aocr_core import deployment, gcs
from tests.components.vertex import toys

FOLDER = f"{toys.SERVING}/aocr/2"


class Stage:
    """See above.

    Args:
        words: the fixture.
        files: whether the files of version 2 lie in the bucket already.
    """

    def __init__(self, words: Any, files: bool) -> None:
        self.words, self.vertex, self._files = words, words.vertex, files
        toys.deploy(words.export("a"))
        self.export = words.export("b")
        models, ends = self.vertex.models, self.vertex.endpoints
        self._models = {name: _copied(versions, Model) for name, versions in models.stored.items()}
        self._evaluations = {name: list(found) for name, found in models.evaluations.items()}
        self._endpoints, self._replicas = _copied(ends.stored, Endpoint), dict(ends.replicas)
        words.always_served = True

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
        if self._files:
            deployment.deploy(self.export, toys.SERVING, "aocr")
        else:
            for name in list(gcs.names(FOLDER)):
                gcs.delete(f"{FOLDER}/{name}")

    def check_done(self) -> None:
        """Version 2 serves, alone, and everything is there once."""
        assert (self.words.split(), self.words.deployed()) == ({2: 100}, [2])
        (versions,) = self.vertex.models.stored.values()
        assert [number for number, version in versions.items() if "serving-words" in version.version_aliases] == [2]
        assert sorted(versions) == [1, 2] and toys.versions_kept() == ["1", "2"]
        assert {name[-2:]: len(found) for name, found in self.vertex.models.evaluations.items()} == {"@1": 1, "@2": 1}
        assert [toy.up for toy in self.vertex.endpoints.replicas.values()] == [True]


def _copied(stored: dict[Any, Any], kind: Callable[[Any], Any]) -> dict[Any, Any]:
    return {key: kind(kind.pb(value)) for key, value in stored.items()}
