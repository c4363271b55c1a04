"""The main job as a user runs it, twice: rendered words to an answer over HTTP, then everything reused."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from aocr_core.serving import client

pytestmark = pytest.mark.slow

STEPS = ["build-tfrecords", "train", "evaluate", "approve", "export", "deploy"]
COMMAND = [sys.executable, "-c", "from pipelines.cli import main; main()"]


def pipeline(folder: Path, *words: str, expect: int = 0) -> subprocess.CompletedProcess:
    ended = subprocess.run([*COMMAND, *words], cwd=folder, capture_output=True, text=True, env=environment())
    assert ended.returncode == expect, ended.stdout + ended.stderr
    return ended


def environment() -> dict[str, str]:
    """The steps find the library also where it is not installed."""
    return os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("user")
    yield folder
    pipeline(folder, "stop")


RUN = ("run", "--count", "200", "--test-count", "40", "--num-epoch", "1", "--min-accuracy", "0")


@pytest.fixture(scope="module")
def first(folder: Path) -> subprocess.CompletedProcess:
    return pipeline(folder, *RUN)


def summary(folder: Path) -> dict:
    return json.loads((folder / "build" / "summary.json").read_text())


def test_the_run_leaves_everything_in_its_place(folder: Path, first):
    found = summary(folder)
    assert [step["name"] for step in found["steps"]] == STEPS
    assert found["approved"] is True
    assert (found["training_rows"], found["test_rows"], found["rejected_rows"]) == (200, 40, 0)
    assert 0 <= found["accuracy"] <= 1 and found["cer"] >= 0
    build = folder / "build"
    assert (build / "model" / "config.json").is_file()
    assert "<html" in (build / "report.html").read_text()
    assert (build / "serving" / "aocr" / "1" / "saved_model.pb").is_file()
    assert "Streamed logs" in (build / "pipeline.log").read_text()
    assert "Accuracy" in first.stdout and "curl" in first.stdout
    assert "2 Train: done in" in first.stderr


def test_the_printed_curl_line_works_as_typed(folder: Path, first):
    asked = summary(folder)["asked"]
    line = next(line for line in first.stdout.splitlines() if line.startswith("Ask it")).removeprefix("Ask it").strip()
    assert line == asked["curl"]
    answer = json.loads(subprocess.run(["sh", "-c", line], cwd=folder, capture_output=True, check=True).stdout)
    assert answer["outputs"]["output"] == asked["text"]
    assert client.ask(asked["url"], [(folder / asked["image"]).read_bytes()])[0][0] == asked["text"]


def test_a_second_run_reuses_what_has_not_changed(folder: Path, first):
    before = summary(folder)
    second = pipeline(folder, *RUN)
    after = summary(folder)
    assert {step["name"]: step["reused"] for step in after["steps"]} == {
        "build-tfrecords": True,
        "train": True,
        "evaluate": True,
        "approve": False,
        "export": True,
        "deploy": False,
    }
    assert "2 Train: reused" in second.stderr and "reused" in second.stdout
    assert after["accuracy"] == before["accuracy"]
    assert "no worse than" in after["reasons"]
    # The same export adds no version, and the endpoint that is up is asked again.
    assert [path.name for path in (folder / "build" / "serving" / "aocr").iterdir()] == ["1"]
    assert after["asked"]["pid"] == before["asked"]["pid"]


def test_a_refused_model_is_not_deployed(folder: Path, first):
    refused = pipeline(folder, *RUN[:-1], "1", "--no-keep-endpoint", expect=1)
    assert "below the floor of 100.0 %" in refused.stderr
    found = summary(folder)
    assert (found["approved"], found["serving"], found["asked"]) == (False, None, None)
    assert [step["name"] for step in found["steps"]] == STEPS[:4]
    assert [path.name for path in (folder / "build" / "serving" / "aocr").iterdir()] == ["1"]


def test_a_failing_step_is_told_in_one_line(folder: Path, first):
    failed = pipeline(folder, *RUN, "--charset", "runes", expect=1)
    message = failed.stderr.strip().splitlines()[-1]
    assert message.startswith("aocr-pipeline: step 1 Build TFRecords failed: unknown charset 'runes'")
    assert "Traceback" not in failed.stderr
