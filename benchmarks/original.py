"""aocr 0.7.6, the program that this one grew out of, installed beside it: Python 3.7, TensorFlow 1.15.5.

Used by the benchmarks that measure both on the same images, one after the other. `python3.7` has to be on the machine
(`PYTHON37=/path/to/python3.7` names another place); the rest is installed on first use.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

PACKAGES = ("tensorflow==1.15.5", "aocr==0.7.6", "protobuf<3.21")
STEP = re.compile(r"Step (\d+): ([\d.]+)s, loss")


class Original:
    """An installation of aocr 0.7.6.

    Args:
        folder: Where its virtual environment is, or is made.

    Raises:
        SystemExit: there is no Python 3.7.
    """

    def __init__(self, folder: Path) -> None:
        self.bin = folder.absolute() / "bin"  # it runs in other folders
        if (self.bin / "aocr").exists():
            return
        python = shutil.which(os.environ.get("PYTHON37", "python3.7"))
        if python is None:
            sys.exit("aocr 0.7.6 needs Python 3.7: PYTHON37=/path/to/python3.7 names it")
        subprocess.run([python, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(self.bin / "pip"), "install", "--quiet", *PACKAGES], check=True)

    @property
    def python(self) -> str:
        """Its interpreter, for scripts that need TensorFlow 1.15."""
        return str(self.bin / "python")

    def steps(self, folder: Path, dataset: Path, *options: str) -> Generator[tuple[int, float], None, None]:
        """Train in `folder` until the caller has seen enough: number of each step, and seconds that it took.

        The seconds are those that the program itself logs: feeding and the step, without reading the data.
        """
        command = [str(self.bin / "aocr"), "train", str(dataset), *options]
        with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as run:
            assert run.stdout is not None
            try:
                for line in run.stdout:
                    if found := STEP.search(line):
                        yield int(found[1]), float(found[2])
            finally:
                run.terminate()

    def run(self, folder: Path, *words: str) -> str:
        """Another command of it, in `folder`; what it printed and logged."""
        done = subprocess.run([str(self.bin / "aocr"), *words], cwd=folder, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"aocr 0.7.6 failed: {done.stderr[-2000:]}")
        return done.stdout + done.stderr
