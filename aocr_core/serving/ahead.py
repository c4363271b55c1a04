"""Several calls at a time, their results in order."""

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_order(function: Callable[[Item], Result], items: Iterable[Item], most: int) -> Iterator[Result]:
    """`map(function, items)` with up to `most` calls under way, in threads.

    A result is given as soon as those before it are: nobody waits for the next item, which may have to be typed first.

    Raises:
        Exception: what `function` or `items` raises, in its place in the order. Nothing more is begun then.
    """
    free = threading.Semaphore(most)
    begun: queue.SimpleQueue[Future[Result] | None] = queue.SimpleQueue()
    stop = threading.Event()

    def begin() -> None:
        try:
            for item in items:
                free.acquire()
                if stop.is_set():
                    return
                begun.put(pool.submit(function, item))
        except Exception as error:
            failed: Future[Result] = Future()
            failed.set_exception(error)
            begun.put(failed)
        finally:
            begun.put(None)

    pool = ThreadPoolExecutor(most, thread_name_prefix="ahead")
    # As a daemon: it may hang on a terminal where nobody types when the program ends.
    threading.Thread(target=begin, name="ahead-items", daemon=True).start()
    try:
        while future := begun.get():
            result = future.result()
            free.release()
            yield result
    finally:
        stop.set()
        free.release()
        # Not waited for: whoever gives up wants to be able to break off what is under way.
        pool.shutdown(wait=False, cancel_futures=True)
