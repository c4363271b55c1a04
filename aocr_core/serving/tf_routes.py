"""The routes of TF Serving's REST API."""

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from aocr_core.serving import dialect, paths, schemas
from aocr_core.serving.answers import RequestError, answer, to_json
from aocr_core.serving.models import Models
from aocr_core.serving.paths import Name, Version
from aocr_core.serving.predictor import Predictor, Question
from aocr_core.serving.versions import Served

if TYPE_CHECKING:
    from aocr_core.serving.model import Model

paths.register()
MODEL = "/v1/models/{name:name}"
VERSION = f"{MODEL}/versions/{{version:version}}"
LABEL = f"{MODEL}/labels/{{label:name}}"


def routes(models: "Models[Model]", predictor: Predictor, max_instances: int) -> APIRouter:
    """Status, metadata and predictions, of the latest version or of the one that is named."""
    router = APIRouter(tags=["TF Serving"])

    def parse(body: bytes, _: "Served[Model]") -> Question:
        return dialect.parse(body, max_instances)

    @router.get(MODEL, **schemas.operation("State of a model's versions", schemas.STATUS))
    async def status(name: Name) -> Response:
        return answer(to_json(_status(models, name, None)))

    @router.get(VERSION, **schemas.operation("State of a version", schemas.STATUS))
    async def version_status(name: Name, version: Version) -> Response:
        return answer(to_json(_status(models, name, version)))

    @router.get(f"{MODEL}/metadata", **schemas.operation("Signatures of a model", schemas.METADATA))
    async def metadata(name: Name) -> Response:
        return _metadata(name, predictor.find(name))

    @router.get(f"{VERSION}/metadata", **schemas.operation("Signatures of a version", schemas.METADATA))
    async def version_metadata(name: Name, version: Version) -> Response:
        return _metadata(name, predictor.find(name, version))

    @router.post(f"{MODEL}:predict", **schemas.prediction("Read images", schemas.PREDICT, schemas.PREDICTED))
    async def predict(request: Request, name: Name) -> Response:
        return await predictor.answer(request, name, None, parse)

    @router.post(f"{VERSION}:predict", **schemas.prediction("Read by a version", schemas.PREDICT, schemas.PREDICTED))
    async def version_predict(request: Request, name: Name, version: Version) -> Response:
        return await predictor.answer(request, name, version, parse)

    @router.get(LABEL, include_in_schema=False)
    @router.get(f"{LABEL}/metadata", include_in_schema=False)
    @router.post(f"{LABEL}:predict", include_in_schema=False)
    async def labels(name: str, label: str) -> Response:
        predictor.find(name)
        raise RequestError(400, f"Unrecognized servable version label: {label} (versions have no labels here)")

    return router


def _metadata(name: str, served: "Served[Model]") -> Response:
    return answer(to_json(dialect.metadata(name, served.version, served.model.metadata)))


def _status(models: "Models[Model]", name: str, version: int | None) -> dict[str, Any]:
    refused = models.refused.get(name, {})  # before the next look, by which it may be loaded
    versions = models.find(name)
    if versions:
        refused = versions.refused
    states = [dialect.version_status(*refusal) for refusal in sorted(refused.items(), reverse=True)]
    if versions:
        states.insert(0, dialect.version_status(versions.current.version))
    if not states:
        raise RequestError(404, f"Could not find any versions of model {name}")
    if version is not None:
        states = [state for state in states if state["version"] == str(version)]
    if not states:
        raise RequestError(404, f"Could not find version {version} of model {name}")
    return {"model_version_status": states}
