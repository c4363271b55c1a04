"""`…/schedules`: stored and changed by Google's rules; `tick` is the clock."""

from datetime import UTC, datetime
from itertools import count
from typing import Any

from google.api_core.exceptions import FailedPrecondition, InvalidArgument, NotFound
from google.cloud.aiplatform_v1.types import CreatePipelineJobRequest, ListSchedulesResponse, PipelineJob, Schedule
from google.longrunning.operations_pb2 import Operation

from tests.vertex import rpc
from tests.vertex.pipeline_jobs import PipelineJobs

MOST_AT_ONCE = 2
"""Schedules in one answer to `list`: few, so that the client has to turn pages."""
State = Schedule.State


class Schedules:
    """Answers for the ScheduleService."""

    def __init__(self, jobs: PipelineJobs) -> None:
        self.stored: dict[str, Schedule] = {}
        self._jobs = jobs
        self._numbers = count(1)

    def create_schedule(self, request: Any) -> Schedule:
        new = Schedule(Schedule.pb(request.schedule))
        _check(new)
        self._jobs.check(new.create_pipeline_job_request.pipeline_job)
        now = datetime.now(UTC)
        new.name = f"{request.parent}/schedules/{next(self._numbers)}"
        new.state, new.create_time, new.update_time = State.ACTIVE, now, now
        new.start_time = new.start_time or now
        self.stored[new.name] = new
        return new

    def get_schedule(self, request: Any) -> Schedule:
        if request.name not in self.stored:
            raise NotFound(f"The Schedule does not exist: {request.name}")
        return self.stored[request.name]

    def list_schedules(self, request: Any) -> ListSchedulesResponse:
        here = [schedule for name, schedule in self.stored.items() if name.startswith(request.parent + "/")]
        wanted = rpc.chosen(here, request.filter, {"display_name": lambda schedule: schedule.display_name})
        part, token = rpc.page(wanted, request, MOST_AT_ONCE)
        return ListSchedulesResponse(schedules=part, next_page_token=token)

    def update_schedule(self, request: Any) -> Schedule:
        old = self.get_schedule(request.schedule)
        new = Schedule(Schedule.pb(old))
        if not request.update_mask.paths:
            raise InvalidArgument("update_mask must not be empty.")
        for path in request.update_mask.paths:
            source, target = Schedule.pb(request.schedule), Schedule.pb(new)
            if path not in source.DESCRIPTOR.fields_by_name:
                raise InvalidArgument(f"Invalid update mask: {path}")
            given = {field.name: value for field, value in source.ListFields()}
            had = path in {field.name for field, _ in target.ListFields()}
            if had and path not in given and path != "allow_queueing":
                raise InvalidArgument(f"The non-empty field {path} cannot be unset.")
            target.ClearField(path)
            if path in given:
                target.MergeFrom(type(target)(**{path: given[path]}))
        _check(new)
        new.update_time = datetime.now(UTC)
        self.stored[new.name] = new
        return new

    def pause_schedule(self, request: Any) -> None:
        schedule = self.get_schedule(request)
        if schedule.state != State.ACTIVE:
            raise FailedPrecondition(f"The Schedule is {schedule.state.name}.")
        schedule.state = State.PAUSED

    def resume_schedule(self, request: Any) -> None:
        schedule = self.get_schedule(request)
        if schedule.state != State.PAUSED:
            raise FailedPrecondition(f"The Schedule is {schedule.state.name}.")
        schedule.state, schedule.catch_up = State.ACTIVE, request.catch_up

    def delete_schedule(self, request: Any) -> Operation:
        del self.stored[self.get_schedule(request).name]
        return rpc.done(request.name)

    def tick(self, name: str) -> PipelineJob:
        """Let a schedule's time come: it starts a run."""
        schedule = self.stored[name]
        order = CreatePipelineJobRequest(CreatePipelineJobRequest.pb(schedule.create_pipeline_job_request))
        schedule.started_run_count += 1
        order.pipeline_job_id = f"scheduled-{schedule.started_run_count}"
        if schedule.started_run_count == schedule.max_run_count:
            schedule.state = State.COMPLETED
        return self._jobs.create_pipeline_job(order)


def _check(schedule: Schedule) -> None:
    if not schedule.display_name or len(schedule.display_name) > 128:
        raise InvalidArgument("display_name must have 1 to 128 characters.")
    if schedule.max_concurrent_run_count < 1:
        raise InvalidArgument("max_concurrent_run_count must be positive.")
    if len(schedule.cron.removeprefix("CRON_").split()) not in (5, 6):
        raise InvalidArgument(f"Invalid cron expression: {schedule.cron}")
