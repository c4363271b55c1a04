import base64
import io
import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np
import pytest
from PIL import Image

from aocr_core.errors import AocrError, UsageError
from aocr_core.serving import client, connections
from aocr_core.serving.client import Client, ask
from tests.aocr_core.serving import tiny_export
from tests.aocr_core.serving.doorkeeper import doorkeeper


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


@pytest.fixture(scope="module")
def words(tmp_path_factory, place, running):
    """A server of the model `words`: its address up to the port."""
    base = tmp_path_factory.mktemp("base")
    place(base / "1")
    with running(base, model_name="words") as server:
        yield server.url.removesuffix("/v1/models/words")


@pytest.fixture
def door(words):
    with doorkeeper(words) as keeper:
        yield keeper


@pytest.fixture
def no_token(monkeypatch):
    monkeypatch.delenv("AOCR_TOKEN", raising=False)


def sized(*widths: int) -> list[bytes]:
    return [tiny_export.png(width) for width in widths]


def test_answers_come_in_the_order_of_the_images(tmp_path, place, running):
    place(tmp_path / "1")
    with running(tmp_path, model_name="words") as server:
        images = [tiny_export.png(width, gray=0) for width in (9, 30, 12)]
        assert ask(server.url, images) == [("9x20", 0.0), ("30x20", 0.0), ("12x20", 0.0)]
        assert ask(server.url, []) == []
        with pytest.raises(AocrError, match=r"/words: image 1: not an image"):
            ask(server.url, [images[0], b"no image"])
        with pytest.raises(AocrError, match=r"Latest\(wor\) \(HTTP 404\); the server has words$"):
            ask(server.url.removesuffix("ds"), images)


