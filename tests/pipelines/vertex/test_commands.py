"""`submit`, `status`, `cancel` and `schedule` as a user types them, against the stand-in for Vertex AI."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from google.api_core.exceptions import Forbidden
from google.protobuf import json_format

from aocr_core import storage
from aocr_core.errors import AocrError
from pipelines import spec
from pipelines.cli import command
from tests.pipelines.conftest import DIGEST
from tests.pipelines.vertex.toys import IMAGE

RUN = ("--annotations", "gs://words/a.txt", "--serving-dir", "gs://words/serving", "--pipeline-root", "gs://words/runs")
KNOWN = (*RUN, "--data-version", "1")


@pytest.fixture(autouse=True)
def nothing_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AOCR_IMAGE", "AOCR_PIPELINE_ROOT", "GOOGLE_CLOUD_PROJECT", "GOOGLE_CLOUD_LOCATION"):
        monkeypatch.delenv(name, raising=False)
    # Where nobody answers, lest a test ask Google.
    monkeypatch.setenv("AOCR_VERTEX_ENDPOINT", "http://127.0.0.1:9")


@pytest.fixture
def here(vertex, monkeypatch: pytest.MonkeyPatch):
    vertex.jobs.running = False
    monkeypatch.setenv("AOCR_VERTEX_ENDPOINT", vertex.url)
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "p")
    monkeypatch.setenv("AOCR_IMAGE", IMAGE)
    return vertex


def ask(*words: str) -> Result:
    """The command's output; an error is raised."""
    result = CliRunner().invoke(command, words)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_a_dry_run_prints_what_would_be_sent_and_sends_nothing(here):
    words = ("submit", *KNOWN, "--job-id", "run-1", "--num-epoch", "3", "--no-augment", "--label", "team=ocr")
    words += ("--cpu", "train=8", "--service-account", "a@p.iam.gserviceaccount.com", "--failure-policy", "fast")
    printed = json.loads(ask(*words, "--dry-run").stdout)
    assert here.calls == []
    assert printed["pipelineJob"]["runtimeConfig"]["parameterValues"]["num_epoch"] == 3
    assert ask(*words).stdout == "run-1\n"
    ((name, sent),) = here.calls
    assert name == "CreatePipelineJob"
    assert json_format.MessageToDict(type(sent).pb(sent)) == printed


def test_options_count_more_than_the_file(here, tmp_path: Path):
    file = tmp_path / "parameters.json"
    file.write_text('{"annotations": "gs://words/a.txt", "num_epoch": 5, "seed": 2, "color": true}')
    ask("submit", *KNOWN[2:], "--parameters", str(file), "--seed", "7", "--no-color")
    values = here.calls[0][1].pipeline_job.runtime_config.parameter_values
    assert {name: values[name] for name in ("annotations", "num_epoch", "seed", "color")} == {
        "annotations": "gs://words/a.txt",
        "num_epoch": 5,
        "seed": 7,
        "color": False,
    }


def test_a_run_knows_what_it_learns_from(here, bucket: str):
    versions = []
    for content in (b"1.png one\n", b"1.png two\n", b"1.png one\n"):
        storage.write_bytes(f"{bucket}/a.txt", content)
        ask("submit", *RUN)
        versions.append(here.calls[-1][1].pipeline_job.runtime_config.parameter_values["data_version"])
    assert versions[0] == versions[2] != versions[1]
    ask("submit", *RUN, "--data-version", "mine")
    assert here.calls[-1][1].pipeline_job.runtime_config.parameter_values["data_version"] == "mine"


def test_missing_annotations_are_noticed_before_anything_is_paid_for(here, bucket: str):
    with pytest.raises(AocrError, match=r"gs://words/none\.txt.*--data-version"):
        ask("submit", *RUN, "--annotations", "gs://words/none.txt")
    assert here.calls == []


def test_an_image_with_a_tag_is_sent_with_a_warning(here):
    told = ask("submit", *KNOWN, "--image", "registry.example/p/r/i:2").stderr
    assert "the tag 2 may come to stand for another image" in told
    assert "the tag" not in ask("submit", *KNOWN).stderr


