"""The image as Vertex AI's serving container, and under Docker's health check."""

import base64
import json
import shutil
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from aocr_core import storage
from tests.ports import held

if TYPE_CHECKING:
    from docker.models.containers import Container

HEALTH, PREDICT = "/v1/endpoints/7/deployedModels/8", "/v1/endpoints/7/deployedModels/8:predict"
SECOND = 10**9
"""Docker counts in nanoseconds."""
OFTEN = {"interval": SECOND, "timeout": 5 * SECOND, "start_period": 120 * SECOND}
"""The image's own health check, asked for more often."""
ASK = """
import sys, urllib.request
request = urllib.request.Request(sys.argv[1], sys.argv[2].encode())
print(urllib.request.urlopen(request, timeout=30).read().decode())
"""


@pytest.fixture(scope="module")
def export(image, tmp_path_factory) -> Path:
    """A folder of versions that anybody may read; a text there is the size of the image."""
    from tests.aocr_core.serving.tiny_export import write

    folder = tmp_path_factory.mktemp("served")
    write(folder / "1", "first ")
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755)
    return folder


def contract(port: int, uri: str) -> dict[str, str]:
    return {
        "AIP_HTTP_PORT": str(port),
        "AIP_HEALTH_ROUTE": HEALTH,
        "AIP_PREDICT_ROUTE": PREDICT,
        "AIP_STORAGE_URI": uri,
    }


def instances(*images: bytes) -> str:
    return json.dumps({"instances": [{"b64": base64.b64encode(image).decode()} for image in images]})


def test_serves_with_no_arguments_and_no_rights(start, export, word_image):
    """As Vertex AI starts it, with less than Vertex AI grants: no capabilities, nothing to write to but /tmp."""
    container = start(
        environment=contract(8080, "/model"),
        volumes={str(export): {"bind": "/model", "mode": "ro"}},
        user="65534:65534",
        read_only=True,
        cap_drop=["ALL"],
        tmpfs={"/tmp": ""},
        healthcheck=OFTEN,
    )
    assert health(container) == "healthy", container.logs().decode()
    body = instances(word_image("a", (40, 20)), word_image("b", (30, 9)))
    answer = json.loads(container.exec_run(["python", "-c", ASK, f"http://127.0.0.1:8080{PREDICT}", body]).output)
    assert [prediction["output"] for prediction in answer["predictions"]] == ["first 40x20", "first 30x9"]
    container.stop(timeout=60)
    assert container.wait()["StatusCode"] == 0


def test_fetches_its_model_from_a_bucket(start, export, bucket, emulator, word_image):
    with storage.output_dir(f"{bucket}/model") as folder:
        shutil.copytree(export, folder, dirs_exist_ok=True)
    with held(1) as (port,):
        container = start(
            *("aocr", "serve", "--host", "127.0.0.1"),
            environment=contract(port, f"{bucket}/model") | {"STORAGE_EMULATOR_HOST": f"http://{emulator.address}"},
            network_mode="host",
            healthcheck=OFTEN,
        )
        assert health(container) == "healthy", container.logs().decode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}{PREDICT}", instances(word_image("a", (50, 20))).encode())
    with urllib.request.urlopen(request, timeout=30) as response:
        assert json.load(response)["predictions"][0]["output"] == "first 50x20"


def test_a_server_that_does_not_answer_is_not_healthy(start):
    container = start("python", "-c", "import time; time.sleep(600)", "aocr", "serve", healthcheck=OFTEN)
    code, said = container.exec_run(["python", "-m", "aocr_core.cli.health"])
    assert code == 1 and b"http://127.0.0.1:9001/v2/health/ready: " in said


def test_who_does_not_serve_is_healthy_while_it_runs(start):
    container = start("sh", "-c", "sleep 600", healthcheck=OFTEN | {"start_period": 0})
    assert health(container) == "healthy"


def health(container: "Container", seconds: float = 300.0) -> str:
    """The first verdict of the engine on a container, or how it has ended."""
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        container.reload()
        state = container.attrs["State"]
        if state["Status"] != "running":
            return f"{state['Status']} {state['ExitCode']}"
        if state["Health"]["Status"] != "starting":
            return state["Health"]["Status"]
        time.sleep(0.2)
    return "starting"
