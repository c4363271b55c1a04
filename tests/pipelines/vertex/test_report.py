"""What is said of a run, from what Vertex AI says."""

import pytest
from google.cloud.aiplatform_v1.types import PipelineJob, PipelineTaskDetail
from google.protobuf import json_format

from pipelines.compile import chosen
from pipelines.vertex import report

State = PipelineTaskDetail.State


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([State.SUCCEEDED, State.RUNNING, State.PENDING], "running"),
        ([State.SUCCEEDED, State.PENDING], "waiting"),
        ([State.FAILED, State.SUCCEEDED, State.RUNNING], "failed"),
        ([State.SUCCEEDED, State.SKIPPED], "reused"),
        ([State.SUCCEEDED, State.SUCCEEDED], "done"),
    ],
)
def test_a_step_in_parts_is_done_when_all_parts_are(parts: list[State], expected: str):
    job = PipelineJob(json_format.ParseDict({"pipelineSpec": chosen(3)}, PipelineJob.pb()()))
    job.name = "projects/p/locations/l/pipelineJobs/run-1"
    job.state = "PIPELINE_STATE_RUNNING"
    job.job_detail.task_details = [PipelineTaskDetail(task_name="check-rows", state=state) for state in parts]
    found = report.of(job)
    assert (found.steps[0].name, found.steps[0].state) == ("check-rows", expected)
