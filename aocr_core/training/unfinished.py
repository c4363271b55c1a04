"""Keeps an interrupted training where steps get new folders with each run, so that the next run goes on with it."""

import fcntl
import hashlib
import json
import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aocr_core.errors import AocrError, FinalError

logger = logging.getLogger(__name__)

UNFINISHED_DIR_VARIABLE = "AOCR_UNFINISHED_DIR"
"""Environment variable that names the folder for them. Without it, as on Vertex AI, nothing is kept."""
CHECKPOINT = "checkpoint"
"""The file by which TensorFlow names the latest one."""


@contextmanager
def kept_until_done(target: str, *identity: str) -> Iterator[str]:
    """A model directory to train in, which becomes `target` when the block ends well.

    Whatever ends the process leaves it for the next run, except an error of ours that this would meet again: a
    `FinalError`, or any before the first checkpoint. A full disk and a lost worker pass. (A closed pipe is no error of
    ours: the first thing that an interrupted runner closes is the pipe that its step writes to.) While another process
    trains the same, `target` itself is trained in.

    Args:
        target: Where the model belongs; nothing lies there yet.
        identity: All that the training depends on. Only one of the same identity is gone on with.
    """
    place = os.environ.get(UNFINISHED_DIR_VARIABLE)
    if not place:
        yield target
        return
    folder = Path(place, hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:12])
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            logger.info("another process trains the same: this training would not be gone on with")
            yield target
            return
        try:
            yield str(folder)
        except AocrError as error:
            if isinstance(error, FinalError) or not _has_checkpoint(folder):
                shutil.rmtree(folder, ignore_errors=True)
            raise
        Path(target).parent.mkdir(parents=True, exist_ok=True)
        folder.replace(target)


def _has_checkpoint(folder: Path) -> bool:
    """Whether there is one to go on from, be it of the rendered words that are learnt first."""
    return any(folder.rglob(CHECKPOINT))
