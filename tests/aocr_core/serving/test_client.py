import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from aocr_core.errors import AocrError
from aocr_core.serving.client import ask
from tests.aocr_core.serving import tiny_export


class OtherProgram(BaseHTTPRequestHandler):
    """Something else that listens on the port."""

    def do_POST(self) -> None:
        self.send_response(500 if "broken" in self.path else 200)
        self.end_headers()
        self.wfile.write(b"<html>hello</html>")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def other_program():
    with HTTPServer(("127.0.0.1", 0), OtherProgram) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1/models"
        server.shutdown()
        thread.join()


def test_answers_come_in_the_order_of_the_images(tmp_path, place, running):
    place(tmp_path / "1")
    with running(tmp_path, model_name="words") as server:
        images = [tiny_export.png(width, gray=0) for width in (9, 30, 12)]
        assert ask(server.url, images) == [("9x20", 0.0), ("30x20", 0.0), ("12x20", 0.0)]
        assert ask(server.url, []) == []
        with pytest.raises(AocrError, match=r"/words: instances\[1\]: not an image.* \(HTTP 400\)"):
            ask(server.url, [images[0], b"no image"])
        with pytest.raises(AocrError, match=r"Servable not found for request: Latest\(wor\) \(HTTP 404\)"):
            ask(server.url.removesuffix("ds"), images)


def test_other_programs(other_program):
    with pytest.raises(AocrError, match="/aocr does not answer like an exported aocr model: b'<html>"):
        ask(f"{other_program}/aocr", [b"image"])
    with pytest.raises(AocrError, match="/broken: HTTP 500 Internal Server Error"):
        ask(f"{other_program}/broken", [b"image"])


def test_nobody_there():
    with pytest.raises(AocrError, match=r"cannot reach http://127.0.0.1:1/v1/models/aocr: .*refused"):
        ask("http://127.0.0.1:1/v1/models/aocr", [b"image"])
