"""The compiled pipeline with a training on two machines, as a user submits it to the stand-in for Vertex AI."""

import json
from pathlib import Path

import pytest

from aocr_core import gcs, storage
from aocr_core.config import SynthOptions
from aocr_core.data.synth.build import build
from tests.end_to_end.test_vertex_run import IMAGE, command

# Always run: two workers that train (tests/aocr_core/training/test_workers.py), the step that starts their job
# (tests/components/test_training.py).
pytestmark = [pytest.mark.slow, pytest.mark.exhaustive]


def test_two_workers_train_the_model_of_a_run(vertex, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AOCR_VERTEX_ENDPOINT", vertex.url)
    words = tmp_path / "words"
    build(str(words), SynthOptions(count=60, test_count=10))
    gcs.upload({f"{bucket}/words/{f.relative_to(words)}": f for f in words.rglob("*") if f.is_file()})
    options = ["--annotations", f"{bucket}/words/training.txt", "--test-annotations", f"{bucket}/words/testing.txt"]
    options += ["--serving-dir", f"{bucket}/serving", "--pipeline-root", f"{bucket}/runs", "--image", IMAGE]
    options += ["--num-epoch", "1", "--pretrain", "never", "--batch-size", "8", "--label", "team=ocr"]
    options += ["--worker-count", "2", "--accelerator", "train=NVIDIA_L4", "--worker-spot"]
    submitted = command("submit", *options, "--wait", "--min-accuracy", "1", expect=1)
    assert "2 Train: done" in submitted.stderr, submitted.stderr

    (job,) = vertex.custom_jobs.stored.values()
    assert job.state.name == "JOB_STATE_SUCCEEDED" and dict(job.labels) == {"team": "ocr"}
    assert job.name.startswith("projects/p/locations/us-central1/")
    assert job.job_spec.scheduling.restart_job_on_worker_restart and job.job_spec.scheduling.strategy.name == "SPOT"
    chief, worker = job.job_spec.worker_pool_specs
    assert {chief.container_spec.image_uri, worker.container_spec.image_uri} == {IMAGE}
    assert chief.machine_spec.machine_type == worker.machine_spec.machine_type == "g2-standard-12"
    (sent,) = [message.pipeline_job for name, message in vertex.calls if name == "CreatePipelineJob"]
    assert "NVIDIA_L4" not in str(sent.pipeline_spec["deploymentSpec"])  # the step only waits

    run = submitted.stdout.strip()
    found = json.loads(command("status", run, "--json", "--api-endpoint", vertex.url).stdout)
    train = next(step for step in found["steps"] if step["name"] == "train")
    ended = json.loads(storage.read_bytes(storage.join(train["outputs"]["model"], "training.json")))
    assert train["figures"] | ended == train["figures"] and ended["steps"] > 0
    assert "shared by 2 workers" in vertex.custom_jobs.log(job.name)
