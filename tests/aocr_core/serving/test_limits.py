"""What a request, a connection and all of them together may cost, over real sockets."""

import http.client
import io
import socket
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
from PIL import Image

from aocr_core.data import images
from aocr_core.data.images import PlainImage
from aocr_core.serving.client import ask
from tests.aocr_core.data.test_images import chunk
from tests.aocr_core.serving import tiny_export
from tests.aocr_core.serving.test_server import b64, call
from tests.aocr_core.serving.under_load import Slow, sample

HEAD = b"POST /v1/models/aocr:predict HTTP/1.1\r\nHost: x\r\n"


@pytest.fixture(scope="module")
def url(base, running):
    with running(base, max_body_mb=1, max_instances=2, max_pixels=10_000) as server:
        yield server.url


@pytest.fixture(scope="module")
def impatient(base, running):
    """The address of a server that waits a second for its clients."""
    with running(base, client_timeout=1.0) as server:
        yield server.url


def connect(url: str) -> socket.socket:
    parts = urlsplit(url)
    return socket.create_connection((parts.hostname, parts.port), timeout=60)


def received(connection: socket.socket) -> bytes:
    """All that comes until the other side closes."""
    chunks = []
    try:
        while chunk := connection.recv(65536):
            chunks.append(chunk)
    except ConnectionResetError:
        pass
    return b"".join(chunks)


def test_images_in_a_request(url):
    image = b64(tiny_export.png(40))
    assert call(f"{url}:predict", {"instances": [image] * 2})[0] == 200
    answer = call(f"{url}:predict", {"instances": [image] * 3})
    assert answer == (400, {"error": "3 images in one request; at most 2 are allowed"})


def test_images_in_a_request_for_details(base, running):
    with running(base) as server:
        request = {"instances": [b64(tiny_export.png(40))] * 33, "signature_name": "details"}
        refused = (413, {"error": "33 images in one request; at most 32 are allowed for details"})
        assert call(f"{server.url}:predict", request) == refused
        request["instances"].pop()
        assert len(call(f"{server.url}:predict", request)[1]["predictions"]) == 32


def test_size_of_the_body(url):
    refused = (413, {"error": "the request is larger than 1 MiB"})
    assert call(f"{url}:predict", b" " * (2**20 + 1)) == refused
    assert call(f"{url}:predict", b" " * 2**20)[0] == 400
    # Much larger: refused by what it says of itself, before it has come.
    with connect(url) as connection:
        connection.sendall(HEAD + b"Content-Length: 99999999999999999999\r\n\r\n")
        assert connection.recv(12) == b"HTTP/1.1 413"


def test_size_of_a_body_that_does_not_say_how_long_it_is(url):
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
    pieces: Iterator[bytes] = (b" " * 2**16 for _ in range(17))
    chunked = {"Transfer-Encoding": "chunked"}
    connection.request("POST", f"{parts.path}:predict", pieces, encode_chunked=True, headers=chunked)
    assert connection.getresponse().status == 413
    connection.close()


def test_pixels_are_counted_before_they_are_decoded(url):
    small = tiny_export.png(90, 30)
    header = b"IHDR" + (60_000).to_bytes(4, "big") * 2 + small[24:29]
    bomb = small[:12] + header + zlib.crc32(header).to_bytes(4, "big") + small[33:]
    status, answer = call(f"{url}:predict", {"instances": [b64(small), b64(bomb)]})
    assert status == 400
    assert answer["error"].startswith("instances[1]: image too large: Image size (3600000000 pixels)")
    status, answer = call(f"{url}:predict", {"instances": [b64(tiny_export.png(101, 100))]})
    assert (status, answer["error"]) == (
        400,
        "instances[0]: image too large: 101x100 pixels, 10,000 in all are allowed",
    )


def test_pixels_of_a_request_are_counted_before_any_are_decoded(base, running, monkeypatch):
    with running(base, max_pixels=1000) as server:
        image = tiny_export.png(40)
        assert ask(server.url, [image] * 5) == [("40x20", 1.0)] * 5
        # The client sends fewer at a time when it is told.
        assert ask(server.url, [image] * 12) == [("40x20", 1.0)] * 12
        monkeypatch.setattr(images, "plain", lambda *_, **__: pytest.fail("decoded"))
        answer = call(f"{server.url}:predict", {"instances": [b64(image)] * 6})
        assert answer == (413, {"error": "the images have more than 4,000 pixels in all; send fewer in a request"})
        others = [b64(image)] * 4 + [b64(b"nothing")]
        status, answer = call(f"{server.url}:predict", {"instances": others})
        assert (status, answer["error"].partition(":")[0]) == (400, "instances[4]")


def test_lists_and_objects_are_counted_before_they_are_built(url):
    status, answer = call(f"{url}:predict", b'{"instances": [' + b"[]," * 200_000 + b"[]]}")
    assert status == 400
    assert answer["error"].startswith("more lists and objects than 2 images need")


@pytest.mark.parametrize(
    "body",
    [
        b'{"inputs": {"b64": "aGk="}, "inputs": {"b64": "aGk="}}',
        b'{"signature_name": "\\ud800", "inputs": {"b64": "aGk="}}',
        b'{"inputs": {"\\udfff": "aGk="}}',
        b'{"inputs": ' + b"9" * 5000 + b"}",
        b'{"inputs": NaN}',
        b"\xff\xfe",
        b"[" * 900,
        b'{"instances": []}',
        b'{"instances": [{"b64": "aGk="}], "signature_name": "' + b"x" * 10_000 + b'"}',
    ],
)
def test_odd_json_is_the_client_s_fault(url, body):
    status, answer = call(f"{url}:predict", body)
    assert status == 400
    assert 0 < len(answer["error"]) <= 400


