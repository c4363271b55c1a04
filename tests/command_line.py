"""Whether a command line is one that a click command takes, without running it."""

from collections.abc import Sequence

import click

from aocr_core.cli.main import command as aocr
from pipelines.cli import command as aocr_pipeline

COMMANDS = {"aocr": aocr, "aocr-pipeline": aocr_pipeline}


def understood(words: Sequence[str]) -> None:
    """Refuse a call of `aocr …` or `aocr-pipeline …` that the command would refuse.

    Raises:
        click.UsageError: there is no such command or option, or a value is not of its type.
    """
    command, rest = _command(words)
    command.make_context(command.name, rest)


def options(*words: str) -> set[str]:
    """All options of `aocr-pipeline submit`, given as words."""
    return {name for option in _command(words)[0].params for name in (*option.opts, *option.secondary_opts)}


def _command(words: Sequence[str]) -> tuple[click.Command, list[str]]:
    """The command that words call, and the rest of them, which are its arguments."""
    command: click.Command = COMMANDS[words[0]]
    rest = list(words[1:])
    while isinstance(command, click.Group):
        name = rest.pop(0) if rest else ""
        found = command.get_command(click.Context(command), name)
        if found is None:
            raise click.UsageError(f"{' '.join(words)}: there is no command {name!r}")
        command = found
    return command, rest
