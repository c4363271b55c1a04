"""`…/endpoints`: what is deployed really answers, and requests go where the traffic split says."""

import random
import re
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from itertools import count
from typing import Any, Protocol

from google.api_core.exceptions import Aborted, AlreadyExists, FailedPrecondition, InvalidArgument, NotFound
from google.cloud.aiplatform_v1.types import (
    DeployedModel,
    DeployedModelRef,
    DeployModelResponse,
    Endpoint,
    ListEndpointsResponse,
    Model,
    PredictResponse,
    UndeployModelResponse,
)
from google.longrunning.operations_pb2 import Operation
from google.protobuf import json_format

from tests.vertex import rpc
from tests.vertex.models import Models

MOST_AT_ONCE = 2
ID = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?|[1-9]\d{0,8}")


class Replica(Protocol):
    """A container at work."""

    def predict(self, body: dict[str, Any]) -> dict[str, Any]:
        """The container's answer.

        Raises:
            GoogleAPICallError: it is an error.
        """

    def stop(self) -> None:
        """End it."""

    @property
    def up(self) -> bool:
        """Whether it is at work."""


class Endpoints:
    """Answers for the EndpointService and the PredictionService.

    Args:
        models: what can be deployed.
        start: starts a container for a version and waits until it is healthy; an error is that of the deployment.
    """

    def __init__(self, models: Models, start: Callable[[Model], Replica]) -> None:
        self.stored: dict[str, Endpoint] = {}
        self.replicas: dict[str, Replica] = {}
        """By id of the deployment."""
        self.start = start
        self.looks_until_up = 0
        """A deployment is under way until the endpoint has been looked at so many times; meanwhile nothing else is."""
        self._under_way: Callable[[], Any] | None = None
        self.lag = 0
        """So many requests still go where a change of the traffic split had them go before."""
        self._lagging: tuple[dict[str, int], int] = {}, 0
        self.answered: list[str] = []
        """The deployments that predictions were sent to."""
        self._models = models
        self._numbers = count(101)
        self._chance = random.Random(0)
        self._lock = threading.RLock()

    def create_endpoint(self, request: Any) -> Operation:
        new = Endpoint(Endpoint.pb(request.endpoint))
        if not new.display_name or len(new.display_name) > 128:
            raise InvalidArgument("display_name must have 1 to 128 characters.")
        if new.deployed_models or new.traffic_split:
            raise InvalidArgument("A new endpoint has no deployed models.")
        endpoint_id = request.endpoint_id or str(next(self._numbers))
        if not ID.fullmatch(endpoint_id):
            raise InvalidArgument(f"Invalid endpoint ID: {endpoint_id}")
        new.name = f"{request.parent}/endpoints/{endpoint_id}"
        with self._lock:
            if new.name in self.stored:
                raise AlreadyExists(f"Endpoint {new.name} already exists.")
            new.create_time = datetime.now(UTC)
            self.stored[new.name] = self._touched(new)
        return rpc.done(new.name, new)

    def get_endpoint(self, request: Any) -> Endpoint:
        with self._lock:
            if self._under_way and (work := self._under_way):
                self.looks_until_up -= 1
                if self.looks_until_up <= 0:
                    self._under_way = None
                    work()
            return Endpoint(Endpoint.pb(self._existing(request.name)))

    def list_endpoints(self, request: Any) -> ListEndpointsResponse:
        here = [endpoint for name, endpoint in self.stored.items() if name.startswith(request.parent + "/")]
        wanted = rpc.chosen(here, request.filter, {"display_name": lambda endpoint: endpoint.display_name})
        part, token = rpc.page(wanted, request, MOST_AT_ONCE)
        return ListEndpointsResponse(endpoints=part, next_page_token=token)

    def update_endpoint(self, request: Any) -> Endpoint:
        with self._lock:
            endpoint = self._existing(request.endpoint.name)
            paths = list(request.update_mask.paths)
            if not paths or set(paths) - {"traffic_split", "display_name", "description", "labels"}:
                raise InvalidArgument(f"Invalid update mask: {paths}")
            if request.endpoint.etag and request.endpoint.etag != endpoint.etag:
                raise Aborted("The etag does not match: the endpoint has changed.")
            if "traffic_split" in paths:
                self._direct(endpoint, dict(request.endpoint.traffic_split))
            for path in set(paths) - {"traffic_split"}:
                setattr(endpoint, path, getattr(request.endpoint, path))
            return Endpoint(Endpoint.pb(self._touched(endpoint)))

    def deploy_model(self, request: Any) -> Operation:
        endpoint, deployed = self._existing(request.endpoint), DeployedModel(DeployedModel.pb(request.deployed_model))
        if not deployed.dedicated_resources.machine_spec.machine_type:
            raise InvalidArgument("dedicated_resources.machine_spec.machine_type is required.")
        if deployed.dedicated_resources.min_replica_count < 1:
            raise InvalidArgument("min_replica_count must be at least 1.")
        version = self._models.version(deployed.model)
        new = str(next(self._numbers))
        split = {new if key == "0" else key: share for key, share in request.traffic_split.items()}
        with self._lock:
            self._check_split(endpoint, split, new)
            if self._under_way:
                raise FailedPrecondition("There are other operations running on the endpoint.")
        try:
            replica = self.start(version)
        except Exception as error:
            return rpc.failed(endpoint.name, 9, f"Model server exited unexpectedly. {error}")
        if self.looks_until_up:
            self._under_way = lambda: self._set_up(endpoint, deployed, new, version, replica, split)
        else:
            self._set_up(endpoint, deployed, new, version, replica, split)
        return rpc.done(endpoint.name, DeployModelResponse(deployed_model=deployed))

    def _set_up(
        self, endpoint: Endpoint, deployed: DeployedModel, new: str, version: Model, replica: Replica, split: Any
    ) -> None:
        with self._lock:
            deployed.id, deployed.create_time = new, datetime.now(UTC)
            deployed.model, deployed.model_version_id = version.name, version.version_id
            self.replicas[new] = replica
            endpoint.deployed_models.append(deployed)
            version.deployed_models.append(DeployedModelRef(endpoint=endpoint.name, deployed_model_id=new))
            if split:
                self._direct(endpoint, split)
            self._touched(endpoint)

    def undeploy_model(self, request: Any) -> Operation:
        with self._lock:
            endpoint = self._existing(request.endpoint)
            gone = self._deployed(endpoint, request.deployed_model_id)
            split = dict(request.traffic_split or endpoint.traffic_split)
            last = len(endpoint.deployed_models) == 1
            if split.get(gone.id) and not last:
                raise FailedPrecondition(f"The deployed model {gone.id} has traffic assigned to it.")
            split.pop(gone.id, None)
            endpoint.deployed_models = [one for one in endpoint.deployed_models if one.id != gone.id]
            self._direct(endpoint, {} if last else split)
            version = self._models.version(f"{gone.model}@{gone.model_version_id}")
            version.deployed_models = [ref for ref in version.deployed_models if ref.deployed_model_id != gone.id]
            self._touched(endpoint)
        self.replicas.pop(gone.id).stop()
        return rpc.done(endpoint.name, UndeployModelResponse())

    def delete_endpoint(self, request: Any) -> Operation:
        if self._existing(request.name).deployed_models:
            raise FailedPrecondition(f"Endpoint {request.name} has deployed models.")
        del self.stored[request.name]
        return rpc.done(request.name)

    def predict(self, request: Any) -> PredictResponse:
        with self._lock:
            endpoint = self._existing(request.endpoint)
            shares = {key: share for key, share in endpoint.traffic_split.items() if share}
            if not shares:
                raise FailedPrecondition(f"Endpoint {request.endpoint} has no traffic: nothing is deployed.")
            old, left = self._lagging
            if left and all(key in self.replicas for key in old):
                shares, self._lagging = old, (old, left - 1)
            (chosen,) = self._chance.choices(list(shares), list(shares.values()))
            deployed, replica = self._deployed(endpoint, chosen), self.replicas[chosen]
            self.answered.append(chosen)
        plain = json_format.MessageToDict(type(request).pb(request))
        answer = replica.predict({"instances": plain["instances"]})
        response = {
            "predictions": answer["predictions"],
            "deployedModelId": deployed.id,
            "model": deployed.model,
            "modelVersionId": deployed.model_version_id,
            "modelDisplayName": deployed.display_name,
        }
        return PredictResponse(json_format.ParseDict(response, PredictResponse.pb()()))

    def trouble(self) -> str | None:
        """Whether traffic of an endpoint goes anywhere but to containers at work, 100 % in all; None if not."""
        with self._lock:
            for name, endpoint in self.stored.items():
                shares = {key: share for key, share in endpoint.traffic_split.items() if share}
                if sum(shares.values()) not in (0, 100):
                    return f"{name}: {shares} is not 100 %"
                if down := [key for key in shares if key not in self.replicas or not self.replicas[key].up]:
                    return f"{name}: traffic goes to {down}, which are not at work"
        return None

    def split(self, name: str) -> dict[int, int]:
        """Percent of the traffic by number of the version."""
        endpoint = self.stored.get(name) or Endpoint()
        versions = {one.id: int(one.model_version_id) for one in endpoint.deployed_models}
        return {versions[key]: share for key, share in endpoint.traffic_split.items() if share}

    def deployed(self, name: str) -> list[int]:
        """Numbers of the versions that are deployed."""
        endpoint = self.stored.get(name) or Endpoint()
        return sorted(int(one.model_version_id) for one in endpoint.deployed_models)

    def stop(self) -> None:
        """End all containers."""
        for replica in self.replicas.values():
            replica.stop()

    def _direct(self, endpoint: Endpoint, split: Mapping[str, int]) -> None:
        self._check_split(endpoint, split)
        old = {key: share for key, share in endpoint.traffic_split.items() if share}
        self._lagging = old, self.lag if old else 0
        endpoint.traffic_split = dict(split)

    @staticmethod
    def _check_split(endpoint: Endpoint, split: Mapping[str, int], new: str = "") -> None:
        known = {deployed.id for deployed in endpoint.deployed_models} | {new}
        if unknown := sorted(set(split) - known):
            raise InvalidArgument(f"Traffic split names deployed models that do not exist: {unknown}")
        if split and (sum(split.values()) != 100 or min(split.values()) < 0):
            raise InvalidArgument(f"Traffic split must add up to 100: {dict(split)}")

    @staticmethod
    def _deployed(endpoint: Endpoint, deployed_id: str) -> DeployedModel:
        for deployed in endpoint.deployed_models:
            if deployed.id == deployed_id:
                return deployed
        raise NotFound(f"The deployed model does not exist: {deployed_id}")

    def _existing(self, name: str) -> Endpoint:
        if name not in self.stored:
            raise NotFound(f"The Endpoint does not exist: {name}")
        return self.stored[name]

    def _touched(self, endpoint: Endpoint) -> Endpoint:
        endpoint.update_time, endpoint.etag = datetime.now(UTC), f"etag-{next(self._numbers)}"
        return endpoint
