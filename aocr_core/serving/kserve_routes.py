"""The routes of KServe's V2 protocol."""

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

import aocr_core
from aocr_core.serving import kserve, paths, schemas
from aocr_core.serving.answers import RequestError, answer, to_json
from aocr_core.serving.drain import Drain
from aocr_core.serving.paths import Name, Version
from aocr_core.serving.predictor import Predictor, Question
from aocr_core.serving.versions import Served

if TYPE_CHECKING:
    from aocr_core.serving.model import Model

paths.register()
LIVE, READY = "/v2/health/live", "/v2/health/ready"
MODEL = "/v2/models/{name:name}"
VERSION = f"{MODEL}/versions/{{version:version}}"
BINARY = "inference-header-content-length"
"""Header of the protocol's extension for binary tensors."""


def routes(predictor: Predictor, max_instances: int, drain: Drain) -> APIRouter:
    """Health, metadata and inference.

    The port is open before the first model is loaded, but nothing is answered until it is: who is answered at all is
    answered that the server is ready, unless it is about to stop.
    """
    router = APIRouter(tags=["KServe V2"])

    @router.get(LIVE, **schemas.operation("Whether the server runs", schemas.LIVE, errors=False))
    async def live() -> dict[str, bool]:
        return {"live": True}

    @router.get(READY, **schemas.readiness("Whether the server answers", schemas.READY, errors=False))
    async def ready() -> dict[str, bool]:
        drain.check()
        return {"ready": True}

    @router.get("/v2", **schemas.operation("Which server this is", schemas.SERVER, errors=False))
    async def server() -> dict[str, Any]:
        return {"name": "aocr", "version": aocr_core.__version__, "extensions": []}

    @router.get(f"{MODEL}/ready", **schemas.readiness("Whether a model answers", schemas.MODEL_READY))
    async def model_ready(name: Name) -> dict[str, Any]:
        drain.check()
        predictor.find(name)
        return {"name": name, "ready": True}

    @router.get(f"{VERSION}/ready", **schemas.readiness("Whether a version answers", schemas.MODEL_READY))
    async def version_ready(name: Name, version: Version) -> dict[str, Any]:
        drain.check()
        predictor.find(name, version)
        return {"name": name, "ready": True}

    @router.get(MODEL, **schemas.operation("What a model takes and gives", schemas.V2_METADATA))
    async def metadata(name: Name) -> Response:
        return _metadata(name, predictor.find(name))

    @router.get(VERSION, **schemas.operation("What a version takes and gives", schemas.V2_METADATA))
    async def version_metadata(name: Name, version: Version) -> Response:
        return _metadata(name, predictor.find(name, version))

    @router.post(f"{MODEL}/infer", **schemas.prediction("Read images", schemas.INFER, schemas.INFERRED))
    async def infer(request: Request, name: Name) -> Response:
        return await _infer(request, name, None)

    @router.post(f"{VERSION}/infer", **schemas.prediction("Read by a version", schemas.INFER, schemas.INFERRED))
    async def version_infer(request: Request, name: Name, version: Version) -> Response:
        return await _infer(request, name, version)

    async def _infer(request: Request, name: str, version: int | None) -> Response:
        if BINARY in request.headers:
            raise RequestError(400, "binary tensors are not understood: send JSON, images as base64")

        def parse(body: bytes, served: "Served[Model]") -> Question:
            return kserve.parse(body, max_instances, name, served.version)

        return await predictor.answer(request, name, version, parse)

    return router


def _metadata(name: str, served: "Served[Model]") -> Response:
    return answer(to_json(kserve.metadata(name, served.version, served.model.metadata)))
