"""What can go wrong on the way to Vertex AI and back."""

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

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
    held: Callable[[], bool] | None = None
    """It is done, and not answered, when this holds no more: long after the client has given up."""
    lasting: bool = False
    """From then on all calls meet it."""


class Faults:
    """Faults to come, by RPC."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.met = 0
        """Calls that have met a fault."""
        self.heal()

    def heal(self) -> None:
        """No more faults."""
        with self._lock:
            self._waiting: dict[str, dict[int, Fault]] = {}
            self._counts: Counter[str] = Counter()
            self._for_all: Fault | None = None

    def once(self, rpc: str, error: exceptions.GoogleAPICallError | None = None, **kind: Any) -> None:
        """Let the next call of an RPC (`CreatePipelineJob`) go wrong; further calls of this queue up."""
        with self._lock:
            waiting = self._waiting.setdefault(rpc, {})
            waiting[max([self._counts[rpc], *waiting]) + 1] = Fault(error, **kind)

    def nth(self, rpc: str, number: int, fault: Fault) -> None:
        """Let the number-th call of an RPC go wrong, counted from now."""
        with self._lock:
            self._waiting.setdefault(rpc, {})[self._counts[rpc] + number] = fault

    def take(self, rpc: str) -> Fault:
        """The fault that a call meets now, an empty one if all is well."""
        with self._lock:
            self._counts[rpc] += 1
            fault = self._for_all or self._waiting.get(rpc, {}).pop(self._counts[rpc], Fault())
            if fault.lasting:
                self._for_all = fault
            self.met += fault != Fault()
            return fault
