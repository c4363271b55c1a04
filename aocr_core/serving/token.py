"""Lets in only who knows the token, where one is set."""

import hmac
from collections.abc import Collection, Mapping
from pathlib import Path

from starlette.types import ASGIApp, Receive, Scope, Send

from aocr_core.config import TOKEN_VARIABLE
from aocr_core.errors import UsageError
from aocr_core.serving.answers import error_answer

LEAST = 16
"""Characters: what is shorter can be guessed."""


def read(file: str | None, environment: Mapping[str, str]) -> str | None:
    """The token from the file, else from `AOCR_TOKEN`, None if there is neither. The message never shows it.

    Raises:
        UsageError: the file cannot be read, or what it holds is no token.
    """
    if file:
        try:
            text, source = Path(file).read_text(encoding="utf-8"), file
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not text"
            raise UsageError(f"cannot read the token from {file}: {reason}") from error
    else:
        text, source = environment.get(TOKEN_VARIABLE, ""), TOKEN_VARIABLE
        if not text:
            return None
    token = text.strip()
    if len(token) < LEAST or not token.isascii() or not token.isprintable() or " " in token:
        raise UsageError(
            f"{source} must hold one token of at least {LEAST} ASCII characters without blanks; "
            "make one with: openssl rand -hex 32"
        )
    return token


class Guarded:
    """Answers 401 to every request without the token, except those that only look at the `open_paths`."""

    def __init__(self, app: ASGIApp, token: str, open_paths: Collection[str]) -> None:
        self._app, self._token, self._open = app, token.encode(), frozenset(open_paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or self._is_open(scope) or self._has_token(scope):
            return await self._app(scope, receive, send)
        await error_answer(401, "this server wants a token: Authorization: Bearer TOKEN")(scope, receive, send)

    def _is_open(self, scope: Scope) -> bool:
        # Predictions may have the path of a health check, too: Vertex AI says which it is.
        return scope["path"] in self._open and scope["method"] == "GET"

    def _has_token(self, scope: Scope) -> bool:
        given = [value for name, value in scope["headers"] if name == b"authorization"]
        if len(given) != 1:
            return False
        scheme, _, token = given[0].partition(b" ")
        # As long for a wrong token as for one that is nearly right.
        return hmac.compare_digest(token.strip(), self._token) and scheme.lower() == b"bearer"
