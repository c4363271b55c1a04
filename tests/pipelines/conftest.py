"""A container registry on loopback, as far as the digest of a tag is asked for."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

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
