"""Events as they come, against the stand-in for Vertex AI and a bucket."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner
from google.api_core import exceptions
from google.protobuf import json_format

from aocr_core import gcs, storage
from pipelines import cli
from pipelines.event import handler, settings
from pipelines.event.upload import FINALIZED
from tests.pipelines.event.conftest import OPTIONS, uploaded

ANNOTATIONS = "gs://words/plates/annotations.txt"


@pytest.fixture
def log(capsys: pytest.CaptureFixture) -> Callable[[], list[tuple[str, str]]]:
    """Severity and message of what has been said since it was asked for last."""

    def lines() -> list[tuple[str, str]]:
        told = (json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{"))
        return [(line["severity"], line["message"]) for line in told]

    return lines


def sent(vertex: Any) -> list[dict[str, Any]]:
    calls = [request for name, request in vertex.calls if name == "CreatePipelineJob"]
    return [json_format.MessageToDict(type(request).pb(request)) for request in calls]


def parameters(vertex: Any) -> dict[str, Any]:
    return sent(vertex)[-1]["pipelineJob"]["runtimeConfig"]["parameterValues"]


def test_an_upload_starts_the_run_that_submit_would_start(here, loaded, log):
    data = uploaded(ANNOTATIONS)
    handler.handle(FINALIZED, data, loaded)
    (request,) = sent(here)
    words = [*OPTIONS.split(), "--annotations", ANNOTATIONS, "--data-version", data["generation"], "--dry-run"]
    by_hand = CliRunner().invoke(cli.command, ["submit", *words, "--job-id", request["pipelineJobId"]])
    assert request == json.loads(by_hand.stdout)
    assert log() == [("NOTICE", f"{ANNOTATIONS}: submitted as {request['pipelineJobId']}")]


def test_the_same_event_twice_is_one_run(here, loaded, log):
    data = uploaded(ANNOTATIONS)
    for _ in range(3):
        handler.handle(FINALIZED, data, loaded)
    assert len(here.jobs.stored) == 1
    assert [severity for severity, _ in log()] == ["NOTICE", "INFO", "INFO"]


def test_new_content_is_a_new_run_on_data_of_its_own(here, loaded):
    for content in (b"1.png one\n", b"1.png one\n2.png two\n"):
        handler.handle(FINALIZED, uploaded(ANNOTATIONS, content), loaded)
    versions = [request["pipelineJob"]["runtimeConfig"]["parameterValues"]["data_version"] for request in sent(here)]
    assert len(set(versions)) == len(here.jobs.stored) == 2


def test_an_answer_that_is_lost_does_not_make_a_second_run(here, environment, log):
    environment(AOCR_EVENT_SUBMIT=f"{OPTIONS} --request-timeout 2")
    here.faults.once("CreatePipelineJob", late=True)
    handler.handle(FINALIZED, uploaded(ANNOTATIONS), settings.load())
    assert len(here.jobs.stored) == 1
    assert [severity for severity, _ in log()] == ["NOTICE"]


def test_an_upload_that_is_out_of_date_is_left_to_the_event_of_the_newer_one(here, loaded, log):
    old, new = uploaded(ANNOTATIONS), uploaded(ANNOTATIONS)
    handler.handle(FINALIZED, old, loaded)
    assert here.calls == []
    handler.handle(FINALIZED, new, loaded)
    assert parameters(here)["data_version"] == new["generation"]
    assert "there is a newer one" in log()[0][1]


def test_a_file_that_is_gone_starts_nothing(here, loaded, log):
    data = uploaded(ANNOTATIONS)
    gcs.delete(ANNOTATIONS)
    handler.handle(FINALIZED, data, loaded)
    assert here.calls == []
    assert log() == [("NOTICE", f"{ANNOTATIONS}: no run: it has been deleted")]


@pytest.mark.parametrize("path", ["gs://words/plates/1.png", "gs://words/runs/7/rejected.txt"])
def test_other_objects_are_ignored(here, loaded, log, path: str):
    handler.handle(FINALIZED, uploaded(path), loaded)
    assert here.calls == []
    assert [severity for severity, _ in log()] == ["DEBUG"]


def test_nonsense_is_logged_and_done_with(here, loaded, log):
    handler.handle("google.cloud.storage.object.v1.deleted", uploaded(ANNOTATIONS), loaded)
    handler.handle(FINALIZED, {"bucket": "words"}, loaded)
    assert here.calls == []
    assert [severity for severity, _ in log()] == ["ERROR", "ERROR"]


def test_parameters_come_from_the_file_beside_the_annotations_and_else_from_the_settings(here, environment):
    storage.write_bytes("gs://words/default.json", b'{"num_epoch": 5, "serving_dir": "gs://words/serving"}')
    environment(AOCR_EVENT_SUBMIT="--parameters gs://words/default.json --seed 7")
    handler.handle(FINALIZED, uploaded(ANNOTATIONS), settings.load())
    assert (parameters(here)["num_epoch"], parameters(here)["seed"]) == (5, 7)
    near = b"num_epoch: 9\nseed: 1\nannotations: gs://words/another.txt\nserving_dir: gs://words/serving\n"
    storage.write_bytes("gs://words/plates/parameters.yaml", near)
    handler.handle(FINALIZED, uploaded(ANNOTATIONS), settings.load())
    assert (parameters(here)["num_epoch"], parameters(here)["seed"]) == (9, 7)
    assert parameters(here)["annotations"] == ANNOTATIONS


def test_a_dry_run_shows_the_request_and_sends_none(here, environment, log):
    environment(AOCR_EVENT_SUBMIT=f"{OPTIONS} --dry-run")
    handler.handle(FINALIZED, uploaded(ANNOTATIONS), settings.load())
    assert here.calls == []


@pytest.mark.parametrize(
    "error",
    [
        exceptions.TooManyRequests("quota exceeded"),
        exceptions.Forbidden("the role is missing"),
        exceptions.Unauthorized("who are you"),
        exceptions.Aborted("try again"),
    ],
)
def test_what_may_be_mended_is_asked_for_again(here, loaded, log, error: Exception):
    data = uploaded(ANNOTATIONS)
    here.faults.once("CreatePipelineJob", error=error)
    with pytest.raises(handler.LaterError):
        handler.handle(FINALIZED, data, loaded)
    assert here.jobs.stored == {}
    handler.handle(FINALIZED, data, loaded)
    assert len(here.jobs.stored) == 1
    assert [severity for severity, _ in log()] == ["WARNING", "NOTICE"]


def test_a_bucket_that_does_not_answer_is_asked_again(here, loaded, environment, monkeypatch, log):
    data = uploaded(ANNOTATIONS)
    monkeypatch.setattr("aocr_core.gcs_calls.PATIENCE", 0.1)
    environment(STORAGE_EMULATOR_HOST="http://127.0.0.1:9")
    with pytest.raises(handler.LaterError):
        handler.handle(FINALIZED, data, loaded)
    assert [severity for severity, _ in log()] == ["WARNING"]


@pytest.mark.parametrize("error", [exceptions.BadRequest("no such service account"), exceptions.NotFound("no project")])
def test_what_would_fail_again_is_logged_and_done_with(here, loaded, log, error: Exception):
    here.faults.once("CreatePipelineJob", error=error)
    handler.handle(FINALIZED, uploaded(ANNOTATIONS), loaded)
    ((severity, message),) = log()
    assert severity == "ERROR" and error.message in message


def test_a_broken_file_of_parameters_is_named(here, loaded, log):
    storage.write_bytes("gs://words/plates/parameters.yaml", b"num_epochs: 9\n")
    handler.handle(FINALIZED, uploaded(ANNOTATIONS), loaded)
    assert here.calls == []
    ((severity, message),) = log()
    assert severity == "ERROR"
    assert "gs://words/plates/parameters.yaml" in message and "did you mean num_epoch?" in message
