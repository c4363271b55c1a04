"""The HTTP application: TF Serving's REST API, KServe's V2 protocol, and Vertex AI's container contract."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

import aocr_core
from aocr_core.config import ServeOptions
from aocr_core.errors import UsageError
from aocr_core.serving import dialect, kserve_routes, metrics, pages, schemas, tf_routes
from aocr_core.serving.answers import RequestError, error_answer
from aocr_core.serving.drain import Drain
from aocr_core.serving.head import HeadLikeGet
from aocr_core.serving.metrics import Measured, Metrics
from aocr_core.serving.models import Models
from aocr_core.serving.predictor import Predictor
from aocr_core.serving.token import Guarded
from aocr_core.serving.vertex import Contract

if TYPE_CHECKING:
    from aocr_core.serving.model import Model

OPEN_PATHS = (kserve_routes.LIVE, kserve_routes.READY, *pages.OPEN_PATHS)
"""Answered without the token: probes have none, and learn nothing but that the server is up; the page asks for it."""


def create_app(
    models: "Models[Model]",
    options: ServeOptions,
    counted: Metrics,
    drain: Drain,
    contract: Contract | None = None,
    token: str | None = None,
) -> ASGIApp:
    """The application that answers for `models`.

    Raises:
        UsageError: Vertex AI's contract holds, and it is not clear which model its route stands for.
    """
    predictor = Predictor(models, options, counted)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        predictor.close()

    app = FastAPI(
        title="aocr serve",
        version=aocr_core.__version__,
        description=(__doc__ or "").strip(),
        openapi_url="/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
    )
    app.include_router(tf_routes.routes(models, predictor, options.max_instances))
    app.include_router(kserve_routes.routes(predictor, options.max_instances, drain))
    app.include_router(_metrics_route(models, counted))
    app.include_router(pages.router(lambda: models.names))
    if contract:
        app.include_router(_vertex_routes(contract, models, predictor, options.max_instances, drain))
    app.openapi = partial(_described, app)  # type: ignore[method-assign]  # as FastAPI documents it
    app.add_exception_handler(RequestError, _refused)
    app.add_exception_handler(RequestValidationError, _no_route)
    app.add_exception_handler(HTTPException, _no_route)
    app.add_exception_handler(Exception, _failed)
    open_paths = OPEN_PATHS + ((contract.health_route,) if contract else ())
    guarded = Guarded(app, token, open_paths) if token else app
    return HeadLikeGet(Measured(guarded, counted, lambda name: models.find(name) is not None))


def _metrics_route(models: "Models[Model]", counted: Metrics) -> APIRouter:
    router = APIRouter(tags=["Operation"])

    described: dict[int | str, Any] = {
        200: {"description": "The counters", "content": {"text/plain": {"schema": {"type": "string"}}}}
    }

    @router.get("/metrics", summary="What Prometheus reads", response_class=Response, responses=described)
    async def page() -> Response:
        versions = [(name, found.current.version) for name in models.names if (found := models.find(name))]
        return Response(counted.text(versions), media_type=metrics.CONTENT_TYPE)

    return router


def _vertex_routes(
    contract: Contract, models: "Models[Model]", predictor: Predictor, max_instances: int, drain: Drain
) -> APIRouter:
    router = APIRouter(tags=["Vertex AI"])
    name = models.default
    if name is None:
        raise UsageError(f"which of the models {', '.join(models.names)} answers Vertex AI? Say it with --model-name")

    @router.get(contract.health_route, **schemas.readiness("Health", schemas.HEALTH, errors=False))
    async def health() -> dict[str, str]:
        drain.check()
        return {"status": "ok"}

    @router.post(contract.predict_route, **schemas.prediction("Read images", schemas.PREDICT, schemas.PREDICTED))
    async def predict(request: Request) -> Response:
        return await predictor.answer(request, name, None, lambda body, _: dialect.parse(body, max_instances))

    return router


def _described(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI description; FastAPI would promise its own kind of error as well, which nobody here is answered."""
    if not app.openapi_schema:
        document = FastAPI.openapi(app)
        for operations in document["paths"].values():
            for operation in operations.values():
                operation["responses"].pop("422", None)
        for name in ("HTTPValidationError", "ValidationError"):
            document.get("components", {}).get("schemas", {}).pop(name, None)
    return FastAPI.openapi(app)


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestError)
    return error_answer(error.status, str(error))


async def _no_route(request: Request, error: Exception) -> Response:
    """TF Serving calls what it has no route for below `/v1/` malformed (400), not missing."""
    known = error.status_code if isinstance(error, HTTPException) else 400
    status = 400 if request.url.path.startswith("/v1/") else known
    response = error_answer(status, f"Malformed request: {request.method} {request.url.path}")
    if status == 405 and isinstance(error, HTTPException):
        response.headers.update(error.headers or {})
    return response


async def _failed(_: Request, error: Exception) -> JSONResponse:
    """The traceback goes to the log, not to the client."""
    return JSONResponse({"error": f"Internal error: {type(error).__name__}"}, 500)
