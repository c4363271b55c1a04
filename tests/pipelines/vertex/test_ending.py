"""A step that is told to end, as a cancelled run's are, takes back what it has begun on the endpoint."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from pipelines import spec
from tests.components.vertex import toys
from tests.components.vertex.test_custom_jobs import until


def task(folder: Path, export: str) -> dict[str, Any]:
    """What a launcher of KFP says to the step of the deployment."""
    options = {"canary_percent": 20, "serving_machine": "n1-standard-2", "max_replicas": 1, "keep_previous": False}
    names = {"endpoint": toys.NAME, "serving_dir": toys.SERVING, "model_name": "aocr"}
    kinds = {"exported": "system.Model", "scores": "system.Metrics"}
    artifacts = {
        name: {"artifacts": [{"name": name, "type": {"schemaTitle": kind}, "uri": export, "metadata": {}}]}
        for name, kind in kinds.items()
    }
    outputs = {"parameters": {"Output": {"outputFile": str(folder / "Output")}}, "outputFile": str(folder / "outputs")}
    return {"inputs": {"parameterValues": options | names, "artifacts": artifacts}, "outputs": outputs}


def test_a_deployment_that_is_told_to_end_leaves_no_canary(words, tmp_path: Path):
    """Its first process is told, alone: not what that may have started."""
    toys.deploy(words.export("a"))
    words.vertex.endpoints.lag = 10**9  # the version that comes is waited for as long as it gets no requests
    container = spec.containers(spec.load())["deploy"]
    command = [*container["command"], *container["args"]]
    command[command.index("{{$}}")] = json.dumps(task(tmp_path, words.export("b")))
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3]), "AOCR_IMAGE": toys.IMAGE, "PATH": path}
    step = subprocess.Popen(command, env=environment, start_new_session=True)
    try:
        until(lambda: words.split() == {1: 80, 2: 20})
        step.send_signal(signal.SIGTERM)
        assert step.wait(timeout=120) != 0
        assert (words.split(), words.deployed()) == ({1: 100}, [1])
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(step.pid, signal.SIGKILL)
        step.wait()
