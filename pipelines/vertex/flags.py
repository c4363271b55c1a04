"""The options that `submit` and `schedule set` share, and the run that they describe."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

import click

from aocr_core.cli import options
from aocr_core.errors import AocrError
from components.vertex.place import Place
from pipelines import parameter_file, parameters, spec
from pipelines.data_version import fingerprint
from pipelines.flags import pipeline_options
from pipelines.vertex import image, labels, machines, request, workers
from pipelines.vertex.options import JobOptions
from pipelines.vertex.request import Wish

Command = TypeVar("Command", bound=Callable[..., Any])

place_options = options.from_config(Place)
"""Decorator: where on Vertex AI."""

MACHINES = (
    ("--cpu", "8", "Processors of a step's machine; `all=8` is for each step without a value of its own. [default: 4]"),
    ("--memory", "32G", "Memory of a step's machine. [default: 16G]"),
    ("--accelerator", "NVIDIA_TESLA_T4:1", "Accelerators of a step's machine, and how many. [default: none]"),
)


def run_options(caching: bool) -> Callable[[Command], Command]:
    """Decorator: the parameters of the pipeline, and how Vertex AI runs it.

    Args:
        caching: the default of `--caching`.
    """

    def decorate(function: Command) -> Command:
        for flag, example, text in reversed(MACHINES):
            function = click.option(flag, flag[2:], multiple=True, metavar=f"STEP={example}", help=text)(function)
        function = click.option(
            "--label", "labels", multiple=True, metavar="KEY=VALUE", help="Label of the run; may be repeated."
        )(function)
        function = options.from_config(JobOptions, exclude={"caching"})(function)
        described = JobOptions.model_fields["caching"].description
        function = click.option(
            "--caching/--no-caching",
            default=caching,
            help=f"{described} [default: {'' if caching else 'no-'}caching]",
        )(function)
        function = click.option(
            "--parameters",
            "parameter_file",
            metavar="FILE",
            help="Values of the pipeline's parameters: a JSON or YAML file, or gs://…; options count more.",
        )(function)
        return pipeline_options()(function)

    return decorate


def place(values: dict[str, Any]) -> Place:
    """Where on Vertex AI, from the options of a command, which are taken out of `values`.

    Raises:
        UsageError: one is out of its range.
    """
    return options.build(Place, {name: values.pop(name) for name in Place.model_fields})


def wish(compiled: spec.Spec, values: dict[str, Any]) -> Wish:
    """The run that the options of a command describe; nothing but a file of parameters is read for it.

    Raises:
        UsageError: an option or a parameter is missing or out of its range.
    """
    chosen = options.build(JobOptions, values)
    image.parse(chosen.image)
    asked = machines.parse(
        (step.name for step in spec.steps(compiled)), values["cpu"], values["memory"], values["accelerator"]
    )
    given = _parameters(compiled, values)
    asked, given = workers.assigned(asked, given)
    parameters.check(given)
    request.check(compiled, given)
    return Wish(chosen, given, labels.parse(values["labels"]), asked)


def settled(wish: Wish) -> Wish:
    """The same run with what others have to be asked for.

    Asks the registry for the image's digest unless `--no-pin` is given, and reads the annotation files to tell whether
    they have changed since an earlier run, if steps may be reused and `--data-version` does not say it.

    Raises:
        AocrError: a file, or the image, is not there or may not be read.
    """
    chosen, given = wish.options, dict(wish.parameters)
    named, reason = image.chosen(chosen.image, chosen.pin)
    chosen = chosen.model_copy(update={"image": named})
    warning = image.warning(image.parse(named)) if chosen.caching else None
    if reason or warning:
        click.echo(f"aocr-pipeline: {'; '.join(filter(None, (reason, warning)))}", err=True)
    if chosen.caching and not given.get("data_version"):
        given["data_version"] = _data_version(given)
    return replace(wish, options=chosen, parameters=given)


def _parameters(compiled: spec.Spec, values: dict[str, Any]) -> dict[str, Any]:
    """From the file and from options, which count more."""
    declared = spec.parameters(compiled)
    given = parameter_file.read(values["parameter_file"], declared) if values["parameter_file"] else {}
    return given | {p.name: values[p.name] for p in declared if values[p.name] is not None}


def _data_version(given: dict[str, Any]) -> str:
    files = [given[name] for name in ("annotations", "test_annotations") if given.get(name)]
    try:
        return fingerprint(files, given.get("charset", ""))
    except AocrError as error:
        raise type(error)(
            f"{error}; it is read to tell whether steps can be reused: --data-version or --no-caching spares that"
        ) from error
