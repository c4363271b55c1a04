"""Brings a version to an endpoint: beside what serves, with a small share, then with all of the traffic.

Each step begins with a look at how things stand, so that a rollout that was broken off is finished by the next one, of
the same version or of another. Traffic always goes to versions that are up; when anything fails it goes back where it
was, and the new version goes.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aocr_core import smoke
from aocr_core.errors import AocrError
from aocr_core.smoke import Known
from components.inputs import EndpointOptions
from components.vertex import endpoints, registry, trial
from components.vertex.connection import Connection
from components.vertex.endpoints import ALL
from components.vertex.history import History
from components.vertex.registry import Upload, Version

if TYPE_CHECKING:
    from google.cloud.aiplatform_v1.types import Endpoint

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Target:
    """An endpoint, and the versions of the model that may be on it."""

    connection: Connection
    name: str
    versions: Sequence[Version]
    options: EndpointOptions

    @property
    def id(self) -> str:
        """The last part of the endpoint's name."""
        return self.name.rpartition("/")[2]

    @property
    def history(self) -> History:
        """Which of the versions served, and when, as it was before this rollout."""
        return History(self.versions, self.id)


def deploy(name: str, upload: Upload, options: EndpointOptions) -> Version:
    """Let an export serve on an endpoint; if it does already, nothing changes.

    Args:
        name: of the endpoint, which is created if there is none.
        upload: the export.
        options: the canary's share, and machines.

    Raises:
        UsageError: the endpoint or the model has a name that cannot be.
        AocrError: something failed; the traffic is where it was.
    """
    registry.check_id(upload.model)
    connection = endpoints.connected(name)
    known = smoke.read(upload.export)
    version = registry.registered(connection, upload)
    target = Target(connection, name, registry.versions(connection, upload.model), options)
    _roll_out(target, version, target.history.place_for(version), known)
    return version


def rollback(name: str, model: str, options: EndpointOptions) -> Version:
    """Let the version serve that did before the present one; asked for again, the one before that.

    If the last one was broken off, it is finished, and that is all.

    Raises:
        UsageError: the endpoint has a name that cannot be.
        AocrError: there is no version before, or something failed; the traffic is where it was.
    """
    connection = endpoints.connected(name)
    target = Target(connection, name, registry.versions(connection, model), options)
    version, place = _previous(target, model)
    _roll_out(target, version, place, smoke.read(version.export))
    return version


def _previous(target: Target, model: str) -> tuple[Version, int]:
    """Where a rollback goes to: the version, and its place in history."""
    history, endpoint = target.history, endpoints.existing(target.connection, target.name)
    if history.serving and history.after(history.present):  # what it went back from has its place yet
        return history.serving, history.present
    present = endpoint and (_unmarked(target, endpoint) or history.serving)
    if not present:
        raise AocrError(f"no version of the model {model} serves on {target.name}")
    before = history.before(present, history.place_for(present))
    if before is None:
        raise AocrError(f"no version of the model {model} served before version {present.number} on {target.name}")
    return before


def _unmarked(target: Target, endpoint: "Endpoint") -> Version | None:
    """A version that got all traffic by a rollout which was broken off before the aliases said so."""
    for version in target.versions:
        deployment = endpoints.deployment_of(endpoint, version)
        if not version.served(target.id) and endpoints.shares(endpoint) == {deployment: ALL}:
            return version
    return None


def _roll_out(target: Target, version: Version, place: int, known: Sequence[Known]) -> None:
    endpoint = endpoints.ensure(target.connection, target.name)
    deployment = endpoints.deployment_of(endpoint, version)
    if deployment and endpoints.shares(endpoint) == {deployment: ALL} and version.serves(target.id):
        logger.info("version %d serves already on %s", version.number, target.name)
    else:
        _promote(target, version, place, known)
    _tidy(target, version, place)


def _promote(target: Target, version: Version, place: int, known: Sequence[Known]) -> None:
    """Give the version all traffic, and its share of it first."""
    connection, name, canary = target.connection, target.name, target.options.canary_percent
    endpoint = endpoints.ensure(connection, name)
    mine = endpoints.deployment_of(endpoint, version)
    others = _beside(target, endpoint, mine)
    before = others or _before(target, endpoint, version)
    share = canary if others else ALL
    logger.info("version %d goes to %s with %d %% of the traffic", version.number, name, share)
    try:
        if mine is None and others:  # what broken-off rollouts have left loses its traffic before the long wait
            endpoints.direct(connection, name, others)
        deployment = endpoints.deploy(connection, name, version, target.options)
        endpoints.direct(connection, name, {deployment: share, **scaled(others, ALL - share)})
        trial.tried(connection, name, deployment, share, known)
        if others:
            endpoints.direct(connection, name, {deployment: ALL})
            trial.tried(connection, name, deployment, ALL, known)
        registry.mark_serving(connection, version, target.id, place)
    except BaseException as error:
        _withdraw(target, version, place, before, error)
        raise
    logger.info("version %d has all traffic of %s", version.number, name)


