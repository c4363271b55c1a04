"""Steps in containers, as far as that shows without an engine (with one: tests/image)."""

import os
import subprocess
import sys

import pytest

from aocr_core.errors import AocrError
from pipelines import containers

pytest.importorskip("docker", reason="needs the docker package")


def test_without_an_engine_there_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    with pytest.raises(AocrError, match=r"^no Docker engine answers at unix://.*/none.sock: start one, or name it in"):
        containers.image_id("aocr-python:cpu")
    ended = subprocess.run(
        [sys.executable, "-c", "from pipelines.cli import main; main()", "run", "--image", "aocr-python:cpu"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith("aocr-pipeline: no Docker engine answers") and ended.stderr.count("\n") == 1


def test_kfps_own_way_to_a_container_comes_back(tmp_path, monkeypatch):
    from kfp.local import docker_task_handler

    before = docker_task_handler.run_docker_container
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    with pytest.raises(AocrError), containers.runner(str(tmp_path), [], {}):
        raise AssertionError("there is no engine")
    assert docker_task_handler.run_docker_container is before
