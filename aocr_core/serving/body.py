"""Reads the body of a request, and no more of it, nor of all of them together, than there is room for."""

import asyncio

from starlette.requests import ClientDisconnect, Request

from aocr_core.serving.answers import RequestError

MB = 2**20
LINGER = 4
"""A body that is refused is read on, and thrown away, up to so many times the limit: a client that is still sending
when the connection is closed never sees why.
"""


class Room:
    """How many bytes of requests are held in memory, and may be."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.held = 0

    def take(self, count: int) -> RequestError | None:
        """Note that so many more are held; if there is no room for them, what to answer."""
        if self.held + count > self._limit:
            size = self._limit // MB
            return RequestError(503, f"overloaded: requests of {size} MiB in all are in work; try again later")
        self.held += count
        return None

    def give_back(self, count: int) -> None:
        """Note that so many are not held any more."""
        self.held -= count


class Body:
    """The body of a request; its bytes count until they are released.

    Args:
        request: Of which nothing has been read yet.
        limit: Bytes.
        room: Shared with the other requests.
    """

    def __init__(self, request: Request, limit: int, room: Room) -> None:
        self._request, self._limit, self._room = request, limit, room
        self._held = 0
        self.content = b""
        """What has been read."""

    async def read(self, seconds: float, refusal: RequestError | None = None) -> None:
        """Read all of it.

        Args:
            seconds: That it may take to arrive.
            refusal: What the request will be answered whatever its body holds: nothing is kept, and this is raised.

        Raises:
            RequestError: 413, it is too large; 408, it does not come within so many seconds; 503, no room; 400, it
                breaks off.
        """
        try:
            async with asyncio.timeout(seconds):
                self.content = await self._read(refusal)
        except TimeoutError as error:
            raise RequestError(408, f"the body has not arrived within {seconds:g} seconds") from error
        except ClientDisconnect as error:
            raise RequestError(400, "the body ends too early") from error

    def become(self, size: int) -> None:
        """From now on so many bytes are held instead: what was made of the body, which is let go.

        Raises:
            RequestError: 503, no room.
        """
        self.release()
        if refusal := self._room.take(size):
            raise refusal
        self._held = size

    def release(self) -> None:
        """The bytes are not needed any more; whoever is still to read them finds nothing."""
        self.content = b""
        self._room.give_back(self._held)
        self._held = 0

    async def _read(self, refusal: RequestError | None) -> bytes:
        declared = self._request.headers.get("content-length", "")
        size = int(declared[:18]) if declared.isdecimal() else 0
        if size > self._limit:
            refusal = refusal or self._too_large()
        if refusal and (size > LINGER * self._limit or "expect" in self._request.headers):
            raise refusal
        body, passed = bytearray(), 0
        async for chunk in self._request.stream():
            passed += len(chunk)
            if passed > LINGER * self._limit:
                break
            refusal = refusal or self._keep(chunk, body)
            if refusal:
                body.clear()
                self.release()
        if refusal:
            raise refusal
        return bytes(body)

    def _keep(self, chunk: bytes, body: bytearray) -> RequestError | None:
        if refusal := self._room.take(len(chunk)):
            return refusal
        self._held += len(chunk)
        if self._held > self._limit:
            return self._too_large()
        body += chunk
        return None

    def _too_large(self) -> RequestError:
        return RequestError(413, f"the request is larger than {self._limit // MB} MiB")
