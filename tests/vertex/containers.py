"""A serving container, as a process on loopback: the command of the model's container under Vertex AI's contract."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from google.api_core.exceptions import from_http_status
from google.cloud.aiplatform_v1.types import Model

from tests.ports import held

ROOT = Path(__file__).parents[2]
START_SECONDS, STOP_SECONDS, ANSWER_SECONDS = 120.0, 15.0, 60.0
COMMANDS = {"aocr": [sys.executable, "-m", "aocr_core"]}
"""What the image has on its path."""


class Container:
    """`aocr serve` for a version of a model.

    Raises:
        RuntimeError: it does not become healthy.
    """

    def __init__(self, model: Model) -> None:
        self._predict = model.container_spec.predict_route
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `stop`
        with held(1) as (port,):
            self._start(model, port)
            self._wait(model.container_spec.health_route)

    def _start(self, model: Model, port: int) -> None:
        spec = model.container_spec
        self._url = f"http://127.0.0.1:{port}"
        command = [*spec.command, *spec.args]
        contract = {
            "AIP_HTTP_PORT": str(port),
            "AIP_HEALTH_ROUTE": spec.health_route,
            "AIP_PREDICT_ROUTE": spec.predict_route,
            "AIP_STORAGE_URI": model.artifact_uri,
            "PYTHONPATH": str(ROOT),
        }
        self._process = subprocess.Popen(
            # There it listens to all; here nobody else is to reach it, and it is not to outlive a test that was killed.
            [*COMMANDS[command[0]], *command[1:], "--host", "127.0.0.1", "--stop-after-idle", "600"],
            env=os.environ | {variable.name: variable.value for variable in spec.env} | contract,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._log,
        )

    @property
    def up(self) -> bool:
        return self._process.poll() is None

    def predict(self, body: dict[str, Any]) -> dict[str, Any]:
        request = urllib.request.Request(self._url + self._predict, json.dumps(body).encode())
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise from_http_status(error.code, error.read().decode()) from error

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()

    def _wait(self, route: str) -> None:
        limit = time.monotonic() + START_SECONDS
        while time.monotonic() < limit and self.up:
            with contextlib.suppress(OSError), urllib.request.urlopen(self._url + route, timeout=5):
                return
            time.sleep(0.2)
        if self.up:
            self.stop()
            raise RuntimeError("Model server never became ready.")
        self._log.seek(0)
        raise RuntimeError(self._log.read().decode().strip()[-500:])
