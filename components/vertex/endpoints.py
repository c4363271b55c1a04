"""Endpoints: what is deployed on one, and where its traffic goes. Each function may be repeated."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from aocr_core.errors import UsageError
from components.inputs import ENDPOINT, EndpointOptions
from components.submission import submission
from components.vertex.changes import ensured, finished
from components.vertex.connection import Connection
from components.vertex.errors import explained
from components.vertex.place import Place
from components.vertex.registry import Version

if TYPE_CHECKING:
    from google.cloud.aiplatform_v1.types import DeployedModel, Endpoint

ALL = 100
"""Percent."""


def connected(name: str) -> Connection:
    """The place of an endpoint, `projects/P/locations/L/endpoints/ID`.

    Raises:
        UsageError: it is no such name.
    """
    match = ENDPOINT.fullmatch(name)
    if not match:
        raise UsageError(f"--endpoint {name}: write projects/PROJECT/locations/REGION/endpoints/ID")
    return Connection(Place(project=match["project"], location=match["location"]))


def find(connection: Connection, name: str) -> "Endpoint | None":
    """The endpoint as it stands, None if there is none; asks once."""
    from google.api_core.exceptions import NotFound

    try:
        return connection.endpoints.get_endpoint(name=name, **connection.once)
    except NotFound:
        return None


def existing(connection: Connection, name: str) -> "Endpoint | None":
    """The same, asking for as long as nobody answers.

    Raises:
        AocrError: nobody does, or there is no permission.
    """
    with explained(f"look up {name}"):
        return connection.patience["retry"](lambda: find(connection, name))()


def ensure(connection: Connection, name: str) -> "Endpoint":
    """The endpoint as it stands, which is created if there is none."""
    from google.cloud.aiplatform_v1.types import CreateEndpointRequest

    endpoint_id = name.rpartition("/")[2]

    def change() -> None:
        # Not the run's network: a peered endpoint serves one version at a time, and a canary is a second one.
        wanted = {"display_name": endpoint_id} | submission().of_resource()
        request = CreateEndpointRequest(parent=connection.parent, endpoint=wanted, endpoint_id=endpoint_id)
        finished(
            connection, connection.endpoints, connection.endpoints.create_endpoint(request=request, **connection.once)
        )

    return ensured(connection, f"create the endpoint {endpoint_id}", lambda: find(connection, name), change)


def shares(endpoint: "Endpoint") -> dict[str, int]:
    """The deployments that get traffic, and how many percent."""
    return {deployment: share for deployment, share in endpoint.traffic_split.items() if share}


def version_of(deployed: "DeployedModel") -> tuple[str, int]:
    """Id of the model and number of the version of a deployment."""
    return deployed.model.partition("@")[0].rpartition("/")[2], int(deployed.model_version_id or 0)


def deployment_of(endpoint: "Endpoint", version: Version) -> str | None:
    """The id of a version's deployment, None if it is not deployed."""
    wanted = version.model.rpartition("/")[2], version.number
    return next((deployed.id for deployed in endpoint.deployed_models if version_of(deployed) == wanted), None)


def deployments_of(endpoint: "Endpoint", versions: Iterable[Version]) -> set[str]:
    """The ids of all deployments of versions. There may be two of one: by two rollouts at the same time."""
    wanted = {(version.model.rpartition("/")[2], version.number) for version in versions}
    return {deployed.id for deployed in endpoint.deployed_models if version_of(deployed) in wanted}


def deploy(connection: Connection, name: str, version: Version, options: EndpointOptions) -> str:
    """Deploy a version unless it is deployed; the id of its deployment.

    It gets no traffic: Vertex AI may come to an end with it when nobody waits for that any more.

    Args:
        connection: where.
        name: of the endpoint, which is there.
        version: what to deploy.
        options: on which machines.
    """
    from google.cloud.aiplatform_v1.types import DeployedModel

    def look() -> str | None:
        endpoint = find(connection, name)
        return deployment_of(endpoint, version) if endpoint else None

    def change() -> None:
        wanted = DeployedModel(
            model=version.name,
            display_name=f"{version.model.rpartition('/')[2]} version {version.number}",
            dedicated_resources={
                "machine_spec": {"machine_type": options.serving_machine},
                "min_replica_count": 1,
                "max_replica_count": options.max_replicas,
            },
        )
        begun = connection.endpoints.deploy_model(endpoint=name, deployed_model=wanted, **connection.once)
        finished(connection, connection.endpoints, begun)

    return ensured(connection, f"deploy version {version.number} to {name}", look, change)


def direct(connection: Connection, name: str, split: Mapping[str, int]) -> None:
    """Send the traffic to deployments, in percent; to none, if none are given."""
    from google.cloud.aiplatform_v1.types import Endpoint
    from google.protobuf.field_mask_pb2 import FieldMask

    etag = ""

    def look() -> bool | None:
        nonlocal etag
        endpoint = connection.endpoints.get_endpoint(name=name, **connection.once)
        etag = endpoint.etag
        return True if shares(endpoint) == dict(split) else None

    def change() -> None:
        # The etag: only if nothing has changed since that look.
        wanted = Endpoint(name=name, traffic_split=dict(split), etag=etag)
        connection.endpoints.update_endpoint(
            endpoint=wanted, update_mask=FieldMask(paths=["traffic_split"]), **connection.once
        )

    # Where the etag is refused nothing has been done, and the look after that has another one.
    ensured(connection, f"send the traffic of {name} to {dict(split)}", look, change, refused_by_etag=True)


def undeploy(connection: Connection, name: str, deployment: str) -> None:
    """Take away a deployment that has no traffic, or is the only one."""

    def look() -> bool | None:
        endpoint = find(connection, name)
        there = endpoint and any(deployed.id == deployment for deployed in endpoint.deployed_models)
        return None if there else True

    def change() -> None:
        begun = connection.endpoints.undeploy_model(endpoint=name, deployed_model_id=deployment, **connection.once)
        finished(connection, connection.endpoints, begun)

    ensured(connection, f"undeploy {deployment} from {name}", look, change)
