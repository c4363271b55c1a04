"""What Vertex AI tells a serving container through its environment.

Source: https://cloud.google.com/vertex-ai/docs/predictions/custom-container-requirements
"""

from collections.abc import Mapping
from dataclasses import dataclass

from aocr_core.errors import UsageError


@dataclass(frozen=True)
class Contract:
    """Where Vertex AI asks for health and predictions, and where it keeps the model's files."""

    port: int
    health_route: str
    predict_route: str
    storage_uri: str | None
    host: str = "0.0.0.0"


def from_environment(environment: Mapping[str, str]) -> Contract | None:
    """The contract if we run in a serving container of Vertex AI (`AIP_HTTP_PORT` is set), else None.

    Raises:
        UsageError: the port is not a number, or a route no path.
    """
    port = environment.get("AIP_HTTP_PORT")
    if not port:
        return None
    if not port.isdecimal():
        raise UsageError(f"AIP_HTTP_PORT must be a port number (got {port!r})")
    return Contract(
        port=int(port),
        health_route=_route(environment, "AIP_HEALTH_ROUTE", "/health"),
        predict_route=_route(environment, "AIP_PREDICT_ROUTE", "/predict"),
        storage_uri=environment.get("AIP_STORAGE_URI") or None,
    )


def _route(environment: Mapping[str, str], name: str, usual: str) -> str:
    route = environment.get(name) or usual
    if not route.startswith("/"):
        raise UsageError(f"{name} must begin with / (got {route!r})")
    return route
