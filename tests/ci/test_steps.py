"""The steps of both files, run as they stand: what they call is understood, and the run that they start is right.

Programs are stand-ins that write down how they were called (see `tests.shell`); how `submit` was called is then
repeated with the real command against the stand-in for Vertex AI.
"""

import re
import shlex
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
    ".venv/bin/python": {},
}
SUBMIT = "--num-epoch 20 --no-caching"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A working directory in which the pipeline has been compiled and is what it was."""
    for name in ("pipelines/aocr-training.yaml", "build/compiled.yaml"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text("pipeline\n")
    return tmp_path


def github(
    folder: Path, annotations: str = "", options: str = "", flavour: str = "", base: str = "", usual_options: str = ""
) -> list[Call]:
    """What the steps of the workflow call, GitHub's part played for them."""
    workflow = yaml.safe_load((ROOT / ".github/workflows/retrain.yaml").read_text())
    values = {
        "vars.GCP_PROJECT": "p",
        "vars.GCP_LOCATION": "europe-west4",
        "github.sha": "c" * 40,
        "vars.AOCR_FLAVOUR": flavour,
        "vars.AOCR_BASE": base,
        "vars.AOCR_OPTIONS": usual_options,
        "steps.registry.outputs.access_token": "token",
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
    def value(match: re.Match[str]) -> str:
        found = (term.strip("'") if term[0] == "'" else values[term] for term in match[1].split(" || "))
        return next((text for text in found if text), "")

    return re.sub(r"\$\{\{ (.*?) \}\}", value, text)


def cloud_build(
    folder: Path, annotations: str = "", options: str = "", flavour: str = "cpu", base: str = "", commit: str = "c" * 40
) -> list[Call]:
    """What the steps of the build call, Cloud Build's part played for them."""
    build = yaml.safe_load((ROOT / "cloudbuild.yaml").read_text())
    values = {"PROJECT_ID": "p", "BUILD_ID": "b" * 8, "COMMIT_SHA": commit, **build["substitutions"]}
    values |= {"_ANNOTATIONS": annotations, "_OPTIONS": options, "_FLAVOUR": flavour, "_BASE": base}
    calls = []
    for step in build["steps"]:
        variables = dict(Template(line).substitute(values).split("=", 1) for line in step.get("env", []))
        assert step["script"].startswith("#!/usr/bin/env bash\nset -euo pipefail\n")
        calls += shell.calls(step["script"], PROGRAMS, folder, variables)
    return calls


BOTH = pytest.mark.parametrize("run", [github, cloud_build])


def built(calls: list[Call]) -> tuple[str, dict[str, str]]:
    """Name and arguments of the image that is built, by `docker build` itself or by make."""
    ((words, environment),) = [
        (call.words, call.environment)
        for call in calls
        if call.words[:2] in (["docker", "build"], ["make", "image-test"])
    ]
    if words[0] == "make":
        (line,) = [line for line in shell.understood_by_make(words) if line.startswith("docker build ")]
        words = shlex.split(line)
    else:
        assert environment["DOCKER_BUILDKIT"] == "1"  # the older builder takes no layers from a registry
    given = dict(words[at + 1].split("=", 1) for at, word in enumerate(words) if word == "--build-arg")
    assert words[words.index("--cache-from") + 1] == f"{REPOSITORY}:{given['FLAVOUR']}"
    return words[words.index("--tag") + 1], given


@BOTH
def test_what_make_and_docker_are_called_with_is_there(run, folder: Path):
    calls = run(folder)
    for words in (call.words for call in calls if call.words[0] == "make"):
        shell.understood_by_make(words)
    dockerfile = (ROOT / "Dockerfile").read_text()
    for argument in set(built(calls)[1]) - {"BUILDKIT_INLINE_CACHE"}:  # which is the builder's own
        assert re.search(rf"^ARG {argument}\b", dockerfile, re.MULTILINE), argument


@BOTH
def test_what_is_pushed_is_what_was_built_and_has_been_tested(run, folder: Path):
    calls = run(folder)
    name, _ = built(calls)
    pushes = [at for at, call in enumerate(calls) if call.words[:2] == ["docker", "push"]]
    assert [calls[at].words[2] for at in pushes] == [name, f"{REPOSITORY}:cpu"]
    assert ["docker", "tag", name, f"{REPOSITORY}:cpu"] in [call.words for call in calls]
    (tested,) = [at for at, call in enumerate(calls) if "image-test" in call.words or "pytest" in call.words]
    assert tested < pushes[0] and name.startswith(f"{REPOSITORY}:")
    if "pytest" in calls[tested].words:
        assert calls[tested].environment["AOCR_TEST_IMAGE"] == name
        assert all((ROOT / word).is_file() for word in calls[tested].words if word.startswith("tests/"))


@BOTH
def test_flavour_and_base_are_those_that_were_chosen(run, folder: Path):
    given = built(run(folder))[1]
    assert given["FLAVOUR"] == "cpu" and "BASE" not in given  # the Dockerfile's
    chosen = run(folder, flavour="cuda", base=f"python@{DIGEST}")
    given = built(chosen)[1]
    assert (given["FLAVOUR"], given["BASE"]) == ("cuda", f"python@{DIGEST}")
    assert ["docker", "push", f"{REPOSITORY}:cuda"] in [call.words for call in chosen]


@BOTH
def test_the_same_code_gives_the_same_image_whatever_the_commit(run, folder: Path):
    """Else a change of retraining.yaml alone would have the data set and the training paid for again."""
    assert set(built(run(folder))[1]) == {"FLAVOUR", "BUILDKIT_INLINE_CACHE"}


@pytest.mark.parametrize(("commit", "labels"), [("c" * 40, ["build", "commit"]), ("", ["build"])])
def test_a_run_of_cloud_build_tells_of_which_commit_it_is(folder: Path, commit: str, labels: list[str]):
    (submit,) = [call.words for call in cloud_build(folder, commit=commit) if call.words[0] == "aocr-pipeline"]
    understood(submit)
    given = [submit[at + 1].split("=") for at, word in enumerate(submit) if word == "--label"]
    assert given == [[name, {"build": "b" * 8, "commit": commit}[name]] for name in labels]


@pytest.mark.parametrize(("options", "used"), [("", "--wait"), ("--no-caching", "--no-caching")])
def test_options_of_the_repository_count_where_nobody_gives_others(folder: Path, options: str, used: str):
    calls = github(folder, options=options, usual_options="--wait")
    (submit,) = [call.words for call in calls if call.words[0] == "aocr-pipeline"]
    assert submit[submit.index("--label") + 2 :] == [used]


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
    assert sent["labels"] in ({"commit": "c" * 40}, {"build": "b" * 8, "commit": "c" * 40})
