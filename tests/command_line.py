"""Whether a command line is one that a click command takes, without running it."""

from collections.abc import Sequence

import click

from aocr_core.cli.main import command as aocr
from pipelines.cli import command as aocr_pipeline

COMMANDS = {"aocr": aocr, "aocr-pipeline": aocr_pipeline}


def understood(words: Sequence[str]) -> click.Context:
    """What `aocr …` or `aocr-pipeline …` reads from its words.

    Raises:
        click.UsageError: there is no such command or option, or a value is not of its type.
    """
    name, *rest = words
    command: click.Command = COMMANDS[name]
    context = click.Context(command, info_name=name)
    while isinstance(command, click.Group):
        name, *rest = rest or [""]
        found = command.get_command(context, name)
        if found is None:
            raise click.UsageError(f"{' '.join(words)}: there is no command {name!r}")
        command = found
    return command.make_context(name, list(rest), parent=context)
