"""`…/pipelineJobs`: what is sent is checked as Google does, stored, and run."""

import hashlib
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from google.api_core.exceptions import AlreadyExists, FailedPrecondition, InvalidArgument, NotFound
from google.cloud.aiplatform_v1.types import (
    CreatePipelineJobRequest,
    ListPipelineJobsResponse,
    PipelineJob,
    PipelineState,
    PipelineTaskDetail,
)
from google.protobuf import json_format

from pipelines import spec
from tests.vertex import rpc
from tests.vertex.execution import Execution

ENDS = {
    "succeeded": PipelineState.PIPELINE_STATE_SUCCEEDED,
    "failed": PipelineState.PIPELINE_STATE_FAILED,
    "cancelled": PipelineState.PIPELINE_STATE_CANCELLED,
}
MOST_AT_ONCE = 2
"""Runs in one answer to `list`: few, so that the client has to turn pages."""


class PipelineJobs:
    """Answers for the PipelineService.

    Runs of one pipeline root share a cache, in `folder`; with `running` off, runs stay PENDING.
    """

    def __init__(self, folder: Path) -> None:
        self.stored: dict[str, PipelineJob] = {}
        self.running = True
        self._folder = folder
        self._executions: dict[str, Execution] = {}
        self._lock = threading.RLock()

    def create_pipeline_job(self, request: Any) -> PipelineJob:
        name = f"{request.parent}/pipelineJobs/{request.pipeline_job_id}"
        compiled, arguments = self.check(request.pipeline_job)
        with self._lock:
            if name in self.stored:
                raise AlreadyExists(f"PipelineJob {name} already exists.")
            job = PipelineJob(CreatePipelineJobRequest.pb(request).pipeline_job)
            now = datetime.now(UTC)
            job.name, job.create_time, job.update_time = name, now, now
            job.state = PipelineState.PIPELINE_STATE_PENDING
            context = f"{request.parent}/metadataStores/default/contexts/{request.pipeline_job_id}"
            job.job_detail.pipeline_run_context.name = context
            self.stored[name] = job
            if self.running:
                root = job.runtime_config.gcs_output_directory
                folder = self._folder / hashlib.sha256(root.encode()).hexdigest()[:8]
                order = {"spec": compiled, "arguments": arguments, "folder": str(folder), "root": root}
                self._executions[name] = Execution(order, lambda event: self._event(name, event))
            return self._copy(job)

    def get_pipeline_job(self, request: Any) -> PipelineJob:
        with self._lock:
            return self._copy(self._existing(request.name))

    def list_pipeline_jobs(self, request: Any) -> ListPipelineJobsResponse:
        with self._lock:
            here = [self._copy(job) for name, job in self.stored.items() if name.startswith(request.parent + "/")]
        here.sort(key=lambda job: job.create_time, reverse=request.order_by == "create_time desc")
        names = {"pipeline_name": lambda job: PipelineJob.pb(job).pipeline_spec["pipelineInfo"]["name"]}
        wanted = rpc.chosen(here, request.filter, names)
        for job in wanted:  # "Not available in the list view."
            del job.job_detail
        part, token = rpc.page(wanted, request, MOST_AT_ONCE)
        return ListPipelineJobsResponse(pipeline_jobs=part, next_page_token=token)

    def cancel_pipeline_job(self, request: Any) -> None:
        with self._lock:
            job = self._existing(request.name)
            if job.state in ENDS.values():
                raise FailedPrecondition(f"PipelineJob {request.name} is in a final state: {job.state.name}.")
            job.state = PipelineState.PIPELINE_STATE_CANCELLING
        if request.name in self._executions:
            self._executions[request.name].cancel()
        else:
            self._event(request.name, {"run": "cancelled"})

    def stop(self) -> None:
        """End all runs."""
        for execution in self._executions.values():
            execution.cancel()

    @staticmethod
    def check(job: PipelineJob) -> tuple[spec.Spec, dict[str, Any]]:
        """The pipeline and the values of all its parameters.

        Raises:
            InvalidArgument: a parameter is missing, unknown, or of another type, or there is no place for outputs.
        """
        compiled = json_format.MessageToDict(PipelineJob.pb(job).pipeline_spec)
        config = json_format.MessageToDict(PipelineJob.pb(job).runtime_config)
        if not config.get("gcsOutputDirectory", "").startswith("gs://"):
            raise InvalidArgument("runtime_config.gcs_output_directory must be a path in Cloud Storage.")
        declared = {parameter.name: parameter for parameter in spec.parameters(compiled)}
        given = config.get("parameterValues", {})
        if unknown := sorted(set(given) - set(declared)):
            raise InvalidArgument(f"The pipeline has no parameters {unknown}.")
        values = {}
        for name, parameter in declared.items():
            if name not in given and parameter.default is None:
                raise InvalidArgument(f"The parameter {name} is required.")
            value = given.get(name, parameter.default)
            if parameter.type in (int, float) and type(value) in (int, float) and parameter.type(value) == value:
                value = parameter.type(value)  # a number on the wire is a double
            if type(value) is not parameter.type:
                raise InvalidArgument(f"The parameter {name} is of another type than {value!r}.")
            values[name] = value
        return compiled, values

    def _existing(self, name: str) -> PipelineJob:
        if name not in self.stored:
            raise NotFound(f"The PipelineJob does not exist: {name}")
        return self.stored[name]

    @staticmethod
    def _copy(job: PipelineJob) -> PipelineJob:
        return PipelineJob(PipelineJob.pb(job))

    def _event(self, name: str, event: dict[str, Any]) -> None:
        """Something has happened in a run: see `execution`."""
        with self._lock:
            job, now = self.stored[name], datetime.now(UTC)
            job.update_time = now
            if "task" in event:
                self._task(job, event, now)
            elif event["run"] == "running":
                job.start_time = now
                if job.state == PipelineState.PIPELINE_STATE_PENDING:
                    job.state = PipelineState.PIPELINE_STATE_RUNNING
            else:
                job.state, job.end_time = ENDS[event["run"]], now
                job.error = {"code": 9, "message": event["error"]} if event.get("error") else None
                if event["run"] == "cancelled":
                    for detail in job.job_detail.task_details:
                        if detail.state == PipelineTaskDetail.State.RUNNING:
                            detail.state, detail.end_time = PipelineTaskDetail.State.CANCELLED, now

    @staticmethod
    def _task(job: PipelineJob, event: dict[str, Any], now: datetime) -> None:
        details = job.job_detail.task_details
        known = [detail for detail in details if detail.task_name == event["task"]]
        if not known:
            details.append(PipelineTaskDetail(task_name=event["task"], task_id=len(details) + 1, create_time=now))
        detail = known[0] if known else details[-1]
        detail.state = PipelineTaskDetail.State[event["state"]]
        if event["state"] == "RUNNING":
            detail.start_time = now
        elif event["state"] not in ("PENDING", "NOT_TRIGGERED"):
            detail.end_time = now
        for key, artifact in event.get("outputs", {}).items():
            detail.outputs[key] = PipelineTaskDetail.ArtifactList(artifacts=[artifact])
        if event.get("error"):
            detail.error = {"code": 9, "message": event["error"]}
