"""Changes on Vertex AI that happen once, whatever becomes of the requests for them and of the answers."""

import time
from collections.abc import Callable
from typing import Any, TypeVar

from aocr_core.errors import AocrError
from components.vertex import connection as connections
from components.vertex.connection import Connection
from components.vertex.errors import explained, is_transient

Result = TypeVar("Result")

OPERATION_SECONDS = 2400.0
"""The longest that Vertex AI may be at work on one change; to get a machine and start a container takes ten minutes."""
SETTLE_SECONDS = 60.0
"""How long the effect of a request is looked for, before it is asked for again: its answer may be lost, and a list may
show what has changed only a while later."""
FIRST_WAIT, LONGEST_WAIT = 1.0, 15.0
"""Seconds between two looks, or two requests that are refused; they double from one to the next."""
MOST_CHANGES = 3
"""How often a change may be undone by somebody else before that is told."""


def ensured(
    connection: Connection,
    doing: str,
    look: Callable[[], Result | None],
    change: Callable[[], None],
    refused_by_etag: bool = False,
) -> Result:
    """What `look` finds, after `change` if it finds nothing yet.

    A request whose answer is lost may have been done, or be at work, and what has been done may be seen late: so its
    effect is looked for before it is made again, and what is under way, of this process or of one that was killed, is
    waited for.

    Args:
        connection: where.
        doing: what this is for, such as `deploy version 3`.
        look: the wanted state of affairs, None while it is another; makes each request once.
        change: asks for it once, and waits until Vertex AI says that it is done.
        refused_by_etag: a conflict says that the last look is out of date, not that somebody has done it.

    Raises:
        AocrError: Vertex AI refuses it, or cannot be reached for five minutes.
    """
    from google.api_core.exceptions import Conflict

    with explained(doing):
        looked: Callable[[], Result | None] = connection.patience["retry"](look)
        changes, failures, failing_since = 0, 0, 0.0
        found = looked()
        while found is None:
            if changes == MOST_CHANGES:
                raise AocrError(f"cannot {doing}: it was done {changes} times, and something else undoes it")
            settle = SETTLE_SECONDS
            try:
                change()
                changes += 1
            except Exception as error:
                patience = OPERATION_SECONDS if _is_under_way(error) else connections.PATIENCE_SECONDS
                failing_since = failing_since or time.monotonic()
                waited = time.monotonic() - failing_since
                if waited > patience or not (is_transient(error) or _is_under_way(error)):
                    raise
                connection.tell(error)
                time.sleep(min(FIRST_WAIT * 2**failures, LONGEST_WAIT))
                failures += 1
                if _is_answered(error) or (refused_by_etag and isinstance(error, Conflict)):
                    settle = 0
            found = _found_in_time(looked, settle)
        return found


def finished(connection: Connection, client: Any, begun: Any) -> None:
    """Wait until a long-running operation is over.

    Args:
        connection: where.
        client: of the service that has begun it.
        begun: what the service has answered.

    Raises:
        AocrError: it failed, or takes longer than `OPERATION_SECONDS`; the message is Vertex AI's.
    """
    operation, limit, wait = begun.operation, time.monotonic() + OPERATION_SECONDS, FIRST_WAIT
    while not operation.done:
        if time.monotonic() > limit:
            raise AocrError(f"Vertex AI is still at work after {OPERATION_SECONDS / 60:.0f} minutes: {operation.name}")
        time.sleep(wait)
        wait = min(2 * wait, LONGEST_WAIT)
        operation = client.get_operation({"name": operation.name}, **connection.patience)
    if operation.HasField("error"):
        raise AocrError(" ".join(operation.error.message.split()) or f"{operation.name} failed")


def _is_under_way(error: Exception) -> bool:
    """Whether a request is refused because of one that Vertex AI is at work on, or that it has done meanwhile.

    For the former it says "There are other operations running on the endpoint".
    """
    from google.api_core.exceptions import BadRequest, Conflict

    return isinstance(error, Conflict) or (isinstance(error, BadRequest) and "operations running" in error.message)


def _is_answered(error: Exception) -> bool:
    """Whether the service itself says that it fails: then the request is hardly under way."""
    from google.api_core.exceptions import GatewayTimeout, ServerError

    return isinstance(error, ServerError) and not isinstance(error, GatewayTimeout)


def _found_in_time(look: Callable[[], Result | None], seconds: float) -> Result | None:
    """What `look` finds, asked at once and then for so long; None if that is nothing."""
    limit, wait = time.monotonic() + seconds, FIRST_WAIT
    while (found := look()) is None and time.monotonic() < limit:
        time.sleep(wait)
        wait = min(2 * wait, LONGEST_WAIT)
    return found
