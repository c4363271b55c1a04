"""Images by tag and by digest; the registry is one on loopback."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from aocr_core.errors import AocrError, UsageError
from pipelines.vertex import image

DIGEST = f"sha256:{'ab' * 32}"


@pytest.fixture
def registry() -> Iterator[str]:
    """`HOST:PORT` of a registry that holds p/aocr:1, may not show p/secret:1, and is broken at p/broken:1."""

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            known = self.path == "/v2/p/aocr/manifests/1" and "manifest.v1+json" in self.headers["Accept"]
            self.send_response(200 if known or "broken" in self.path else 403 if "secret" in self.path else 404)
            if known:
                self.send_header("Docker-Content-Digest", DIGEST)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_tag_becomes_the_digest_that_it_stands_for(registry: str):
    found = image.resolve(image.parse(f"{registry}/p/aocr:1"))
    assert found.pinned == f"{registry}/p/aocr@{DIGEST}"
    assert image.warning(found) is None
    assert image.resolve(found) is found


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("p/aocr:2", "cannot pin .*/p/aocr:2: there is no such image"),
        ("p/secret:1", "no permission to read it"),
        ("p/broken:1", "the registry answers 200 and no digest"),
    ],
)
def test_a_tag_that_cannot_be_resolved_is_told(registry: str, name: str, message: str):
    with pytest.raises(AocrError, match=message):
        image.resolve(image.parse(f"{registry}/{name}"))


def test_no_registry_is_told_in_one_line():
    with pytest.raises(AocrError, match=r"^cannot pin 127\.0\.0\.1:9/p/aocr:1: no connection: "):
        image.resolve(image.parse("127.0.0.1:9/p/aocr:1"))


def test_a_tag_is_warned_of():
    assert "the tag latest may" in str(image.warning(image.parse("europe-docker.pkg.dev/p/r/aocr")))
    assert "the tag 1.0 may" in str(image.warning(image.parse("localhost:5000/aocr:1.0")))
    both = image.parse(f"europe-docker.pkg.dev/p/r/aocr:1@{DIGEST}")
    assert image.warning(both) is None and both.pinned == f"europe-docker.pkg.dev/p/r/aocr@{DIGEST}"


@pytest.mark.parametrize("name", ["", "aocr", "host/a b", "host/aocr@sha256:12", "host/aocr:1:2", "host/aocr@md5:1"])
def test_what_is_no_image_is_refused(name: str):
    with pytest.raises(UsageError, match="write HOST/PROJECT/REPOSITORY"):
        image.parse(name)
