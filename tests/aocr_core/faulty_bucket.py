"""A proxy in front of the Cloud Storage emulator that does what networks and services do: fail now and then.

It also has the one condition that the emulator passes over (`ifGenerationMatch`), and counts what is under way.
"""

import http.client
import json
import socket
import struct
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

Fault = str
"""`503`, `403`, `reset` (no answer), `cut` (half of one), `stall` (none in time), `damage` (a flipped bit in what is
sent or answered), `lost` (done, but the answer does not arrive)."""

STALL = 0.6
"""Seconds; the tests' clients wait for less."""
PATIENCE = 30.0
"""Seconds that calls wait for each other."""


class FaultyBucket(ThreadingHTTPServer):
    """Forwards to `behind` ("host:port"), except for the faults that are planned."""

    daemon_threads = True
    # Sixteen connections come at once.
    request_queue_size = 64

    def __init__(self, behind: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.behind = behind
        self.lock = threading.Lock()
        self.heal()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def heal(self) -> None:
        """No more faults, and the counts begin anew."""
        self.plan: Callable[[str, str], Fault | None] = lambda kind, name: None
        self.calls: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self.under_way = self.most_under_way = 0
        self.meeting: tuple[str, threading.Barrier] | None = None

    def fail(self, kind: str, fault: Fault, times: float = float("inf"), only: str = "") -> None:
        """The next so many calls of a kind (see `kind_of`), of names that hold `only`, end in the fault."""
        left = [times]

        def plan(called: str, name: str) -> Fault | None:
            with self.lock:
                if called != kind or only not in name or left[0] < 1:
                    return None
                left[0] -= 1
                self.faults[fault] += 1
            return fault

        self.plan = plan

    def fail_nth(self, kind: str, fault: Fault, number: int, lasting: bool = False) -> None:
        """The number-th call of a kind ends in the fault; with `lasting`, so do those of that kind that follow."""
        seen = 0

        def plan(called: str, name: str) -> Fault | None:
            nonlocal seen
            with self.lock:
                seen += called == kind
                if called != kind or seen < number or (seen > number and not lasting):
                    return None
                self.faults[fault] += 1
            return fault

        self.plan = plan

    def gather(self, kind: str, count: int) -> None:
        """The first so many calls of a kind are answered when all of them have come: they have to come together."""
        self.meeting = kind, threading.Barrier(count, action=lambda: setattr(self, "meeting", None))

    def wait(self, kind: str) -> None:
        """Count a call as under way, until it may be answered."""
        with self.lock:
            self.calls[kind] += 1
            self.under_way += 1
            self.most_under_way = max(self.most_under_way, self.under_way)
            meeting = self.meeting
        try:
            if meeting and meeting[0] == kind:
                meeting[1].wait(PATIENCE)
        finally:
            with self.lock:
                self.under_way -= 1

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that is no more is what this is about; anything else is shown."""
        if not isinstance(sys.exception(), OSError | ValueError):
            super().handle_error(request, client_address)


def kind_of(method: str, path: str, query: dict[str, list[str]]) -> str:
    """What is asked for: list, stat, read, write, begin and send (of a large object), copy, delete."""
    if method == "DELETE":
        return "delete"
    if method == "PUT":
        return "send"
    if method == "POST":
        if "/copyTo/" in path or "/rewriteTo/" in path:
            return "copy"
        return "begin" if query.get("uploadType") == ["resumable"] else "write"
    if query.get("alt") == ["media"]:
        return "read"
    return "list" if path.endswith("/o") else "stat"


class _Handler(BaseHTTPRequestHandler):
    server: FaultyBucket
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or every answer with a body takes 40 ms

    def log_message(self, *args: object) -> None:
        """Silence."""

    def do_GET(self) -> None:
        owner = self.server
        parts = urlsplit(self.path)
        query = parse_qs(parts.query)
        kind = kind_of(self.command, parts.path, query)
        body = self._body()
        name = query.get("name", [unquote(parts.path.rpartition("/o/")[2])])[0]
        if kind == "write":
            name = json.loads(body.split(b"\r\n\r\n", 1)[1].split(b"\r\n--", 1)[0])["name"]
        fault = owner.plan(kind, name)
        owner.wait(kind)
        self._answer(kind, fault, body, name, query)

    do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815 - the names that the standard library looks for

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _answer(self, kind: str, fault: Fault | None, body: bytes, name: str, query: dict[str, list[str]]) -> None:
        if fault == "stall":
            time.sleep(STALL)
        if fault in ("reset", "stall"):
            return self._hang_up()
        if fault in ("503", "403"):
            return self._send(int(fault), {"Content-Type": "application/json"}, b'{"error": {"message": "no\\nmore"}}')
        if not self._condition_holds(name, query):
            return self._send(412, {}, b"")
        if fault == "damage" and kind in ("write", "send"):
            place = body.rindex(b"content")  # in what is stored; before it stands the description of the object
            body = body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]
        status, headers, content = self._forward(body)
        if fault == "lost":
            return self._hang_up()
        if fault == "damage" and kind not in ("write", "send"):
            content = bytes([content[0] ^ 1]) + content[1:]
        self._send(status, headers, content, cut=fault == "cut")

    def _condition_holds(self, name: str, query: dict[str, list[str]]) -> bool:
        wanted = query.get("ifGenerationMatch", [None])[0]
        if wanted is None:
            return True
        connection = http.client.HTTPConnection(self.server.behind)
        connection.request("GET", f"/storage/v1/b/words/o/{quote(name, safe='')}")
        answer = connection.getresponse()
        found = json.loads(answer.read()).get("generation", "0") if answer.status == 200 else "0"
        connection.close()
        return str(found) == wanted

    def _forward(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection(self.server.behind)
        connection.request(self.command, self.path, body, dict(self.headers))
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        kept = {key: value for key, value in answer.getheaders() if key.lower() not in ("content-length", "connection")}
        return answer.status, kept, content

    def _send(self, status: int, headers: dict[str, str], content: bytes, cut: bool = False) -> None:
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if cut else content)
        if cut:
            self._hang_up()

    def _hang_up(self) -> None:
        """Close the connection the hard way."""
        self.wfile.flush()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()


@contextmanager
def running(behind: str) -> Iterator[FaultyBucket]:
    """The proxy in front of an emulator, in a thread."""
    server = FaultyBucket(behind)
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.02))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
