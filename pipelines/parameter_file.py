"""A file of pipeline parameters, JSON or YAML: `num_epoch: 20`."""

import difflib
import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from aocr_core import storage
from aocr_core.errors import UsageError
from pipelines.spec import Parameter

EXACT = 2**53
"""The largest whole number up to which a double holds each one."""
KINDS = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}


def read(path: str, parameters: Iterable[Parameter]) -> dict[str, Any]:
    """The values in a file, of the types that the pipeline declares.

    Args:
        path: local or `gs://…`; a name that ends in `.json` is read as JSON, any other as YAML.
        parameters: those of the pipeline.

    Raises:
        UsageError: it is not such a file, or a name or value is not the pipeline's.
        MissingError: there is no such file.
    """
    try:
        text = storage.read_bytes(path).decode("utf-8-sig")
        as_json = Path(path).suffix == ".json"
        values = json.loads(text, object_pairs_hook=_object) if as_json else yaml.load(text, Loader=_Loader)
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        raise UsageError(f"{path}: {_one_line(error)}") from error
    if not isinstance(values, dict):
        raise UsageError(f"{path}: one parameter a line is expected, as in `num_epoch: 20`")
    declared = {parameter.name: parameter for parameter in parameters}
    return {name: _checked(path, name, value, declared) for name, value in values.items()}


# The C parser is not there in every build of PyYAML; mypy wants to know which class it is.
class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML in which `1e-3` is a number, as in JSON, and a name that stands twice is an error."""


def _mapping(loader: Any, node: yaml.MappingNode) -> dict[Any, Any]:
    _once(str(key.value) for key, _ in node.value)
    return loader.construct_mapping(node)


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+"), list("-+0123456789")
)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    _once(name for name, _ in pairs)
    return dict(pairs)


def _once(names: Iterable[str]) -> None:
    """Of two values of one name the second would count, without a word."""
    counts = Counter(names)
    if doubled := sorted(name for name, count in counts.items() if count > 1):
        raise ValueError(f"given twice: {', '.join(doubled)}")


def _checked(path: str, name: Any, value: Any, declared: Mapping[str, Parameter]) -> Any:
    if name not in declared:
        near = difflib.get_close_matches(str(name), declared, 1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(declared)}"
        raise UsageError(f"{path}: the pipeline has no parameter {name!r}; {hint}")
    kind = declared[name].type
    unsafe = abs(value) > EXACT if type(value) is int else type(value) is float and not math.isfinite(value)
    if unsafe:
        raise UsageError(f"{path}: {name} is no number to count with: {str(value)[:20]}")
    # A whole number is a number as well; `true` is a Python int, but nobody's number.
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise UsageError(f"{path}: {name} is {KINDS[kind]}, not {value!r}")
    return value


def _one_line(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    if mark:
        return f"line {mark.line + 1}: {getattr(error, 'problem', error)}"
    return " ".join(str(error).split()) or type(error).__name__
