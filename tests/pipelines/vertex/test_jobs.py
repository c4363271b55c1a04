"""Runs on the stand-in for Vertex AI, over the wire of the real client library."""

import re
import time

import pytest
from google.api_core import exceptions

from aocr_core import storage
from aocr_core.errors import AocrError, UsageError
from components.vertex import changes, connection
from pipelines.vertex import experiment, jobs, report
from pipelines.vertex.follow import follow
from tests.pipelines.vertex import toys


def run(here, pipeline, parameters, **chosen) -> report.RunReport:
    job = toys.submitted(here, pipeline, parameters, **chosen)
    look = toys.look(here, job)
    return follow(look(), look, terminal=False)


def states(found: report.RunReport) -> list[str]:
    return [step.state for step in found.steps]


def until(condition, seconds: float = 60.0) -> None:
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.1)


@pytest.mark.slow
def test_steps_run_their_outputs_lie_in_the_bucket_and_are_reused(vertex, bucket: str, capsys):
    here = toys.connection(vertex)
    first = run(here, toys.gate, {"value": 2})
    assert (first.state, states(first)) == ("succeeded", ["done", "done"])
    box = first.step("number").outputs["box"]
    assert box.startswith(f"{bucket}/runs/") and storage.read_bytes(box) == b"2"
    assert first.step("number").figures == {"value": 2.0}
    told = re.sub(r"\d:\d\d", "0:00", capsys.readouterr().err).splitlines()
    assert told == ["1 Number: done in 0:00", "2 Sleep: done in 0:00"]
    again = run(here, toys.gate, {"value": 2})
    assert states(again) == ["reused", "done"]
    assert again.step("number").outputs["box"] == box
    assert states(run(here, toys.gate, {"value": 2}, caching=False)) == ["done", "done"]
    assert [found.state for found in map(report.of, jobs.latest(here, "toy-gate", 10))] == ["succeeded"] * 3
    assert len(jobs.latest(here, "toy-gate", 2)) == 2
    assert jobs.latest(here, "another", 10) == []


@pytest.mark.slow
def test_steps_behind_a_false_condition_and_after_a_failure_do_not_run(vertex, bucket: str):
    here = toys.connection(vertex)
    closed = run(here, toys.gate, {"value": 0})
    assert (closed.state, states(closed)) == ("succeeded", ["done", "skipped"])
    failed = run(here, toys.gate, {"value": -1})
    assert (failed.state, states(failed)) == ("failed", ["failed", "skipped"])
    assert failed.complaint.startswith("step 1 Number failed: ")
    assert "Console" in failed.text() and "2 Sleep" in failed.text()


@pytest.mark.slow
def test_a_cancelled_run_ends(vertex, bucket: str):
    here = toys.connection(vertex)
    job = toys.submitted(here, toys.long, {"seconds": 300.0})
    look = toys.look(here, job)
    until(lambda: states(look()) == ["running"])
    jobs.cancel(here, job.name.rpartition("/")[2])
    last = follow(look(), look, terminal=False)
    assert (last.state, states(last)) == ("cancelled", ["interrupted"])
    with pytest.raises(AocrError, match=r"cannot cancel projects/p/.*: refused: .*final state"):
        jobs.cancel(here, job.name)


def test_a_run_is_looked_up_by_its_id(vertex):
    vertex.jobs.running = False
    here = toys.connection(vertex)
    job = jobs.submit(here, toys.wanted(here, toys.gate, {}, job_id="first"))
    assert job.name == "projects/p/locations/europe-west1/pipelineJobs/first"
    assert jobs.get(here, "first").name == jobs.get(here, job.name).name == job.name
    with pytest.raises(AocrError, match=r"^cannot look up .*/nowhere: not found: "):
        jobs.get(here, "nowhere")
    with pytest.raises(UsageError, match="is no run"):
        jobs.get(here, "No such name")
    with pytest.raises(jobs.ExistsError, match=r"^cannot submit to .*already exists"):
        jobs.submit(here, toys.wanted(here, toys.gate, {}, job_id="first"))


