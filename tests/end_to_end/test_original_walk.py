"""The README of aocr 0.7.6, command by command as typed there, on little data and with few steps."""

import base64
import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.aocr_core import small

pytestmark = pytest.mark.slow

WORDS = ["one", "two", "three", "four"]
AOCR = [sys.executable, "-m", "aocr_core"]
ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}


def aocr(folder: Path, line: str) -> str:
    done = subprocess.run(
        [*AOCR, *line.split()], cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A user's folder after `aocr dataset`, `train` and both exports."""
    folder = tmp_path_factory.mktemp("walk")
    (folder / "datasets" / "images").mkdir(parents=True)
    for word in WORDS:
        (folder / "datasets" / "images" / f"{word}.png").write_bytes(small.picture(word))
    rows = "".join(f"datasets/images/{word}.png {word}\n" for word in WORDS)
    for name in ("training", "testing"):
        (folder / "datasets" / f"annotations-{name}.txt").write_text(rows)
        aocr(folder, f"dataset ./datasets/annotations-{name}.txt ./datasets/{name}.tfrecords")
    aocr(folder, "train ./datasets/training.tfrecords --steps-per-checkpoint 1 --num-epoch 1 --batch-size 4")
    return folder


def test_test(folder: Path):
    assert "exactly right" in aocr(folder, "test ./datasets/testing.tfrecords")
    assert not list((folder / "results").glob("predict-*"))
    aocr(folder, "test --visualize ./datasets/testing.tfrecords")
    assert len(list((folder / "results").glob("predict-*/image.gif"))) == len(WORDS)


def test_export_and_serve(folder: Path):
    """`inputs` with one image answers a text and a probability, not lists of one, as in the README's curl request."""
    assert aocr(folder, "export ./exported-model") == "./exported-model/1\n"
    line = "serve --port=9000 --rest_api_port=0 --model_name=aocr --model_base_path=./exported-model"
    with subprocess.Popen(
        [*AOCR, *line.split()],
        cwd=folder,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as server:
        try:
            assert server.stdout is not None
            said = server.stdout.readline()
            assert said.startswith("Serving version 1 at http://127.0.0.1:")
            image = (folder / "datasets" / "images" / "one.png").read_bytes()
            question = {
                "signature_name": "serving_default",
                "inputs": {"input": {"b64": base64.b64encode(image).decode()}},
            }
            url = f"{said.split()[-1]}:predict"
            with urllib.request.urlopen(url, json.dumps(question).encode(), timeout=60) as response:
                answer = json.load(response)["outputs"]
        finally:
            server.terminate()
    assert set(answer) == {"output", "probability"}
    assert isinstance(answer["output"], str) and 0 <= answer["probability"] <= 1


def test_frozen_graph(folder: Path):
    assert aocr(folder, "export --format=frozengraph ./frozen") == "./frozen/frozen_graph.pb\n"
