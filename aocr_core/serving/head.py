"""HEAD, by which uptime checks ask whether a server is there."""

from starlette.types import ASGIApp, Receive, Scope, Send


class HeadLikeGet:
    """Has HEAD answered as GET is; the body is left out where the answer is written to the connection."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http" and scope["method"] == "HEAD":
            scope = {**scope, "method": "GET"}  # a copy: the connection goes by its own
        await self._app(scope, receive, send)
