"""The time between the word to stop and the end, for those who route requests here to notice and send no more."""

import time

from aocr_core.serving.answers import RequestError


class Drain:
    """Begins once and lasts some seconds: requests are answered as before, but not that the server is ready."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end: float | None = None

    def begin(self) -> None:
        """From now on the server is about to stop."""
        if self._end is None:
            self._end = time.monotonic() + self._seconds

    @property
    def began(self) -> bool:
        """Whether the server is about to stop."""
        return self._end is not None

    @property
    def over(self) -> bool:
        """Whether it is to stop now."""
        return self._end is not None and time.monotonic() >= self._end

    def check(self) -> None:
        """What the routes of readiness ask.

        Raises:
            RequestError: status 503, the server is about to stop.
        """
        if self.began:
            raise RequestError(503, "the server is about to stop")
