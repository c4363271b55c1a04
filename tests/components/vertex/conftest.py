from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter

from components.vertex import changes, trial


class Clock:
    """Stands for the module `time`: it goes on when somebody sleeps, and nobody does."""

    def __init__(self) -> None:
        self._now = 0.0

    def monotonic(self) -> float:
        return self._now

    def sleep(self, seconds: float) -> None:
        self._now += seconds


@pytest.fixture
def soon(vertex: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that does not come is not waited for, nor are effects, nor is it to try again."""
    send = HTTPAdapter.send

    def at_once(self: HTTPAdapter, request: requests.PreparedRequest, **given: Any) -> requests.Response:
        try:
            return send(self, request, **given)
        except requests.ConnectionError as error:
            if not (request.url or "").startswith(vertex.url):
                raise
            raise requests.ReadTimeout(str(error), request=request) from error  # as if it had been waited for

    monkeypatch.setattr(HTTPAdapter, "send", at_once)
    monkeypatch.setattr(vertex, "hold_seconds", 0.0)
    monkeypatch.setattr(changes, "time", Clock())
    monkeypatch.setattr(trial, "ANSWERS", 1)  # one request is like the next
    monkeypatch.setattr("google.api_core.retry.retry_base.random.uniform", lambda low, high: 0.01)
