"""`…/models`: versions, aliases and evaluations, by Google's rules."""

import re
from datetime import UTC, datetime
from itertools import count
from typing import Any

from google.api_core.exceptions import AlreadyExists, FailedPrecondition, InvalidArgument, NotFound
from google.cloud.aiplatform_v1.types import (
    ListModelEvaluationsResponse,
    ListModelsResponse,
    ListModelVersionsResponse,
    Model,
    ModelEvaluation,
    UploadModelResponse,
)
from google.longrunning.operations_pb2 import Operation

from tests.vertex import rpc

MOST_AT_ONCE = 2
"""Versions in one answer to `list`: few, so that the client has to turn pages."""
ID = re.compile(r"[a-z_][a-z0-9_-]{0,62}")
ALIAS = re.compile(r"[a-z][a-zA-Z0-9-]{0,126}[a-z0-9]")
SCHEMA = re.compile(r"gs://google-cloud-aiplatform/schema/modelevaluation/\w+_metrics_1\.0\.0\.yaml")


class Models:
    """Answers for the ModelService."""

    def __init__(self) -> None:
        self.stored: dict[str, dict[int, Model]] = {}
        """Versions of each model, as they were sent."""
        self.evaluations: dict[str, list[ModelEvaluation]] = {}
        """By name of the version."""
        self.behind = 0
        """So many lists of versions are still without the one that was uploaded last."""
        self._numbers = count(1)

    def upload_model(self, request: Any) -> Operation:
        new = Model(Model.pb(request.model))
        self._check(new)
        if request.parent_model:
            name = request.parent_model
            if name not in self.stored:
                raise NotFound(f"The Model does not exist: {name}")
            if request.model_id:
                raise InvalidArgument("model_id must not be set when parent_model is.")
        else:
            model_id = request.model_id or str(next(self._numbers))
            if request.model_id and not ID.fullmatch(model_id):
                raise InvalidArgument(f"Invalid model ID: {model_id}")
            name = f"{request.parent}/models/{model_id}"
            if name in self.stored:
                raise AlreadyExists(f"Model {name} already exists.")
        versions = self.stored.setdefault(name, {})
        number = max(versions, default=0) + 1
        aliases = [*new.version_aliases, *([] if versions else ["default"])]
        now = datetime.now(UTC)
        new.name, new.version_id, new.version_aliases = name, str(number), []
        new.create_time = new.version_create_time = now
        new.supported_deployment_resources_types = [Model.DeploymentResourcesType.DEDICATED_RESOURCES]
        versions[number] = new
        self._give(name, number, aliases)
        response = UploadModelResponse(model=name, model_version_id=str(number))
        return rpc.done(name, response)

    def get_model(self, request: Any) -> Model:
        return self._shown(self.version(request.name))

    def list_models(self, request: Any) -> ListModelsResponse:
        here = [self.version(name) for name in self.stored if name.startswith(request.parent + "/")]
        wanted = rpc.chosen(here, request.filter, {"display_name": lambda model: model.display_name})
        part, token = rpc.page(wanted, request, MOST_AT_ONCE)
        return ListModelsResponse(models=[self._shown(model) for model in part], next_page_token=token)

    def list_model_versions(self, request: Any) -> ListModelVersionsResponse:
        if request.name not in self.stored:
            raise NotFound(f"The Model does not exist: {request.name}")
        listed = list(self.stored[request.name].values())
        if self.behind and len(listed) > 1:
            self.behind -= 1
            listed.pop()
        part, token = rpc.page(listed, request, MOST_AT_ONCE)
        return ListModelVersionsResponse(models=[self._shown(model) for model in part], next_page_token=token)

    def merge_version_aliases(self, request: Any) -> Model:
        model = self.version(request.name)
        if not request.name.rpartition("@")[2].isdecimal():
            raise InvalidArgument("The version ID must be given explicitly.")
        for alias in request.version_aliases:
            if not ALIAS.fullmatch(alias.removeprefix("-")):
                raise InvalidArgument(f"Invalid version alias: {alias}")
            if alias == "-default":
                raise InvalidArgument("There must be exactly one default version.")
        gone = {alias[1:] for alias in request.version_aliases if alias.startswith("-")}
        model.version_aliases = [alias for alias in model.version_aliases if alias not in gone]
        given = [alias for alias in request.version_aliases if not alias.startswith("-")]
        self._give(model.name, int(model.version_id), given)
        return self._shown(model)

    def delete_model_version(self, request: Any) -> Operation:
        model = self.version(request.name)
        if "default" in model.version_aliases:
            raise FailedPrecondition("The default version cannot be deleted.")
        if model.deployed_models:
            raise FailedPrecondition(f"The model version {request.name} is deployed.")
        del self.stored[model.name][int(model.version_id)]
        return rpc.done(model.name)

    def import_model_evaluation(self, request: Any) -> ModelEvaluation:
        model, new = self.version(request.parent), ModelEvaluation(ModelEvaluation.pb(request.model_evaluation))
        if not SCHEMA.fullmatch(new.metrics_schema_uri) or not ModelEvaluation.pb(new).HasField("metrics"):
            raise InvalidArgument("metrics and metrics_schema_uri are required.")
        found = self.evaluations.setdefault(f"{model.name}@{model.version_id}", [])
        new.name = f"{model.name}@{model.version_id}/evaluations/{len(found) + 1}"
        found.append(new)
        return new

    def list_model_evaluations(self, request: Any) -> ListModelEvaluationsResponse:
        model = self.version(request.parent)
        part, token = rpc.page(self.evaluations.get(f"{model.name}@{model.version_id}", []), request, MOST_AT_ONCE)
        return ListModelEvaluationsResponse(model_evaluations=part, next_page_token=token)

    def version(self, name: str) -> Model:
        """The version of that name: `…/models/ID`, `…@NUMBER` or `…@ALIAS`."""
        model, _, wanted = name.partition("@")
        for number, version in self.stored.get(model, {}).items():
            if wanted == str(number) or (wanted or "default") in version.version_aliases:
                return version
        raise NotFound(f"The Model does not exist: {name}")

    def _give(self, name: str, number: int, aliases: list[str]) -> None:
        """An alias belongs to one version: it is taken from the one that had it."""
        versions = self.stored[name]
        for version in versions.values():
            version.version_aliases = [alias for alias in version.version_aliases if alias not in aliases]
        versions[number].version_aliases = sorted({*versions[number].version_aliases, *aliases})

    @staticmethod
    def _shown(model: Model) -> Model:
        """What is answered: the container is an input only."""
        shown = Model(Model.pb(model))
        del shown.container_spec
        return shown

    @staticmethod
    def _check(model: Model) -> None:
        if not model.display_name or len(model.display_name) > 128:
            raise InvalidArgument("display_name must have 1 to 128 characters.")
        if model.name or model.version_id:
            raise InvalidArgument("name and version_id are output only.")
        if not model.container_spec.image_uri:
            raise InvalidArgument("container_spec.image_uri is required for a custom model.")
        if not re.fullmatch(r"gs://[^/]+/.+", model.artifact_uri):
            raise InvalidArgument("artifact_uri must be a path in Cloud Storage.")
        for alias in model.version_aliases:
            if not ALIAS.fullmatch(alias):
                raise InvalidArgument(f"Invalid version alias: {alias}")
