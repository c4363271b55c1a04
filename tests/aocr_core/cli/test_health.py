"""Docker's health check of a container that serves."""

import http.server
import shlex
import threading

import pytest

from aocr_core.cli import health

VERTEX = {"AIP_HTTP_PORT": "8080", "AIP_HEALTH_ROUTE": "/v1/endpoints/7"}


@pytest.mark.parametrize(
    ("words", "url"),
    [
        ("/opt/venv/bin/python /opt/venv/bin/aocr serve", "http://127.0.0.1:9001/v2/health/ready"),
        ("aocr serve /models --host 0.0.0.0 --rest_api_port=8501", "http://127.0.0.1:8501/v2/health/ready"),
        ("/sbin/docker-init -- aocr --log-path x serve /m --host ::", "http://[::1]:9001/v2/health/ready"),
        ("python -m aocr_core serve m --rest-api-port 7", "http://127.0.0.1:7/v2/health/ready"),
        ("aocr serve m --port 8500 --enable_batching=true", "http://127.0.0.1:9001/v2/health/ready"),
        ("aocr train serve", None),
        ("aocr --help", None),
        ("sh -ec 'python -m kfp.dsl.executor_main' serve", None),
        ("", None),
    ],
)
def test_the_server_is_asked_where_its_options_say(words: str, url: str | None):
    assert health.address(shlex.split(words), {}) == url


def test_under_vertex_ai_its_variables_say_where():
    assert health.address(["aocr", "serve"], VERTEX) == "http://127.0.0.1:8080/v1/endpoints/7"
    given = ["aocr", "serve", "--rest-api-port", "7", "--host", "10.0.0.2"]
    assert health.address(given, VERTEX) == "http://10.0.0.2:7/v1/endpoints/7"
    assert health.address(["aocr", "train"], VERTEX) is None


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/well" else 503)
        self.end_headers()

    def log_message(self, *_):
        pass


def test_the_answer_counts(tmp_path, monkeypatch):
    main_process = tmp_path / "cmdline"
    monkeypatch.setattr(health, "MAIN_PROCESS", main_process)
    main_process.write_bytes(b"sleep\x0060\0")
    health.check()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        main_process.write_bytes(b"aocr\0serve\0--host\x00127.0.0.1\0")
        monkeypatch.setenv("AIP_HTTP_PORT", str(server.server_port))
        monkeypatch.setenv("AIP_HEALTH_ROUTE", "/well")
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
        health.check()
        monkeypatch.setenv("AIP_HEALTH_ROUTE", "/ill")
        with pytest.raises(SystemExit, match=r"http://127.0.0.1:\d+/ill: HTTP Error 503"):
            health.check()
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    with pytest.raises(SystemExit, match="refused"):
        health.check()
