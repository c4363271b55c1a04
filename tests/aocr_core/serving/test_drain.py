"""The time between the word to stop and the end."""

import threading

import pytest

from aocr_core.config import ServeOptions
from aocr_core.errors import AocrError
from aocr_core.serving.client import ask
from aocr_core.serving.server import Server
from aocr_core.serving.vertex import Contract
from tests.aocr_core.serving import tiny_export
from tests.aocr_core.serving.test_server import call

STOPPING = (503, {"error": "the server is about to stop"})


def test_requests_are_answered_while_health_checks_hear_that_the_server_stops(base, running):
    with running(base, contract=Contract(0, "/health", "/predict", None), shutdown_delay=3600) as server:
        root = server.url.removesuffix("/v1/models/aocr")
        checks = ["/health", "/v2/health/ready", "/v2/models/aocr/ready", "/v2/models/aocr/versions/1/ready"]
        assert [call(root + path)[0] for path in checks] == [200] * 4
        server.drain()
        assert [call(root + path) for path in checks] == [STOPPING] * 4
        assert call(f"{root}/v2/health/live") == (200, {"live": True})
        assert ask(server.url, [tiny_export.png(40)]) == [("40x20", 1.0)]


def test_after_the_delay_the_server_stops(base):
    server = Server(base, ServeOptions(rest_api_port=0, shutdown_delay=0.3))
    thread = threading.Thread(target=server.run)
    thread.start()
    server.drain()
    thread.join(60)
    assert not thread.is_alive()
    with pytest.raises(AocrError, match="cannot reach"):
        ask(server.url, [tiny_export.png(9)])
