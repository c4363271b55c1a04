"""What a load counts, against a server that answers as it is told."""

import json
import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from benchmarks.load import Result, arrivals, closed


@contextmanager
def answering(*statuses: int) -> Iterator[str]:
    """A server that answers so, over and over, with a text; 0 hangs up."""
    turns = iter(range(10**9))

    class Told(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            status = statuses[next(turns) % len(statuses)]
            if not status:
                self.close_connection = True
                return
            body = json.dumps({"predictions": [{"output": "word"}]}).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Told) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1/models/aocr"
        server.shutdown()
        thread.join()


def times(count: int):
    """True so many times."""
    left = iter(range(count))
    return lambda: next(left, None) is not None


def test_every_request_is_an_answer_a_refusal_or_a_failure():
    with answering(200, 503, 500, 200, 0) as url:
        result = closed(url, [b"{}"], 1, times(10))
    assert len(result.latencies) == 4
    assert result.refused == 2 and len(result.failures) == 4
    assert result.unanswered == 6


def test_who_is_not_answered_waits_for_ever():
    with answering(*[200] * 9, 503) as url:
        result = arrivals(url, [b"{}"], rate=1000, seconds=0.1, connections=1)
    assert result.refused > 0
    assert result.percentile(0.5) < math.inf and result.percentile(0.99) == math.inf
    failed = Result(1.0, latencies=[0.1] * 9, failures=["hung up"])
    assert failed.percentile(0.5) == 100 and failed.percentile(0.99) == math.inf
    assert math.isnan(Result(1.0).percentile(0.5))


def test_refusals_of_all_threads_are_counted():
    result = Result()
    threads = [threading.Thread(target=lambda: [result.refuse() for _ in range(20_000)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert result.refused == 80_000


def test_a_wrong_answer_is_a_failure():
    asked = []

    def judge(index: int):
        asked.append(index)
        return lambda answer: "" if index else f"wrong: {json.loads(answer)['predictions'][0]['output']}"

    with answering(200) as url:
        result = closed(url, [b"{}", b"{}"], 1, times(4), judge)
    assert asked == [0, 1, 0, 1]
    assert result.failures == ["wrong: word"] * 2 and len(result.latencies) == 2
