"""The function as Cloud Run runs it: a process of its own that gets CloudEvents over HTTP."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from google.api_core import exceptions

from pipelines.event.upload import FINALIZED
from tests.pipelines.event.conftest import uploaded
from tests.ports import held

pytestmark = pytest.mark.slow

pytest.importorskip("functions_framework", reason="needs functions-framework")
ROOT = Path(__file__).parents[3]
START_SECONDS = 60.0
COMMAND = [sys.executable, "-m", "pipelines.event"]


class Function:
    """A function that runs; `log` is what it has written."""

    def __init__(self, url: str, log: Path) -> None:
        self.url = url
        self._log = log

    def lines(self) -> list[dict[str, str]]:
        return [json.loads(line) for line in self._log.read_text().splitlines() if line.startswith("{")]

    def post(self, headers: dict[str, str], body: bytes) -> int:
        """The status of the answer."""
        request = urllib.request.Request(self.url, body, headers, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code

    def tell(self, data: Any, kind: str = FINALIZED) -> int:
        """Send an event as Eventarc does: its attributes as headers, its data as the body."""
        headers = {"content-type": "application/json", "ce-type": kind, "ce-specversion": "1.0", "ce-id": "1"}
        headers["ce-source"] = "//storage.googleapis.com/projects/_/buckets/words"
        return self.post(headers, json.dumps(data).encode())


@pytest.fixture
def function(here: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Function]:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))  # gunicorn has a socket there
    log = tmp_path / "log"
    with held(1) as (port,):
        with log.open("wb") as stream:
            process = subprocess.Popen([*COMMAND, "--port", str(port)], stdout=stream, stderr=subprocess.STDOUT)
        try:
            limit = time.monotonic() + START_SECONDS
            while not _listening(port):
                assert process.poll() is None and time.monotonic() < limit, log.read_text()
                time.sleep(0.05)
            yield Function(f"http://127.0.0.1:{port}", log)
        finally:
            process.terminate()
            process.wait(timeout=30)


def _listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_deliveries_of_one_event_start_one_run(here, function: Function):
    data = uploaded("gs://words/plates/annotations.txt")
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(lambda _: function.tell(data), range(4))) == {200}
    (job,) = here.jobs.stored.values()
    assert job.name.endswith(f"-{data['generation']}-{job.name[-8:]}")
    assert sorted(line["severity"] for line in function.lines()) == ["INFO", "INFO", "INFO", "NOTICE"]


def test_an_event_is_delivered_until_its_run_is_started(here, function: Function):
    data = uploaded("gs://words/plates/annotations.txt")
    here.faults.once("CreatePipelineJob", error=exceptions.TooManyRequests("quota exceeded"))
    assert function.tell(data) == 503
    assert here.jobs.stored == {}
    assert function.tell(data) == 200
    assert len(here.jobs.stored) == 1


def test_what_starts_nothing_is_answered_with_ok_and_logged(here, function: Function):
    data = uploaded("gs://words/plates/1.png")
    assert function.tell(data) == 200
    assert function.tell(data, "google.cloud.storage.object.v1.deleted") == 200
    assert function.tell({"name": "plates/annotations.txt"}) == 200
    assert [line["severity"] for line in function.lines()] == ["DEBUG", "ERROR", "ERROR"]
    assert here.calls == []


def test_an_event_in_one_json_document_is_understood(here, function: Function):
    data = uploaded("gs://words/plates/annotations.txt")
    event = {"specversion": "1.0", "id": "1", "source": "//storage", "type": FINALIZED, "data": data}
    assert function.post({"content-type": "application/cloudevents+json"}, json.dumps(event).encode()) == 200
    assert len(here.jobs.stored) == 1
    # What is no event at all comes from nobody who would deliver it again.
    assert function.post({"content-type": "application/json"}, b"{}") == 400
    assert function.post({"content-type": "application/json"}, b"no json") == 400


def test_a_function_with_wrong_settings_ends_with_one_line(environment, monkeypatch: pytest.MonkeyPatch):
    environment(AOCR_EVENT_SUBMIT="--num-epochs 3")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    ended = subprocess.run([*COMMAND, "--port", "0"], capture_output=True, text=True, timeout=60, env=os.environ)
    assert ended.returncode == 2
    assert ended.stderr.startswith("pipelines.event: AOCR_EVENT_SUBMIT: No such option")
    assert ended.stderr.count("\n") == 1


def test_it_starts_without_what_only_steps_need(environment):
    """A function is started for each upload that comes after a pause."""
    code = (
        "import sys, pipelines.event.main\n"
        "assert not {'kfp', 'tensorflow', 'numpy', 'google.cloud.aiplatform_v1'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, env=os.environ)
