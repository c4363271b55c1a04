"""What a connection may cost before there is a request, and after its answer: time, and a place among few.

Between the head of a request and its answer the application counts the seconds; the size of a head is h11's matter.
"""

import asyncio
import socket
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

_NO_ROOM = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\nContent-Type: application/json\r\n"
    b'Content-Length: 33\r\n\r\n{"error": "too many connections"}'
)


class BoundedProtocol(H11Protocol):
    """HTTP/1.1 for clients that may be slow on purpose.

    Args:
        max_connections: for one more the longest idle one is closed; where none is idle it is told 503 and closed.
        seconds: that a client may take for a request's head, to read its answer, or to stop sending what nobody reads.
        refused: told why a connection was closed before its request was answered.
        others: uvicorn's own arguments.
    """

    def __init__(
        self, max_connections: int, seconds: float, refused: Callable[[str], None], *others: Any, **more: Any
    ) -> None:
        super().__init__(*others, **more)
        self._max_connections, self._seconds, self._refused = max_connections, seconds, refused
        self._head_timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn's
        """Give the connection a place, if there is one."""
        super().connection_made(transport)
        # asyncio does so only for sockets that name their protocol. Without it an answer's second packet waits for the
        # client's receipt of the first, which is 40 ms late.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if len(self.connections) > self._max_connections and not self._make_room():
            self._refused("too many connections")
            transport.write(_NO_ROOM)
            transport.close()
        else:
            self._head_timer = self.loop.call_later(self._seconds, self._give_up, "no request")

    def data_received(self, data: bytes) -> None:
        """Take bytes; a head that is begun must end in time."""
        if self.transport.is_closing():
            return
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            _cancel(self._head_timer)
            self._head_timer = None
        elif self._head_timer is None and self.timeout_keep_alive_task is None:
            self._head_timer = self.loop.call_later(self._seconds, self._give_up, "slow request")

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        _cancel(self._head_timer)
        self._head_timer = None
        _cancel(self._write_timer)
        self._write_timer = None
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """The client does not read its answer: not for ever."""
        super().pause_writing()
        if self._write_timer is None:
            self._write_timer = self.loop.call_later(self._seconds, self._give_up, "answer not read")

    def resume_writing(self) -> None:
        """It reads again."""
        _cancel(self._write_timer)
        self._write_timer = None
        super().resume_writing()

    def _make_room(self) -> bool:
        """Close the connection that has been idle for longest, if one is: no request is lost, but by rare chance."""
        idle = [other for other in self.connections if isinstance(other, BoundedProtocol) and other._idle_until]
        if not idle:
            return False
        longest = min(idle, key=lambda other: other._idle_until)
        longest._unset_keepalive_if_required()
        longest.transport.abort()
        return True

    @property
    def _idle_until(self) -> float:
        """When it will have been idle for too long, by the loop's time; 0 while there is something to be done."""
        answered = self.cycle is None or self.cycle.response_complete
        if self.timeout_keep_alive_task is None or not answered or self.transport.get_write_buffer_size():
            return 0.0
        return self.timeout_keep_alive_task.when()

    def _give_up(self, reason: str) -> None:
        self._refused(reason)
        self.transport.abort()


def _cancel(timer: asyncio.TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()
