"""The files that GitHub and Cloud Build read are such files, and none of them gives away more than it must."""

import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines import parameter_file, spec
from tests import shell

ROOT = Path(__file__).parents[2]
SCHEMAS = {
    ".github/workflows/tests.yaml": "github-workflows",
    ".github/workflows/retrain.yaml": "github-workflows",
    ".github/workflows/nightly.yaml": "github-workflows",
    ".github/dependabot.yml": "dependabot",
    "cloudbuild.yaml": "cloudbuild",
}
WORKFLOWS = [path for path, schema in SCHEMAS.items() if schema == "github-workflows"]


def read(path: str) -> Any:
    return yaml.safe_load((ROOT / path).read_text())


@pytest.mark.parametrize("path", SCHEMAS)
def test_it_has_the_form_that_is_published_for_it(path: str):
    pytest.importorskip("check_jsonschema", reason="needs check-jsonschema")
    words = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{SCHEMAS[path]}", str(ROOT / path)]
    checked = subprocess.run(words, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout


def test_every_workflow_is_checked():
    files = {str(file.relative_to(ROOT)) for file in (ROOT / ".github").rglob("*") if file.is_file()}
    assert files | {"cloudbuild.yaml"} == set(SCHEMAS)


def test_the_linter_of_workflows_finds_nothing():
    linter = Path(sys.executable).with_name("zizmor")
    if not linter.exists():
        pytest.skip("needs zizmor")
    found = subprocess.run([str(linter), "--offline", str(ROOT / ".github")], capture_output=True, text=True)
    assert found.returncode == 0, found.stdout


def test_actions_are_pinned_to_commits_and_say_which_version_that_is():
    for file in (ROOT / ".github/workflows").iterdir():
        for line in re.findall(r"uses: (?!\./)(.*)", file.read_text()):
            assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line


def test_no_key_and_no_secret_is_asked_for():
    for path in SCHEMAS:
        assert not re.search(r"secrets\.|credentials_json|availableSecrets", (ROOT / path).read_text())


def test_only_the_job_that_logs_in_may_ask_for_a_token():
    jobs = {name: job for workflow in WORKFLOWS for name, job in read(workflow)["jobs"].items()}
    assert {name: job["permissions"] for name, job in jobs.items()} == {
        "test": {"contents": "read"},
        "exhaustive": {"contents": "read"},
        "image": {"contents": "read"},
        "submit": {"contents": "read", "id-token": "write"},
    }
    assert jobs["submit"]["needs"] == "test" and "refs/heads/main" in jobs["submit"]["if"]


def test_the_paths_that_start_a_retraining_are_there():
    watched = read(".github/workflows/retrain.yaml")[True]["push"]["paths"]  # YAML reads `on` as true
    for path in (pattern.lstrip("!").removesuffix("**") for pattern in watched):
        assert (ROOT / path).exists() and (ROOT / path).is_dir() == path.endswith("/"), path


def test_what_the_image_is_built_from_starts_a_retraining():
    watched = read(".github/workflows/retrain.yaml")[True]["push"]["paths"]
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    sources = {source for words in copied for source in words.split()} - {"README.md", "LICENSE"}  # texts alone
    assert len(sources) > 4
    for source in sources:
        assert source in watched or f"{source.partition('/')[0]}/**" in watched, source


def test_the_base_of_the_image_is_named_where_dependabot_reads_it():
    _, name, *others = re.findall(r"^(?:ARG BASE=|FROM )(.*)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert re.fullmatch(r"python:3\.11-slim(@sha256:[0-9a-f]{64})? AS base", name)
    assert {other.split()[0] for other in others} == {"$BASE", "packages"}
    (docker,) = [part for part in read(".github/dependabot.yml")["updates"] if part["package-ecosystem"] == "docker"]
    assert docker["directory"] == "/" and docker["ignore"][0]["dependency-name"] == "python"


def test_every_night_runs_what_make_test_leaves_out():
    left_out = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]["addopts"]
    steps = [
        step["run"] for job in read(".github/workflows/nightly.yaml")["jobs"].values() for step in job["steps"][2:]
    ]
    assert [shlex.split(run) for run in steps] == [["make", "test", "ARGS=-m exhaustive"], ["make", "image-test"]]
    assert "-m 'not exhaustive'" in left_out
    for run in steps:
        shell.understood_by_make(shlex.split(run))


def test_what_a_retraining_learns_from_are_parameters_of_the_pipeline():
    given = parameter_file.read(str(ROOT / "retraining.yaml"), spec.parameters(spec.load()))
    required = {parameter.name for parameter in spec.parameters(spec.load()) if parameter.default is None}
    assert required <= set(given)
    assert all(given[name].startswith("gs://") for name in required)
