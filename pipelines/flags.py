"""Command-line options made from the parameters of the compiled pipeline, so that each is declared once."""

import re
from collections.abc import Callable, Collection, Iterable
from typing import Any, TypeVar

import click

from pipelines import spec

Command = TypeVar("Command", bound=Callable[..., Any])


def pipeline_options(exclude: Collection[str] = ()) -> Callable[[Command], Command]:
    """Decorator: one option for each parameter of the compiled pipeline; those not given arrive as None."""
    parameters = spec.parameters(spec.load())
    names = [parameter.name for parameter in parameters]

    def decorate(function: Command) -> Command:
        for parameter in reversed(parameters):
            if parameter.name in exclude:
                continue
            flag = "--" + parameter.name.replace("_", "-")
            declaration = f"{flag}/--no-{flag[2:]}" if parameter.type is bool else flag
            shown = parameter.default
            if parameter.type is bool:
                shown = f"{'' if parameter.default else 'no-'}{flag[2:]}"
            # An empty default is explained in the description.
            text = _flags_for_names(parameter.description, names) + (f" [default: {shown}]" if shown else "")
            option = click.option(declaration, parameter.name, type=parameter.type, default=None, help=text)
            function = option(function)
        return function

    return decorate


def _flags_for_names(text: str, names: Iterable[str]) -> str:
    """The form of the console speaks of `test_share`, a command line of `--test-share`."""
    for name in names:
        if "_" in name:
            # As a part of a path, `serving_dir/1`, it stands for the value.
            text = re.sub(rf"(?<!/)\b{name}\b(?!/)", "--" + name.replace("_", "-"), text)
    return text
