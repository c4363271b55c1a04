"""Schedules of Vertex AI, each called by its display name: whatever is asked for twice is done once."""

import contextlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from aocr_core.errors import AocrError
from components.vertex.changes import ensured
from components.vertex.connection import Connection
from components.vertex.errors import explained
from pipelines import spec
from pipelines.vertex import request

if TYPE_CHECKING:
    from google.cloud.aiplatform_v1.types import Schedule

Result = TypeVar("Result")
Done = Literal["created", "updated", "unchanged"]
FIELDS = (
    "cron",
    "createPipelineJobRequest",
    "startTime",
    "endTime",
    "maxRunCount",
    "maxConcurrentRunCount",
    "maxConcurrentActiveRunCount",
    "allowQueueing",
)
UNSET: dict[str, Any] = {"startTime": None, "endTime": None, "maxRunCount": "0", "allowQueueing": False}
"""What the REST API leaves out."""


@dataclass(frozen=True)
class Timing:
    """When runs start, and how many."""

    cron: str
    start: datetime | None = None
    end: datetime | None = None
    max_runs: int | None = None
    """None: no end to them."""
    at_a_time: int = 1
    queue: bool = False
    """Whether a run that is due waits while `at_a_time` others are at work; else it is left out."""


def message(parent: str, name: str, compiled: spec.Spec, wish: request.Wish, timing: Timing) -> dict[str, Any]:
    """The `Schedule` in the JSON form of the REST API."""
    result: dict[str, Any] = {
        "displayName": name,
        "cron": timing.cron,
        # The first limits how many are being started, which has to be said; the second how many are at work.
        "maxConcurrentRunCount": str(timing.at_a_time),
        "maxConcurrentActiveRunCount": str(timing.at_a_time),
        "allowQueueing": timing.queue,
        "createPipelineJobRequest": {"parent": parent, "pipelineJob": request.job(parent, compiled, wish)},
    }
    if timing.start:
        result["startTime"] = timing.start.isoformat()
    if timing.end:
        result["endTime"] = timing.end.isoformat()
    if timing.max_runs:
        result["maxRunCount"] = str(timing.max_runs)
    return result


def put(connection: Connection, wanted: dict[str, Any]) -> "tuple[Schedule, Done]":
    """Make the schedule of that display name what is wanted.

    Returns:
        The `Schedule`, and what had to be done.

    Raises:
        AocrError: several schedules have that name, a limit would have to be lifted, or Vertex AI refuses it.
    """
    from google.cloud.aiplatform_v1.types import CreateScheduleRequest, Schedule, UpdateScheduleRequest

    new = _canonical(request.parsed(Schedule, wanted))
    done: Done = "unchanged"
    answered: list[Schedule] = []

    def look() -> "Schedule | None":
        # What was answered counts, even if Vertex AI does not list it yet.
        found = answered[0] if answered else find(connection, wanted["displayName"])
        return found if found and (answered or not _changed(_canonical(found), new)) else None

    def change() -> None:
        nonlocal done
        # Vertex AI names schedules itself: a repeated request would make a second one.
        found = find(connection, wanted["displayName"])
        if found is None:
            done = "created"
            create = request.parsed(CreateScheduleRequest, {"parent": connection.parent, "schedule": wanted})
            answered.append(connection.schedules.create_schedule(request=create, **connection.once))
            return
        done = done if done == "created" else "updated"
        changed = ",".join(_changed(_canonical(found), new))
        update = {"schedule": {**wanted, "name": found.name}, "updateMask": changed}
        parsed = request.parsed(UpdateScheduleRequest, update)
        answered.append(connection.schedules.update_schedule(request=parsed, **connection.once))

    return ensured(connection, f"set the schedule {wanted['displayName']!r}", look, change), done


def find(connection: Connection, name: str) -> "Schedule | None":
    """The `Schedule` of a display name, None if there is none.

    Raises:
        AocrError: several have that name.
    """
    quoted = json.dumps(name, ensure_ascii=False)
    found = [schedule for schedule in listed(connection, f"display_name={quoted}") if schedule.display_name == name]
    if len(found) > 1:
        names = " ".join(schedule.name for schedule in found)
        raise AocrError(f"{len(found)} schedules are called {name!r}; delete all but one in the console: {names}")
    return found[0] if found else None


def listed(connection: Connection, condition: str = "") -> "list[Schedule]":
    """All schedules of the place, or those that a filter lets through."""
    from google.cloud.aiplatform_v1.types import ListSchedulesRequest

    asked = ListSchedulesRequest(parent=connection.parent, filter=condition)
    with explained(f"list the schedules in {connection.parent}"):
        return list(connection.schedules.list_schedules(request=asked, **connection.patience))


def set_state(connection: Connection, name: str, paused: bool, catch_up: bool = False) -> bool:
    """Pause or resume a schedule; returns whether anything had to be done.

    Raises:
        AocrError: there is none of that name, or it is completed.
    """
    from google.cloud.aiplatform_v1.types import ResumeScheduleRequest

    asked = False

    def attempt() -> bool:
        nonlocal asked
        schedule = _existing(connection, name)
        if schedule.state.name == ("PAUSED" if paused else "ACTIVE"):
            return asked
        asked = True
        if paused:
            connection.schedules.pause_schedule(name=schedule.name, **connection.once)
        else:
            request = ResumeScheduleRequest(name=schedule.name, catch_up=catch_up)
            connection.schedules.resume_schedule(request=request, **connection.once)
        return True

    return _repeated(connection, f"{'pause' if paused else 'resume'} the schedule {name!r}", attempt)


def delete(connection: Connection, name: str) -> bool:
    """Delete a schedule, its runs excepted; returns whether there was one."""
    from google.api_core.exceptions import NotFound

    asked = False

    def attempt() -> bool:
        nonlocal asked
        schedule = find(connection, name)
        if schedule is None:
            return asked
        asked = True
        # Another may have deleted it in the meantime.
        with contextlib.suppress(NotFound):
            operation = connection.schedules.delete_schedule(name=schedule.name, **connection.once)
            operation.result(timeout=connection.place.request_timeout)
        return True

    return _repeated(connection, f"delete the schedule {name!r}", attempt)


def _existing(connection: Connection, name: str) -> "Schedule":
    schedule = find(connection, name)
    if schedule is None:
        raise AocrError(f"there is no schedule {name!r} in {connection.parent}")
    return schedule


def _repeated(connection: Connection, doing: str, attempt: Callable[[], Result]) -> Result:
    """The result of an attempt that looks first how things stand, so that it can be repeated if its answer is lost."""
    with explained(doing):
        return connection.persistence(attempt)()


def _canonical(schedule: "Schedule") -> dict[str, Any]:
    """The fields that a user decides, as JSON, in the same form whoever has written them."""
    from google.protobuf import json_format

    whole = json_format.MessageToDict(type(schedule).pb(schedule))
    return {field: whole.get(field, UNSET.get(field)) for field in FIELDS}


def _changed(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """The fields to update.

    Raises:
        AocrError: one of them would be unset, which Vertex AI does not do.
    """
    if new["startTime"] is None:  # Vertex AI has put in when the schedule was created
        new = {**new, "startTime": old["startTime"]}
    changed = [field for field in FIELDS if old[field] != new[field]]
    lifted = [field for field in ("endTime", "maxRunCount") if field in changed and new[field] == UNSET[field]]
    if lifted:
        raise AocrError(f"Vertex AI does not take back {' and '.join(lifted)} of a schedule: delete it first")
    return changed