def images(here) -> set[str]:
    """Those of the run that was submitted last."""
    sent = here.calls[-1][1]
    compiled = json_format.MessageToDict(type(sent).pb(sent).pipeline_job.pipeline_spec)
    return {container["image"] for container in spec.containers(compiled).values()}


@pytest.mark.parametrize("words", [(), ("--pin",)])
def test_a_tag_is_sent_as_the_digest_that_it_stands_for_now(here, registry: str, words: tuple[str, ...]):
    assert "the tag" not in ask("submit", *KNOWN, "--image", f"{registry}/p/aocr:1", *words).stderr
    assert images(here) == {f"{registry}/p/aocr@{DIGEST}"}


def test_a_registry_that_does_not_answer_keeps_no_run_from_starting(here, registry: str):
    told = ask("submit", *KNOWN, "--image", f"{registry}/p/secret:1").stderr
    assert "/p/secret:1: no permission to read it; the tag 1 may come to stand for another image" in told
    assert images(here) == {f"{registry}/p/secret:1"}
    with pytest.raises(AocrError, match="no permission to read it"):
        ask("submit", *KNOWN, "--image", f"{registry}/p/secret:1", "--pin")
    with pytest.raises(AocrError, match="there is no such image"):
        ask("submit", *KNOWN, "--image", f"{registry}/p/aocr:2")
    assert len(here.calls) == 1


def test_a_tag_is_sent_as_it_is_if_that_is_wanted(here, registry: str):
    assert "the tag 2 may come to stand" in ask("submit", *KNOWN, "--image", f"{registry}/p/aocr:2", "--no-pin").stderr
    assert images(here) == {f"{registry}/p/aocr:2"}


def test_a_run_is_put_into_an_experiment(here):
    assert ask("submit", *KNOWN, "--job-id", "run-1", "--experiment", "words").stdout == "run-1\n"
    ((experiment, runs),) = here.metadata.children.items()
    assert experiment.endswith("/contexts/words") and [run.rpartition("/")[2] for run in runs] == ["run-1"]


def test_a_run_that_no_experiment_takes_is_under_way_all_the_same(here):
    here.faults.once("AddContextChildren", error=Forbidden("not for you"))
    ended = ask("submit", *KNOWN, "--job-id", "run-1", "--experiment", "words")
    assert (ended.stdout, ended.exit_code) == ("run-1\n", 0)
    assert "no permission: not for you" in ended.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (RUN[:4], "^--pipeline-root is missing"),
        (RUN[2:], "^--annotations is missing"),
        ((*RUN, "--annotations", "here.txt"), "^--annotations here.txt: Vertex AI cannot see this machine"),
        ((*RUN, "--serving-dir", "build/serving"), "^--serving-dir build/serving: Vertex AI cannot see"),
        ((*RUN, "--pipeline-root", "runs"), "^--pipeline-root: input should be like gs://BUCKET"),
        ((*RUN, "--job-id", "Run 1"), "^--job-id Run 1: only a-z"),
        ((*RUN, "--min-accuracy", "90"), "^--min-accuracy: "),
        ((*RUN, "--image", "europe-docker.pkg.dev/PROJECT/r/i"), "put your project in the place of PROJECT"),
        ((*RUN, "--network", "default"), "^--network: input should be like projects/"),
        ((*RUN, "--kms-key", "key"), "^--kms-key: input should be like projects/"),
        ((*RUN, "--api-endpoint", "ftp://x"), "^--api-endpoint: input should be like https://"),
    ],
)
def test_mistakes_are_told_in_one_line(here, words: tuple[str, ...], message: str):
    with pytest.raises(AocrError, match=message) as caught:
        ask("submit", *words)
    assert "\n" not in str(caught.value)
    assert here.calls == []


