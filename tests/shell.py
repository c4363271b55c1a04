"""Runs shell commands with stand-ins in the place of programs, which write down how they were called.

So what is checked is what the shell makes of a text: variables, quotes and continued lines included.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# The programs that only turn texts into texts are the real ones; any other is not found, which is an error.
REAL = ("base64", "bash", "cat", "cut", "diff", "env", "mkdir", "tee", "tr")
PROGRAM = """#!{python} -IS
import json, os, sys
from pathlib import Path
name, answers = Path(sys.argv[0]).name, json.loads({answers!r})
call = {{"words": [name, *sys.argv[1:]], "environment": dict(os.environ), "input": sys.stdin.read()}}
with open({log!r}, "a") as log:
    log.write(json.dumps(call) + "\\n")
said = " ".join(sys.argv)
print(next((answer for part, answer in answers.items() if part in said), "answer"))
"""


@dataclass(frozen=True)
class Call:
    """One program that was called."""

    words: list[str]
    """Its name and its arguments."""
    environment: dict[str, str]
    input: str
    """What it could read."""


def calls(
    script: str,
    programs: Mapping[str, Mapping[str, str]],
    folder: Path,
    environment: Mapping[str, str] | None = None,
) -> list[Call]:
    """Run a bash script in `folder`.

    Args:
        script: what is run, ended by the first error and by the first variable that is not set.
        programs: the stand-ins: name, or path from the folder -> what it prints when a text occurs in its call.
        folder: where the script runs.
        environment: variables for it.

    Raises:
        subprocess.CalledProcessError: it fails.
    """
    bin_folder, log = folder / "bin", folder / "calls.jsonl"
    shutil.rmtree(bin_folder, ignore_errors=True)
    bin_folder.mkdir()
    log.write_text("")
    for name in REAL:
        found = shutil.which(name)
        assert found, f"there is no {name}"
        (bin_folder / name).symlink_to(found)
    for name, answers in programs.items():
        file = folder / name if "/" in name else bin_folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(PROGRAM.format(python=sys.executable, answers=json.dumps(answers), log=str(log)))
        file.chmod(0o755)
    variables = {"PATH": str(bin_folder), "HOME": str(folder), **(environment or {})}
    command = [shutil.which("bash") or "bash", "-euo", "pipefail", "-c", script]
    ended = subprocess.run(
        command, cwd=folder, env=variables, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL
    )
    if ended.returncode:
        print(ended.stdout, ended.stderr)  # for the report of a test that did not expect it
    ended.check_returncode()
    return [Call(**json.loads(line)) for line in log.read_text().splitlines()]


def understood_by_make(words: list[str]) -> list[str]:
    """What a call of `make` would run, a line each.

    One that the Makefile has no target for, or a variable that it does not read, is refused.
    """
    root = Path(__file__).parents[1]
    # Without `setup`, that would create the virtual environment; `-n` only says what would be done.
    fresh = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    ended = subprocess.run(["make", "-n", *words[1:]], cwd=root, env=fresh, capture_output=True, text=True)
    assert ended.returncode == 0, f"{words}: {ended.stderr}"
    known = (root / "Makefile").read_text()
    for variable in (word.partition("=")[0] for word in words[1:] if "=" in word):
        assert f"$({variable})" in known, f"{words}: the Makefile knows no {variable}"
    return ended.stdout.replace("\\\n", " ").splitlines()
