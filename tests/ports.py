"""Ports of this machine for servers that have to be told theirs."""

import contextlib
import socket
from collections.abc import Iterator


@contextlib.contextmanager
def held(count: int) -> Iterator[list[int]]:
    """Free ports of the loopback, which Linux gives to nobody else who asks for a free one as long as they are held.

    A socket is bound to each, and does not listen. So a server that sets SO_REUSEADDR, as usual, can listen there.
    """
    with contextlib.ExitStack() as stack:
        holders = [stack.enter_context(socket.socket()) for _ in range(count)]
        for holder in holders:
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            holder.bind(("127.0.0.1", 0))
        yield [holder.getsockname()[1] for holder in holders]
