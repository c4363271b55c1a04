"""The steps of both files, run as they stand: what they call is understood, and the run that they start is right.

Programs are stand-ins that write down how they were called (see `tests.shell`); how `submit` was called is then
repeated with the real command against the stand-in for Vertex AI.
"""

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from google.protobuf import json_format

from aocr_core import storage
from pipelines import spec
from pipelines.cli import command
from tests import shell
from tests.command_line import understood
from tests.shell import Call

ROOT = Path(__file__).parents[2]
DIGEST = f"sha256:{'7' * 64}"
REPOSITORY = "europe-west4-docker.pkg.dev/p/aocr/aocr-python"
PROGRAMS: dict[str, dict[str, str]] = {
    "make": {},
    "docker": {"inspect": f"{REPOSITORY}@{DIGEST}"},
    ".venv/bin/aocr-pipeline": {},
}
SUBMIT = "--num-epoch 20 --no-caching"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A working directory in which the pipeline has been compiled and is what it was."""
    for name in ("pipelines/aocr-training.yaml", "build/compiled.yaml"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text("pipeline\n")
    return tmp_path


def github(folder: Path, annotations: str = "", options: str = "") -> list[Call]:
    """What the steps of the workflow call, GitHub's part played for them."""
    workflow = yaml.safe_load((ROOT / ".github/workflows/retrain.yaml").read_text())
    values = {
        "vars.GCP_PROJECT": "p",
        "vars.GCP_LOCATION": "europe-west4",
        "github.sha": "c" * 40,
        "steps.login.outputs.access_token": "token",
        "inputs.annotations": annotations,
        "inputs.options": options,
    }
    files = {"GITHUB_OUTPUT": folder / "output", "GITHUB_STEP_SUMMARY": folder / "summary"}
    calls = []
    for step in (step for step in workflow["jobs"]["submit"]["steps"] if "run" in step):
        assert "${{" not in step["run"]  # it would be pasted into the script before the shell sees it
        variables = {name: _filled(text, values) for name, text in {**workflow["env"], **step.get("env", {})}.items()}
        variables |= {"GITHUB_SHA": "c" * 40} | {name: str(file) for name, file in files.items()}
        files["GITHUB_OUTPUT"].write_text("")
        calls += shell.calls(step["run"], PROGRAMS, folder, variables)
        for line in files["GITHUB_OUTPUT"].read_text().splitlines():
            name, _, value = line.partition("=")
            values[f"steps.{step['id']}.outputs.{name}"] = value
    return calls


def _filled(text: str, values: Mapping[str, str]) -> str:
    return re.sub(r"\$\{\{ (.*?) \}\}", lambda match: values[match[1]], text)


def cloud_build(folder: Path, annotations: str = "", options: str = "") -> list[Call]:
    """What the steps of the build call, Cloud Build's part played for them."""
    build = yaml.safe_load((ROOT / "cloudbuild.yaml").read_text())
    values = {"PROJECT_ID": "p", "BUILD_ID": "b" * 8, **build["substitutions"]}
    values |= {"_ANNOTATIONS": annotations, "_OPTIONS": options}
    calls = []
    for step in build["steps"]:
        variables = dict(Template(line).substitute(values).split("=", 1) for line in step.get("env", []))
        assert step["script"].startswith("#!/usr/bin/env bash\nset -euo pipefail\n")
        calls += shell.calls(step["script"], PROGRAMS, folder, variables)
    return calls


BOTH = pytest.mark.parametrize("run", [github, cloud_build])


@BOTH
def test_what_make_and_docker_are_called_with_is_there(run, folder: Path):
    calls = [call.words for call in run(folder)]
    for words in (words for words in calls if words[0] == "make"):
        shell.understood_by_make(words)
    built = next(words for words in calls if words[:2] == ["docker", "build"])
    pushed = next(words for words in calls if words[:2] == ["docker", "push"])
    assert pushed[2] in built and pushed[2].startswith(f"{REPOSITORY}:")
    dockerfile = ROOT / "Dockerfile"
    for argument in (word.partition("=")[0] for word in built if "=" in word):
        assert dockerfile.exists() and re.search(rf"^ARG {argument}\b", dockerfile.read_text(), re.MULTILINE)


@BOTH
def test_a_pipeline_that_was_not_compiled_again_ends_it_before_anything_is_built(run, folder: Path):
    (folder / "build/compiled.yaml").write_text("another pipeline\n")
    with pytest.raises(subprocess.CalledProcessError):
        run(folder)
    assert '"words": ["docker"' not in (folder / "calls.jsonl").read_text()


def test_the_token_is_read_from_standard_input(folder: Path):
    (login,) = [call for call in github(folder) if call.words[:2] == ["docker", "login"]]
    assert login.input == "token\n" and "token" not in login.words
    assert login.words[-1] == "https://europe-west4-docker.pkg.dev"


@BOTH
def test_without_choices_the_file_decides(run, folder: Path):
    (submit,) = [call.words for call in run(folder) if call.words[0] == "aocr-pipeline"]
    understood(submit)
    assert submit[2:4] == ["--parameters", "retraining.yaml"] and "--annotations" not in submit


@BOTH
def test_the_run_that_is_started_is_that_of_the_image_which_was_pushed(
    run, folder: Path, vertex: Any, bucket: str, monkeypatch: pytest.MonkeyPatch
):
    vertex.jobs.running = False
    storage.write_bytes(f"{bucket}/new data.txt", b"1.png one\n")
    (submit,) = [call for call in run(folder, f"{bucket}/new data.txt", SUBMIT) if call.words[0] == "aocr-pipeline"]
    for name in ("AOCR_IMAGE", "AOCR_PIPELINE_ROOT", "GOOGLE_CLOUD_PROJECT", "GOOGLE_CLOUD_LOCATION"):
        monkeypatch.delenv(name, raising=False)
    for name, value in submit.environment.items():
        if name.startswith(("AOCR_", "GOOGLE_")):
            monkeypatch.setenv(name, value)
    monkeypatch.setenv("AOCR_VERTEX_ENDPOINT", vertex.url)
    monkeypatch.chdir(ROOT)
    ended = CliRunner().invoke(command, submit.words[1:], catch_exceptions=False)
    assert ended.exit_code == 0 and "the tag" not in ended.stderr
    ((name, job),) = vertex.jobs.stored.items()
    sent = json_format.MessageToDict(type(job).pb(job))
    assert name.startswith("projects/p/locations/europe-west4/pipelineJobs/")
    assert {container["image"] for container in spec.containers(sent["pipelineSpec"]).values()} == {
        f"{REPOSITORY}@{DIGEST}"
    }
    values = sent["runtimeConfig"]["parameterValues"]
    assert (values["annotations"], values["num_epoch"]) == (f"{bucket}/new data.txt", 20)
    assert sent["runtimeConfig"]["gcsOutputDirectory"] == "gs://p-aocr/runs"
    assert sent["serviceAccount"] == "aocr-runner@p.iam.gserviceaccount.com"
    assert sent["labels"] in ({"commit": "c" * 40}, {"build": "b" * 8})
