"""What lies beside: programs beside this Python, images beside the repository."""

import subprocess
import sys
import time
from pathlib import Path

DATA = Path(__file__).parents[1] / "../shared/data"


def command(program: str, *words: str) -> list[str]:
    """The command line of a program that is installed beside this Python."""
    return [str(Path(sys.executable).with_name(program)), *words]


def seconds(program: str, *words: str, folder: Path | None = None) -> float:
    """How long such a program takes, in `folder` if that is given. What it prints is dropped."""
    began = time.perf_counter()
    subprocess.run(command(program, *words), check=True, cwd=folder, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began
