"""KServe's protocol, labels, several models and Vertex AI's parameters, over real sockets."""

import base64
import http.client
import urllib.error
import urllib.request
from urllib.parse import urlsplit

import pytest

from aocr_core.config import ServeOptions
from aocr_core.errors import UsageError
from aocr_core.serving.client import ask
from aocr_core.serving.server import Server
from aocr_core.serving.vertex import Contract
from tests.aocr_core.serving import tiny_export
from tests.aocr_core.serving.test_server import b64, call


@pytest.fixture(scope="module")
def root(tmp_path_factory, place, running):
    """A server of words (versions 2 and 3) and plates (version 1)."""
    base = tmp_path_factory.mktemp("base")
    place(base / "words" / "2", "old ")
    place(base / "words" / "3", "w")
    place(base / "plates" / "1", "p")
    with running(base) as server:
        yield server.url.rpartition("/v1/")[0]


def tensor(*images: bytes) -> dict[str, object]:
    data = [base64.b64encode(image).decode() for image in images]
    return {"name": "input", "datatype": "BYTES", "shape": [len(images)], "data": data}


def test_each_model_answers_under_its_own_name(root):
    image = tiny_export.png(40)
    assert ask(f"{root}/v1/models/words", [image]) == [("w40x20", 1.0)]
    assert ask(f"{root}/v1/models/plates", [image]) == [("p40x20", 1.0)]
    assert call(f"{root}/v1/models/aocr")[0] == 404


def test_the_status_of_a_model_of_which_nothing_can_be_loaded_says_why(tmp_path, place, running):
    place(tmp_path / "words" / "1")
    (tmp_path / "plates" / "7").mkdir(parents=True)
    (tmp_path / "plates" / "7" / "saved_model.pb").write_bytes(b"broken")
    with running(tmp_path) as server:
        root = server.url.rpartition("/v1/")[0]
        status, answer = call(f"{root}/v1/models/plates")
        assert (status, call(f"{root}/v1/models/plates/versions/7")) == (200, (200, answer))
        (state,) = answer["model_version_status"]
        assert (state["version"], state["state"]) == ("7", "END")
        assert "plates/7" in state["status"]["error_message"]
        assert call(f"{root}/v1/models/plates/versions/8")[0] == 404
        assert call(f"{root}/v1/models/plates:predict", {"inputs": b64(tiny_export.png(40))})[0] == 404
        assert call(f"{root}/v1/models") == (200, {"models": [{"name": "words"}]})


def test_a_large_request_for_nobody_is_told_so(root):
    """And not cut off while it is being sent."""
    status, answer = call(f"{root}/v1/models/nobody:predict", b" " * 3_000_000)
    assert (status, answer["error"]) == (404, "Servable not found for request: Latest(nobody)")


def test_a_version_on_disk_that_is_not_the_latest_is_not_loaded(root):
    body = {"inputs": b64(tiny_export.png(40))}
    status, answer = call(f"{root}/v1/models/words/versions/2:predict", body)
    assert status == 404
    assert answer["error"].endswith("Specific(words, 2) (loaded is the latest version, 3)")
    assert call(f"{root}/v1/models/words/versions/3:predict", body)[0] == 200
    assert call(f"{root}/v1/models/words/versions/{'9' * 18}")[0] == 404
    assert call(f"{root}/v1/models/words/versions/{'9' * 5000}")[0] == 400


@pytest.mark.parametrize("path", ["words/labels/stable", "words/labels/stable/metadata", "words/labels/stable:predict"])
def test_labels_are_refused_by_name(root, path):
    status, answer = call(f"{root}/v1/models/{path}", {} if path.endswith("predict") else None)
    assert status == 400
    assert answer["error"].startswith("Unrecognized servable version label: stable")


