"""The commands of docs/vertex.md, as a shell expands them, are commands that gcloud and this project understand."""

import json
import os
import re
import shlex
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml

from components import workers
from pipelines.event import settings
from tests import shell
from tests.command_line import options, understood

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/vertex.md"
PROGRAMS = {
    "gcloud": {
        "service-agent": "service-1@gs-project-accounts.iam.gserviceaccount.com",
        "workload-identity-pools describe": "projects/1/locations/global/workloadIdentityPools/github",
        "deployedModels.id": "7 8",
        "value(generation)": "1795442918384834948",
    },
    "aocr-pipeline": {"--number 1": "aocr-training-20270101030000-00000000  succeeded  2027-01-01 03:00 UTC"},
    "gh": {"api": "123"},
} | {name: {} for name in ("aocr", "make", "docker", "python", "python3", "curl")}


ROLE = re.compile(r"`((?:[a-z]+\.)+[a-zA-Z]+)`")


def blocks(page: Path, kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def typed(tmp_path_factory: pytest.TempPathFactory) -> list[list[str]]:
    """Every command of the page with its arguments, in order."""
    folder = tmp_path_factory.mktemp("page")
    (folder / "plates").mkdir()
    (folder / "plates/1.png").write_bytes(b"image")
    return [call.words for call in shell.calls("".join(blocks(PAGE, "sh")), PROGRAMS, folder)]


def test_every_command_of_this_project_is_one(typed: list[list[str]]):
    ours = [words for words in typed if words[0] in ("aocr", "aocr-pipeline")]
    assert len(ours) >= 4
    for words in ours:
        understood(words)
    for words in (words for words in typed if words[0] == "make"):
        shell.understood_by_make(words)


def test_who_asks_for_accelerators_takes_the_image_that_uses_them(typed: list[list[str]]):
    (cuda,) = [words for words in typed if words[0] == "make" and "FLAVOUR=cuda" in words]
    name = next(word for word in cuda if word.startswith("IMAGE=")).removeprefix("IMAGE=")
    assert ["docker", "push", name] in typed
    asking = [words for words in typed if any("accelerator" in word for word in words)]
    assert len(asking) == 2
    for words in asking:
        assert words[words.index("--image") + 1] == name


def prose() -> str:
    return re.sub(r"^```.*?^```$|<!--.*?-->", "", PAGE.read_text(), flags=re.DOTALL | re.MULTILINE)


def test_commands_and_options_in_the_text_are_some_as_well():
    for line in re.findall(r"`(aocr(?:-pipeline)? [^`]+)`", prose()):
        understood(shlex.split(line))
    for line in re.findall(r"`(make [^`]+)`", prose()):
        shell.understood_by_make(shlex.split(line))
    known = {"--tag", "--substitutions", "--region"}  # gcloud's
    for name in ("submit", "compile", "status", "deploy", "job"):
        known |= options("aocr-pipeline", name)
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", prose())) <= known


def test_members_of_policies_are_the_accounts_that_were_created(typed: list[list[str]]):
    created = {words[4] for words in typed if words[:4] == ["gcloud", "iam", "service-accounts", "create"]}
    named = {
        match[1] for words in typed for word in words if (match := re.search(r"([\w-]+)@my-project\.iam\.gserv", word))
    }
    assert created == named == {"aocr-runner", "aocr-ci", "aocr-events"}


def test_every_role_that_is_granted_stands_in_the_table_and_the_other_way_round(typed: list[list[str]]):
    granted = {word.removeprefix("--role=roles/") for words in typed for word in words if "--role=" in word}
    (table,) = re.findall(r"\| who \|.*?\n\n", PAGE.read_text(), re.DOTALL)
    # People are granted nothing here: who sets a project up owns it.
    people = re.search(r"\| you, who submit.*?(?=\n\| [^|\s])", table, re.DOTALL)[0]
    assert granted == set(ROLE.findall(table.replace(people, "")))
    assert set(ROLE.findall(people)) - granted == {"cloudbuild.builds.editor"}


def test_what_is_created_is_deleted_again(typed: list[list[str]]):
    def kinds(*verbs: str) -> set[str]:
        """`gcloud KIND OF THING create …` -> `KIND OF THING`."""
        found = (re.match(rf"gcloud ([a-z -]+?) ({'|'.join(verbs)})\b", " ".join(words)) for words in typed)
        return {match[1] for match in found if match}

    made = kinds("create", "create-oidc", "deploy") - {"iam workload-identity-pools providers"}  # in the pool
    gone = kinds("delete")
    assert made - gone == {"storage buckets", "run", "ai custom-jobs"}  # which are paid for only while they run
    assert gone - made == {"run services", "ai endpoints", "ai models"}  # the latter are made by runs
    assert ["gcloud", "storage", "rm", "gs://my-project-aocr", "--recursive"] in typed


def test_the_trigger_watches_what_the_workflow_watches(typed: list[list[str]]):
    (trigger,) = [words for words in typed if words[:4] == ["gcloud", "builds", "triggers", "create"]]
    flags = dict(word.split("=", 1) for word in trigger if "=" in word)
    workflow = yaml.safe_load((ROOT / ".github/workflows/retrain.yaml").read_text())
    paths = workflow[True]["push"]["paths"]  # YAML reads `on` as true
    assert set(flags["--included-files"].split(",")) == {path for path in paths if path[0] != "!"}
    assert set(flags["--ignored-files"].split(",")) == {path[1:] for path in paths if path[0] == "!"}


def test_the_workflow_is_started_and_set_up_by_names_that_it_has(typed: list[list[str]]):
    text = (ROOT / ".github/workflows/retrain.yaml").read_text()
    (started,) = [shlex.split(line) for line in re.findall(r"`(gh workflow run [^`]+)`", prose())]
    inputs = yaml.safe_load(text)[True]["workflow_dispatch"]["inputs"]
    assert started[3] == "retrain.yaml" and started[5].partition("=")[0] in inputs
    needed = {words[3] for words in typed if words[:3] == ["gh", "variable", "set"]}
    optional = {row[0] for row in settings_of_ci() if row[0]}
    assert needed | optional == set(re.findall(r"vars\.(\w+)", text)) and not needed & optional


def settings_of_ci() -> list[list[str]]:
    """The rows of the table of what CI may be told, without backticks."""
    (table,) = re.findall(r"\| GitHub \| Cloud Build .*?\n\n", PAGE.read_text(), re.DOTALL)
    rows = [line.strip("|").split("|") for line in table.replace("`", "").strip().splitlines()[2:]]
    return [[cell.strip() for cell in row] for row in rows]


def test_the_build_may_be_told_what_the_page_says():
    substitutions = yaml.safe_load((ROOT / "cloudbuild.yaml").read_text())["substitutions"]
    rows = settings_of_ci()
    assert {name for row in rows for name in row[1].split(", ")} == set(substitutions)
    for row in rows:
        for name, default in zip(row[1].split(", "), row[2].split(", "), strict=True):
            assert default == substitutions[name] or (
                not substitutions[name] and default.startswith(("none", "that of"))
            )


def test_the_machines_of_accelerators_are_those_that_are_chosen():
    (table,) = re.findall(r"\| accelerator \|.*?\n\n", PAGE.read_text(), re.DOTALL)
    head, _, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.strip().splitlines()]
    assert len(rows) == len(workers.MACHINES) + 1
    for name, *machines, price in rows:
        kind = re.findall(r"`(\w+)`", name)[0]
        for count, machine in zip((int(cell.split()[0]) for cell in head[1:-1]), machines, strict=True):
            asked = workers.WorkerOptions(worker_accelerator=f"{kind}:{count}").machine()
            assert asked["machineType"] == machine
        assert price.startswith("in ") == (kind in workers.MACHINES)


