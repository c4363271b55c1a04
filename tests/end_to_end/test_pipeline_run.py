"""The main job as a user runs it, twice: rendered words to an answer over HTTP, then everything reused."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

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


class Run(NamedTuple):
    """What a run said, and its summary, which later runs replace: the tests may come in any order."""

    stdout: str
    stderr: str
    summary: dict


@pytest.fixture(scope="module")
def first(folder: Path) -> Run:
    ended = pipeline(folder, *RUN)
    return Run(ended.stdout, ended.stderr, summary(folder))


def summary(folder: Path) -> dict:
    return json.loads((folder / "build" / "summary.json").read_text())


def test_the_run_leaves_everything_in_its_place(folder: Path, first: Run):
    found = first.summary
    assert [step["name"] for step in found["steps"]] == STEPS
    assert found["approved"] is True and found["verdict"] == "first_model"
    assert (found["training_rows"], found["test_rows"], found["rejected_rows"]) == (200, 40, 0)
    assert 0 <= found["accuracy"] <= 1 and found["cer"] >= 0
    build = folder / "build"
    assert (build / "model" / "config.json").is_file()
    assert "<html" in (build / "report.html").read_text()
    assert "no model serves yet" in (build / "decision.html").read_text()
    assert (build / "serving" / "aocr" / "1" / "saved_model.pb").is_file()
    assert "Streamed logs" in (build / "pipeline.log").read_text()
    assert "Accuracy" in first.stdout and "curl" in first.stdout
    assert "2 Train: done in" in first.stderr


def test_the_printed_curl_line_works_as_typed(folder: Path, first: Run):
    asked = first.summary["asked"]
    line = next(line for line in first.stdout.splitlines() if line.startswith("Ask it")).removeprefix("Ask it").strip()
    assert line == asked["curl"]
    answer = json.loads(subprocess.run(["sh", "-c", line], cwd=folder, capture_output=True, check=True).stdout)
    assert answer["outputs"]["output"] == asked["text"]
    assert client.ask(asked["url"], [(folder / asked["image"]).read_bytes()])[0][0] == asked["text"]


def test_a_second_run_reuses_what_has_not_changed(folder: Path, first: Run):
    second = pipeline(folder, *RUN)
    after = summary(folder)
    assert {step["name"]: step["reused"] for step in after["steps"]} == {
        "build-tfrecords": True,
        "train": True,
        "evaluate": True,
        "approve": False,
    }
    assert "2 Train: reused" in second.stderr and "reused" in second.stdout
    assert after["accuracy"] == first.summary["accuracy"]
    assert after["verdict"] == "no_change" and "Verdict    no change" in second.stdout
    # The same model adds no version, and the endpoint that is up is asked again.
    assert [path.name for path in (folder / "build" / "serving" / "aocr").iterdir()] == ["1"]
    assert after["asked"]["pid"] == first.summary["asked"]["pid"]


def test_a_refused_model_is_not_deployed(folder: Path, first: Run):
    refused = pipeline(folder, *RUN[:-1], "1", "--no-keep-endpoint", expect=1)
    assert "below the floor of 100.0 %" in refused.stderr and "more in build/decision.html" in refused.stderr
    found = summary(folder)
    assert (found["approved"], found["serving"], found["asked"]) == (False, None, None)
    assert [step["name"] for step in found["steps"]] == STEPS[:4]
    assert [path.name for path in (folder / "build" / "serving" / "aocr").iterdir()] == ["1"]


def test_a_failing_step_is_told_in_one_line(folder: Path, first: Run):
    failed = pipeline(folder, *RUN, "--max-prediction", "1", expect=1)
    message = failed.stderr.strip().splitlines()[-1]
    assert message.startswith("aocr-pipeline: step 2 Train failed: the longest label has 10 symbols")
    assert "Traceback" not in failed.stderr
    # On one machine it is not tried again.
    assert (folder / "build" / "pipeline.log").read_text().count("Traceback") == 1


def test_an_interrupted_training_goes_on_where_it_was(tmp_path: Path):
    """Ctrl-C, which a terminal sends to the command and to the step at once; then the same command again."""
    words = [*COMMAND, *RUN[:-4], "--num-epoch", "8", "--min-accuracy", "0", "--no-keep-endpoint"]
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(
            words, cwd=tmp_path, stderr=log, env=environment(), start_new_session=True, preexec_fn=heed_ctrl_c
        )
        try:
            wait_for(lambda: steps_done(tmp_path / "build" / "progress.jsonl") >= 5, process)
            os.killpg(process.pid, signal.SIGINT)
            assert process.wait(600) == 130
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    assert "2 Train: interrupted after" in (tmp_path / "log").read_text()
    wait_for(lambda: list((tmp_path / "build" / "unfinished").glob("*/*/latest/checkpoint")))
    pipeline(tmp_path, *words[len(COMMAND) :])
    log_text = (tmp_path / "build" / "pipeline.log").read_text()
    begun = re.search(r"going on at step (\d+) of", log_text)
    assert begun and int(begun[1]) >= 5
    assert not list((tmp_path / "build" / "unfinished").glob("*/*/"))
    assert (tmp_path / "build" / "model" / "best.weights.h5").is_file()


def heed_ctrl_c() -> None:
    """A shell lets the commands that it starts in the background ignore SIGINT, and their children inherit that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def steps_done(events: Path) -> int:
    """Of the training, as the step has reported them so far."""
    lines = events.read_text().splitlines(keepends=True) if events.exists() else []
    found = [json.loads(line) for line in lines if line.endswith("\n")]
    return max((event["done"] for event in found if event["label"] == "train"), default=0)


def wait_for(happened: Callable[[], object], process: subprocess.Popen | None = None) -> None:
    for _ in range(3000):
        if happened():
            return
        assert process is None or process.poll() is None
        time.sleep(0.2)
    raise AssertionError("it did not happen within ten minutes")
