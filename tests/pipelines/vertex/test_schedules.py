"""Schedules on the stand-in for Vertex AI: whatever is asked for twice is done once."""

from datetime import UTC, datetime
from typing import Any

import pytest
from google.api_core import exceptions

from aocr_core.errors import AocrError
from components.vertex import changes, connection
from pipelines.vertex import request, schedules
from pipelines.vertex.schedules import Timing
from tests.pipelines.vertex import toys

NIGHTLY = Timing("0 3 * * *")


@pytest.fixture
def here(vertex) -> connection.Connection:
    vertex.jobs.running = False
    return toys.connection(vertex)


@pytest.fixture
def hasty(vertex) -> connection.Connection:
    """Gives up on an answer soon."""
    return toys.connection(vertex, request_timeout=0.7)


def put(here: connection.Connection, name: str, timing: Timing = NIGHTLY, **parameters: Any) -> tuple[Any, str]:
    wish = request.Wish(toys.options(), parameters)
    return schedules.put(here, schedules.message(here.parent, name, toys.compiled(toys.gate), wish, timing))


def test_a_schedule_is_created_changed_and_left_as_it_is(vertex, here):
    created, done = put(here, "nightly")
    assert (done, created.state.name, created.cron) == ("created", "ACTIVE", "0 3 * * *")
    assert put(here, "nightly")[1] == "unchanged"
    weekly = Timing("TZ=Europe/Berlin 0 4 * * 1", max_runs=5, at_a_time=2, queue=True)
    changed, done = put(here, "nightly", weekly, value=3)
    assert (done, changed.name) == ("updated", created.name)
    assert (changed.cron, changed.max_run_count, changed.allow_queueing) == (weekly.cron, 5, True)
    assert changed.max_concurrent_run_count == changed.max_concurrent_active_run_count == 2
    assert changed.create_pipeline_job_request.pipeline_job.runtime_config.parameter_values["value"] == 3
    assert put(here, "nightly", weekly, value=3)[1] == "unchanged"
    assert len(vertex.schedules.stored) == 1
    (updated,) = [message for name, message in vertex.calls if name == "UpdateSchedule"]
    assert "start_time" not in updated.update_mask.paths


def test_its_runs_are_those_that_submit_starts(vertex, here):
    schedule, _ = put(here, "nightly", value=7)
    run = vertex.schedules.tick(schedule.name)
    submitted = toys.submitted(here, toys.gate, {"value": 7})
    for field in ("display_name", "pipeline_spec", "runtime_config"):
        assert getattr(run, field) == getattr(submitted, field)


def test_what_has_an_end_keeps_one(here):
    put(here, "nightly", Timing("0 3 * * *", end=datetime(2030, 1, 1, tzinfo=UTC), max_runs=3))
    with pytest.raises(AocrError, match=r"does not take back endTime and maxRunCount .*delete it first"):
        put(here, "nightly")


def test_pause_resume_delete_may_be_repeated(vertex, here):
    for name in ("a", "b", "c"):
        put(here, name)
    assert [schedules.set_state(here, "c", paused=True) for _ in range(2)] == [True, False]
    assert [found.state.name for found in schedules.listed(here)] == ["ACTIVE", "ACTIVE", "PAUSED"]
    assert [schedules.set_state(here, "c", paused=False, catch_up=True) for _ in range(2)] == [True, False]
    assert schedules.find(here, "c").catch_up
    assert [schedules.delete(here, "c") for _ in range(2)] == [True, False]
    assert schedules.find(here, "c") is None and len(schedules.listed(here)) == 2
    with pytest.raises(AocrError, match="there is no schedule 'c'"):
        schedules.set_state(here, "c", paused=True)


def test_a_completed_schedule_is_neither_paused_nor_resumed(vertex, here):
    schedule, _ = put(here, "once", Timing("0 3 * * *", max_runs=1))
    vertex.schedules.tick(schedule.name)
    for paused in (True, False):
        with pytest.raises(AocrError, match=r"the schedule 'once': .*COMPLETED"):
            schedules.set_state(here, "once", paused=paused)


def test_names_may_hold_anything(here):
    for name in ('say "hi"', "back\\slash", "größer", "a b"):
        assert put(here, name)[1] == "created"
        assert put(here, name)[1] == "unchanged"


@pytest.mark.parametrize("fault", [{"error": exceptions.ServiceUnavailable("later")}, {"silent": True}, {"late": True}])
def test_one_schedule_is_created_whatever_happens_on_the_way(
    vertex, hasty, fault: dict, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(changes, "SETTLE_SECONDS", 1.0)
    vertex.faults.once("CreateSchedule", **fault)
    assert put(hasty, "nightly")[1] == "created"
    assert len(vertex.schedules.stored) == 1


def test_a_request_that_is_done_long_after_it_was_given_up_makes_no_second_schedule(
    vertex, hasty, monkeypatch: pytest.MonkeyPatch
):
    """Two of one name would have to be told apart by hand."""
    monkeypatch.setattr(changes, "FIRST_WAIT", 0.05)
    held = lambda: vertex.names().count("ListSchedules") < 6 and "CreateSchedule" not in vertex.names()  # noqa: E731
    vertex.faults.once("CreateSchedule", held=held)
    assert put(hasty, "nightly")[1] == "created"
    assert len(vertex.schedules.stored) == 1
    assert put(hasty, "nightly")[1] == "unchanged"


@pytest.mark.slow
def test_a_lost_answer_changes_nothing(vertex, here, hasty):
    put(here, "nightly")
    for rpc in ("UpdateSchedule", "PauseSchedule", "ResumeSchedule", "DeleteSchedule"):
        vertex.faults.once(rpc, late=True)
    assert put(hasty, "nightly", Timing("0 4 * * *"))[1] == "updated"
    assert schedules.set_state(hasty, "nightly", paused=True)
    assert schedules.set_state(hasty, "nightly", paused=False)
    assert schedules.delete(hasty, "nightly")
    assert vertex.schedules.stored == {}


def test_two_schedules_of_one_name_are_not_touched(vertex, here):
    put(here, "nightly")
    (message,) = [message for name, message in vertex.calls if name == "CreateSchedule"]
    vertex.schedules.create_schedule(message)
    with pytest.raises(AocrError, match="2 schedules are called 'nightly'"):
        put(here, "nightly")


def test_what_vertex_refuses_is_told_in_one_line(here):
    with pytest.raises(AocrError, match=r"^cannot set the schedule 'nightly': refused: Invalid cron"):
        put(here, "nightly", Timing("often"))