def test_reads_whatever_the_recognizer_reads(words, tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(tiny_export.png(31))
    buffer = io.BytesIO()
    Image.new("CMYK", (50, 20)).save(buffer, "TIFF")
    images = [str(path), path, tiny_export.png(40), Image.new("RGBA", (33, 9)), np.zeros((7, 8), np.uint8)]
    with Client(words) as asked:
        readings = asked.read([*images, buffer.getvalue()])
        assert [reading.text for reading in readings] == ["31x20", "31x20", "40x20", "33x9", "8x7", "50x20"]
        assert asked.read(iter([])) == []
        assert asked.url == f"{words}/v1/models/words"
        with pytest.raises(AocrError, match=rf"^{tmp_path}/b.png: not an image"):
            (tmp_path / "b.png").write_bytes(b"no image")
            asked.read([path, tmp_path / "b.png"])
        with pytest.raises(AocrError, match=r"^image 1: not an image"):
            asked.read([path, b"no image"])


def test_images_that_the_server_refuses_leave_the_others_alone(words, tmp_path):
    good, bad = tiny_export.png(12), b"no image"
    with Client(words) as asked:
        found = asked.read_each([bad, good, *sized(9), bad, *sized(*range(30, 60)), bad])
        texts = [str(one) if isinstance(one, AocrError) else one.text for one in found]
        assert [place for place, one in enumerate(found) if isinstance(one, AocrError)] == [0, 3, 34]
        assert texts[1:3] == ["12x20", "9x20"] and texts[4:34] == [f"{width}x20" for width in range(30, 60)]
        assert texts[0].startswith("not an image") and "HTTP" not in texts[0] and "instances" not in texts[0]
        assert [type(one) for one in asked.read_each([bad])] == [AocrError]
        (tmp_path / "large.png").write_bytes(tiny_export.png(4000, 3000))  # fine here, too much for a server
        with pytest.raises(AocrError, match=rf"^{tmp_path}/large.png: image too large"):
            asked.read([good] * 40 + [tmp_path / "large.png"])


def test_details(words):
    with Client(words) as asked:
        (reading,) = asked.read(sized(40), attention=True)
    assert reading.symbols == tuple("40x20")
    assert reading.symbol_probabilities == (1.0,) * 6
    assert np.array_equal(reading.attention, np.full((5, 4), 0.25, np.float32))


def test_many_images_go_in_several_requests_over_few_connections(door):
    images = sized(*range(10, 10 + 5 * client.BATCH))
    with Client(door.root) as asked:
        readings = asked.read(images)
        assert [reading.text for reading in readings] == [f"{width}x20" for width in range(10, 10 + 5 * client.BATCH)]
        assert len([request for request in door.seen if ":predict" in request]) == 5
        assert asked.read(sized(7))[0].text == "7x20"
    assert door.connections <= client.CONNECTIONS
    assert door.most <= client.CONNECTIONS


def test_large_images_go_alone(door, monkeypatch):
    images = sized(10, 11, 12)
    monkeypatch.setattr(client, "MAX_BYTES", 2 * len(images[0]))
    assert [text for text, _ in ask(f"{door.root}/v1/models/words", images)] == ["10x20", "11x20", "12x20"]
    assert len(door.seen) == 2


def test_what_is_too_large_is_halved(door):
    images = sized(10, 11, 12, 13)
    door.largest = 300  # two of them, in base64, but not four
    assert [text for text, _ in ask(f"{door.root}/v1/models/words", images)] == ["10x20", "11x20", "12x20", "13x20"]
    assert len(door.seen) == 3
    door.largest = 50
    with pytest.raises(AocrError, match=r"/words: image 0: the request is too large \(HTTP 413\)$"):
        ask(f"{door.root}/v1/models/words", images)


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_server_is_asked_again(door, status, caplog):
    caplog.set_level("INFO", "aocr_core")
    door.refusals = [(status, "1"), (status, "")]
    assert ask(f"{door.root}/v1/models/words", sized(10)) == [("10x20", 1.0)]
    assert len(door.seen) == 3
    waits = [record.args[1] for record in caplog.records]
    assert 1 <= waits[0] <= 1.25 and waits[1] > 0


def test_a_server_that_stays_busy_is_not_asked_for_ever(door, monkeypatch):
    monkeypatch.setattr(connections, "PATIENCE", 1.0)
    monkeypatch.setattr(connections, "FIRST_PAUSE", 0.001)
    monkeypatch.setattr(connections, "LONGEST_PAUSE", 0.001)
    door.seconds, door.refusals = 0.3, [(503, "")] * 100
    with pytest.raises(AocrError, match=r"/words: busy \(HTTP 503\)"):
        ask(f"{door.root}/v1/models/words", sized(10))
    assert len(door.seen) <= 4  # the requests took the second, not the pauses


def test_a_server_that_names_an_hour_is_not_waited_for(door):
    door.refusals = [(503, "3600")]
    with pytest.raises(AocrError, match=r"/words: busy \(HTTP 503\)"):
        ask(f"{door.root}/v1/models/words", sized(10))
    assert len(door.seen) == 1


def test_a_connection_that_was_hung_up_is_made_anew(door):
    with Client(f"{door.root}/v1/models/words") as asked:
        asked.read_plain(sized(10))
        door.refusals = [(0, "")]
        assert asked.read_plain(sized(11))[0].text == "11x20"
        door.refusals = [(0, ""), (0, "")]
        with pytest.raises(AocrError, match=":predict broke off: "):
            asked.read_plain(sized(12))


def test_tokens(door, monkeypatch, no_token):
    door.token = "secret"
    url = f"{door.root}/v1/models/words"
    with pytest.raises(AocrError, match=r"needed \(HTTP 401\); the server wants a token: set AOCR_TOKEN"):
        ask(url, sized(10))
    monkeypatch.setenv("AOCR_TOKEN", "wrong")
    with pytest.raises(AocrError, match=r"\(HTTP 401\); is AOCR_TOKEN right\?"):
        ask(url, sized(10))
    with Client(url, token="secret") as asked:
        assert asked.read(sized(10))[0].text == "10x20"
    monkeypatch.setenv("AOCR_TOKEN", "secret")
    with Client(door.root) as asked:
        assert asked.read(sized(10))[0].text == "10x20"


def test_a_token_with_a_line_end_is_the_token_and_what_cannot_be_one_is_not_shown(door, monkeypatch, no_token):
    door.token = "secret"
    monkeypatch.setenv("AOCR_TOKEN", " secret\n")
    with Client(door.root) as asked:
        assert asked.read(sized(10))[0].text == "10x20"
    for token in ("two words", "two\nlines", "gehe\u00edm"):
        with pytest.raises(UsageError, match=r"the token \(see AOCR_TOKEN\) must be") as refused:
            Client(door.root, token=token)
        assert token not in str(refused.value)


def test_without_a_list_of_models_the_usual_name_is_asked_for(door):
    door.refusals = [(400, "")]  # as TF Serving answers
    with Client(door.root) as asked, pytest.raises(AocrError, match=r"/v1/models/aocr: Servable not found"):
        asked.read(sized(10))


def test_the_environment_names_the_proxy(words, door, monkeypatch):
    monkeypatch.setenv("http_proxy", door.root.removeprefix("http://"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert ask(f"{words}/v1/models/words", sized(10)) == [("10x20", 1.0)]
    assert not door.seen
    monkeypatch.setenv("no_proxy", "")
    door.refusals = [(400, "")]
    with pytest.raises(AocrError, match="busy"):
        ask(f"{words}/v1/models/words", sized(10))
    assert door.seen == [f"POST {words}/v1/models/words:predict"]


@pytest.mark.parametrize(
    ("user_info", "credentials"),
    [("me:secret", b"me:secret"), ("me:p%40ss%3A%E2%82%AC", "me:p@ss:€".encode()), ("me", b"me")],
)
def test_a_proxy_is_told_the_user_and_the_password_of_its_address(words, door, monkeypatch, user_info, credentials):
    door.proxy_login = "Basic " + base64.b64encode(credentials).decode()
    address = door.root.removeprefix("http://")
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, f"http://{user_info}@{address}")
    assert ask(f"{words}/v1/models/words", sized(10)) == [("10x20", 1.0)]
    with pytest.raises(AocrError, match="501"):  # it is let in, but there are no tunnels
        ask(f"{words.replace('http:', 'https:')}/v1/models/words", sized(10))
    monkeypatch.setenv("http_proxy", f"http://{address}")
    with pytest.raises(AocrError, match="HTTP 407"):
        ask(f"{words}/v1/models/words", sized(10))


def test_other_programs(other_program):
    with pytest.raises(AocrError, match="/aocr does not answer like an exported aocr model: b'<html>"):
        ask(f"{other_program}/aocr", [b"image"])
    with pytest.raises(AocrError, match="/broken: HTTP 500 Internal Server Error"):
        ask(f"{other_program}/broken", [b"image"])


def test_nobody_there(monkeypatch):
    with pytest.raises(AocrError, match=r"cannot reach http://127.0.0.1:1/v1/models/aocr.*: .*refused"):
        ask("http://127.0.0.1:1/v1/models/aocr", [b"image"])

    def unknown(*_: object) -> None:  # as it is where there is no resolver to ask
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(AocrError, match=r"cannot reach http://nowhere.invalid/v1/models/aocr.*: .*known"):
        ask("http://nowhere.invalid/v1/models/aocr", [b"image"])


def test_a_server_without_tls_is_not_asked_over_https(words):
    with pytest.raises(AocrError, match=r"cannot reach https://.* safely: .*SSL"):
        ask(words.replace("http:", "https:"), [b"image"])


def test_silence_has_an_end():
    with HTTPServer(("127.0.0.1", 0), OtherProgram) as server:  # it listens, and nobody serves
        url = f"http://127.0.0.1:{server.server_port}/v1/models/aocr"
        with pytest.raises(AocrError, match=r":predict: no answer within 0.2 seconds"):
            ask(url, [b"image"], timeout=0.2)


def test_a_model_that_is_not_named_twice():
    with pytest.raises(UsageError, match="is the address of the model a, not of b"):
        Client("http://host/v1/models/a", "b")
