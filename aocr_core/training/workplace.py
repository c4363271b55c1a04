"""Where a training writes: checkpoints and event files need a local file system, so a bucket gets copies of them."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from aocr_core import model_dir, storage


@contextmanager
def workplace(directory: str) -> Iterator[tuple[Path, Callable[[], None]]]:
    """A local folder to train in, and what brings it to where it belongs.

    Args:
        directory: The model directory; one in a bucket is fetched first, so that the training goes on with it.

    Yields:
        The folder, and a function to call whenever what lies in it is complete.
    """
    if not directory.startswith("gs://"):
        yield Path(directory), lambda: None
        return
    with tempfile.TemporaryDirectory(prefix="aocr-train-") as scratch:
        local = Path(scratch) / "model"
        if storage.exists(storage.join(directory, model_dir.CONFIG)):
            with storage.local_copy(directory) as copy:
                shutil.copytree(copy, local)

        def publish() -> None:
            with storage.output_dir(directory) as folder:
                shutil.copytree(local, folder, dirs_exist_ok=True)

        yield local, publish
