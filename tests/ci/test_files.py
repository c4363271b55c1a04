"""The files that GitHub and Cloud Build read are such files, and none of them gives away more than it must."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines import parameter_file, spec

ROOT = Path(__file__).parents[2]
SCHEMAS = {
    ".github/workflows/tests.yaml": "github-workflows",
    ".github/workflows/retrain.yaml": "github-workflows",
    ".github/dependabot.yml": "dependabot",
    "cloudbuild.yaml": "cloudbuild",
}


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
    jobs = read(".github/workflows/tests.yaml")["jobs"] | read(".github/workflows/retrain.yaml")["jobs"]
    assert {name: job["permissions"] for name, job in jobs.items()} == {
        "test": {"contents": "read"},
        "submit": {"contents": "read", "id-token": "write"},
    }
    assert jobs["submit"]["needs"] == "test" and "refs/heads/main" in jobs["submit"]["if"]


def test_the_paths_that_start_a_retraining_are_there():
    watched = read(".github/workflows/retrain.yaml")[True]["push"]["paths"]  # YAML reads `on` as true
    for path in (pattern.lstrip("!").removesuffix("**") for pattern in watched):
        assert (ROOT / path).exists() and (ROOT / path).is_dir() == path.endswith("/"), path


def test_what_a_retraining_learns_from_are_parameters_of_the_pipeline():
    given = parameter_file.read(str(ROOT / "retraining.yaml"), spec.parameters(spec.load()))
    required = {parameter.name for parameter in spec.parameters(spec.load()) if parameter.default is None}
    assert required <= set(given)
    assert all(given[name].startswith("gs://") for name in required)
