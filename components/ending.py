"""How a step is told to end, and gets the time to take back what it has begun."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def told_as_interrupt() -> Iterator[None]:
    """Within the block, SIGTERM is what Ctrl-C is, a `KeyboardInterrupt`: Vertex AI sends it to a cancelled step.

    It reaches the first process of the step's container: Python, as the pipeline is compiled.

    Python hears signals in its main thread only; a block in another one does without.
    """
    main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, signal.default_int_handler) if main else None
    try:
        yield
    finally:
        if main:
            signal.signal(signal.SIGTERM, before)
