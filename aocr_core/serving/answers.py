"""Answers in JSON, and errors as TF Serving words them: `{"error": "..."}`."""

import json
from typing import Any

from starlette.responses import Response

RETRY_SECONDS = 1
"""When to ask again, for who was refused for want of room."""
LONGEST = 400
"""Characters of an error message: it may quote the request."""


class RequestError(Exception):
    """A request that cannot be answered: the HTTP status, and the message for the client."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message if len(message) <= LONGEST else f"{message[: LONGEST - 1]}…")
        self.status = status


def to_json(document: Any) -> bytes:
    """UTF-8; what JSON can say but UTF-8 cannot (half of a surrogate pair, quoted from a request) becomes `?`."""
    return json.dumps(document, ensure_ascii=False).encode("utf-8", "replace")


def answer(body: bytes, status: int = 200) -> Response:
    """The response with this JSON."""
    return Response(body, status, media_type="application/json")


def error_answer(status: int, message: str) -> Response:
    """The response to a request that is refused."""
    response = answer(to_json({"error": message}), status)
    if status == 503:
        response.headers["Retry-After"] = str(RETRY_SECONDS)
    elif status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    if status == 408:
        response.headers["Connection"] = "close"
    return response
