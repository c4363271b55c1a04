"""Command-line options made from the fields of the configuration, so that each is declared once."""

import types
from collections.abc import Callable, Iterable
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import click
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from aocr_core.errors import UsageError

Command = TypeVar("Command", bound=Callable[..., Any])
Options = TypeVar("Options", bound=BaseModel)


def plain_type(annotation: Any) -> Any:
    """`Annotated[int, …] | None` -> `int`: for click and KFP, "not given" is no type, and pydantic checks the range."""
    if get_origin(annotation) in (Union, types.UnionType):
        annotation = next(part for part in get_args(annotation) if part is not type(None))
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def _option(name: str, field: FieldInfo, hidden: bool) -> Callable[[Command], Command]:
    flag = name.replace("_", "-")
    kind = plain_type(field.annotation)
    # The default is shown here but not given to click: `build` tells by None what the user has left out.
    shown = None if field.is_required() else field.default
    if kind is bool and field.default is not None:
        shown = flag if field.default else f"no-{flag}"
    text = f"{field.description} [default: {shown}]" if shown is not None else field.description
    if kind is bool:
        return click.option(f"--{flag}/--no-{flag}", name, default=None, help=text, hidden=hidden)
    if get_origin(kind) is Literal:
        kind = click.Choice(get_args(kind))
    return click.option(f"--{flag}", name, type=kind, default=None, help=text, hidden=hidden)


def from_config(
    config: type[BaseModel], exclude: Iterable[str] = (), hidden: bool = False
) -> Callable[[Command], Command]:
    """Decorator: one option for each field of `config` (name, type, default and help are the field's).

    An option that is not given arrives as None; `build` drops it, so that the default stays in the field.
    """

    def decorate(function: Command) -> Command:
        for name, field in reversed(config.model_fields.items()):
            if name not in exclude:
                function = _option(name, field, hidden)(function)
        return function

    return decorate


def build(config: type[Options], values: dict[str, Any]) -> Options:
    """The configuration object from the options that were given.

    Raises:
        UsageError: a value is out of its range; the message names the option and the range.
    """
    given = {name: values[name] for name in config.model_fields if values.get(name) is not None}
    try:
        return config(**given)
    except ValidationError as error:
        raise UsageError(validation_message(error)) from error


def flags(*groups: BaseModel) -> list[str]:
    """What a command line has to say for these options; `build` makes them of it again. Defaults need no word."""
    words = []
    for group in groups:
        for name, value in group:
            flag = name.replace("_", "-")
            if value == type(group).model_fields[name].default:
                continue
            if isinstance(value, bool):
                words.append(f"--{flag}" if value else f"--no-{flag}")
            else:
                words.append(f"--{flag}={value}")
    return words


def validation_message(error: ValidationError) -> str:
    """One line for the first thing pydantic objects to, in the words of the command line."""
    first = error.errors()[0]
    option = "--" + "-".join(str(part) for part in first["loc"]).replace("_", "-")
    if first["type"] == "missing":
        return f"{option} is missing"
    return f"{option}: {first['msg'][0].lower()}{first['msg'][1:]} (got {first['input']!r})"
