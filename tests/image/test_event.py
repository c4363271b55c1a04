"""The image as the function that waits for uploads."""

import time

ENVIRONMENT = {
    "AOCR_EVENT_PATTERN": "gs://words/*.txt",
    "AOCR_IMAGE": "europe-docker.pkg.dev/p/aocr/aocr-python:1",
    "AOCR_PIPELINE_ROOT": "gs://words/runs",
    "GOOGLE_CLOUD_PROJECT": "p",
    "K_SERVICE": "aocr-events",
    "PORT": "8080",
}
TELL = """
import sys, urllib.request
headers = {"content-type": "application/json", "ce-specversion": "1.0", "ce-id": "1", "ce-source": "//storage"}
headers["ce-type"] = "google.cloud.storage.object.v1.finalized"
body = b'{"bucket": "words", "name": "1.png", "generation": "1"}'
print(urllib.request.urlopen(urllib.request.Request("http://127.0.0.1:8080", body, headers), timeout=30).status)
"""
LIMIT_SECONDS = 60.0


def test_answers_events_with_no_rights(start):
    """As Cloud Run starts it, with less than Cloud Run grants."""
    command, rights = ("python", "-m", "pipelines.event"), {"cap_drop": ["ALL"], "read_only": True}
    container = start(*command, environment=ENVIRONMENT, user="65534:65534", tmpfs={"/tmp": ""}, **rights)
    limit = time.monotonic() + LIMIT_SECONDS
    while (told := container.exec_run(["python", "-c", TELL])).exit_code:
        assert time.monotonic() < limit, container.logs().decode()
        time.sleep(0.2)
    assert told.output.decode() == "200\n"
    assert '"ignored: gs://words/1.png is not' in container.logs().decode()
    container.stop(timeout=30)
    assert container.wait()["StatusCode"] == 0
