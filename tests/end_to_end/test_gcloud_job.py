"""A single training as a data scientist submits it: with Google's own `gcloud`, to the stand-in for Vertex AI."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from google.cloud.aiplatform_v1.types import CustomJobSpec
from google.protobuf import json_format

from aocr_core import storage
from aocr_core.recognizer import Recognizer
from tests.aocr_core import small

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        shutil.which("gcloud") is None, reason="needs gcloud (https://cloud.google.com/sdk/docs/install)"
    ),
]

ROOT = Path(__file__).parents[2]
WORDS = ["cab", "bad", "dead", "fee", "ace", "bed", "cafe", "deaf"] * 4
PLACE = ("--region=europe-west1", "--format=json")
IMAGE = f"europe-docker.pkg.dev/p/aocr/aocr-python@sha256:{'0' * 64}"


def gcloud(folder: Path, url: str, *words: str) -> str:
    """Without a login, and without this machine's settings."""
    settings = {
        "CLOUDSDK_CONFIG": str(folder / "gcloud"),
        "CLOUDSDK_AUTH_DISABLE_CREDENTIALS": "true",
        "CLOUDSDK_CORE_PROJECT": "p",
        "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
        "CLOUDSDK_API_ENDPOINT_OVERRIDES_AIPLATFORM": f"{url}/",
    }
    ended = subprocess.run(["gcloud", *words], env=os.environ | settings, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def written(file: Path, *words: str) -> None:
    """What `aocr-pipeline job` writes."""
    command = [sys.executable, "-c", "from pipelines.cli import main; main()", "job", *words, "-o", str(file)]
    subprocess.run(command, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=True, stdout=subprocess.DEVNULL)


def created(folder: Path, url: str, file: Path) -> str:
    """The name of the job that gcloud makes of a file."""
    create = ["ai", "custom-jobs", "create", *PLACE, "--display-name=words", "--labels=team=ocr", f"--config={file}"]
    return json.loads(gcloud(folder, url, *create))["name"]


def test_gcloud_sends_a_job_for_several_machines_as_it_is_in_the_file(vertex, tmp_path: Path):
    vertex.custom_jobs.running = False
    file = tmp_path / "job.yaml"
    words = ["gs://words/training.tfrecords", "--output-dir", "gs://words/job", "--image", IMAGE]
    written(file, *words, "--worker-count", "4", "--worker-accelerator", "NVIDIA_L4", "--worker-spot")
    sent = vertex.custom_jobs.stored[created(tmp_path, vertex.url, file)].job_spec
    meant = CustomJobSpec(json_format.ParseDict(yaml.safe_load(file.read_text()), CustomJobSpec.pb()()))
    assert sent == meant
    assert [pool.replica_count for pool in sent.worker_pool_specs] == [1, 3]
    assert sent.worker_pool_specs[0].container_spec == sent.worker_pool_specs[1].container_spec
    assert sent.scheduling.restart_job_on_worker_restart


def test_a_job_file_from_its_writing_to_a_model_in_the_bucket(vertex, bucket: str, tmp_path: Path):
    data = small.write_words(tmp_path / "training.tfrecords", WORDS)
    storage.write_bytes(f"{bucket}/training.tfrecords", Path(data).read_bytes())
    file = tmp_path / "job.yaml"
    words = [f"{bucket}/training.tfrecords", "--output-dir", f"{bucket}/job", "--image", IMAGE]
    words += ["--worker-accelerator", "NVIDIA_TESLA_T4", "--worker-spot", "--timeout-hours", "1"]
    words += ["--num-epoch", "1", "--batch-size", "8", "--pretrain", "never", "--attn-num-hidden", "16"]
    written(file, *words)
    name = created(tmp_path, vertex.url, file)
    sent = vertex.custom_jobs.stored[name]
    assert (sent.display_name, dict(sent.labels)) == ("words", {"team": "ocr"})
    assert sent.job_spec.scheduling.strategy.name == "SPOT"
    assert sent.job_spec.worker_pool_specs[0].machine_spec.accelerator_type.name == "NVIDIA_TESLA_T4"

    end = time.monotonic() + 300
    while (state := sent.state.name) in ("JOB_STATE_PENDING", "JOB_STATE_RUNNING"):
        assert time.monotonic() < end
        time.sleep(0.2)
    assert state == "JOB_STATE_SUCCEEDED", vertex.custom_jobs.log(name)
    assert "validation accuracy" in vertex.custom_jobs.log(name)
    described = json.loads(gcloud(tmp_path, vertex.url, "ai", "custom-jobs", "describe", name, *PLACE))
    assert described["state"] == "JOB_STATE_SUCCEEDED"
    assert storage.exists(f"{bucket}/job/checkpoints/latest/checkpoint")
    assert storage.list_files(f"{bucket}/job/logs")
    assert Recognizer.load(f"{bucket}/job/model").read([small.picture("cab")])[0].probability > 0
