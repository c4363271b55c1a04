"""What is sent to start a run."""

import json
import re
from pathlib import Path

import pytest
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

from aocr_core.errors import UsageError
from components.vertex.place import Place
from pipelines import spec
from pipelines.vertex import request
from pipelines.vertex.machines import Machine
from pipelines.vertex.options import JobOptions
from tests.pipelines.vertex import toys

PARAMETERS = {"annotations": "gs://b/a.txt", "serving_dir": "gs://b/serving", "num_epoch": 3}


def wish(machines=None, **options) -> request.Wish:
    return request.Wish(toys.options(**options), PARAMETERS, {"team": "ocr"}, machines or {})


def test_everything_that_was_asked_for_is_in_the_request():
    chosen = wish(
        display_name="Plates",
        service_account="a@p.iam.gserviceaccount.com",
        network="projects/1/global/networks/n",
        kms_key=toys.KEY,
        failure_policy="fast",
    )
    sent = request.create_job("projects/p/locations/l", spec.load(), chosen, "run-1")
    job = sent.pipeline_job
    assert (sent.parent, sent.pipeline_job_id, job.display_name) == ("projects/p/locations/l", "run-1", "Plates")
    assert (job.service_account, job.network) == ("a@p.iam.gserviceaccount.com", "projects/1/global/networks/n")
    assert job.encryption_spec.kms_key_name == toys.KEY
    assert dict(job.labels) == {"team": "ocr"}
    assert job.runtime_config.gcs_output_directory == "gs://words/runs"
    assert job.runtime_config.failure_policy.name == "PIPELINE_FAILURE_POLICY_FAIL_FAST"
    assert dict(job.runtime_config.parameter_values.items()) == PARAMETERS


def test_nothing_but_image_and_machines_differs_from_what_was_compiled():
    compiled = spec.load()
    sent = request.job("projects/p/locations/l", compiled, wish())["pipelineSpec"]
    expected = spec.load()
    for container in spec.containers(expected).values():
        container["image"] = toys.IMAGE
    for step in ("train", "deploy"):
        (variable,) = spec.containers(expected)[step]["env"]
        assert variable["name"] == "AOCR_IMAGE"
        variable["value"] = toys.IMAGE
    assert sent == expected
    assert compiled == spec.load()


def test_without_caching_every_step_runs():
    sent = request.job("projects/p/locations/l", spec.load(), wish(caching=False))["pipelineSpec"]
    tasks = [task for dag in spec.dags(sent) for task in dag["tasks"].values()]
    assert len(tasks) > len(spec.steps(sent))  # the condition is a task as well
    assert all(task["cachingOptions"] == {"enableCache": False} for task in tasks)


def test_what_is_sent_is_a_valid_pipeline():
    """The schema is the one that KFP publishes as the package kfp-pipeline-spec."""
    machines = {"train": Machine(8, "30G", "NVIDIA_L4", 2), "evaluate": Machine(cpu=0.5)}
    sent = request.create_job("projects/p/locations/l", spec.load(), wish(machines, caching=False), "run-1")
    document = json_format.MessageToDict(type(sent).pb(sent).pipeline_job.pipeline_spec)
    json_format.ParseDict(document, pipeline_spec_pb2.PipelineSpec())
    deployment = json_format.ParseDict(document["deploymentSpec"], pipeline_spec_pb2.PipelineDeploymentConfig())
    assert {executor.container.image for executor in deployment.executors.values()} == {toys.IMAGE}
    train = deployment.executors["exec-train"].container.resources
    assert (train.cpu_limit, train.resource_cpu_limit, train.resource_memory_limit) == (8.0, "8", "30G")
    assert train.memory_limit == 30.0
    assert (train.accelerator.type, train.accelerator.count) == ("NVIDIA_L4", 2)
    assert (train.accelerator.resource_type, train.accelerator.resource_count) == ("NVIDIA_L4", "2")
    assert deployment.executors["exec-evaluate"].container.resources.resource_cpu_limit == "0.5"
    assert not deployment.executors["exec-approve"].container.HasField("resources")


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"serving_dir": "gs://b/s"}, "--annotations is missing"),
        ({"annotations": "", "serving_dir": "gs://b/s"}, "--annotations is missing"),
        ({"annotations": "a.txt", "serving_dir": "gs://b/s"}, "--annotations a.txt: Vertex AI cannot see"),
        ({**PARAMETERS, "test_annotations": "/data/t.txt"}, "--test-annotations /data/t.txt: Vertex AI cannot see"),
    ],
)
def test_what_no_step_could_find_is_refused(parameters: dict, message: str):
    with pytest.raises(UsageError, match=message):
        request.check(spec.load(), parameters)


