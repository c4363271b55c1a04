"""The compiled pipeline as a user submits it: from a bucket to a deployed version, on the stand-in for Vertex AI."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from aocr_core import gcs, storage
from aocr_core.config import SynthOptions
from aocr_core.data.synth.build import build

# Always run: the whole story on an endpoint (test_vertex_story.py).
pytestmark = [pytest.mark.slow, pytest.mark.exhaustive]

COMMAND = [sys.executable, "-c", "from pipelines.cli import main; main()"]
IMAGE = f"europe-docker.pkg.dev/p/aocr/aocr-python@sha256:{'0' * 64}"


def command(*words: str, expect: int = 0) -> subprocess.CompletedProcess:
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2]), "GOOGLE_CLOUD_PROJECT": "p"}
    ended = subprocess.run([*COMMAND, *words], capture_output=True, text=True, env=environment)
    assert ended.returncode == expect, ended.stdout + ended.stderr
    return ended


def test_from_a_bucket_to_a_deployed_version(vertex, bucket: str, tmp_path: Path):
    words = tmp_path / "words"
    build(str(words), SynthOptions(count=60, test_count=20))
    gcs.upload({f"{bucket}/words/{f.relative_to(words)}": f for f in words.rglob("*") if f.is_file()})
    settings = tmp_path / "settings.yaml"
    settings.write_text(
        f"annotations: {bucket}/words/training.txt\n"
        f"test_annotations: {bucket}/words/testing.txt\n"
        "num_epoch: 1\npretrain: never\nmin_accuracy: 0\n"
    )
    options = ("--parameters", str(settings), "--serving-dir", f"{bucket}/serving", "--pipeline-root", f"{bucket}/runs")
    options += ("--image", IMAGE, "--api-endpoint", vertex.url, "--experiment", "words")
    submitted = command("submit", *options, "--wait")
    job_id = submitted.stdout.strip()
    assert "6 Deploy: done" in submitted.stderr and "approved: " in submitted.stderr

    found = json.loads(command("status", job_id, "--json", "--api-endpoint", vertex.url).stdout)
    steps = {step["name"]: step for step in found["steps"]}
    assert {step["state"] for step in steps.values()} == {"done"}
    assert steps["build-tfrecords"]["figures"]["training_rows"] == 60
    report = storage.read_bytes(steps["evaluate"]["outputs"]["report"])
    assert b"<html" in report.lower()
    assert storage.exists(storage.join(steps["train"]["outputs"]["model"], "config.json"))
    assert storage.list_dirs(f"{bucket}/serving/aocr") == ["1"]
    assert storage.exists(f"{bucket}/serving/aocr/1/saved_model.pb")
    (members,) = vertex.metadata.children.values()
    assert members == [f"projects/p/locations/us-central1/metadataStores/default/contexts/{job_id}"]

    # Nothing has changed: only what always runs does, and a floor that cannot be reached keeps the model out.
    again = command("submit", *options, "--wait", "--min-accuracy", "1", expect=1)
    assert "2 Train: reused" in again.stderr and "4 Approve: done" in again.stderr
    assert "aocr-pipeline: the model was not approved" in again.stderr.splitlines()[-1]
    assert storage.list_dirs(f"{bucket}/serving/aocr") == ["1"]
