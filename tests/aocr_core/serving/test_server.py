"""The server over real sockets: versions, routes, errors, limits."""

import base64
import io
import json
import shutil
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from aocr_core.config import ServeOptions
from aocr_core.errors import AocrError
from aocr_core.serving import server as server_module
from aocr_core.serving.client import ask
from aocr_core.serving.server import Server
from aocr_core.serving.vertex import Contract
from tests.aocr_core.serving import tiny_export

MISSING = "Servable not found for request:"


def call(url: str, document: Any = None) -> tuple[int, Any]:
    """Status and JSON of a GET, or of a POST if there is a document (bytes are sent as they are)."""
    body = document if document is None or isinstance(document, bytes) else json.dumps(document).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body), timeout=60) as response:
            assert response.headers["content-type"] == "application/json"
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def b64(image: bytes) -> dict[str, str]:
    return {"b64": base64.b64encode(image).decode()}


@pytest.fixture(scope="module")
def url(tmp_path_factory, place, running):
    """A server of version 3."""
    base = tmp_path_factory.mktemp("base")
    place(base / "3", "w")
    with running(base) as server:
        yield server.url


def test_the_request_of_the_original_readme(url):
    answer = call(
        f"{url}:predict", {"signature_name": "serving_default", "inputs": {"input": b64(tiny_export.png(40))}}
    )
    assert answer == (200, {"outputs": {"output": "w40x20", "probability": 1.0}})


def test_rows(url):
    images = [tiny_export.png(40), tiny_export.png(30, 10, gray=0)]
    expected = [{"output": "w40x20", "probability": 1.0}, {"output": "w30x10", "probability": 0.0}]
    assert call(f"{url}:predict", {"instances": [b64(image) for image in images]}) == (200, {"predictions": expected})
    assert call(f"{url}/versions/3:predict", {"instances": [{"input": b64(image)} for image in images]}) == (
        200,
        {"predictions": expected},
    )


def test_details(url):
    status, answer = call(f"{url}:predict", {"signature_name": "details", "instances": [b64(tiny_export.png(40))]})
    assert status == 200
    (reading,) = answer["predictions"]
    assert "".join(reading["symbols"]) == reading["output"] == "w40x20"
    assert reading["attention"] == [[0.25] * 4] * 6
    assert reading["time_steps"] == 4


