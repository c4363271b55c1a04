import subprocess
import sys

import pytest

from aocr_core.cli.main import command, run


@pytest.fixture
def aocr(capsys, monkeypatch, tmp_path):
    """Runs `aocr ARGS…` in an empty folder: exit code, standard output, standard error."""
    monkeypatch.chdir(tmp_path)

    def call(*args: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["aocr", *args])
        try:
            run(command, "aocr")
            code = 0
        except SystemExit as end:
            code = end.code
        out, err = capsys.readouterr()
        return code, out, err

    return call


def test_words_are_rendered(aocr, tmp_path):
    code, out, _ = aocr("synth", "words", "--count", "10", "--test-count", "3", "--charset", "digits")
    assert code == 0
    assert out.startswith("words: 10 training and 3 test images, ")
    lines = (tmp_path / "words" / "training.txt").read_text().splitlines()
    assert len(lines) == 10
    assert all(line.split(" ")[1].isdigit() for line in lines)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--count", "0"], "--count: input should be greater than 0"),
        (["--charset", "klingon"], "unknown charset 'klingon'"),
        (["--min-length", "5", "--max-length", "4"], "--min-length 5 is more than --max-length 4"),
        (["--height", "2"], "--height: input should be greater than or equal to 24"),
        (["--fonts", "."], "holds no font file"),
    ],
)
def test_a_mistake_is_answered_in_one_line(aocr, args, message, tmp_path):
    code, out, err = aocr("synth", "words", *args)
    assert code == 2
    assert out == ""
    assert message in err
    assert err.count("\n") == 1
    assert not (tmp_path / "words").exists()


def test_a_missing_file_is_named(aocr):
    code, _, err = aocr("synth", "words", "--words", "missing.txt")
    assert code == 1
    assert "missing.txt" in err


def test_help_needs_neither_pillow_nor_numpy():
    code = (
        "import sys; from aocr_core.cli.synth import command; command.get_help(__import__('click').Context(command)); "
        "sys.exit(any(name in sys.modules for name in ('PIL', 'numpy', 'tensorflow')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