def _beside(target: Target, endpoint: "Endpoint", mine: str | None) -> dict[str, int]:
    """What gets the rest of the traffic while the version is tried, and all of it if that is of no use.

    That is where it goes now, but for what broken-off rollouts have left, unless there is nothing else.
    """
    shares, doubtful = endpoints.shares(endpoint), _doubtful(target, endpoint)
    sound = {key: share for key, share in shares.items() if key not in doubtful}
    return scaled({key: share for key, share in (sound or shares).items() if key != mine}, ALL)


def _before(target: Target, endpoint: "Endpoint", version: Version) -> dict[str, int]:
    """Where the traffic goes back to if the version has it all already: nowhere if nothing ever passed."""
    mine, serving = endpoints.deployment_of(endpoint, version), target.history.serving
    if mine not in endpoints.shares(endpoint):
        return {}
    passed = mine if version.served(target.id) else None
    found = (serving and endpoints.deployment_of(endpoint, serving)) or passed
    return {found: ALL} if found else {}


def _doubtful(target: Target, endpoint: "Endpoint") -> set[str]:
    """Deployments of versions of ours that never got all traffic, or were rolled back from."""
    return endpoints.deployments_of(endpoint, (one for one in target.versions if not one.served(target.id)))


def _withdraw(target: Target, version: Version, place: int, before: Mapping[str, int], error: BaseException) -> None:
    """Send the traffic back, undeploy the version and what is left of earlier rollouts, and let the aliases say so."""
    connection, name = target.connection, target.name
    try:
        endpoints.direct(connection, name, before)
        endpoint = endpoints.ensure(connection, name)
        unwanted = _doubtful(target, endpoint) | endpoints.deployments_of(endpoint, [version])
        for deployment in sorted(unwanted - set(before)):
            endpoints.undeploy(connection, name, deployment)
        if registry.get(connection, version.model, version.number).serves(target.id):
            _take_back_aliases(target, version, place)
    except AocrError as failed:
        raise AocrError(
            f"{error}; and to undo it failed, too ({failed}): the same command again finishes it"
        ) from error


def _take_back_aliases(target: Target, version: Version, place: int) -> None:
    history = target.history
    if history.serving:
        registry.mark_serving(target.connection, history.serving, target.id, history.present)
    if place not in version.places(target.id):
        registry.unmark(target.connection, version, target.id, place)


def _tidy(target: Target, version: Version, place: int) -> None:
    """Undeploy what the version has replaced, and forget the places of what was rolled back from.

    In this order: as long as they are there, a rollback knows that the one before is not over.
    """
    try:
        _undeploy_replaced(target, version, place)
    except AocrError as error:
        raise AocrError(
            f"version {version.number} has all traffic of {target.name}, but what it replaces is still there "
            f"({error}): the same command again finishes it"
        ) from error
    for other, places in target.history.after(place):
        try:
            registry.forget(target.connection, other, target.id, places)
        except AocrError as error:
            # No failure: if it was done and only the answer is lost, the command once more would go further back.
            logger.warning(
                "version %d may still count as one that served: then the next rollback does no more than to end that "
                "(%s)",
                other.number,
                error,
            )


def _undeploy_replaced(target: Target, version: Version, place: int) -> None:
    connection, name = target.connection, target.name
    endpoint = endpoints.ensure(connection, name)
    kept = {endpoints.deployment_of(endpoint, version), *endpoints.shares(endpoint)}
    if target.options.keep_previous and (previous := target.history.before(version, place)):
        kept.add(endpoints.deployment_of(endpoint, previous[0]))
    ours = endpoints.deployments_of(endpoint, target.versions)
    for deployed in endpoint.deployed_models:
        if deployed.id in ours - kept:
            endpoints.undeploy(connection, name, deployed.id)
        elif deployed.id not in kept:
            logger.warning(
                "%s stays deployed, without traffic: it is not a version of this model", deployed.display_name
            )


def scaled(split: Mapping[str, int], total: int) -> dict[str, int]:
    """Shares in the same proportions with another sum; what is rounded off goes to the largest."""
    whole = sum(split.values())
    result = {key: share * total // whole for key, share in split.items()}
    if result:
        largest = max(result, key=lambda key: result[key])
        result[largest] += total - sum(result.values())
    return {key: share for key, share in result.items() if share}