def test_status_and_metadata(url):
    expected = {"version": "3", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
    assert call(url) == call(f"{url}/versions/3") == (200, {"model_version_status": [expected]})
    status, metadata = call(f"{url}/metadata")
    assert status == 200
    assert call(f"{url}/versions/3/metadata") == (200, metadata)
    assert metadata["model_spec"] == {"name": "aocr", "signature_name": "", "version": "3"}
    assert set(metadata["metadata"]["signature_def"]["signature_def"]) >= {"serving_default", "details"}


@pytest.mark.parametrize(
    ("path", "post", "status", "message"),
    [
        ("/v1/models/other", False, 404, "Could not find any versions of model other"),
        ("/v1/models/aocr/versions/4", False, 404, "Could not find version 4 of model aocr"),
        ("/v1/models/other/metadata", False, 404, "Servable not found for request: Latest(other)"),
        ("/v1/models/other:predict", True, 404, "Servable not found for request: Latest(other)"),
        (
            "/v1/models/aocr/versions/4:predict",
            True,
            404,
            f"{MISSING} Specific(aocr, 4) (loaded is the latest version, 3)",
        ),
        ("/v1/models/aocr:predict", False, 400, "Malformed request: GET /v1/models/aocr:predict"),
        ("/v1/models/aocr/versions/x", False, 400, "Malformed request: GET /v1/models/aocr/versions/x"),
        ("/v1/models/aocr:classify", True, 400, "Malformed request: POST /v1/models/aocr:classify"),
        ("/nothing", False, 404, "Malformed request: GET /nothing"),
    ],
)
def test_what_is_not_there(url, path, post, status, message):
    root = url.removesuffix("/v1/models/aocr")
    assert call(root + path, {} if post else None) == (status, {"error": message})


def test_malformed_requests(url):
    status, answer = call(f"{url}:predict", b"{not json")
    assert status == 400
    assert answer["error"].startswith("JSON Parse error: ")
    answer = call(f"{url}:predict", {"signature_name": "nonsense", "inputs": b64(tiny_export.png(9))})
    assert answer == (400, {"error": 'Serving signature name: "nonsense" not found in signature def'})


def test_an_instance_that_is_not_an_image_is_named(url):
    good, bad = b64(tiny_export.png(40)), b64(b"no image")
    status, answer = call(f"{url}:predict", {"instances": [good, good, bad]})
    assert status == 400
    assert answer["error"].startswith("instances[2]: not an image")
    status, answer = call(f"{url}:predict", {"inputs": {"input": b64(tiny_export.png(40)[:60])}})
    assert status == 400
    assert answer["error"].startswith("inputs: damaged image")
    assert ask(url, [tiny_export.png(40)]) == [("w40x20", 1.0)]


def test_bad_inputs_are_read_or_refused_but_never_break_the_server(url, shared_data):
    files = sorted(path for path in shared_data("bad_inputs").rglob("*") if path.is_file())
    answers = {path.name: call(f"{url}:predict", {"instances": [b64(path.read_bytes())]}) for path in files}
    assert {status for status, _ in answers.values()} == {200, 400}
    for status, answer in answers.values():
        assert status == 200 or answer["error"].startswith("instances[0]: ")


def test_formats_that_tensorflow_misreads_are_made_plain(url):
    buffer = io.BytesIO()
    Image.new("CMYK", (50, 20)).save(buffer, "TIFF")
    assert ask(url, [buffer.getvalue()]) == [("w50x20", 1.0)]


def test_many_clients_at_once_get_their_own_answers(url):
    answers: dict[int, list[tuple[str, float]]] = {}

    def client(width: int) -> None:
        answers[width] = ask(url, [tiny_export.png(width), tiny_export.png(width + 100)])

    threads = [threading.Thread(target=client, args=(width,)) for width in range(10, 26)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert {width: [text for text, _ in answer] for width, answer in answers.items()} == {
        width: [f"w{width}x20", f"w{width + 100}x20"] for width in range(10, 26)
    }


@pytest.mark.slow
def test_versions_come_and_go_while_serving(tmp_path, place, running, eventually, caplog):
    image = tiny_export.png(40)
    place(tmp_path / "1", "one ")
    with running(tmp_path) as server:

        def text() -> str:
            return ask(server.url, [image])[0][0]

        assert text() == "one 40x20"
        (tmp_path / "2").mkdir()
        (tmp_path / "2" / "saved_model.pb").write_bytes(b"broken")
        eventually(lambda: len(call(server.url)[1]["model_version_status"]) == 2)
        assert text() == "one 40x20"
        assert call(f"{server.url}/versions/2")[1]["model_version_status"][0]["state"] == "END"
        assert any(record.getMessage().startswith("Version 2 is refused: ") for record in caplog.records)
        place(tmp_path / "3", "three ")
        eventually(lambda: text() == "three 40x20")
        assert call(f"{server.url}/versions/1:predict", {"inputs": b64(image)})[0] == 404
        shutil.rmtree(tmp_path / "3")
        eventually(lambda: text() == "one 40x20")
        shutil.rmtree(tmp_path / "1")
        server.models.refresh()
        assert text() == "one 40x20"


def test_vertex_contract(tmp_path, place, running):
    place(tmp_path / "model")
    route = "/v1/endpoints/7/deployedModels/8"
    with running(tmp_path / "model", contract=Contract(0, route, f"{route}:predict", None)) as server:
        root = server.url.removesuffix("/v1/models/aocr")
        assert call(root + route) == (200, {"status": "ok"})
        status, answer = call(
            f"{root}{route}:predict",
            {"instances": [b64(tiny_export.png(40)), b64(tiny_export.png(30))], "parameters": {}},
        )
        assert status == 200
        assert [row["output"] for row in answer["predictions"]] == ["40x20", "30x20"]
        assert ask(server.url, [tiny_export.png(40)]) == [("40x20", 1.0)]


def test_health_is_answered_while_a_model_works(tmp_path, place, running, monkeypatch):
    place(tmp_path / "1")
    with running(tmp_path) as server:
        model = server.models.find("aocr").current.model
        at_work, go_on = threading.Event(), threading.Event()
        run = model.run

        def slow(*arguments: Any) -> Any:
            at_work.set()
            assert go_on.wait(60)
            return run(*arguments)

        monkeypatch.setattr(model, "run", slow)
        answers: list[Any] = []
        thread = threading.Thread(target=lambda: answers.extend(ask(server.url, [tiny_export.png(40)])))
        thread.start()
        assert at_work.wait(60)
        assert call(server.url)[0] == 200
        assert not answers
        go_on.set()
        thread.join(60)
        assert answers == [("40x20", 1.0)]


def test_failure_of_the_model_shows_the_client_no_traceback(tmp_path, place, running, monkeypatch, caplog, eventually):
    place(tmp_path / "1")
    with running(tmp_path) as server:
        monkeypatch.setattr(server.models.find("aocr").current.model, "run", lambda *_: 1 / 0)
        assert call(f"{server.url}:predict", {"inputs": b64(tiny_export.png(9))}) == (
            500,
            {"error": "Internal error: ZeroDivisionError"},
        )
        eventually(lambda: any(record.exc_info for record in caplog.records))


def test_stops_when_nobody_asks(tmp_path, place):
    place(tmp_path / "1")
    server = Server(tmp_path, ServeOptions(rest_api_port=0, stop_after_idle=0.3))
    server.run()
    with pytest.raises(AocrError, match="cannot reach"):
        ask(server.url, [tiny_export.png(9)])


def test_port_in_use_is_found_before_the_model_is_loaded(tmp_path, url):
    port = int(url.split(":")[2].split("/")[0])
    with pytest.raises(AocrError, match=f"port {port} is in use; choose another with --rest-api-port"):
        Server(tmp_path / "nowhere", ServeOptions(rest_api_port=port))
    with pytest.raises(AocrError, match="cannot listen on nohost:0"):
        Server(tmp_path / "nowhere", ServeOptions(rest_api_port=0, host="nohost"))


def test_a_version_that_is_being_loaded_does_not_hold_up_the_end(tmp_path, place, running, monkeypatch, eventually):
    loading, never = threading.Event(), threading.Event()
    real = server_module._load

    def load(options: ServeOptions, folder: Path) -> Any:
        if folder.name == "2":
            loading.set()
            never.wait()
        return real(options, folder)

    monkeypatch.setattr(server_module, "_load", load)
    place(tmp_path / "1")
    try:
        with running(tmp_path) as server:  # which fails if the server does not end
            eventually(lambda: call(server.url)[0] == 200)
            place(tmp_path / "2", "new ")
            assert loading.wait(60)
    finally:
        never.set()


def test_a_folder_is_served_without_what_reads_buckets():
    code = "import sys, aocr_core.serving.server\nassert 'aocr_core.gcs' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
