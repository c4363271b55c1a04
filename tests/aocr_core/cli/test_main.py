"""The `aocr` command itself, in processes of its own."""

import importlib
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from aocr_core import __version__
from aocr_core.cli.main import COMMANDS

ROOT = Path(__file__).parents[3]


def python(code: str, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    program = [sys.executable, "-c", code, *arguments]
    return subprocess.run(program, env=environment, cwd=cwd, capture_output=True, text=True, timeout=120)


def aocr(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return python("from aocr_core.cli.main import main; main()", *arguments, cwd=cwd)


def test_help_names_every_command():
    done = aocr("--help")
    assert done.returncode == 0
    assert all(name in done.stdout for name in COMMANDS)


def test_version():
    assert aocr("--version").stdout == f"aocr, version {__version__}\n"


def test_no_command_is_answered_with_the_help():
    done = aocr()
    assert done.returncode in (0, 2) and "Commands" in done.stdout + done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(("arguments", "hint"), [(["trian"], "command 'trian'"), (["train", "--sped"], "--sped")])
def test_wrong_use(arguments: list[str], hint: str):
    done = aocr(*arguments)
    assert done.returncode == 2 and hint in done.stderr and "Traceback" not in done.stderr


def test_a_failure_is_one_line_and_goes_to_the_log_file(tmp_path):
    done = aocr("--log-path", "logs/aocr.log", "export", "--model-dir", "nowhere", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("aocr: nowhere holds no model")
    assert "Traceback" not in done.stderr and (tmp_path / "logs" / "aocr.log").exists()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_there_with_its_short_help(name: str):
    command = importlib.import_module(f"aocr_core.cli.{name}").command
    assert isinstance(command, click.Command) and command.help


def test_help_needs_none_of_the_heavy_libraries():
    code = (
        "import sys\nfrom aocr_core.cli.main import command, COMMANDS\n"
        "for words in ([], *([name] for name in COMMANDS)):\n"
        "    try: command.main([*words, '--help'], standalone_mode=True)\n"
        "    except SystemExit as end: assert end.code == 0, words\n"
        "heavy = {'tensorflow', 'keras', 'PIL', 'numpy', 'kfp', 'fastapi'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = python(code)
    assert done.returncode == 0, done.stderr
