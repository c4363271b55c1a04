"""When more is asked than can be answered: what waits, what is refused, and what is given up."""

import http.client
import json
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from tests.aocr_core.serving import tiny_export
from tests.aocr_core.serving.test_limits import HEAD, connect
from tests.aocr_core.serving.test_server import b64, call
from tests.aocr_core.serving.under_load import Slow, SlowDecoding, sample


def test_full_queue_is_said_at_once_and_what_was_taken_is_answered(base, running, monkeypatch, eventually):
    with running(base, max_queue=2) as server, ThreadPoolExecutor(4) as clients:
        slow = Slow(server, monkeypatch)
        body = json.dumps({"inputs": b64(tiny_export.png(40))}).encode()
        first = clients.submit(call, f"{server.url}:predict", body)
        assert slow.at_work.wait(60)
        others = [clients.submit(call, f"{server.url}:predict", body) for _ in range(2)]
        eventually(lambda: sample(server.url, "aocr_queue_images") == 2)
        parts = urlsplit(server.url)
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
        connection.request("POST", f"{parts.path}:predict", body)
        response = connection.getresponse()
        assert (response.status, response.headers["Retry-After"]) == (503, "1")
        assert json.load(response) == {"error": "overloaded: 2 images are waiting; try again later"}
        slow.go_on.set()
        assert {future.result(60)[0] for future in [first, *others]} == {200}
        # The two that waited were read together.
        assert slow.batches == [1, 2]


def test_images_that_are_being_decoded_have_places_in_the_queue(base, running, monkeypatch, eventually):
    with running(base, max_queue=4, decode_threads=1) as server, ThreadPoolExecutor(4) as clients:
        slow = SlowDecoding(monkeypatch)
        one, two = ({"instances": [b64(tiny_export.png(40))] * count} for count in (1, 2))
        first = clients.submit(call, f"{server.url}:predict", two)
        assert slow.at_work.wait(60)
        eventually(lambda: sample(server.url, "aocr_decoding_images") == 2)
        others = [clients.submit(call, f"{server.url}:predict", one) for _ in range(2)]
        eventually(lambda: sample(server.url, "aocr_decoding_images") == 4)
        parts = urlsplit(server.url)
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
        connection.request("POST", f"{parts.path}:predict", json.dumps(one))
        response = connection.getresponse()
        assert (response.status, response.headers["Retry-After"]) == (503, "1")
        assert json.load(response) == {"error": "overloaded: 4 images are waiting; try again later"}
        slow.go_on.set()
        assert [future.result(60)[0] for future in [first, *others]] == [200] * 3
        assert sample(server.url, "aocr_decoding_images") == 0
        assert call(f"{server.url}:predict", one)[0] == 200


def test_requests_that_are_given_up_while_they_wait_for_decoding_hold_nothing(base, running, monkeypatch):
    with running(base, max_queue=3, decode_threads=1, request_timeout=2.0) as server, ThreadPoolExecutor(3) as clients:
        slow = SlowDecoding(monkeypatch)
        asked = {"inputs": b64(tiny_export.png(40))}
        answers = [clients.submit(call, f"{server.url}:predict", asked) for _ in range(3)]
        assert {future.result(60)[0] for future in answers} == {503}
        assert slow.at_work.is_set()
        assert sample(server.url, "aocr_decoding_images") == sample(server.url, "aocr_request_bytes") == 0
        slow.go_on.set()


def test_requests_that_are_given_up_while_they_wait_for_the_model_hold_nothing(base, running, monkeypatch):
    with running(base, max_queue=2, request_timeout=3.0) as server, ThreadPoolExecutor(3) as clients:
        slow = Slow(server, monkeypatch)
        asked = {"inputs": b64(tiny_export.png(40))}
        first = clients.submit(call, f"{server.url}:predict", asked)
        assert slow.at_work.wait(60)
        others = [clients.submit(call, f"{server.url}:predict", asked) for _ in range(2)]
        assert {future.result(60)[0] for future in [first, *others]} == {503}
        assert sample(server.url, "aocr_queue_images") == 0
        slow.go_on.set()


def test_a_request_that_takes_too_long_is_given_up(base, running, monkeypatch):
    with running(base, request_timeout=0.3) as server:
        slow = Slow(server, monkeypatch)
        status, answer = call(f"{server.url}:predict", {"inputs": b64(tiny_export.png(40))})
        assert (status, answer["error"]) == (503, "not answered within 0.3 seconds")
        slow.go_on.set()


def test_all_bodies_in_memory_together(base, running, eventually):
    with running(base, max_body_mb=1, max_buffered_mb=1) as server:
        with connect(server.url) as connection:
            connection.sendall(HEAD + b"Content-Length: 1000000\r\n\r\n" + b" " * 900_000)
            eventually(lambda: sample(server.url, "aocr_request_bytes") == 900_000)
            status, answer = call(f"{server.url}:predict", b" " * 200_000)
            assert status == 503
            assert answer["error"].startswith("overloaded: requests of 1 MiB in all are in work")
        eventually(lambda: sample(server.url, "aocr_request_bytes") == 0)
        assert call(f"{server.url}:predict", b" " * 200_000)[0] == 400


def test_answers_in_work_are_given_before_the_server_ends(base, running, monkeypatch):
    with ThreadPoolExecutor(1) as clients, running(base) as server:
        slow = Slow(server, monkeypatch)
        answer = clients.submit(call, f"{server.url}:predict", {"inputs": b64(tiny_export.png(40))})
        assert slow.at_work.wait(60)
        server.stop()
        deadline = time.monotonic() + 60
        while True:
            try:
                connect(server.url).close()
            except ConnectionRefusedError:
                break
            except ConnectionResetError:
                pass  # it came into the queue of the socket that was being closed
            assert time.monotonic() < deadline
        slow.go_on.set()
        assert answer.result(60) == (200, {"outputs": {"output": "40x20", "probability": 1.0}})
