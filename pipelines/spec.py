"""The compiled pipeline as data: what it asks for, which steps it has, and the stamps put on it before a run."""

import copy
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

Spec = dict[str, Any]

COMPILED = Path(__file__).with_name("aocr-training.yaml")
CODE_VERSION_VARIABLE = "AOCR_CODE_VERSION"
TYPES = {"STRING": str, "NUMBER_INTEGER": int, "NUMBER_DOUBLE": float, "BOOLEAN": bool}


@dataclass(frozen=True)
class Parameter:
    """One field of the form: an input of the pipeline."""

    name: str
    type: type
    default: Any
    """None where the parameter is required."""
    description: str


@dataclass(frozen=True)
class Step:
    """One task that runs a component."""

    name: str
    title: str
    condition: str | None
    """Name of the conditional group that the step belongs to, None for one that always runs."""


def load(path: Path = COMPILED) -> Spec:
    """The compiled pipeline."""
    return of_text(path.read_text(encoding="utf-8"))


def of_text(text: str) -> Spec:
    """A compiled pipeline from its text."""
    # The C parser is five times faster, which is felt in `aocr-pipeline run --help`.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(text, Loader=loader)


def dump(spec: Spec) -> str:
    """The pipeline as text that KFP loads."""
    return yaml.safe_dump(spec, sort_keys=True, allow_unicode=True)


def parameters(spec: Spec) -> list[Parameter]:
    """The inputs of the pipeline, required ones first, then by name."""
    found = []
    for name, definition in spec["root"]["inputDefinitions"]["parameters"].items():
        kind = TYPES[definition["parameterType"]]
        default = kind(definition["defaultValue"]) if "defaultValue" in definition else None
        found.append(Parameter(name, kind, default, definition.get("description", "")))
    return sorted(found, key=lambda parameter: (parameter.default is not None, parameter.name))


def groups(spec: Spec) -> dict[str, dict[str, Any]]:
    """The conditional groups of the pipeline: name of the group -> its task (condition, inputs)."""
    tasks = spec["root"]["dag"]["tasks"]
    return {name: task for name, task in tasks.items() if "condition" in task.get("triggerPolicy", {})}


def steps(spec: Spec) -> list[Step]:
    """All steps, in an order in which they can run."""
    return list(_ordered(spec, spec["root"]["dag"]["tasks"], None))


def _ordered(spec: Spec, tasks: dict[str, Any], condition: str | None) -> Iterator[Step]:
    done: set[str] = set()
    while len(done) < len(tasks):
        name = next(n for n in tasks if n not in done and done.issuperset(tasks[n].get("dependentTasks", [])))
        done.add(name)
        component = spec["components"][tasks[name]["componentRef"]["name"]]
        if "dag" in component:  # a conditional group, or a loop, whose steps run several times
            group = name if "condition" in tasks[name].get("triggerPolicy", {}) else condition
            yield from _ordered(spec, component["dag"]["tasks"], group)
        else:
            yield Step(name, tasks[name]["taskInfo"]["name"], condition)


def dags(spec: Spec) -> list[dict[str, Any]]:
    """The graph of the pipeline and those of its conditional groups: parts of `spec`."""
    components = [component["dag"] for component in spec["components"].values() if "dag" in component]
    return [spec["root"]["dag"], *components]


def containers(spec: Spec) -> dict[str, dict[str, Any]]:
    """The container of each step, by the step's name: parts of `spec`, to be read or changed."""
    executors, found = spec["deploymentSpec"]["executors"], {}
    for dag in dags(spec):
        for name, task in dag["tasks"].items():
            component = spec["components"][task["componentRef"]["name"]]
            if "executorLabel" in component:
                found[name] = executors[component["executorLabel"]]["container"]
    return found


def stamped(spec: Spec, **environment: str) -> Spec:
    """The pipeline with environment variables set on every step; nothing else changes.

    KFP reuses a step when its component, arguments and environment are the same. The library behind the component
    is not part of that, so its version goes into the environment.
    """
    result = copy.deepcopy(spec)
    for executor in result["deploymentSpec"]["executors"].values():
        variables = {item["name"]: item["value"] for item in executor["container"].get("env", [])}
        variables.update(environment)
        executor["container"]["env"] = [{"name": name, "value": variables[name]} for name in sorted(variables)]
    return result


def tried_once(spec: Spec) -> Spec:
    """The pipeline whose steps are not tried again: on one machine, what has failed would fail again."""
    result = copy.deepcopy(spec)
    for dag in dags(result):
        for task in dag["tasks"].values():
            task.pop("retryPolicy", None)
    return result


def in_image(spec: Spec, image: str) -> Spec:
    """The pipeline with every step running in `image`."""
    result = copy.deepcopy(spec)
    for container in containers(result).values():
        container["image"] = image
    return result


def code_version() -> str:
    """A hash of the installed sources of `aocr_core` and `components`: 12 hexadecimal digits."""
    import aocr_core
    import components

    return hashed({package.__name__: Path(package.__path__[0]) for package in (aocr_core, components)})


def hashed(packages: dict[str, Path]) -> str:
    """A hash of names and contents of the files of packages, given by name and folder; compiled Python excepted."""
    digest = hashlib.sha256()
    for package, folder in sorted(packages.items()):
        for path in sorted(folder.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(f"{package}/{path.relative_to(folder).as_posix()}\0".encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
