"""The order in which versions got all traffic of an endpoint, as their aliases tell it.

Each version has a place for each time; what serves has the last one. Places after that belong to versions that were
rolled back from, as long as a rollback is not over.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from components.vertex.registry import Version


@dataclass(frozen=True)
class History:
    """The versions of a model in the order in which they served on an endpoint."""

    versions: Sequence[Version]
    endpoint: str
    """Its id."""

    @property
    def serving(self) -> Version | None:
        """The version that was the last to get all traffic."""
        return next((version for version in self.versions if version.serves(self.endpoint)), None)

    @property
    def present(self) -> int:
        """The place of what serves; if nothing does, of what did last; 0 if nothing ever did."""
        places = self.serving.places(self.endpoint) if self.serving else self._holders()
        return max(places, default=0)

    def place_for(self, version: Version) -> int:
        """The place of a version that is to serve now: its own if it does so already, else the next one."""
        return self.present + (not version.serves(self.endpoint))

    def before(self, version: Version, place: int) -> tuple[Version, int] | None:
        """The other version that served before this one got its place, and the place of that one."""
        earlier = [
            (holder, held)
            for held, holder in self._holders().items()
            if held < place and holder.number != version.number
        ]
        return max(earlier, key=lambda found: found[1], default=None)

    def after(self, place: int) -> list[tuple[Version, set[int]]]:
        """The versions that have later places, and these."""
        found = (
            (version, {held for held in version.places(self.endpoint) if held > place}) for version in self.versions
        )
        return [(version, places) for version, places in found if places]

    def _holders(self) -> dict[int, Version]:
        return {place: version for version in self.versions for place in version.places(self.endpoint)}
