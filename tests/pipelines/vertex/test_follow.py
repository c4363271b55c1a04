"""The way of a run as it is shown, from states as Vertex AI gives them."""

from contextlib import nullcontext
from datetime import UTC, datetime, timedelta

import pytest
from google.cloud.aiplatform_v1.types import PipelineJob, PipelineState, PipelineTaskDetail

from aocr_core.errors import AocrError
from pipelines import spec
from pipelines.vertex import follow, report, watch
from tests.pipelines.vertex import toys

BEGAN = datetime(2027, 1, 31, 3, tzinfo=UTC)


def job(state: str, error: str = "", pipeline=toys.gate, **tasks: str) -> PipelineJob:
    found = PipelineJob(name="projects/p/locations/l/pipelineJobs/run-1", start_time=BEGAN)
    PipelineJob.pb(found).pipeline_spec.update(pipeline if isinstance(pipeline, dict) else toys.compiled(pipeline))
    found.state = PipelineState[f"PIPELINE_STATE_{state}"]
    if state in ("SUCCEEDED", "FAILED", "CANCELLED"):
        found.end_time = BEGAN + timedelta(minutes=2)
    if error:
        found.error = {"code": 9, "message": error}
    for name, task in tasks.items():
        detail = PipelineTaskDetail(task_name=name, state=PipelineTaskDetail.State[task], start_time=BEGAN)
        if task != "RUNNING":
            detail.end_time = BEGAN + timedelta(seconds=65)
        found.job_detail.task_details.append(detail)
    return found


def shown(monkeypatch: pytest.MonkeyPatch, *jobs: PipelineJob) -> report.RunReport:
    monkeypatch.setattr(follow.time, "sleep", lambda _: None)
    looks = map(report.of, jobs)
    return follow.follow(next(looks), lambda: next(looks), terminal=False)


def test_each_step_is_told_once(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    last = shown(
        monkeypatch,
        job("PENDING"),
        job("RUNNING", number="RUNNING"),
        job("RUNNING", number="RUNNING"),
        job("RUNNING", number="SUCCEEDED", sleep="PENDING"),
        job("SUCCEEDED", number="SUCCEEDED", sleep="SUCCEEDED"),
    )
    assert capsys.readouterr().err.splitlines() == ["1 Number: done in 1:05", "2 Sleep: done in 1:05"]
    assert (last.state, last.seconds, last.complaint) == ("succeeded", 120.0, "succeeded")


def test_a_step_that_was_never_seen_at_work_is_told_too(monkeypatch, capsys):
    last = shown(monkeypatch, job("FAILED", "The DAG failed.\nSee above.", number="SKIPPED", sleep="FAILED"))
    assert capsys.readouterr().err.splitlines() == ["1 Number: reused", "2 Sleep: failed in 1:05"]
    assert last.complaint == "step 2 Sleep failed: see its log in the console"
    assert "Error      step 2 Sleep failed" in last.text()


def test_a_run_that_died_before_its_first_step_says_why():
    assert report.of(job("FAILED", "No such\nimage.")).complaint == "No such image."
    assert report.of(job("FAILED")).complaint == "failed"


def test_a_task_that_is_no_step_is_passed_over():
    found = report.of(job("RUNNING", number="SUCCEEDED", **{"condition-1": "RUNNING"}))
    assert [step.state for step in found.steps] == ["done", "waiting"]


def test_in_a_run_that_is_over_nothing_is_waited_for():
    """Whether or not Vertex AI says something of the steps behind a condition that was false."""
    found = report.of(job("SUCCEEDED", number="SUCCEEDED"))
    assert [step.state for step in found.steps] == ["done", "skipped"]
    found = report.of(job("CANCELLED", number="CANCELLED", sleep="PENDING"))
    assert [step.state for step in found.steps] == ["interrupted", "skipped"]


@pytest.mark.parametrize(
    ("decided", "verdict", "message"),
    [
        ({"approved": True}, "approved", None),
        ({"approved": False}, "NOT approved", "not approved, so it was not deployed: 40.0 % is below"),
        ({"approved": False, "verdict": "no_change"}, "no change", None),
        ({}, None, "not approved, so it was not deployed: no reason was recorded"),
    ],
)
def test_a_model_that_was_not_approved_ends_the_command(
    monkeypatch, capsys, decided: dict, verdict: str | None, message: str | None
):
    deployment = {"deploy": "SUCCEEDED"} if decided.get("approved") else {}
    over = job("SUCCEEDED", pipeline=spec.load(), approve="SUCCEEDED", **deployment)
    figures = decided and {"reasons": "40.0 % is below 50.0 %", **decided}
    decision = {"schema_title": "system.Metrics", "uri": "gs://b/decision", "metadata": figures}
    over.job_detail.task_details[0].outputs["decision"] = {"artifacts": [decision]}
    monkeypatch.setattr(watch.jobs, "get", lambda connection, name: over)
    with pytest.raises(AocrError, match=message) if message else nullcontext():
        watch.until_over(None, "run-1")  # type: ignore[arg-type]
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("Verdict")]
    assert lines == ([f"Verdict    {verdict}: 40.0 % is below 50.0 %"] if verdict else [])


def test_a_failed_run_ends_the_command_with_the_step(monkeypatch):
    monkeypatch.setattr(watch.jobs, "get", lambda connection, name: job("FAILED", number="FAILED"))
    with pytest.raises(AocrError, match="the run run-1 failed: step 1 Number failed: see its log in the console"):
        watch.until_over(None, "run-1")  # type: ignore[arg-type]


def test_a_cancelled_run_ends_the_command_as_well(monkeypatch, capsys):
    monkeypatch.setattr(watch.jobs, "get", lambda connection, name: job("CANCELLED", number="CANCELLED"))
    with pytest.raises(AocrError, match="the run run-1 was cancelled"):
        watch.until_over(None, "run-1")  # type: ignore[arg-type]
    assert "1 Number: interrupted after 1:05" in capsys.readouterr().err


def test_who_stops_waiting_is_told_that_the_run_goes_on(monkeypatch, capsys):
    def interrupted(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(watch.jobs, "get", lambda connection, name: job("RUNNING", number="RUNNING"))
    monkeypatch.setattr(follow.time, "sleep", interrupted)
    with pytest.raises(KeyboardInterrupt):
        watch.until_over(None, "projects/p/locations/l/pipelineJobs/run-1")  # type: ignore[arg-type]
    assert "the run goes on: aocr-pipeline status run-1 --wait" in capsys.readouterr().err


def test_a_lost_connection_is_not_taken_for_the_end_of_the_run(monkeypatch):
    looks = iter([job("RUNNING", number="RUNNING")])

    def get(connection, name):
        for found in looks:
            return found
        raise AocrError("cannot look up run-1: no connection")

    monkeypatch.setattr(watch.jobs, "get", get)
    monkeypatch.setattr(follow.time, "sleep", lambda _: None)
    with pytest.raises(AocrError, match="no connection; the run goes on: aocr-pipeline status run-1 --wait"):
        watch.until_over(None, "run-1")  # type: ignore[arg-type]
