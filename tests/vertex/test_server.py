"""The stand-in refuses what Google would, and Google's own high-level client understands it."""

from pathlib import Path

import pytest
import requests
from google.auth.credentials import AnonymousCredentials

from pipelines import spec
from pipelines.vertex import jobs, request
from tests.pipelines.vertex import toys
from tests.vertex import rpc

PARENT = "/v1/projects/p/locations/europe-west1"


@pytest.mark.parametrize(
    ("method", "path", "body", "message"),
    [
        ("POST", "/pipelineJobs?pipelineJobId=a", '{"displayNam": "x"}', "displayNam"),
        ("POST", "/pipelineJobs?pipelineJobId=a", '{"displayName": 3}', "displayName"),
        ("POST", "/pipelineJobs?pipelineJobIdd=a", "{}", "pipelineJobIdd"),
        ("POST", "/pipelineJobs?pipelineJobId=a", '{"state', "Invalid JSON"),
        ("POST", "/pipelineJobs?pipelineJobId=a", "{}", "gcs_output_directory"),
        ("GET", '/pipelineJobs?filter=labels.a="b"', "", "Invalid filter"),
        ("PATCH", "/schedules/1?updateMask=nothing", '{"cron": "x"}', "does not exist"),
        ("GET", "/pipelineJobs/none", "", "does not exist"),
        ("GET", "/pipelineJobz/none", "", "no such method"),
    ],
)
def test_what_google_does_not_know_is_refused(vertex, method: str, path: str, body: str, message: str):
    answer = requests.request(method, f"{vertex.url}{PARENT}{path}", data=body, timeout=10)
    assert answer.status_code in (400, 404)
    error = answer.json()["error"]
    assert error["code"] == answer.status_code and error["status"] in ("INVALID_ARGUMENT", "NOT_FOUND")
    assert message in error["message"]


def test_googles_own_client_sends_the_same_request(vertex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from google.cloud import aiplatform
    from google.cloud.aiplatform.utils import gcs_utils

    # It would make the bucket, at an address that cannot be chosen.
    monkeypatch.setattr(gcs_utils, "create_gcs_bucket_for_pipeline_artifacts_if_it_does_not_exist", lambda **_: None)
    vertex.jobs.running = False
    here = toys.connection(vertex)
    wish = request.Wish(toys.options(caching=False, failure_policy="fast"), {"value": 3}, {"team": "ocr"})
    ours = jobs.submit(here, request.create_job(here.parent, toys.compiled(toys.gate), wish, "ours"))

    compiled = toys.compiled(toys.gate)
    for container in spec.containers(compiled).values():
        container["image"] = toys.IMAGE
    template = tmp_path / "pipeline.yaml"
    template.write_text(spec.dump(compiled))
    place = {"project": "p", "location": "europe-west1", "credentials": AnonymousCredentials()}
    aiplatform.init(api_endpoint=vertex.url, api_transport="rest", **place)
    theirs = aiplatform.PipelineJob(
        display_name="Gate",
        template_path=str(template),
        job_id="theirs",
        pipeline_root="gs://words/runs",
        parameter_values={"value": 3},
        enable_caching=False,
        failure_policy="fast",
        labels={"team": "ocr"},
        **place,
    )
    theirs.submit()
    (_, first), (_, second) = [call for call in vertex.calls if call[0] == "CreatePipelineJob"]
    assert first.pipeline_job == second.pipeline_job
    assert [job.name for job in aiplatform.PipelineJob.list(order_by="create_time desc")] == ["theirs", "ours"]
    assert aiplatform.PipelineJob.get(ours.name).state.name == "PIPELINE_STATE_PENDING"


def test_a_resource_is_added_by_a_class_of_its_rpcs(vertex):
    from google.api_core.exceptions import BadRequest, InvalidArgument, NotFound
    from google.cloud.aiplatform_v1 import DatasetServiceClient
    from google.cloud.aiplatform_v1.types import Dataset

    class Datasets:
        def create_dataset(self, request):
            if not request.dataset.display_name:
                raise InvalidArgument("display_name is missing.")
            name = f"{request.parent}/datasets/1"
            return rpc.done(name, Dataset(Dataset.pb(request.dataset), name=name))

    vertex.add("DatasetService", Datasets())
    here = toys.connection(vertex)
    datasets = here.client(DatasetServiceClient)
    vertex.operations.asked = 2
    operation = datasets.create_dataset(parent=here.parent, dataset=Dataset(display_name="d"))
    assert not operation.done()
    assert operation.result(timeout=30).name == f"{here.parent}/datasets/1"
    with pytest.raises(BadRequest, match="display_name is missing"):
        datasets.create_dataset(parent=here.parent, dataset=Dataset())
    with pytest.raises(NotFound, match="no such method"):
        datasets.get_dataset(name=f"{here.parent}/datasets/1")
