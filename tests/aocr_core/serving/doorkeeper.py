"""A reverse proxy before a real server, as operators put one there: it wants a token, it turns away, it hangs up."""

import http.client
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import SplitResult, urlsplit


class Doorkeeper(ThreadingHTTPServer):
    """Passes requests on to `upstream`.

    Attributes:
        token: that requests below `/v1/` need; "": none.
        proxy_login: what `Proxy-Authorization` must say; "": nothing.
        seconds: that each answer takes at least.
        refusals: status and `Retry-After` of the next answers; a status of 0 hangs up without a word.
        others: further models, and the servers that have them.
        largest: bytes of a body; more is answered with 413.
        connections: made so far.
        seen: method and path of each request that came.
        most: requests that were under way at a time.
    """

    daemon_threads = True

    def __init__(self, upstream: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream = urlsplit(upstream)
        self.token = self.proxy_login = ""
        self.seconds = 0.0
        self.refusals: list[tuple[int, str]] = []
        self.others: dict[str, str] = {}
        self.largest = 2**30
        self.connections = self.under_way = self.most = 0
        self.seen: list[str] = []
        self.lock = threading.Lock()

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@contextmanager
def doorkeeper(upstream: str) -> Iterator[Doorkeeper]:
    """One that stands before the server at `upstream`, any address there, for the time of the block."""
    with Doorkeeper(upstream) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: Doorkeeper
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        super().setup()
        with self.server.lock:
            self.server.connections += 1

    def handle_any(self) -> None:
        keeper = self.server
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with keeper.lock:
            keeper.seen.append(f"{self.command} {self.path}")
            keeper.under_way += 1
            keeper.most = max(keeper.most, keeper.under_way)
            refusal = keeper.refusals.pop(0) if keeper.refusals else None
        try:
            time.sleep(keeper.seconds)
            if keeper.proxy_login not in ("", self.headers.get("Proxy-Authorization")):
                self.reply(407, b'{"error": "a login is needed"}', {"Proxy-Authenticate": "Basic"})
            elif self.command == "CONNECT":
                self.reply(501, b"", {})
            elif refusal and not refusal[0]:
                self.close_connection = True
            elif refusal:
                self.reply(refusal[0], b'{"error": "busy"}', {"Retry-After": refusal[1]} if refusal[1] else {})
            elif self.path.startswith("/v1/") and keeper.token not in ("", self.bearer()):
                self.reply(401, b'{"error": "a token is needed"}', {"WWW-Authenticate": "Bearer"})
            elif len(body) > keeper.largest:
                self.reply(413, b'{"error": "the request is too large"}', {})
            elif self.path == "/v1/models" and keeper.others:
                names = [
                    *json.loads(self.ask(keeper.upstream, body)[1])["models"],
                    *({"name": n} for n in keeper.others),
                ]
                self.reply(200, json.dumps({"models": names}).encode(), {})
            else:
                self.reply(*self.ask(self.chosen(), body))
        finally:
            with keeper.lock:
                keeper.under_way -= 1

    do_CONNECT = do_GET = do_POST = handle_any  # noqa: N815 - the names that the standard library looks for

    def bearer(self) -> str:
        return self.headers.get("Authorization", "").removeprefix("Bearer ")

    def chosen(self) -> SplitResult:
        """The server that has the model."""
        name = self.path.removeprefix("/v1/models/").partition(":")[0].partition("/")[0]
        return urlsplit(self.server.others[name]) if name in self.server.others else self.server.upstream

    def ask(self, upstream: SplitResult, body: bytes) -> tuple[int, bytes, dict[str, str]]:
        assert upstream.hostname
        connection = http.client.HTTPConnection(upstream.hostname, upstream.port, timeout=60)
        path = self.path.removeprefix(upstream.geturl())  # whom proxies serve give the whole address
        connection.request(self.command, path, body, {"Content-Type": self.headers.get("Content-Type", "")})
        response = connection.getresponse()
        own = ("date", "server", "content-length")
        kept = {name: value for name, value in response.getheaders() if name not in own}
        answer = response.status, response.read(), kept
        connection.close()
        return answer

    def reply(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in ({"Content-Type": "application/json"} | headers).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass
