"""What can go wrong on the way to Vertex AI and back, once."""

import threading
from dataclasses import dataclass

from google.api_core import exceptions


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong."""

    error: exceptions.GoogleAPICallError | None = None
    """This is answered, and nothing is done."""
    silent: bool = False
    """Nothing is done and nothing answered: the connection is held until the client has given up."""
    late: bool = False
    """It is done, but the answer does not come before the client has given up."""


class Faults:
    """Faults to come, by RPC."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[Fault]] = {}
        self._lock = threading.Lock()

    def once(self, rpc: str, error: exceptions.GoogleAPICallError | None = None, **kind: bool) -> None:
        """Let the next call of an RPC (`CreatePipelineJob`) go wrong; further calls of this queue up."""
        with self._lock:
            self._waiting.setdefault(rpc, []).append(Fault(error, **kind))

    def take(self, rpc: str) -> Fault:
        """The fault that a call meets now, an empty one if all is well."""
        with self._lock:
            waiting = self._waiting.get(rpc)
            return waiting.pop(0) if waiting else Fault()
