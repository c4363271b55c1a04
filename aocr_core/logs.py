"""Where the log lines of the commands go."""

import logging
import os
import sys
from pathlib import Path

from aocr_core.errors import UsageError

FORMAT = "%(asctime)s %(levelname)s %(message)s"


def configure(log_path: str | None = None) -> None:
    """Send log lines to stderr (message only) and, if asked, with time and level to a file.

    Also keeps TensorFlow's C++ chatter away, unless the user has set `TF_CPP_MIN_LOG_LEVEL`.

    Raises:
        UsageError: the log file cannot be written.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
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
    logger = logging.getLogger("aocr_core")
    logger.handlers[:] = handlers
    logger.setLevel(logging.INFO)
    logger.propagate = False
