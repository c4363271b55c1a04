"""The checked-in YAML is what the code compiles to, is valid, and shows a form that explains itself."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

from aocr_core import config
from aocr_core.errors import AocrError, UsageError
from components.form import parameter_default, parameter_type
from components.image import IMAGE
from components.inputs import EndpointOptions, PipelineInputs
from components.workers import WorkerOptions
from pipelines import spec
from pipelines.compile import command, compiled
from tests.pipelines.conftest import DIGEST

GROUPS = (
    PipelineInputs,
    config.DataOptions,
    config.ModelOptions,
    config.TrainOptions,
    config.ApproveOptions,
    config.ServeOptions,
    EndpointOptions,
    WorkerOptions,
)
PARAMETERS = {parameter.name: parameter for parameter in spec.parameters(spec.load())}


def test_the_checked_in_yaml_is_up_to_date():
    assert spec.COMPILED.read_text(encoding="utf-8") == compiled(), "run `make compile` and commit the result"


def test_the_yaml_is_a_valid_pipeline():
    document = spec.load()
    parsed = json_format.ParseDict(document, pipeline_spec_pb2.PipelineSpec())
    assert parsed.schema_version == "2.1.0"
    deployment = json_format.ParseDict(document["deploymentSpec"], pipeline_spec_pb2.PipelineDeploymentConfig())
    assert {executor.container.image for executor in deployment.executors.values()} == {IMAGE}
    assert len(deployment.executors) == 6


def test_the_image_can_be_chosen(tmp_path: Path):
    output = tmp_path / "folder" / "pipeline.yaml"
    result = CliRunner().invoke(command, ["--output", str(output)], env={"AOCR_IMAGE": "my/python:1"})
    assert result.exit_code == 0, result.output
    executors = spec.load(output)["deploymentSpec"]["executors"].values()
    assert {executor["container"]["image"] for executor in executors} == {"my/python:1"}
    # What serves on an endpoint is what has trained.
    assert variables(output, "AOCR_IMAGE") == {"train": "my/python:1", "deploy": "my/python:1"}


def variables(file: Path, name: str) -> dict[str, str]:
    """The value of an environment variable by step, where it is set."""
    containers = spec.containers(spec.load(file)).items()
    return {step: item["value"] for step, box in containers for item in box.get("env", []) if item["name"] == name}


@pytest.mark.parametrize("parts", ["1", "3"])
def test_a_run_from_the_console_reuses_no_step_of_other_code(tmp_path: Path, parts: str):
    output = tmp_path / "pipeline.yaml"
    words = ["--image", "my/python:1", "--data-parts", parts, "--output", str(output)]
    assert CliRunner().invoke(command, words).exit_code == 0
    told = variables(output, "AOCR_CODE_VERSION")
    assert set(told) == set(spec.containers(spec.load(output)))
    assert set(told.values()) == {spec.code_version()}
    # The file in the repository would change with every line of code.
    assert variables(spec.COMPILED, "AOCR_CODE_VERSION") == {}


@pytest.mark.parametrize("parts", [1, 3])
def test_in_every_step_python_takes_the_place_of_the_shell(parts: int):
    """Only the first process is told that a step is to end (tests/pipelines/vertex/test_ending.py)."""
    scripts = {container["command"][2] for container in spec.containers(spec.of_text(compiled(parts=parts))).values()}
    (last,) = {script.strip().splitlines()[-1] for script in scripts}
    assert "exec python3 -m kfp.dsl.executor_main" in last


def test_the_image_can_be_pinned(tmp_path: Path, registry: str):
    output = tmp_path / "pipeline.yaml"
    words = ["--image", f"{registry}/p/aocr:1", "--pin", "--output", str(output)]
    result = CliRunner().invoke(command, words)
    assert result.exit_code == 0, result.output
    pinned = f"{registry}/p/aocr@{DIGEST}"
    assert {container["image"] for container in spec.containers(spec.load(output)).values()} == {pinned}
    assert variables(output, "AOCR_IMAGE") == {"train": pinned, "deploy": pinned}


def test_what_is_to_be_pinned_has_to_be_named():
    with pytest.raises(UsageError, match="--pin: name the image with --image"):
        CliRunner().invoke(command, ["--pin"], env={"AOCR_IMAGE": ""}, catch_exceptions=False)


def test_a_place_that_cannot_be_written_to_is_told(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(AocrError, match=r"^cannot write .*/file/pipeline\.yaml: "):
        CliRunner().invoke(command, ["--output", str(tmp_path / "file" / "pipeline.yaml")], catch_exceptions=False)


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_parameter_is_the_option_of_that_name(name: str):
    group = next(group for group in GROUPS if name in group.model_fields)
    field, parameter = group.model_fields[name], PARAMETERS[name]
    assert len(parameter.description) > 10
    assert parameter.type is parameter_type(field)
    assert parameter.default == (None if field.is_required() else parameter_default(field))


def test_only_places_are_required():
    assert [name for name, parameter in PARAMETERS.items() if parameter.default is None] == [
        "annotations",
        "serving_dir",
    ]


def test_the_pipeline_explains_its_steps():
    description = compiled().partition("\n# Inputs:")[0]
    assert re.findall(r"#\s+(\d)\. ", description) == list("123456")
    assert [step.title[0] for step in spec.steps(spec.load())] == list("123456")


def test_export_and_deployment_depend_on_the_gate():
    conditional = {step.name for step in spec.steps(spec.load()) if step.condition}
    assert conditional == {"export", "deploy"}
    (group,) = spec.groups(spec.load()).values()
    assert group["triggerPolicy"]["condition"].startswith("inputs.parameter_values['pipelinechannel--approve-Output']")


def test_verdict_and_deployment_are_never_reused():
    document = spec.load()
    tasks = document["root"]["dag"]["tasks"] | document["components"]["comp-condition-1"]["dag"]["tasks"]
    reused = {name for name, task in tasks.items() if task.get("cachingOptions", {}).get("enableCache")}
    assert reused == {"build-tfrecords", "train", "evaluate", "export"}
