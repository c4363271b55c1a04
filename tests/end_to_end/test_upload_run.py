"""An annotation file is uploaded, and a model serves that has learnt from it: the event, the run, its six steps."""

import time
from pathlib import Path
from typing import Any

import pytest

from aocr_core import gcs, storage
from aocr_core.config import SynthOptions
from aocr_core.data.synth.build import build
from pipelines.event import handler, settings
from pipelines.event.upload import FINALIZED
from tests.pipelines.vertex.toys import IMAGE

pytestmark = pytest.mark.slow

LIMIT_SECONDS = 600.0


def test_from_an_upload_to_a_deployed_version(vertex: Any, bucket: str, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("AOCR_VERTEX_ENDPOINT", vertex.url)
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "p")
    monkeypatch.setenv("AOCR_IMAGE", IMAGE)
    monkeypatch.setenv("AOCR_PIPELINE_ROOT", f"{bucket}/runs")
    monkeypatch.setenv("AOCR_EVENT_PATTERN", f"{bucket}/*/training.txt")
    monkeypatch.setenv("AOCR_EVENT_SUBMIT", f"--serving-dir {bucket}/serving")
    words = tmp_path / "words"
    build(str(words), SynthOptions(count=40, test_count=10))
    gcs.upload({f"{bucket}/words/{f.relative_to(words)}": f for f in words.rglob("*") if f.is_file()})
    storage.write_bytes(f"{bucket}/words/parameters.yaml", b"num_epoch: 1\npretrain: never\nmin_accuracy: 0\n")

    annotations = f"{bucket}/words/training.txt"
    data = {"bucket": "words", "name": "words/training.txt", "generation": str(gcs.generation(annotations))}
    for _ in range(2):
        handler.handle(FINALIZED, data, settings.load())
    (name,) = vertex.jobs.stored
    limit = time.monotonic() + LIMIT_SECONDS
    while (job := vertex.jobs.stored[name]).state.name not in ("PIPELINE_STATE_SUCCEEDED", "PIPELINE_STATE_FAILED"):
        assert time.monotonic() < limit
        time.sleep(0.2)
    assert job.state.name == "PIPELINE_STATE_SUCCEEDED", job.error
    assert storage.exists(f"{bucket}/serving/aocr/1/saved_model.pb")
