import base64
import json
import urllib.error
import urllib.request

import pytest

from aocr_core.errors import UsageError
from aocr_core.serving import pages, token
from aocr_core.serving.vertex import Contract
from tests.aocr_core.serving import tiny_export

TOKEN = "0123456789abcdef-of-a-test"


def test_from_the_file_before_the_environment(tmp_path):
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    assert token.read(str(file), {"AOCR_TOKEN": "x" * 20}) == TOKEN
    assert token.read(None, {"AOCR_TOKEN": TOKEN}) == TOKEN
    assert token.read(None, {"AOCR_TOKEN": ""}) is None


@pytest.mark.parametrize("content", [b"", b"short", b"two words, and long enough", "é".encode() * 20, b"\xff" * 20])
def test_what_is_no_token_is_refused_and_not_shown(tmp_path, content):
    file = tmp_path / "file"
    file.write_bytes(content)
    with pytest.raises(UsageError, match=f"{file}") as error:
        token.read(str(file), {})
    assert content.decode("latin-1") not in str(error.value) or not content
    with pytest.raises(UsageError, match="cannot read the token"):
        token.read(str(tmp_path / "nowhere"), {})


@pytest.fixture(scope="module")
def root(tmp_path_factory, place, running):
    base = tmp_path_factory.mktemp("base")
    place(base / "1")
    with running(base, token=TOKEN) as server:
        yield server.url.removesuffix("/v1/models/aocr")


def status(url: str, *headers: str, body: bytes | None = None, method: str | None = None) -> int:
    request = urllib.request.Request(url, body, method=method)
    for value in headers:
        request.add_header("Authorization", value)
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status
    except urllib.error.HTTPError as error:
        assert error.headers["WWW-Authenticate"] == "Bearer"
        return error.code


@pytest.mark.parametrize(
    "path",
    [
        "/v1/models",
        "/v1/models/aocr",
        "/v1/models/aocr:predict",
        "/v2/models/aocr/infer",
        "/metrics",
        "/openapi.json",
        "/nowhere",
        "/v2/health/live/",
        "/v2",
        "//",
        "/page/",
        "/page/../metrics",
    ],
)
def test_everything_wants_the_token(root, path):
    assert status(root + path) == 401
    assert status(root + path, f"Bearer {TOKEN}x") == 401
    assert status(root + path, f"Bearer {TOKEN[:-1]}") == 401
    assert status(root + path, f"Basic {TOKEN}") == 401
    assert status(root + path, "Bearer ") == 401


def test_who_knows_the_token_is_answered(root):
    assert status(f"{root}/v1/models/aocr", f"Bearer {TOKEN}") == 200
    assert status(f"{root}/metrics", f"bearer {TOKEN}") == 200


def test_probes_need_no_token(root):
    for path in ("/v2/health/live", "/v2/health/ready"):
        assert status(root + path) == status(root + path, method="HEAD") == 200
    assert status(f"{root}/v1/models/aocr", method="HEAD") == 401


def test_a_prediction_at_the_path_of_the_health_check_needs_the_token(tmp_path, place, running):
    place(tmp_path / "1")
    body = json.dumps({"instances": [{"b64": base64.b64encode(tiny_export.png(40)).decode()}]}).encode()
    with running(tmp_path, Contract(0, "/same", "/same", None), TOKEN) as server:
        url = server.url.replace("/v1/models/aocr", "/same")
        assert status(url) == 200
        assert status(url, body=body) == 401
        assert status(url, f"Bearer {TOKEN}", body=body) == 200


def test_the_page_comes_without_the_token_and_may_ask_nobody_else(root):
    for path in ("/", "/page/page.js", "/page/page.css"):
        with urllib.request.urlopen(root + path, timeout=60) as response:
            assert response.status == 200 and response.read()
            assert response.headers["Content-Security-Policy"] == pages.HEADERS["Content-Security-Policy"]
            assert response.headers["X-Content-Type-Options"] == "nosniff"
