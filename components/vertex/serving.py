"""What an endpoint serves now, for whoever wants to be better."""

from aocr_core.deployment import Serving
from aocr_core.errors import AocrError
from components.vertex import endpoints, registry


def serving(name: str) -> Serving | None:
    """The version with the largest share of an endpoint's traffic, None if there is no traffic or no endpoint.

    Raises:
        UsageError: it is no name of an endpoint.
        AocrError: Vertex AI cannot be reached, or does not know where the version's SavedModel lies.
    """
    connection = endpoints.connected(name)
    endpoint = endpoints.existing(connection, name)
    shares = endpoints.shares(endpoint) if endpoint else {}
    if endpoint is None or not shares:
        return None
    most = max(shares, key=lambda key: shares[key])
    deployed = next(deployed for deployed in endpoint.deployed_models if deployed.id == most)
    version = registry.get(connection, deployed.model, deployed.model_version_id)
    what = f"version {version.number} on {endpoint.display_name}"
    if not version.export:
        raise AocrError(f"{what} has no files to compare with: name its export with --serving-export")
    return Serving(what, version.export)
