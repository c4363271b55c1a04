"""The folder that holds everything a run makes."""

from pathlib import Path

import click

DEFAULT = Path("build")

option = click.option(
    "--build-dir",
    type=click.Path(path_type=Path, file_okay=False),
    default=DEFAULT,
    show_default=True,
    help="Folder for everything that the run makes.",
)
"""Decorator: the option `--build-dir`."""
