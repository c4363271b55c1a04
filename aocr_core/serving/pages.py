"""The page at `/`: drop an image, see the text, and where each character was seen. And which models there are.

The page asks this server's own `:predict`. Its files lie in `page/` and are served from memory; nothing comes from
elsewhere, which the browser is told to enforce.
"""

from collections.abc import Callable, Sequence
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


def _files() -> dict[str, bytes]:
    """Contents by path."""
    folder = resources.files("aocr_core.serving") / "page"
    names = [file.name for file in folder.iterdir() if PurePath(file.name).suffix in TYPES]
    return {"/" if name == "index.html" else f"/page/{name}": (folder / name).read_bytes() for name in sorted(names)}


FILES = _files()

OPEN_PATHS = tuple(FILES)
"""To be answered without a token: nothing there is secret, and it is where the token is typed in."""


def router(model_names: Callable[[], Sequence[str]]) -> APIRouter:
    """The page at `/`, its files, and `/v1/models`, which TF Serving lacks: the names that can be asked for."""
    routes = APIRouter()
    for path, content in FILES.items():
        _add(routes, path, content, TYPES[PurePath(path).suffix or ".html"])

    @routes.get("/v1/models", tags=["TF Serving"], summary="The models that can be asked")
    async def models() -> dict[str, Any]:
        return {"models": [{"name": name} for name in model_names()]}

    return routes


def _add(routes: APIRouter, path: str, content: bytes, kind: str) -> None:
    @routes.get(path, include_in_schema=False)
    async def answer() -> Response:
        return Response(content, media_type=kind, headers=HEADERS)
