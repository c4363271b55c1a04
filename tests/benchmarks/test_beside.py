import sys
from pathlib import Path

from benchmarks.beside import command, seconds

PYTHON = Path(sys.executable).name


def test_programs_are_those_beside_this_python(tmp_path):
    assert command(PYTHON, "-V") == [sys.executable, "-V"]
    assert seconds(PYTHON, "-c", "open('made here', 'w')", folder=tmp_path) > 0
    assert (tmp_path / "made here").exists()
