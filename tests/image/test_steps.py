"""The compiled pipeline, its steps in containers: `aocr-pipeline run --image`."""

import json
import math
import os
import signal
import subprocess
import time

import pytest

from aocr_core.errors import AocrError
from pipelines import containers
from tests.end_to_end.test_pipeline_run import COMMAND, STEPS, environment, heed_ctrl_c, pipeline, steps_done, wait_for

SMALL = ["--count", "200", "--test-count", "40", "--num-epoch", "1", "--min-accuracy", "0", "--no-keep-endpoint"]


def ended_containers(engine, image: str, since: int) -> list[str]:
    """Exit codes of the image's containers that have ended since then, as the engine remembers them."""
    own = {image, engine.images.get(image).id}
    seen = engine.events(since=since, until=int(time.time()) + 1, filters={"event": "die"}, decode=True)
    return [event["Actor"]["Attributes"]["exitCode"] for event in seen if event["Actor"]["Attributes"]["image"] in own]


@pytest.mark.slow
def test_every_step_runs_in_a_container_of_the_image(engine, image, tmp_path):
    began = math.ceil(time.time())  # the engine's events are asked for by whole seconds
    time.sleep(1)
    shown = pipeline(tmp_path, "run", "--image", image, *SMALL)
    assert ended_containers(engine, image, began) == ["0"] * len(STEPS)
    assert not engine.containers.list(all=True, filters={"ancestor": image})
    summary = json.loads((tmp_path / "build" / "summary.json").read_text())
    assert [step["name"] for step in summary["steps"]] == STEPS
    assert summary["asked"]["text"] is not None and "2 Train: done in" in shown.stderr
    assert "train: " in shown.stderr  # the bar of a step inside
    written = [path for path in (tmp_path / "build").rglob("*") if path.stat().st_uid != os.getuid()]
    assert not written
    pipeline(tmp_path, "run", "--image", image, *SMALL)
    after = json.loads((tmp_path / "build" / "summary.json").read_text())
    assert [step["reused"] for step in after["steps"]] == [True, True, True, False]
    assert after["verdict"] == "no_change"


@pytest.mark.slow
def test_images_from_elsewhere_are_seen_and_a_failing_step_is_told(engine, image, tmp_path, word_image):
    """The annotation file, a folder beside it, an absolute path, a path with `..`, and a link to somewhere else."""
    here, there, build = tmp_path / "here", tmp_path / "there", tmp_path / "build"
    for number, path in enumerate([here / "images/a.png", there / "b.png", there / "deep/c.png", here / "up/d.png"]):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(word_image(f"word{number}"))
    (here / "images" / "e.png").symlink_to(there / "deep" / "c.png")
    rows = ["images/a.png", str(there / "b.png"), "up/../up/d.png", "images/e.png", "images/missing.png"]
    (here / "rows.txt").write_text("".join(f"{path} word{number}\n" for number, path in enumerate(rows * 4)))
    words = ["run", "--image", image, "--annotations", str(here / "rows.txt"), "--test-annotations", "rows.txt"]
    words += ["--build-dir", str(build)]
    failed = pipeline(here, *words, "--max-prediction", "1", "--no-keep-endpoint", expect=1)
    assert failed.stderr.splitlines()[-1].startswith("aocr-pipeline: step 2 Train failed: the longest label has 6 symb")
    rejected = [table.read_text().splitlines()[1:] for table in build.rglob("rejected.tsv")]
    assert [[line.split("\t")[0] for line in table] for table in rejected] == [["5", "10", "15", "20"]] * 2
    assert not engine.containers.list(all=True, filters={"ancestor": image})


@pytest.mark.slow
def test_an_interrupted_training_goes_on_where_it_was(engine, image, tmp_path):
    words = [*COMMAND, "run", "--image", image, *SMALL[:4], "--num-epoch", "20", *SMALL[6:]]
    process = subprocess.Popen(
        words, cwd=tmp_path, env=environment(), start_new_session=True, preexec_fn=heed_ctrl_c, stderr=subprocess.PIPE
    )
    try:
        wait_for(lambda: steps_done(tmp_path / "build" / "progress.jsonl") >= 5, process)
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(120) == 130, process.stderr.read()
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    assert not engine.containers.list(all=True, filters={"ancestor": image})
    assert list((tmp_path / "build" / "unfinished").glob("*/*/latest/checkpoint"))


@pytest.mark.parametrize("code", [0, 3])
def test_a_container_is_believed_only_what_it_said(engine, image, tmp_path, capsys, code):
    """By KFP's own way to a container, with a folder that only our way there has mounted."""
    from kfp.local.docker_task_handler import DockerTaskHandler
    from kfp.local.status import Status

    (tmp_path / "read").mkdir()
    (tmp_path / "read" / "word").write_text("größer")
    root = tmp_path / "build" / "root"
    root.mkdir(parents=True)
    command = ["sh", "-c", f"cat {tmp_path}/read/word; echo $MINE > {root}/out; touch {tmp_path}/read/no; exit {code}"]
    with containers.runner(str(tmp_path / "build"), [str(tmp_path / "read")], {"MINE": "yes"}) as runner:
        arguments = dict(runner.container_run_args)
        runner.container_run_args, variables = arguments, arguments.pop("environment")
        status = DockerTaskHandler(image, command, str(root), runner, variables).run()
    assert status == (Status.SUCCESS if code == 0 else Status.FAILURE)
    shown = capsys.readouterr().out
    assert "größer" in shown and "Read-only file system" in shown
    assert (root / "out").read_text() == "yes\n"
    assert not engine.containers.list(all=True, filters={"ancestor": image})


def test_what_the_engine_refuses_is_told(engine, image):
    with pytest.raises(AocrError, match=r"the Docker engine does not run a step: .*no-such-program"):
        containers.run_container(engine, image, ["no-such-program"])
    with pytest.raises(AocrError, match="has no image aocr-python:nothing: build it"):
        containers.image_id("aocr-python:nothing")
    assert not engine.containers.list(all=True, filters={"ancestor": image})
