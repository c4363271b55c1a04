"""Turns single items that arrive at any time into batches for a function that is quicker with many at once.

Whoever submits gets a future. A thread takes what is waiting as soon as it is free, so nothing waits for a batch to
fill up while the function stands idle; only when more items are known to be on their way does it wait for them, and
no longer than `max_wait`. The queue is bounded: what does not fit is refused at once. Whoever has to prepare items
first takes places for them before, so that the work is not done in vain, nor waits somewhere without a bound.
"""

import math
import threading
import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

MAX_PADDING = 0.25
"""Share of a batch that may be padding: the function works on that in vain."""

PACE_WEIGHT = 0.2
"""Of the last batch, in the moving average of the seconds that an item takes."""


class QueueFullError(Exception):
    """Too much is waiting already."""


@dataclass(frozen=True)
class Shape:
    """What decides which items go together."""

    group: Hashable = None
    """Items of different groups never share a batch."""
    width: float = 1.0
    """All items of a batch cost what its widest costs."""
    weight: float = 0.0
    """The weights of a batch add up to `max_weight` at most (a heavier item goes alone)."""


@dataclass(eq=False)
class Places:
    """In the queue, for items that are on their way; see `Batcher.expecting`."""

    group: Hashable
    count: int = 1
    known: bool = False
    """Whether somebody has counted the items."""


def one_shape(_: object) -> Shape:
    """All items are alike."""
    return Shape()


