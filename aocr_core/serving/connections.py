"""Requests over connections that stay open. A server that is busy is asked again, after the time that it names."""

import json
import logging
import random
import threading
import time
import urllib.request
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

import urllib3
from urllib3.exceptions import HTTPError, InvalidHeader, NewConnectionError, ProtocolError, SSLError, TimeoutError

from aocr_core.errors import AocrError

logger = logging.getLogger(__name__)

BUSY = (429, 503)
PATIENCE = 120.0
"""Seconds from the first request on in which a busy server is asked again."""
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
"""Seconds between two attempts, where the server names none; each pause is twice the one before."""


@dataclass(frozen=True)
class Answer:
    """What the server said."""

    status: int
    phrase: str
    body: bytes

    @cached_property
    def document(self) -> Any:
        """The body as JSON; raises ValueError if it is none."""
        return json.loads(self.body)

    @property
    def words(self) -> str:
        """What the server itself says of an error, "" if nothing."""
        try:
            return str(self.document["error"])
        except (ValueError, KeyError, TypeError):
            return ""

    @property
    def reason(self) -> str:
        """Why it refuses, in the server's own words where it gave some."""
        words = self.words
        return f"{words} (HTTP {self.status})" if words else f"HTTP {self.status} {self.phrase}".rstrip()


class Connections:
    """Connections to servers. May be shared by threads.

    Args:
        token: sent as a bearer token.
        timeout: seconds to wait for a connection, and then for the answer.
        most: connections to keep open.
    """

    def __init__(self, token: str | None, timeout: float, most: int) -> None:
        self._headers = {"Content-Type": "application/json", "User-Agent": "aocr"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        self._timeout, self._most = timeout, most
        self._pools: dict[str, urllib3.PoolManager] = {}
        self._choosing = threading.Lock()
        self._closed = threading.Event()

    def close(self) -> None:
        """Close what is open; who waits for a busy server waits no more."""
        self._closed.set()
        with self._choosing:
            pools = [*self._pools.values()]
        for pool in pools:
            pool.clear()

    def ask(self, method: str, url: str, body: bytes | None = None) -> Answer:
        """The answer, whatever its status; only of a busy server it is asked again.

        Raises:
            AocrError: there is no answer.
        """
        deadline, pause = time.monotonic() + PATIENCE, FIRST_PAUSE
        while True:
            response = self._send(method, url, body)
            if response.status not in BUSY or self._closed.is_set():
                break
            # Clients that were turned away together must not come back together.
            wait = max(_named_wait(response) * random.uniform(1.0, 1.25), pause * random.uniform(0.5, 1.5))
            if time.monotonic() + wait > deadline:
                break
            logger.info("The server is busy (HTTP %d): next attempt in %.1f s", response.status, wait)
            self._closed.wait(wait)
            pause = min(2 * pause, LONGEST_PAUSE)
        return Answer(response.status, response.reason or "", response.data)

    def _send(self, method: str, url: str, body: bytes | None, again: bool = True) -> urllib3.BaseHTTPResponse:
        try:
            return self._pool(url).request(
                method, url, body=body, headers=self._headers, timeout=self._timeout, retries=False, redirect=False
            )
        except ProtocolError as error:
            # The server may hang up on an idle connection just when it is used again. To read twice does no harm.
            if again and not self._closed.is_set():
                return self._send(method, url, body, again=False)
            raise AocrError(f"{url} broke off: {_innermost(error)}") from error
        except NewConnectionError as error:
            raise AocrError(f"cannot reach {url}: {_innermost(error)}") from error
        except TimeoutError as error:
            raise AocrError(f"{url}: no answer within {self._timeout:g} seconds") from error
        except SSLError as error:
            raise AocrError(f"cannot reach {url} safely: {_innermost(error)}") from error
        except HTTPError as error:
            raise AocrError(f"cannot reach {url}: {_innermost(error)}") from error

    def _pool(self, url: str) -> urllib3.PoolManager:
        """Proxies are the environment's, as for `curl` and for Python's own `urllib`."""
        parts = urlsplit(url)
        proxy = urllib.request.getproxies().get(parts.scheme, "")
        if urllib.request.proxy_bypass(parts.hostname or ""):
            proxy = ""
        if proxy and "://" not in proxy:
            proxy = f"http://{proxy}"
        with self._choosing:  # threads that begin together share the connections
            if proxy not in self._pools:
                self._pools[proxy] = _behind(proxy, self._most) if proxy else urllib3.PoolManager(maxsize=self._most)
            return self._pools[proxy]


def _behind(proxy: str, most: int) -> urllib3.ProxyManager:
    """Connections by way of a proxy: urllib3 passes over a user and a password in its address."""
    user_info = urllib3.util.parse_url(proxy).auth
    # As the bytes that were meant: in an address they are written as UTF-8 or as %XX.
    credentials = unquote_to_bytes(user_info).decode("latin-1") if user_info else None
    headers = urllib3.make_headers(proxy_basic_auth=credentials) if credentials else None
    return urllib3.ProxyManager(proxy, maxsize=most, proxy_headers=headers)


def _named_wait(response: urllib3.BaseHTTPResponse) -> float:
    """Seconds that a `Retry-After` asks for; 0 where there is none, or one that makes no sense."""
    try:
        return urllib3.Retry().get_retry_after(response) or 0.0
    except InvalidHeader:
        return 0.0


def _innermost(error: BaseException) -> str:
    """The reason without the names of the objects that it passed through."""
    while inner := error.__cause__ or error.__context__:
        error = inner
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
