"""An upload, and an environment in which the function sends its runs to the stand-in."""

from collections.abc import Callable
from typing import Any

import pytest

from aocr_core import gcs, storage
from pipelines.event import settings
from tests.pipelines.vertex.toys import IMAGE

OPTIONS = "--num-epoch 3 --label team=ocr --serving-dir gs://words/serving"


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Sets what the function needs to start, and, by name, what else a test wants; None unsets."""

    def change(**variables: str | None) -> None:
        for name, value in variables.items():
            monkeypatch.delenv(name, raising=False) if value is None else monkeypatch.setenv(name, value)

    # Where nobody answers, lest a test ask Google.
    change(AOCR_VERTEX_ENDPOINT="http://127.0.0.1:9", STORAGE_EMULATOR_HOST="http://127.0.0.1:9")
    change(GOOGLE_CLOUD_PROJECT="p", GOOGLE_CLOUD_LOCATION="europe-west1", AOCR_IMAGE=IMAGE)
    change(AOCR_PIPELINE_ROOT="gs://words/runs", AOCR_EVENT_PATTERN="gs://words/*.txt", AOCR_EVENT_SUBMIT=OPTIONS)
    return change


@pytest.fixture
def here(environment: Callable[..., None], vertex: Any, bucket: str, emulator: Any) -> Any:
    """The stand-in for Vertex AI, where runs stay pending; it and the bucket are those of the environment."""
    vertex.jobs.running = False
    environment(AOCR_VERTEX_ENDPOINT=vertex.url, STORAGE_EMULATOR_HOST=f"http://{emulator.address}")
    return vertex


@pytest.fixture
def loaded(here: Any) -> settings.Settings:
    """The settings of a function that sends its runs to `here`."""
    return settings.load()


def uploaded(path: str, content: bytes = b"1.png one\n") -> dict[str, Any]:
    """Upload, and what Cloud Storage says of it in its event."""
    storage.write_bytes(path, content)
    name, generation = path.removeprefix("gs://words/"), gcs.generation(path)
    return {"bucket": "words", "name": name, "generation": str(generation), "contentType": "text/plain", "size": "10"}