def test_a_run_that_was_there_before_is_told_from_one_whose_answer_was_lost(vertex):
    vertex.jobs.running = False
    here = toys.connection(vertex)
    jobs.submit(here, toys.wanted(here, toys.gate, {}, job_id="first"))
    vertex.faults.once("GetPipelineJob", error=exceptions.ServiceUnavailable("later"))
    with pytest.raises(jobs.ExistsError):
        jobs.submit(here, toys.wanted(here, toys.gate, {}, job_id="first"))
    # Of 409, Vertex AI knows others.
    vertex.faults.once("CreatePipelineJob", error=exceptions.Aborted("two at a time"))
    with pytest.raises(AocrError, match="two at a time") as caught:
        jobs.submit(here, toys.wanted(here, toys.gate, {}, job_id="second"))
    assert not isinstance(caught.value, jobs.ExistsError)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Too few seconds to wait for, but more than one try needs."""
    monkeypatch.setattr(connection, "PATIENCE_SECONDS", 20.0)


@pytest.mark.parametrize(
    ("fault", "calls"),
    [({"error": exceptions.ServiceUnavailable("later")}, 1), ({"silent": True}, 1), ({"late": True}, 2)],
)
def test_one_run_is_started_whatever_happens_on_the_way(vertex, patient, fault: dict, calls: int):
    vertex.jobs.running = False
    vertex.faults.once("CreatePipelineJob", **fault)
    here = toys.connection(vertex, request_timeout=0.7)
    job = toys.submitted(here, toys.gate, {})
    assert list(vertex.jobs.stored) == [job.name]
    assert vertex.names().count("CreatePipelineJob") >= calls


def test_a_cancelled_run_is_cancelled_once(vertex, patient):
    vertex.jobs.running = False
    here = toys.connection(vertex, request_timeout=0.7)
    job = toys.submitted(here, toys.gate, {})
    vertex.faults.once("CancelPipelineJob", late=True)
    jobs.cancel(here, job.name)
    assert toys.look(here, job)().state == "cancelled"


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (exceptions.Forbidden("Permission 'aiplatform.pipelineJobs.create' denied"), "no permission: Permission 'aipl"),
        (exceptions.TooManyRequests("Quota exceeded for ..."), "out of quota: Quota exceeded"),
        (exceptions.NotFound("The project p does not exist"), "not found: The project"),
        (exceptions.BadRequest("Network is\nnot peered"), "refused: Network is"),
    ],
)
def test_a_refusal_is_told_in_one_line_and_not_repeated(vertex, error, message: str):
    vertex.faults.once("CreatePipelineJob", error=error)
    here = toys.connection(vertex)
    with pytest.raises(AocrError, match=f"^cannot submit to projects/p/locations/europe-west1: {message}") as caught:
        toys.submitted(here, toys.gate, {})
    assert "\n" not in str(caught.value)
    assert vertex.jobs.stored == {}


def test_what_vertex_does_not_know_is_refused(vertex):
    here = toys.connection(vertex)
    for parameters, message in (
        ({"valeu": 1}, "no parameters"),
        ({"value": "1"}, "another type"),
        ({"value": 1.5}, "another type"),
    ):
        with pytest.raises(AocrError, match=f"refused: .*{message}"):
            toys.submitted(here, toys.gate, parameters)


def test_nobody_there_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setattr(connection, "PATIENCE_SECONDS", 0.5)
    place = toys.Place(project="p", api_endpoint="http://127.0.0.1:9")
    with pytest.raises(AocrError, match=r"^cannot look up .*: no connection: "):
        jobs.get(connection.Connection(place), "job")
    (at_once,) = capsys.readouterr().err.splitlines()
    assert at_once.startswith("aocr-pipeline: http://127.0.0.1:9: no connection: ") and "asking again" in at_once


@pytest.mark.parametrize("fault", [{"error": exceptions.ServiceUnavailable("later")}, {"late": True}])
@pytest.mark.parametrize("rpc", ["GetContext", "CreateContext", "GetMetadataStore", "CreateMetadataStore"])
def test_what_passes_keeps_no_run_from_its_experiment(vertex, monkeypatch: pytest.MonkeyPatch, rpc: str, fault: dict):
    monkeypatch.setattr(changes, "FIRST_WAIT", 0.05)
    monkeypatch.setattr(changes, "SETTLE_SECONDS", 1.0)
    vertex.faults.once(rpc, **fault)
    resource = experiment.prepare(toys.connection(vertex, request_timeout=1), "words")
    assert (vertex.faults.met, list(vertex.metadata.contexts)) == (1, [resource])


def test_a_run_is_listed_in_an_experiment(vertex):
    vertex.jobs.running = False
    here = toys.connection(vertex)
    for _ in range(2):
        resource = experiment.prepare(here, "words", toys.KEY)
    (store,) = vertex.metadata.stores.values()
    assert store.encryption_spec.kms_key_name == toys.KEY
    assert resource == f"{here.parent}/metadataStores/default/contexts/words"
    assert [vertex.names().count(name) for name in ("CreateMetadataStore", "CreateContext")] == [1, 2]
    job = toys.submitted(here, toys.gate, {})
    for _ in range(2):
        experiment.add(here, resource, lambda: jobs.get(here, job.name))
    assert vertex.metadata.children == {resource: [job.job_detail.pipeline_run_context.name]}
    with pytest.raises(UsageError, match="--experiment My Words"):
        experiment.prepare(here, "My Words")
    vertex.metadata.contexts[resource].schema_title = "system.PipelineRun"
    with pytest.raises(AocrError, match=r"there is a system.PipelineRun of that name"):
        experiment.prepare(here, "words")
