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
    def serving(self) -> Version | None:
        """The version that was the last to get all traffic."""
        return next((version for version in self.versions if version.serves(self.id)), None)

    def before(self, number: int) -> Version | None:
        """The version that served before the one with a number."""
        older = [version for version in self.versions if version.served(self.id) and version.number < number]
        return older[-1] if older else None


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
    _roll_out(target, version, known)
    return version


def rollback(name: str, model: str, options: EndpointOptions) -> Version:
    """Let the version serve that did before the present one; asked for again, the one before that.

    Raises:
        UsageError: the endpoint has a name that cannot be.
        AocrError: there is no version before, or something failed; the traffic is where it was.
    """
    connection = endpoints.connected(name)
    target = Target(connection, name, registry.versions(connection, model), options)
    present = _present(target)
    if present is None:
        raise AocrError(f"no version of the model {model} serves on {name}")
    before = target.before(present.number)
    if before is None:
        _tidy(target, present)
        raise AocrError(f"no version of the model {model} served before version {present.number} on {name}")
    _roll_out(target, before, smoke.read(before.export))
    return before


def _present(target: Target) -> Version | None:
    """What serves by its alias, unless a rollout got all but to the point of moving that."""
    endpoint = endpoints.existing(target.connection, target.name)
    if endpoint is None:
        return None
    for version in target.versions:
        deployment = endpoints.deployment_of(endpoint, version)
        if not version.served(target.id) and endpoints.shares(endpoint) == {deployment: ALL}:
            return version
    return target.serving


def _roll_out(target: Target, version: Version, known: Sequence[Known]) -> None:
    endpoint = endpoints.ensure(target.connection, target.name)
    deployment = endpoints.deployment_of(endpoint, version)
    if deployment and endpoints.shares(endpoint) == {deployment: ALL} and version.serves(target.id):
        logger.info("version %d serves already on %s", version.number, target.name)
    else:
        _promote(target, version, known)
    _tidy(target, version)


def _promote(target: Target, version: Version, known: Sequence[Known]) -> None:
    """Give the version all traffic, and its share of it first."""
    connection, name, canary = target.connection, target.name, target.options.canary_percent
    endpoint = endpoints.ensure(connection, name)
    mine = endpoints.deployment_of(endpoint, version)
    before = _before(target, endpoint, mine)
    others = {key: share for key, share in before.items() if key != mine}
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
        registry.mark_serving(connection, version, target.id)
    except BaseException as error:
        _withdraw(target, version, before, error)
        raise
    logger.info("version %d has all traffic of %s", version.number, name)


def _before(target: Target, endpoint: "Endpoint", mine: str | None) -> dict[str, int]:
    """Where the traffic goes back to if the version is of no use.

    That is where it goes now, but for what broken-off rollouts have left, this version's own included, unless there is
    nothing else.
    """
    shares, doubtful = endpoints.shares(endpoint), _doubtful(target, endpoint)
    others = {key: share for key, share in shares.items() if key != mine}
    sound = {key: share for key, share in others.items() if key not in doubtful}
    return scaled(sound or others or shares, ALL)


def _doubtful(target: Target, endpoint: "Endpoint") -> set[str]:
    """Deployments of versions of ours that never got all traffic."""
    found = {endpoints.deployment_of(endpoint, version) for version in target.versions if not version.served(target.id)}
    return {deployment for deployment in found if deployment}


def _withdraw(target: Target, version: Version, before: Mapping[str, int], error: BaseException) -> None:
    """Send the traffic back, undeploy the version and what is left of earlier rollouts, and let the aliases say so."""
    connection, name = target.connection, target.name
    try:
        if before:
            endpoints.direct(connection, name, before)
        endpoint = endpoints.ensure(connection, name)
        unwanted = _doubtful(target, endpoint) | {endpoints.deployment_of(endpoint, version) or ""}
        for deployment in sorted(unwanted - {"", *before}):
            endpoints.undeploy(connection, name, deployment)
        if registry.get(connection, version.model, version.number).serves(target.id):
            _take_back_aliases(target, version)
    except AocrError as failed:
        raise AocrError(
            f"{error}; and to undo it failed, too ({failed}): the same command again finishes it"
        ) from error


def _take_back_aliases(target: Target, version: Version) -> None:
    if target.serving:
        registry.mark_serving(target.connection, target.serving, target.id)
    if not version.served(target.id):
        registry.unmark(target.connection, version, target.id)


def _tidy(target: Target, version: Version) -> None:
    """Undeploy what the version has replaced."""
    connection, name = target.connection, target.name
    endpoint = endpoints.ensure(connection, name)
    kept = {endpoints.deployment_of(endpoint, version), *endpoints.shares(endpoint)}
    if target.options.keep_previous and (previous := target.before(version.number)):
        kept.add(endpoints.deployment_of(endpoint, previous))
    ours = {endpoints.deployment_of(endpoint, version) for version in target.versions}
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
