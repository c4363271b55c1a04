"""The HTTP routes: TF Serving's REST API, and Vertex AI's two routes where its contract holds."""

import json
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response
from starlette.convertors import StringConvertor, register_url_convertor
from starlette.exceptions import HTTPException

from aocr_core.data import images
from aocr_core.serving import dialect, pages
from aocr_core.serving.dialect import RequestError
from aocr_core.serving.versions import Served, Versions
from aocr_core.serving.vertex import Contract

if TYPE_CHECKING:
    from aocr_core.serving.model import Model

MAX_BODY = 64 * 2**20
"""Bytes of a request's body."""
MAX_IMAGES = 256
"""Images of a request."""


class _ModelName(StringConvertor):
    """A colon ends the name: GET `/v1/models/aocr:predict` does not ask for the model `aocr:predict`."""

    regex = "[^/:]+"


register_url_convertor("model", _ModelName())


def create_app(versions: "Versions[Model]", model_name: str, contract: Contract | None = None) -> FastAPI:
    """The application that answers for `versions` under the name `model_name`."""
    app = FastAPI(openapi_url=None)
    app.include_router(pages.router([model_name]))
    models = _Models(versions, model_name)

    @app.get("/v1/models/{name:model}")
    @app.get("/v1/models/{name:model}/versions/{version:int}")
    async def status(name: str, version: int | None = None) -> dict[str, Any]:
        return models.status(name, version)

    @app.get("/v1/models/{name:model}/metadata")
    @app.get("/v1/models/{name:model}/versions/{version:int}/metadata")
    async def metadata(name: str, version: int | None = None) -> dict[str, Any]:
        served = models.find(name, version)
        return dialect.metadata(name, served.version, served.model.metadata)

    @app.post("/v1/models/{name:model}:predict")
    @app.post("/v1/models/{name:model}/versions/{version:int}:predict")
    async def predict(request: Request, name: str, version: int | None = None) -> Response:
        return await _answer(models.find(name, version).model, request)

    if contract:

        @app.get(contract.health_route)
        async def health() -> dict[str, str]:
            return {"status": "ok"}

        @app.post(contract.predict_route)
        async def vertex_predict(request: Request) -> Response:
            return await _answer(versions.current.model, request)

    app.add_exception_handler(RequestError, _refused)
    app.add_exception_handler(HTTPException, _no_route)
    app.add_exception_handler(Exception, _failed)
    return app


class _Models:
    """Finds what a URL names. One model with one version in memory, but the URLs could name others."""

    def __init__(self, versions: "Versions[Model]", name: str) -> None:
        self._versions, self._name = versions, name

    def find(self, name: str, version: int | None) -> "Served[Model]":
        current = self._versions.current
        if name != self._name or version not in (None, current.version):
            wanted = f"Latest({name})" if version is None else f"Specific({name}, {version})"
            raise RequestError(404, f"Servable not found for request: {wanted}")
        return current

    def status(self, name: str, version: int | None) -> dict[str, Any]:
        refused = [dialect.version_status(*refusal) for refusal in sorted(self._versions.refused.items(), reverse=True)]
        states = [dialect.version_status(self._versions.current.version), *refused]
        if name != self._name:
            raise RequestError(404, f"Could not find any versions of model {name}")
        if version is not None:
            states = [state for state in states if state["version"] == str(version)]
        if not states:
            raise RequestError(404, f"Could not find version {version} of model {name}")
        return {"model_version_status": states}


async def _answer(model: "Model", request: Request) -> Response:
    """Decoding and inference run in a thread: health checks are answered meanwhile."""
    body = await _body(request)
    return Response(await run_in_threadpool(_predict, model, body), media_type="application/json")


def _predict(model: "Model", body: bytes) -> bytes:
    asked = dialect.parse(body, MAX_IMAGES)
    if asked.signature not in model.signatures:
        raise RequestError(400, f'Serving signature name: "{asked.signature}" not found in signature def')
    plain = [_plain(asked, index) for index in range(len(asked.images))]
    answer = dialect.predictions(asked, model.run(plain, asked.signature))
    return json.dumps(answer, ensure_ascii=False).encode()


def _plain(asked: dialect.Request, index: int) -> bytes:
    try:
        return images.from_any(asked.images[index]).data
    except images.ImageError as error:
        raise RequestError(400, f"{asked.place(index)}: {error}") from error


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise RequestError(413, f"the request is larger than {MAX_BODY // 2**20} MiB")
    return bytes(body)


async def _refused(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestError)
    return JSONResponse({"error": str(error)}, error.status)


async def _no_route(request: Request, error: Exception) -> JSONResponse:
    """TF Serving calls what it has no route for below `/v1/` malformed (400), not missing."""
    assert isinstance(error, HTTPException)
    status = 400 if request.url.path.startswith("/v1/") else error.status_code
    return JSONResponse({"error": f"Malformed request: {request.method} {request.url.path}"}, status)


async def _failed(_: Request, error: Exception) -> JSONResponse:
    """The traceback goes to the log, not to the client."""
    return JSONResponse({"error": f"Internal error: {type(error).__name__}"}, 500)