def test_a_charset_is_a_name_or_lies_in_a_bucket(tmp_path: Path):
    (tmp_path / "charset.txt").write_text("a\nb\n")
    for charset in ("", "digits", "gs://b/charset.txt"):
        request.check(spec.load(), {**PARAMETERS, "charset": charset})
    with pytest.raises(UsageError, match=r"--charset .*charset.txt: Vertex AI cannot see"):
        request.check(spec.load(), {**PARAMETERS, "charset": str(tmp_path / "charset.txt")})


def test_names_of_runs_are_new_and_legal():
    names = {request.new_job_id({"pipelineInfo": {"name": name}}) for name in ("aocr-training", "Ä b" * 60) * 20}
    assert len(names) == 40
    assert all(re.fullmatch(r"[a-z0-9][-a-z0-9]{0,127}", name) for name in names)


def test_the_environment_is_asked_where_no_option_is_given(monkeypatch: pytest.MonkeyPatch):
    for variable, value in (
        ("GOOGLE_CLOUD_PROJECT", "mine"),
        ("GOOGLE_CLOUD_LOCATION", "europe-west4"),
        ("AOCR_VERTEX_ENDPOINT", ""),
        ("AOCR_IMAGE", "h/i:1"),
        ("AOCR_PIPELINE_ROOT", "gs://bucket/"),
    ):
        monkeypatch.setenv(variable, value)
    assert Place().url == "https://europe-west4-aiplatform.googleapis.com"
    assert (Place().project, Place(project="other").project) == ("mine", "other")
    assert (JobOptions().image, JobOptions().pipeline_root) == ("h/i:1", "gs://bucket")
    assert Place(api_endpoint="https://vertex.example/").url == "https://vertex.example"


def test_a_training_on_several_machines_is_told_where_it_is():
    """Its step starts a job of its own, as the same account and in the same network as the run's steps."""
    account = "a@p.iam.gserviceaccount.com"
    several = request.Wish(toys.options(service_account=account), PARAMETERS | {"worker_count": 3}, {"team": "ocr"})
    containers = spec.containers(request.job("projects/p/locations/l", spec.load(), several)["pipelineSpec"])
    told = {variable["name"]: variable["value"] for variable in containers["train"]["env"]}
    assert (told["GOOGLE_CLOUD_PROJECT"], told["GOOGLE_CLOUD_LOCATION"]) == ("p", "l")
    assert told["AOCR_IMAGE"] == toys.IMAGE
    assert json.loads(told["AOCR_SUBMITTED"]) == {"service_account": account, "labels": {"team": "ocr"}}
    spot = request.Wish(toys.options(), PARAMETERS | {"worker_spot": True})
    containers = spec.containers(request.job("projects/p/locations/l", spec.load(), spot)["pipelineSpec"])
    assert "AOCR_SUBMITTED" in {variable["name"] for variable in containers["train"]["env"]}
    alone = spec.containers(request.job("projects/p/locations/l", spec.load(), wish())["pipelineSpec"])
    assert [variable["name"] for variable in alone["train"]["env"]] == ["AOCR_IMAGE"]


def variables(parameters: dict, labels: dict, **options) -> dict[str, dict[str, str]]:
    """What the steps are told, by step and variable."""
    asked = request.Wish(toys.options(**options), PARAMETERS | parameters, labels)
    sent = request.job("projects/p/locations/l", spec.load(), asked)["pipelineSpec"]
    containers = spec.containers(sent).items()
    return {step: {item["name"]: item["value"] for item in container.get("env", [])} for step, container in containers}


@pytest.mark.parametrize("label", ["commit", "build"])
def test_a_label_of_one_run_does_not_keep_a_training_from_being_reused(label):
    """A step is reused while its variables stay the same, and CI labels each run with the commit or the build."""
    found = [variables({"worker_spot": True}, {"team": "ocr", label: value})["train"] for value in ("a1", "b2")]
    assert found[0] == found[1]
    assert json.loads(found[0]["AOCR_SUBMITTED"]) == {"labels": {"team": "ocr"}}


def test_a_deployment_to_an_endpoint_is_told_what_the_run_was_submitted_with():
    submitted = {
        "service_account": "a@p.iam.gserviceaccount.com",
        "network": "projects/1/global/networks/n",
        "kms_key": toys.KEY,
    }
    endpoint = {"endpoint": "projects/p/locations/l/endpoints/words"}
    told = variables(endpoint, {"commit": "a1"}, **submitted)
    assert json.loads(told["deploy"]["AOCR_SUBMITTED"]) == submitted | {"labels": {"commit": "a1"}}
    assert "AOCR_SUBMITTED" not in told["train"]
    assert "AOCR_SUBMITTED" not in variables({}, {}, **submitted)["deploy"]
