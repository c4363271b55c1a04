"""The page at `/`: drop an image, see the text, and where each character was seen. And which models there are.

The page asks this server's own `:predict`. Its files lie in `page/` and are served from memory; nothing comes from
elsewhere, which the browser is told to enforce.
"""

from importlib import resources
from pathlib import PurePath
from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    # With another version of the server comes another page.
    "Cache-Control": "no-cache",
}


def router(model_name: str) -> APIRouter:
    """The routes `/` and `/page/…`, and `/v1/models`, which TF Serving lacks: the names that can be asked for.

    The page holds nothing that is secret: it has to come without a token, since it is where one is typed in.
    """
    routes = APIRouter()
    for name, content in _files().items():
        _add(routes, "/" if name == "index.html" else f"/page/{name}", content, TYPES[PurePath(name).suffix])

    @routes.get("/v1/models")
    async def models() -> dict[str, Any]:
        return {"models": [{"name": model_name}]}

    return routes


def _files() -> dict[str, bytes]:
    folder = resources.files("aocr_core.serving") / "page"
    return {file.name: file.read_bytes() for file in folder.iterdir() if PurePath(file.name).suffix in TYPES}


def _add(routes: APIRouter, path: str, content: bytes, kind: str) -> None:
    @routes.get(path, include_in_schema=False)
    async def answer() -> Response:
        return Response(content, media_type=kind, headers=HEADERS)