def test_infer(root):
    image = tiny_export.png(40)
    status, answer = call(f"{root}/v2/models/words/infer", {"id": "a", "inputs": [tensor(image, image)]})
    assert status == 200
    assert answer == {
        "model_name": "words",
        "model_version": "3",
        "id": "a",
        "outputs": [
            {"name": "output", "datatype": "BYTES", "shape": [2], "data": ["w40x20", "w40x20"]},
            {"name": "probability", "datatype": "FP32", "shape": [2], "data": [1.0, 1.0]},
        ],
    }
    assert call(f"{root}/v2/models/words/versions/3/infer", {"inputs": [tensor(image)]})[0] == 200
    assert call(f"{root}/v2/models/words/versions/2/infer", {"inputs": [tensor(image)]})[0] == 404


def test_infer_details(root):
    body = {"inputs": [tensor(tiny_export.png(40))], "parameters": {"signature_name": "details"}}
    status, answer = call(f"{root}/v2/models/words/infer", body)
    assert status == 200
    attention = next(output for output in answer["outputs"] if output["name"] == "attention")
    assert attention["shape"] == [1, 6, 4]
    assert attention["data"] == [0.25] * 24


def test_infer_names_the_image_that_it_cannot_read(root):
    status, answer = call(f"{root}/v2/models/words/infer", {"inputs": [tensor(tiny_export.png(40), b"?")]})
    assert status == 400
    assert answer["error"].startswith("inputs[0].data[1]: not an image")


def test_binary_tensors_are_refused(root):
    request = urllib.request.Request(f"{root}/v2/models/words/infer", b"{}")
    request.add_header("Inference-Header-Content-Length", "2")
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(request, timeout=60)
    assert error.value.code == 400


def test_health_and_metadata(root):
    assert call(f"{root}/v2/health/live") == (200, {"live": True})
    assert call(f"{root}/v2/health/ready") == (200, {"ready": True})
    assert call(f"{root}/v2")[1]["name"] == "aocr"
    assert call(f"{root}/v2/models/words/ready") == (200, {"name": "words", "ready": True})
    assert call(f"{root}/v2/models/words/versions/2/ready")[0] == 404
    assert call(f"{root}/v2/models/aocr/ready")[0] == 404
    assert call(f"{root}/v2/models/words") == (
        200,
        {
            "name": "words",
            "versions": ["3"],
            "platform": "tensorflow_savedmodel",
            "inputs": [{"name": "input", "datatype": "BYTES", "shape": [-1]}],
            "outputs": [
                {"name": "output", "datatype": "BYTES", "shape": [-1]},
                {"name": "probability", "datatype": "FP32", "shape": [-1]},
            ],
        },
    )


@pytest.mark.parametrize(
    "path", ["/", "/page/page.js", "/v1/models", "/v1/models/words", "/v2/health/live", "/v2/models/words/ready"]
)
def test_head_is_answered_as_get_is_without_the_body(root, path):
    parts = urlsplit(root)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
    found = []
    for method in ("HEAD", "GET", "HEAD"):  # over one connection, which a stray body would spoil
        connection.request(method, path)
        answer = connection.getresponse()
        found.append((answer.status, answer.headers["Content-Type"], answer.headers["Content-Length"], answer.read()))
    connection.close()
    assert found[0] == found[2] == (*found[1][:3], b"")
    assert found[1][0] == 200 and len(found[1][3]) == int(found[1][2])


@pytest.mark.parametrize(
    "path", ["/v1/models/../../etc/passwd", "/../etc/passwd", "/v1/models/%2e%2e/versions/1", "//etc/passwd", "/%00"]
)
def test_no_file_is_reachable(root, path):
    status, answer = call(root + path)
    assert status in (400, 404)
    assert set(answer) == {"error"}


def test_vertex_names_no_model_and_may_ask_for_a_signature(tmp_path, place, running):
    place(tmp_path / "words" / "1")
    with running(tmp_path, contract=Contract(0, "/health", "/predict", None)) as server:
        root = server.url.rpartition("/v1/")[0]
        body = {"instances": [b64(tiny_export.png(40))], "parameters": {"signature_name": "details"}}
        status, answer = call(f"{root}/predict", body)
        assert status == 200
        assert answer["predictions"][0]["time_steps"] == 4
    place(tmp_path / "plates" / "1")
    with pytest.raises(UsageError, match="which of the models plates, words answers Vertex AI"):
        Server(tmp_path, ServeOptions(rest_api_port=0), Contract(0, "/health", "/predict", None))
