"""The training step, where it starts a job of its own: toys train, on the stand-in for Vertex AI."""

import json
from pathlib import Path
from typing import Any

import pytest
from google.cloud.aiplatform_v1.types import CustomJob
from kfp.dsl import Dataset, Model

from aocr_core.config import DataOptions, ModelOptions, TrainOptions
from aocr_core.errors import AocrError, UsageError
from components import training
from components.workers import WorkerOptions
from tests.components import toys
from tests.vertex import custom_jobs

KEY = "projects/p/locations/europe-west4/keyRings/r/cryptoKeys/k"
ACCOUNT = "a@p.iam.gserviceaccount.com"
NETWORK = "projects/1/global/networks/n"


@pytest.fixture
def here(vertex, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A step on Vertex AI in europe-west4, as far as its environment goes."""
    for name in ("GOOGLE_CLOUD_PROJECT", "GOOGLE_CLOUD_LOCATION", "AOCR_SUBMITTED"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AOCR_VERTEX_ENDPOINT", vertex.url)
    monkeypatch.setenv("AOCR_IMAGE", "h/i:1")
    monkeypatch.setattr(custom_jobs, "AOCR", toys.AOCR)
    monkeypatch.setattr("components.vertex.custom_jobs.FIRST_WAIT", 0.05)
    return vertex


def train(folder: Path, run: str = "run-1", **workers: Any) -> dict[str, Any]:
    """How the training of a run ended."""
    name = "projects/p/locations/europe-west4/metadataStores/default/artifacts/1"
    dataset = Dataset(name=name, uri=str(folder / "data"))
    model = Model(uri=str(folder / run / "model"))
    options = ModelOptions(), DataOptions(), TrainOptions(num_epoch=3)
    return training.train(dataset, model, *options, WorkerOptions(**workers))


def started(vertex) -> list[CustomJob]:
    return list(vertex.custom_jobs.stored.values())


def test_workers_get_what_the_run_was_submitted_with(here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    submitted = {"service_account": ACCOUNT, "network": NETWORK, "kms_key": KEY, "labels": {"team": "ocr"}}
    monkeypatch.setenv("AOCR_SUBMITTED", json.dumps(submitted))
    assert train(tmp_path, worker_count=3, worker_spot=True) == toys.RESULT
    (job,) = started(here)
    assert job.name.startswith("projects/p/locations/europe-west4/customJobs/")
    assert job.encryption_spec.kms_key_name == KEY
    assert dict(job.labels) == {"team": "ocr"}
    assert (job.job_spec.service_account, job.job_spec.network) == (ACCOUNT, NETWORK)
    scheduling = job.job_spec.scheduling
    assert (scheduling.strategy.name, scheduling.restart_job_on_worker_restart) == ("SPOT", True)
    assert [pool.replica_count for pool in job.job_spec.worker_pool_specs] == [1, 2]
    container = job.job_spec.worker_pool_specs[0].container_spec
    assert container.image_uri == "h/i:1"
    assert list(container.command) == ["aocr"]
    assert list(container.args)[:2] == ["train", str(tmp_path / "data")] and "--num-epoch=3" in container.args


def test_one_machine_with_an_accelerator_is_a_job_as_well(here, tmp_path: Path):
    assert train(tmp_path, worker_accelerator="NVIDIA_L4") == toys.RESULT
    (job,) = started(here)
    (pool,) = job.job_spec.worker_pool_specs
    assert (pool.replica_count, pool.machine_spec.machine_type) == (1, "g2-standard-12")
    assert not job.labels and not job.job_spec.service_account and not job.encryption_spec.kms_key_name


def test_every_run_has_a_job_of_its_own(here, tmp_path: Path):
    for run in ("run-1", "run-2", "run-1"):
        train(tmp_path, run, worker_spot=True)
    assert len({job.display_name for job in started(here)}) == len(started(here)) == 2


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"GOOGLE_CLOUD_PROJECT": "other"}, "projects/other/locations/europe-west4/"),
        ({"GOOGLE_CLOUD_LOCATION": "us-east1"}, "projects/p/locations/us-east1/"),
        ({"GOOGLE_CLOUD_PROJECT": "other", "GOOGLE_CLOUD_LOCATION": "us-east1"}, "projects/other/locations/us-east1/"),
    ],
)
def test_what_the_environment_does_not_say_the_data_sets_name_does(
    here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: dict[str, str], expected: str
):
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    train(tmp_path, worker_spot=True)
    assert started(here)[0].name.startswith(expected)


def test_a_job_that_fails_fails_the_step(here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(custom_jobs, "AOCR", [*toys.AOCR[:2], "raise SystemExit(3)"])
    with pytest.raises(AocrError, match="has ended as failed: The replica workerpool0-0 exited"):
        train(tmp_path, worker_spot=True)


def test_without_an_image_the_message_says_what_to_do(here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("AOCR_IMAGE")
    with pytest.raises(UsageError, match="--worker-count=2 --worker-spot: machines of its own need Vertex AI, and an"):
        train(tmp_path, worker_count=2, worker_spot=True)
    assert started(here) == []
