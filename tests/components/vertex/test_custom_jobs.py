"""Jobs of several processes on the stand-in for Vertex AI: started once, found again, ended together."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud.aiplatform_v1 import JobServiceClient

from aocr_core.errors import AocrError
from components.vertex import changes, connection, custom_jobs
from components.vertex.connection import Connection
from components.vertex.place import Place

ROOT = Path(__file__).parents[3]
WAIT = "import pathlib, time\nwhile not pathlib.Path('../over').exists(): time.sleep(0.05)"
"""A replica that works until the test says that it is over."""
TELL = """
import json, os, pathlib, time
told = json.loads(os.environ["TF_CONFIG"])
place = pathlib.Path("..", "{type}-{index}".format_map(told["task"]))
place.write_text(json.dumps(told))
place.rename(place.with_suffix(".json"))
while len(list(place.parent.glob("*.json"))) < 3:
    time.sleep(0.02)
"""
"""A replica that writes down what it was told, and ends when all three have."""


@pytest.fixture
def here(vertex, monkeypatch: pytest.MonkeyPatch) -> Connection:
    for module in (custom_jobs, changes):
        monkeypatch.setattr(module, "FIRST_WAIT", 0.05)
    return Connection(Place(project="p", location="l", api_endpoint=vertex.url, request_timeout=2))


def wanted(program: str, workers: int = 1, **scheduling: Any) -> dict[str, Any]:
    container = {"imageUri": "h/i:1", "command": [sys.executable, "-c", program]}
    pools = [1, workers - 1] if workers > 1 else [1]
    return {
        "displayName": "words",
        "jobSpec": {
            "workerPoolSpecs": [
                {"machineSpec": {"machineType": "n1-standard-4"}, "replicaCount": count, "containerSpec": container}
                for count in pools
            ],
            "scheduling": scheduling,
        },
    }


def started(here: Connection, job: dict[str, Any]) -> Any:
    from google.cloud.aiplatform_v1.types import CustomJob
    from google.protobuf import json_format

    client = here.client(JobServiceClient)
    return client.create_custom_job(parent=here.parent, custom_job=json_format.ParseDict(job, CustomJob.pb()()))


def until(condition: Any, seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def folder(vertex, job: Any) -> Path:
    return vertex.custom_jobs._folder / job.name.rpartition("/")[2]


def states(vertex) -> list[str]:
    return [job.state.name.removeprefix("JOB_STATE_") for job in vertex.custom_jobs.stored.values()]


def test_every_replica_learns_who_the_others_are(vertex, here: Connection):
    job = custom_jobs.run(here, wanted(TELL, workers=3))
    names = ("chief-0", "worker-0", "worker-1")
    told = [json.loads((folder(vertex, job) / f"{name}.json").read_bytes()) for name in names]
    assert told[0]["cluster"] == told[1]["cluster"] == told[2]["cluster"]
    assert {kind: len(hosts) for kind, hosts in told[0]["cluster"].items()} == {"chief": 1, "worker": 2}
    assert [one["task"] for one in told] == [
        {"type": "chief", "index": 0},
        {"type": "worker", "index": 0},
        {"type": "worker", "index": 1},
    ]


def test_a_failure_is_told_with_what_vertex_ai_says(vertex, here: Connection):
    with pytest.raises(
        AocrError, match=r"the job words has ended as failed: The replica workerpool0-0 exited .* of 3\."
    ):
        custom_jobs.run(here, wanted("raise SystemExit(3)"))


def test_what_vertex_ai_refuses_is_told(here: Connection):
    job = wanted("pass")
    job["jobSpec"]["workerPoolSpecs"] = []
    with pytest.raises(AocrError, match="cannot start the job words in projects/p/locations/l: refused: The replica"):
        custom_jobs.run(here, job)


def test_a_job_at_work_is_found_again(vertex, here: Connection):
    """By the step that is tried again after its own machine was lost, say."""
    job = started(here, wanted(WAIT))
    until(lambda: states(vertex) == ["RUNNING"])
    (folder(vertex, job) / "over").touch()
    assert custom_jobs.run(here, wanted(WAIT)).name == job.name
    assert custom_jobs.run(here, wanted(WAIT)).name == job.name  # also when it is over
    assert vertex.names().count("CreateCustomJob") == 1


def test_a_job_that_failed_is_started_again(vertex, here: Connection):
    for _ in range(2):
        with pytest.raises(AocrError, match="as failed"):
            custom_jobs.run(here, wanted("raise SystemExit(3)"))
    assert custom_jobs.run(here, wanted("pass")).state.name == "JOB_STATE_SUCCEEDED"
    assert states(vertex) == ["FAILED", "FAILED", "SUCCEEDED"]


def test_a_lost_answer_starts_no_second_job(vertex, here: Connection):
    vertex.faults.once("CreateCustomJob", late=True)
    custom_jobs.run(here, wanted("pass"))
    assert states(vertex) == ["SUCCEEDED"]


def test_a_request_that_is_done_long_after_it_was_given_up_starts_no_second_job(vertex, here: Connection):
    """Two jobs would write the same model folder."""
    held = lambda: vertex.names().count("ListCustomJobs") < 6 and "CreateCustomJob" not in vertex.names()  # noqa: E731
    vertex.faults.once("CreateCustomJob", held=held)
    custom_jobs.run(here, wanted("pass"))
    assert states(vertex) == ["SUCCEEDED"]


def test_a_request_that_never_arrived_is_made_again(vertex, here: Connection, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(changes, "SETTLE_SECONDS", 0.5)
    vertex.faults.once("CreateCustomJob", silent=True)
    custom_jobs.run(here, wanted("pass"))
    assert states(vertex) == ["SUCCEEDED"]


def test_a_job_is_waited_for_while_vertex_ai_does_not_say_how_it_stands(
    vertex, here: Connection, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    """Its machines work on and are paid for: longer than other requests are repeated, and when out of quota."""
    monkeypatch.setattr(connection, "PATIENCE_SECONDS", 0.0)
    for _ in range(2):
        vertex.faults.once("GetCustomJob", error=exceptions.ServiceUnavailable("later"))
        vertex.faults.once("GetCustomJob", error=exceptions.TooManyRequests("too many"))
    assert custom_jobs.run(here, wanted("pass")).state.name == "JOB_STATE_SUCCEEDED"
    assert vertex.faults.met == 4
    told = [line.message for line in caplog.records if line.levelname == "WARNING"]
    assert told[0] == "words: asking again how it stands: later"
    assert told[1].startswith("words: asking again how it stands: out of quota: too many (")


@pytest.mark.parametrize("error", [exceptions.ServiceUnavailable("later"), exceptions.Forbidden("not for you")])
def test_who_gives_up_a_job_says_where_it_is(
    vertex, here: Connection, monkeypatch: pytest.MonkeyPatch, error: exceptions.GoogleAPICallError
):
    monkeypatch.setattr(custom_jobs, "PATIENCE_HOURS", 0.0)
    vertex.custom_jobs.running = False
    vertex.faults.once("GetCustomJob", error=error)
    with pytest.raises(AocrError, match=f"cannot look up .*{error.message}.*; the job may be at work, .*/training/1"):
        custom_jobs.run(here, wanted("pass"))


def test_workers_start_again_when_a_spot_machine_is_taken_away(vertex, here: Connection):
    job = started(here, wanted(WAIT, workers=2, strategy="SPOT", restartJobOnWorkerRestart=True))
    until(lambda: states(vertex) == ["RUNNING"])
    first = dict(vertex.custom_jobs.replicas[job.name].processes)
    vertex.custom_jobs.take_away(job.name, "workerpool1-0")
    until(lambda: vertex.custom_jobs.replicas[job.name].processes != first)
    (folder(vertex, job) / "over").touch()
    assert custom_jobs.run(here, wanted(WAIT)).name == job.name
    assert all(process.returncode is not None for process in first.values())


def test_a_step_that_is_told_to_end_ends_its_job(vertex):
    """A run that was cancelled must not leave machines behind that are paid for."""
    script = (
        "import json, sys; from components.vertex import custom_jobs; "
        "from components.vertex.connection import Connection; from components.vertex.place import Place; "
        "custom_jobs.run(Connection(Place(project='p', location='l')), json.loads(sys.argv[1]))"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT), "AOCR_VERTEX_ENDPOINT": vertex.url}
    step = subprocess.Popen([sys.executable, "-c", script, json.dumps(wanted(WAIT))], env=environment)
    try:
        until(lambda: states(vertex) == ["RUNNING"])
        step.send_signal(signal.SIGTERM)
        assert step.wait(timeout=120) != 0
        until(lambda: states(vertex) == ["CANCELLED"])
    finally:
        step.kill()
