"""Between the configuration and the form that the Vertex console shows.

A pipeline parameter is a str, int, float or bool and cannot be left out, so `0` or an empty text stands for "not
given" wherever the configuration's default is None. Nobody writes a default or an explanation twice: both come
from the fields of the configuration.
"""

import inspect
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, Literal, TypeVar, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from aocr_core.cli.options import build, plain_type

Function = TypeVar("Function", bound=Callable[..., Any])
Options = TypeVar("Options", bound=BaseModel)


def parameter_type(field: FieldInfo) -> type:
    """The type of the pipeline parameter for a field: str, int, float or bool."""
    kind = plain_type(field.annotation)
    return str if get_origin(kind) is Literal else kind


def parameter_default(field: FieldInfo) -> Any:
    """The field's default, with None written as the type's empty value: `""`, `0` or `0.0`."""
    return parameter_type(field)() if field.default is None else field.default


def defaults(config: type[BaseModel]) -> SimpleNamespace:
    """The defaults of all optional fields, to stand in a pipeline's signature."""
    fields = config.model_fields.items()
    return SimpleNamespace(**{name: parameter_default(field) for name, field in fields if not field.is_required()})


def options(config: type[Options], parameters: Mapping[str, Any]) -> Options:
    """The configuration object from those parameters of a step that are fields of it.

    Raises:
        UsageError: a value is out of its range; the message names the parameter and the range.
    """
    empty = {name for name, field in config.model_fields.items() if field.default is None and not parameters.get(name)}
    return build(config, {name: value for name, value in parameters.items() if name not in empty})


def _explanation(field: FieldInfo) -> str:
    text = field.description or ""
    if field.default is None:
        text = text.replace("[default:", "[empty:" if parameter_type(field) is str else "[0:")
    kind = plain_type(field.annotation)
    if get_origin(kind) is Literal:
        text += f" One of: {', '.join(get_args(kind))}."
    return text.strip()


def describe(*configs: type[BaseModel]) -> Callable[[Function], Function]:
    """Decorator: explain each parameter that is a field of one of `configs` in the docstring's `Args:`.

    That is where KFP looks for the texts of the form.
    """
    fields = {name: field for config in configs for name, field in config.model_fields.items()}

    def decorate(function: Function) -> Function:
        text = inspect.getdoc(function) or ""
        lines = [text] if "\nArgs:\n" in text else [text, "", "Args:"]
        names = [name for name in inspect.signature(function).parameters if name in fields]
        function.__doc__ = "\n".join(lines + [f"    {name}: {_explanation(fields[name])}" for name in names])
        return function

    return decorate
