"""Which images are worth a look: chosen while the data set streams by, so that only they stay in memory."""

import heapq
import random
from dataclasses import dataclass

from aocr_core.evaluation.results import Row

MISTAKES, RIGHT = 24, 12


@dataclass(frozen=True)
class Exhibit:
    """An image (encoded) and how it was read."""

    row: Row
    image: bytes


class Gallery:
    """Keeps the mistakes the model was surest of, and an even random sample of what it read right.

    A sure mistake is where there is something to learn: most often it is a wrong label or a kind of image that
    the training data lack.
    """

    def __init__(self, mistakes: int = MISTAKES, right: int = RIGHT, seed: int = 1) -> None:
        self._room_for_mistakes, self._room_for_right = mistakes, right
        self._mistakes: list[tuple[float, int, Exhibit]] = []  # heap; the number keeps exhibits from being compared
        self._right: list[Exhibit] = []
        self._seen_right = self._number = 0
        self._random = random.Random(seed)

    def offer(self, row: Row, image: bytes) -> None:
        """Keep the image if it is worth it."""
        if row.right:
            self._offer_right(Exhibit(row, image))
            return
        self._number += 1
        heapq.heappush(self._mistakes, (row.probability, -self._number, Exhibit(row, image)))
        if len(self._mistakes) > self._room_for_mistakes:
            heapq.heappop(self._mistakes)

    def _offer_right(self, exhibit: Exhibit) -> None:
        """Reservoir sampling: every right image has the same chance, however many there are."""
        self._seen_right += 1
        if len(self._right) < self._room_for_right:
            self._right.append(exhibit)
        elif (place := self._random.randrange(self._seen_right)) < self._room_for_right:
            self._right[place] = exhibit

    @property
    def mistakes(self) -> list[Exhibit]:
        """The surest first."""
        return [exhibit for _, _, exhibit in sorted(self._mistakes, key=lambda entry: entry[:2], reverse=True)]

    @property
    def right(self) -> list[Exhibit]:
        """In no particular order."""
        return list(self._right)