class Batcher(Generic[Item, Result]):
    """Calls `run` with batches of what is submitted.

    Args:
        run: takes 1 to `max_batch` items, returns a result for each, in order. If it raises, the batch is halved until
            the item that it fails on is alone: the others get their results.
        max_batch: items.
        max_wait: seconds that an item waits at most for others that are on their way (see `expecting`).
        max_queue: items that may wait or be on their way. An empty queue takes any number, so that what is too large
            for the queue is not refused for ever.
        max_weight: see `Shape`.
        max_seconds: that an item may have to wait for its result, by the pace of the batches before.
        threads: how many batches are run at a time.
        shape: which items go together.
        observe: told of each batch that was run: items, seconds.
    """

    def __init__(
        self,
        run: Callable[[list[Item]], Sequence[Result]],
        *,
        max_batch: int,
        max_wait: float = 0.0,
        max_queue: int = 1024,
        max_weight: float = float("inf"),
        max_seconds: float = float("inf"),
        threads: int = 1,
        shape: Callable[[Item], Shape] = one_shape,
        observe: Callable[[int, float], None] = lambda items, seconds: None,
    ) -> None:
        self._run, self._shape, self._observe = run, shape, observe
        self._max_batch, self._max_wait, self._max_queue, self._max_weight = max_batch, max_wait, max_queue, max_weight
        self._max_seconds, self._pace = max_seconds, 0.0
        self._queue: list[_Waiting[Item, Result]] = []
        self._expected: list[Places] = []
        self._closed = False
        self._changed = threading.Condition()
        self._threads = [
            threading.Thread(target=self._work, name=f"batcher-{number}", daemon=True) for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def waiting(self) -> int:
        """Items in the queue."""
        return len(self._queue)

    @property
    def coming(self) -> int:
        """Items on their way there; those that nobody has counted yet count as one."""
        return sum(places.count for places in self._expected)

    @property
    def is_full(self) -> bool:
        """Whether not even a single item would be taken."""
        with self._changed:
            return not self._has_room(self.waiting + self.coming, 1)

    @contextmanager
    def expecting(self, group: Hashable = None) -> Iterator[Places]:
        """While in this block items are on their way: they have places, and others of the group may wait for them.

        How many they are may be said when it is known (`reserve`). Until then they have one.

        Raises:
            QueueFullError: there is no place.
        """
        places = Places(group)
        with self._changed:
            self._check_room(self.waiting + self.coming, 1)
            self._expected.append(places)
        try:
            yield places
        finally:
            with self._changed:
                self._leave(places)

    def reserve(self, places: Places, count: int, group: Hashable = None) -> None:
        """Have so many places for items of the group, in which they will be submitted.

        Raises:
            QueueFullError: there is no room for them.
        """
        with self._changed:
            # What nobody has counted yet is left out: of two large requests at a time each would refuse the other.
            others = sum(other.count for other in self._expected if other.known and other is not places)
            self._check_room(self.waiting + others, count)
            places.count, places.group, places.known = count, group, True
            self._changed.notify_all()

    def submit(self, items: Sequence[Item], places: Places | None = None) -> "Future[list[Result]]":
        """Have items run, together or in several batches; a cancelled future takes them out of the queue.

        Args:
            items: any number.
            places: that were reserved for them.

        Raises:
            QueueFullError: there is no room for them.
        """
        asked = _Asked[Result](len(items))
        if not items:
            asked.future.set_result([])
            return asked.future
        now = time.monotonic()
        waiting = [_Waiting(item, self._shape(item), asked, place, now) for place, item in enumerate(items)]
        with self._changed:
            if self._closed:
                raise QueueFullError("closed")
            if places is None or len(items) > places.count:
                self._check_room(self.waiting, len(items))
            self._queue += waiting
            self._leave(places)
        asked.future.add_done_callback(self._forget)
        return asked.future

    def close(self) -> None:
        """Run what is waiting, then end the threads. Nothing is taken any more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _has_room(self, taken: int, count: int) -> bool:
        most = min(self._max_queue, self._max_seconds / self._pace if self._pace else math.inf)
        return not taken or taken + count <= most

    def _check_room(self, taken: int, count: int) -> None:
        if not self._has_room(taken, count):
            raise QueueFullError(f"{taken} items are waiting")

    def _leave(self, places: Places | None) -> None:
        self._expected = [other for other in self._expected if other is not places]
        self._changed.notify_all()

    def _forget(self, future: "Future[list[Result]]") -> None:
        """Give up the places of items whose results nobody gets any more."""
        if future.cancelled() or future.exception():
            with self._changed:
                self._queue = [waiting for waiting in self._queue if waiting.asked.future is not future]

    def _work(self) -> None:
        while batch := self._take():
            began = time.monotonic()
            self._complete(batch)
            self._note_pace((time.monotonic() - began) / len(batch) / len(self._threads))

    def _take(self) -> "list[_Waiting[Item, Result]]":
        """The next batch: the oldest item and those that suit it; empty when there will be none any more."""
        with self._changed:
            while True:
                if not self._queue:
                    if self._closed:
                        return []
                    self._changed.wait()
                    continue
                oldest = self._queue[0]
                alike = [waiting for waiting in self._queue if waiting.shape.group == oldest.shape.group]
                left = oldest.since + self._max_wait - time.monotonic()
                coming = any(places.group == oldest.shape.group for places in self._expected)
                if len(alike) >= self._max_batch or not coming or left <= 0 or self._closed:
                    break
                self._changed.wait(left)
            shapes = [waiting.shape for waiting in alike]
            chosen = [alike[index] for index in choose(shapes, self._max_batch, self._max_weight)]
            taken = set(map(id, chosen))
            self._queue = [waiting for waiting in self._queue if id(waiting) not in taken]
            return chosen

    def _note_pace(self, seconds: float) -> None:
        """Remember what an item takes; only with others waiting, since a batch is as large as it can be then."""
        with self._changed:
            if self._queue:
                self._pace += (seconds - self._pace) * (PACE_WEIGHT if self._pace else 1)

    def _complete(self, batch: "list[_Waiting[Item, Result]]") -> None:
        began = time.monotonic()
        try:
            results = self._run([waiting.item for waiting in batch])
            if len(results) != len(batch):
                raise RuntimeError(f"{len(results)} results for {len(batch)} items")
        except Exception as error:
            if len(batch) == 1:
                batch[0].asked.fail(error)
                return
            middle = len(batch) // 2
            self._complete(batch[:middle])
            self._complete(batch[middle:])
            return
        self._observe(len(batch), time.monotonic() - began)
        for waiting, result in zip(batch, results, strict=True):
            waiting.asked.put(waiting.place, result)


def choose(shapes: Sequence[Shape], max_batch: int, max_weight: float = float("inf")) -> list[int]:
    """Which items make the next batch: the first, and of the others those nearest to it in width.

    The batch grows as long as it is not full, not too heavy, and not more than `MAX_PADDING` of it is padding.

    Returns:
        Their indices, in ascending order; 0 is always among them.
    """
    first = shapes[0]
    nearest = sorted(range(1, len(shapes)), key=lambda index: abs(shapes[index].width - first.width))
    chosen, total, widest, weight = [0], first.width, first.width, first.weight
    for index in nearest:
        shape = shapes[index]
        padded = max(widest, shape.width) * (len(chosen) + 1)
        if len(chosen) == max_batch or total + shape.width < (1 - MAX_PADDING) * padded:
            break
        if weight + shape.weight > max_weight:
            continue
        chosen.append(index)
        total, widest, weight = total + shape.width, max(widest, shape.width), weight + shape.weight
    return sorted(chosen)


class _Asked(Generic[Result]):
    """What was submitted together: its future is done when the last of its results is there, or the first failure."""

    def __init__(self, count: int) -> None:
        self.future: Future[list[Result]] = Future()
        self._results: dict[int, Result] = {}
        self._count = count
        self._lock = threading.Lock()

    def put(self, place: int, result: Result) -> None:
        with self._lock:
            self._results[place] = result
            complete = len(self._results) == self._count
        if complete and self.future.set_running_or_notify_cancel():
            self.future.set_result([self._results[place] for place in range(self._count)])

    def fail(self, error: Exception) -> None:
        with self._lock:
            if self.future.done():
                return
            if self.future.set_running_or_notify_cancel():
                self.future.set_exception(error)


@dataclass(frozen=True, eq=False)
class _Waiting(Generic[Item, Result]):
    item: Item
    shape: Shape
    asked: _Asked[Result]
    place: int
    """Which of the results it gives."""
    since: float = field(default_factory=time.monotonic)
