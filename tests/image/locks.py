"""Reads lock files."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
FLAVOURS = ("cpu", "cuda")


def packages(text: str) -> dict[str, tuple[str, set[str]]]:
    """Name -> version and hashes of each package that Python 3.11 on Linux gets."""
    found = {}
    for name, version, marker, rest in re.findall(
        r"^([\w.-]+)==(\S+)(?: ; (.*?))? \\\n((?:    --hash=.*\n?)+)", text, re.M
    ):
        if "'win32'" not in marker and ">= '3.12'" not in marker:
            found[name] = version, set(re.findall(r"sha256:[0-9a-f]{64}", rest))
    return found


def locked(flavour: str) -> dict[str, tuple[str, set[str]]]:
    return packages((ROOT / "image" / f"{flavour}.lock").read_text())