def test_the_function_starts_with_the_variables_that_it_is_deployed_with(
    typed: list[list[str]], monkeypatch: pytest.MonkeyPatch
):
    (deploy,) = [words for words in typed if words[:3] == ["gcloud", "run", "deploy"]]
    flags = dict(word.split("=", 1) for word in deploy if word.startswith("--") and "=" in word)
    for name in [name for name in os.environ if name.startswith(("AOCR_", "GOOGLE_CLOUD_"))]:
        monkeypatch.delenv(name)
    mark, listed = re.fullmatch(r"\^(.)\^(.*)", flags["--set-env-vars"]).groups()
    for variable in listed.split(mark):
        monkeypatch.setenv(*variable.split("=", 1))
    loaded = settings.load()
    assert loaded.wants("gs://my-project-aocr/plates/annotations.txt")
    assert loaded.written == ("gs://my-project-aocr/runs", "gs://my-project-aocr/serving")
    assert os.environ["GOOGLE_CLOUD_PROJECT"] == "my-project" and "--pin" in loaded.words
    command = [flags["--command"], *flags["--args"].split(",")]
    assert command == ["python", "-m", "pipelines.event"] and find_spec("pipelines.event.__main__")


def lint(commands: list[str], folder: Path) -> list[dict]:
    """What gcloud's own check says of commands; it asks nobody."""
    file = folder / "commands.json"
    file.write_text(json.dumps([{"command_string": command} for command in commands]))
    words = ["gcloud", "meta", "lint-gcloud-commands", f"--commands-file={file}"]
    environment = os.environ | {"CLOUDSDK_CONFIG": str(folder / "config"), "CLOUDSDK_CORE_DISABLE_PROMPTS": "1"}
    ended = subprocess.run(words, capture_output=True, text=True, timeout=300, env=environment)
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("gcloud") is None, reason="needs gcloud")
def test_gcloud_understands_every_command(typed: list[list[str]], tmp_path: Path):
    commands = [shlex.join(words) for words in typed if words[0] == "gcloud"]
    commands += [line.replace("$", "") for line in re.findall(r"`(gcloud [^`]+)`", prose())]
    commands = list(dict.fromkeys(commands))
    *found, broken = lint([*commands, "gcloud storage buckets create gs://b --colour=red"], tmp_path)
    assert len(found) == len(commands) > 50
    assert {result["command_string"]: result["error_message"] for result in found if not result["success"]} == {}
    assert not broken["success"]  # else it would understand anything
