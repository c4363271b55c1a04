"""Long-running operations: begun at once, over when the client asks for the `asked`-th time."""

import re
from collections import Counter

from google.api_core.exceptions import NotFound
from google.longrunning.operations_pb2 import Operation

PATH = re.compile(r"/(?:ui|v1)/(projects/.+/operations/\d+)")
"""The client library asks below `/ui` first, as Google's own pages do."""


class Operations:
    """The operations that handlers have answered with, by name."""

    def __init__(self) -> None:
        self.asked = 1
        self._stored: dict[str, Operation] = {}
        self._counts: Counter[str] = Counter()

    def begun(self, result: Operation) -> Operation:
        """Keep the result of an operation for later, and answer that it has begun."""
        name = re.sub(r"/operations/.*", f"/operations/{len(self._stored) + 1}", result.name)
        self._stored[name] = Operation()
        self._stored[name].CopyFrom(result)
        self._stored[name].name = name
        return Operation(name=name)

    def get(self, name: str) -> Operation:
        """The operation as it stands."""
        if name not in self._stored:
            raise NotFound(f"Operation {name} is not found.")
        self._counts[name] += 1
        return self._stored[name] if self._counts[name] >= self.asked else Operation(name=name)
