"""Asks a server on this machine: a proxy that the environment names is for the world outside."""

import os
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPResponse

NO_PROXY = ("no_proxy", "NO_PROXY")
"""Environment variables with the hosts that are asked without a proxy; the first counts more."""


def opened(url: str, timeout: float) -> HTTPResponse:
    """The answer to a GET.

    Args:
        url: of a server that listens here.
        timeout: seconds to wait.

    Raises:
        OSError: it does not answer, or with an error.
    """
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    response: HTTPResponse = opener.open(url, timeout=timeout)
    return response


@contextmanager
def unproxied() -> Iterator[None]:
    """Within the block, whatever heeds the environment's proxies asks 127.0.0.1 without one."""
    before = os.environ.get(NO_PROXY[0])
    hosts = next((hosts for hosts in map(os.environ.get, NO_PROXY) if hosts is not None), "")
    # A star means all hosts only if it stands alone.
    os.environ[NO_PROXY[0]] = hosts if hosts.strip() == "*" else f"{hosts},127.0.0.1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[NO_PROXY[0]]
        else:
            os.environ[NO_PROXY[0]] = before
