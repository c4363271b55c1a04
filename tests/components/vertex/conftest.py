import pytest

from components.vertex import changes, endpoints, trial
from components.vertex.connection import Connection
from components.vertex.place import Place


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers are not waited for long, nor is it to try again."""

    def connected(name: str) -> Connection:
        project, location = name.split("/")[1:4:2]
        return Connection(Place(project=project, location=location, request_timeout=0.5))

    monkeypatch.setattr(endpoints, "connected", connected)
    monkeypatch.setattr(changes, "SETTLE_SECONDS", 1.0)
    monkeypatch.setattr(trial, "ANSWERS", 1)  # one request is like the next
    monkeypatch.setattr("google.api_core.retry.retry_base.random.uniform", lambda low, high: 0.01)