def test_without_a_project_the_message_says_how_to_name_one(here, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("GOOGLE_CLOUD_PROJECT")
    with pytest.raises(AocrError, match="no project: name it with --project"):
        ask("submit", *KNOWN)


def test_without_a_login_the_message_says_how_to_log_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.delenv("AOCR_VERTEX_ENDPOINT")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    with pytest.raises(AocrError, match="not logged in; run `gcloud auth application-default login`"):
        ask("status", "--project", "p")


def test_runs_are_listed_shown_and_cancelled(here):
    for number in range(3):
        ask("submit", *KNOWN, "--job-id", f"run-{number}")
    lines = ask("status").stdout.splitlines()
    assert [line.split()[:2] for line in lines] == [[f"run-{number}", "pending"] for number in (2, 1, 0)]
    assert len(ask("status", "--number", "1").stdout.splitlines()) == 1
    assert "1 Build TFRecords  waiting" in ask("status", "run-1").stdout
    found = json.loads(ask("status", "run-1", "--json").stdout)
    assert [step["name"] for step in found["steps"]] == [step.name for step in spec.steps(spec.load())]
    ask("cancel", "run-1")
    assert json.loads(ask("status", "run-1", "--json").stdout)["state"] == "cancelled"
    assert ask("cancel", "run-1").stdout == "run-1 is over already: cancelled\n"


def test_a_schedule_from_its_creation_to_its_end(here):
    words = ("schedule", "set", "nightly", "--cron", "TZ=Europe/Berlin 0 3 * * *", *RUN)
    printed = json.loads(ask(*words, "--dry-run").stdout)
    assert here.calls == [] and printed["cron"] == "TZ=Europe/Berlin 0 3 * * *"
    assert ask(*words).stdout == "nightly: created, active\n"
    assert ask(*words).stdout == "nightly: unchanged, active\n"
    assert ask(*words, "--max-runs", "3").stdout == "nightly: updated, active\n"
    assert ask("schedule", "list").stdout == "nightly  active  TZ=Europe/Berlin 0 3 * * *\n"
    assert [ask("schedule", "pause", "nightly").stdout for _ in range(2)] == [
        "nightly: paused\n",
        "nightly: paused already\n",
    ]
    assert ask("schedule", "resume", "nightly", "--catch-up").stdout == "nightly: active\n"
    assert ask("schedule", "delete", "nightly").stdout == "nightly: deleted\n"
    assert ask("schedule", "delete", "nightly").stdout == "nightly: there is no such schedule\n"
    # What a scheduled run learns from is found out by the run: no step of an earlier one will do.
    tasks = printed["createPipelineJobRequest"]["pipelineJob"]["pipelineSpec"]["root"]["dag"]["tasks"].values()
    assert not any(task["cachingOptions"].get("enableCache") for task in tasks)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--cron", "often"), "--cron 'often': five fields"),
        (("--cron", "* * * * *", "--start", "tomorrow"), "--start tomorrow: write 2027"),
        (("--cron", "* * * * *", "--end", "2027-01-01"), "the time zone is missing"),
        (("--cron", "* * * * *", "--experiment", "words"), "cannot put scheduled runs into an experiment"),
    ],
)
def test_a_wrong_schedule_is_refused_at_once(here, words: tuple[str, ...], message: str):
    with pytest.raises(AocrError, match=message):
        ask("schedule", "set", "nightly", *RUN, *words)
    assert here.calls == []


def test_every_parameter_of_the_pipeline_is_an_option_and_explained():
    from pipelines.submit import command as submit

    found = {option.name: option for option in submit.params}
    for parameter in spec.parameters(spec.load()):
        assert found[parameter.name].help.split()[:3] == parameter.description.split()[:3]
    assert all(len(option.help) > 10 for option in submit.params)
    assert "becomes serving_dir/model_name/<next version>" in found["serving_dir"].help
    assert "PydanticUndefined" not in ask("submit", "--help").stdout


def test_help_loads_neither_kfp_nor_google():
    import subprocess
    import sys

    code = (
        "import sys\n"
        "from click.testing import CliRunner\n"
        "from pipelines.cli import command\n"
        "for words in (['submit'], ['status'], ['cancel'], ['schedule', 'set']):\n"
        "    assert CliRunner().invoke(command, [*words, '--help']).exit_code == 0\n"
        "assert not {'kfp', 'tensorflow', 'google.auth', 'google.cloud.aiplatform_v1'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
