"""The whole story on the stand-in for Vertex AI: a model gets onto an endpoint, a worse one not, a better one does.

The steps run as they are compiled, their outputs lie in a bucket, and each version on the endpoint is an `aocr serve`
of its own. Models are good or bad by the labels that they learn from.
"""

import base64
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from aocr_core import gcs, storage
from components.vertex import endpoints
from tests.aocr_core import small
from tests.end_to_end.test_vertex_run import IMAGE, command

pytestmark = pytest.mark.slow

ENDPOINT = "projects/p/locations/us-central1/endpoints/digits"
LESSONS: dict[str, Callable[[int], int]] = {
    "half": lambda digit: digit if digit < 5 else (digit + 1) % 10,
    "wrong": lambda digit: (digit + 1) % 10,
    "right": lambda digit: digit,
}
"""What a lesson says that a digit is."""
COUNT, TEST_COUNT = 200, 60


@pytest.fixture
def lessons(bucket: str, tmp_path: Path) -> str:
    """`gs://…` of images of digits, a file of labels for each lesson, and one of the truth to judge by."""
    chance = random.Random(0)
    lines: dict[str, list[str]] = {name: [] for name in [*LESSONS, "testing"]}
    files = {}
    for number in range(COUNT + TEST_COUNT):
        digit, name = number % 10, f"{number}.png"
        files[name] = tmp_path / name
        files[name].write_bytes(small.picture(str(digit), size=chance.randint(18, 26)))
        if number >= COUNT:
            lines["testing"].append(f"{name} {digit}\n")
        else:
            for lesson, says in LESSONS.items():
                lines[lesson].append(f"{name} {says(digit)}\n")
    for name, rows in lines.items():
        files[f"{name}.txt"] = tmp_path / f"{name}.txt"
        files[f"{name}.txt"].write_text("".join(rows))
    gcs.upload({f"{bucket}/digits/{name}": file for name, file in files.items()})
    return f"{bucket}/digits"


def read(digit: int) -> str:
    """What the endpoint reads in a digit, asked with Google's client."""
    instances = [{"b64": base64.b64encode(small.picture(str(digit))).decode()}]
    client = endpoints.connected(ENDPOINT).predictions
    return client.predict(endpoint=ENDPOINT, instances=instances).predictions[0]["output"]


def test_a_model_goes_to_an_endpoint_a_worse_one_does_not_a_better_one_does_and_back(
    vertex, bucket: str, lessons: str, monkeypatch: pytest.MonkeyPatch
):
    # Private endpoints, and this one, are named to the steps in their environment.
    monkeypatch.setenv("AOCR_VERTEX_ENDPOINT", vertex.url)
    splits, trouble = [], []

    def look(rpc: str) -> None:
        trouble.extend(filter(None, [vertex.endpoints.trouble()]))
        if ENDPOINT in vertex.endpoints.stored and (split := vertex.endpoints.split(ENDPOINT)) not in splits[-1:]:
            splits.append(split)

    vertex.after = look

    def run(lesson: str, expect: int = 0) -> str:
        places = ("--test-annotations", f"{lessons}/testing.txt", "--serving-dir", f"{bucket}/serving")
        places += ("--pipeline-root", f"{bucket}/runs", "--image", IMAGE, "--endpoint", ENDPOINT)
        training = ("--num-epoch", "15", "--batch-size", "16", "--pretrain", "never", "--no-augment")
        words = ("submit", "--annotations", f"{lessons}/{lesson}.txt", *places, *training, "--min-accuracy", "0.3")
        return command(*words, "--wait", expect=expect).stderr

    assert "6 Deploy: done" in run("half")
    assert splits == [{}, {1: 100}]
    assert [read(digit) for digit in (1, 3, 7)] == ["1", "3", "8"]
    ((name, versions),) = vertex.models.stored.items()
    assert name == "projects/p/locations/us-central1/models/aocr"
    assert versions[1].artifact_uri == f"{bucket}/serving/aocr/1" and storage.exists(versions[1].artifact_uri)
    assert versions[1].container_spec.image_uri == IMAGE
    assert 0.3 < vertex.models.evaluations[f"{name}@1"][0].metrics["exactMatch"] < 0.7

    said = run("wrong", expect=1)
    assert "4 Approve: done" in said and "aocr-pipeline: the model was not approved" in said
    assert splits == [{}, {1: 100}] and list(versions) == [1]

    said = run("right")
    assert "6 Deploy: done" in said and "version 1 on digits" in said
    assert splits == [{}, {1: 100}, {1: 90, 2: 10}, {2: 100}]
    assert vertex.endpoints.deployed(ENDPOINT) == [2]
    assert [read(digit) for digit in (1, 3, 7)] == ["1", "3", "7"]

    said = command("rollback", "--endpoint", ENDPOINT)
    assert said.stdout == f"serves now: {name}@1\n"
    assert splits[4:] == [{1: 10, 2: 90}, {1: 100}]
    assert [read(digit) for digit in (1, 3, 7)] == ["1", "3", "8"]
    assert trouble == []
