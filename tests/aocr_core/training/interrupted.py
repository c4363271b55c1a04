"""Trainings that are interrupted."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice

import pytest

from aocr_core.training.loop import Loop
from aocr_core.training.step import Batch


@contextmanager
def interrupted_after(steps: int) -> Iterator[None]:
    """Ctrl-C while the first training in the block waits for a batch; it must reach the caller."""

    def some(stream: Iterator[Batch]) -> Iterator[Batch]:
        yield from islice(stream, steps)
        raise KeyboardInterrupt

    run = Loop.run
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Loop, "run", lambda self, stream: run(self, some(stream)))
        yield
