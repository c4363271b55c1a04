"""Where the log lines of the commands go."""

import logging
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from aocr_core.errors import UsageError

FORMAT = "%(asctime)s %(levelname)s %(message)s"


def configure(log_path: str | None = None, packages: Iterable[str] = ("aocr_core",)) -> None:
    """Send the log lines of packages to stderr (message only) and, if asked, with time and level to a file.

    Also keeps TensorFlow's C++ chatter away, unless the user has set `TF_CPP_MIN_LOG_LEVEL`.

    Raises:
        UsageError: the log file cannot be written.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    console = logging.StreamHandler(sys.stderr)
    console.setFormatter(logging.Formatter("%(message)s"))
    handlers: list[logging.Handler] = [console]
    if log_path:
        try:
            Path(log_path).parent.mkdir(parents=True, exist_ok=True)
            file = logging.FileHandler(log_path, encoding="utf-8")
        except OSError as error:
            raise UsageError(f"cannot write the log file {log_path}: {error.strerror}") from error
        file.setFormatter(logging.Formatter(FORMAT))
        handlers.append(file)
    for package in packages:
        logger = logging.getLogger(package)
        logger.handlers[:] = handlers
        logger.setLevel(logging.INFO)
        logger.propagate = False


@contextmanager
def only_errors(library: str) -> Iterator[None]:
    """Keep what a library warns of out of the log."""
    logger = logging.getLogger(library)
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


@contextmanager
def without_import_chatter() -> Iterator[None]:
    """Keep what native libraries write to stderr while they are imported, and show it only if the import fails.

    TensorFlow reports on CPU features and missing GPUs before its own log level is in force.
    """
    wanted = os.environ.get("TF_CPP_MIN_LOG_LEVEL", "3") != "3"
    if wanted or "tensorflow" in sys.modules:
        yield
        return
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as chatter:
        os.dup2(chatter.fileno(), 2)
        try:
            yield
        except BaseException:
            chatter.seek(0)
            os.write(kept, chatter.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)