def test_a_body_that_does_not_come(impatient):
    with connect(impatient) as connection:
        connection.sendall(HEAD + b"Content-Length: 100\r\n\r\n{")
        answer = received(connection)
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"the body has not arrived within 1 seconds" in answer


@pytest.mark.parametrize("sent", [b"", b"POST /v1/mod", HEAD])
def test_a_head_that_does_not_come(impatient, sent):
    with connect(impatient) as connection:
        connection.sendall(sent)
        assert received(connection) == b""


def test_a_head_that_comes_drop_by_drop(impatient):
    began = time.monotonic()
    with connect(impatient) as connection, pytest.raises(OSError):
        for _ in range(600):
            connection.sendall(b"X")
            time.sleep(0.1)
    assert time.monotonic() - began < 59


def answered(connection: socket.socket) -> bool:
    """Whether a request on a connection that stays open is answered; False if it has been closed."""
    try:
        connection.sendall(b"GET /v2/health/ready HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = b""
        while not answer.endswith(b"}"):
            if not (chunk := connection.recv(65536)):
                return False
            answer += chunk
    except ConnectionError:
        return False
    return answer.startswith(b"HTTP/1.1 200")


def test_between_requests_a_connection_may_be_idle_for_longer_than_clients_are_waited_for(impatient):
    with connect(impatient) as connection:
        assert answered(connection)
        time.sleep(2.5)
        assert answered(connection)
        connection.sendall(HEAD)  # but a head that has begun must come
        assert received(connection) == b""


def test_a_connection_is_not_idle_for_ever(base, running):
    with running(base, keep_alive=0.5) as server, connect(server.url) as connection:
        assert answered(connection)
        assert received(connection) == b""


def test_the_longest_idle_connection_makes_room_for_a_new_one(base, running):
    with running(base, max_connections=2) as server, connect(server.url) as first, connect(server.url) as second:
        assert answered(first) and answered(second)
        with connect(server.url) as third:
            assert answered(third)
            assert received(first) == b""
            assert answered(second) and answered(third)


def test_a_client_that_goes_away_does_not_keep_the_server(impatient):
    with connect(impatient) as connection:
        connection.sendall(HEAD + b"Content-Length: 100\r\n\r\n{")
    assert ask(impatient, [tiny_export.png(40)]) == [("40x20", 1.0)]


def test_number_of_connections(base, running):
    with running(base, max_connections=2) as server:
        image = tiny_export.png(40)
        first, second = connect(server.url), connect(server.url)
        with connect(server.url) as third:
            assert received(third).startswith(b"HTTP/1.1 503")
        first.close()
        second.close()
        deadline = time.monotonic() + 60
        while call(server.url)[0] != 200:  # until the server has noticed
            assert time.monotonic() < deadline
        assert ask(server.url, [image]) == [("40x20", 1.0)]


def test_an_image_that_only_tensorflow_cannot_read_is_named_and_harms_no_other(base, running, monkeypatch, eventually):
    """The images are checked before, so that TensorFlow should fail on none."""
    with running(base) as server, ThreadPoolExecutor(4) as clients:
        monkeypatch.setattr(images, "plain", lambda data, **_: PlainImage(data, 40, 20))
        slow = Slow(server, monkeypatch)
        good, bad = tiny_export.png(40), b"TensorFlow cannot decode this"
        first = clients.submit(call, f"{server.url}:predict", {"inputs": b64(good)})
        assert slow.at_work.wait(60)
        requests = [{"instances": list(map(b64, data))} for data in ([good], [good, bad, good], [good])]
        asked = [clients.submit(call, f"{server.url}:predict", request) for request in requests]
        eventually(lambda: sample(server.url, "aocr_queue_images") == 5)
        slow.go_on.set()
        statuses, answers = zip(*(future.result(60) for future in [first, *asked]), strict=True)
        assert statuses == (200, 200, 400, 200)
        assert answers[2] == {"error": "instances[1]: not readable by the model"}
        assert sample(server.url, "aocr_images_refused_total") == 1


def test_a_png_that_pillow_forgives_and_tensorflow_does_not(url):
    good = tiny_export.png(40)
    odd = good[:33] + chunk(b"ABCD", b"") + good[33:]
    assert ask(url, [odd, good]) == [("40x20", 1.0)] * 2


def test_a_jpeg_of_countless_scans_is_refused_before_it_is_decoded(url):
    scans = io.BytesIO()
    Image.new("L", (40, 20)).save(scans, "JPEG", progressive=True)
    data = scans.getvalue()
    bomb = data[:-2] + data[data.rindex(b"\xff\xda") : -2] * 1000 + data[-2:]
    status, answer = call(f"{url}:predict", {"instances": [b64(data), b64(bomb)]})
    assert (status, answer["error"]) == (400, "instances[1]: damaged image: more than 100 scans")


def test_formats_and_depths(url):
    buffers = {name: io.BytesIO() for name in ("I;16", "CMYK", "GIF")}
    Image.new("I;16", (50, 20)).save(buffers["I;16"], "PNG")
    Image.new("CMYK", (50, 20)).save(buffers["CMYK"], "JPEG")
    frames = [Image.new("P", (50, 20), color) for color in range(3)]
    frames[0].save(buffers["GIF"], "GIF", save_all=True, append_images=frames[1:])
    for buffer in buffers.values():
        assert ask(url, [buffer.getvalue()])[0][0] == "50x20"
