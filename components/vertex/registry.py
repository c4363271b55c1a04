"""The Model Registry: one model, with a version for each export that was ever deployed.

Aliases tell the versions apart, for there is one version at most for each: `export-…` is the hash of what was exported
and of the image that serves it; `serving-E` is the version that all traffic of the endpoint E goes to, and `served-N-E`
the one that was the N-th to get it, unless it was rolled back from. `default` is what serves anywhere since last.
"""

import hashlib
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aocr_core.display import percent
from aocr_core.errors import AocrError, UsageError
from components.submission import submission
from components.vertex.changes import ensured, finished
from components.vertex.connection import Connection
from components.vertex.errors import explained

if TYPE_CHECKING:
    from google.cloud.aiplatform_v1.types import Model

logger = logging.getLogger(__name__)

MODEL_ID = re.compile(r"[a-z_][a-z0-9_-]{0,62}")
PORT, HEALTH, PREDICT = 8080, "/health", "/predict"
METRICS_SCHEMA = "gs://google-cloud-aiplatform/schema/modelevaluation/question_answering_metrics_1.0.0.yaml"
"""Of Google's schemas the one whose main figure, `exactMatch`, is the share of texts that are right."""


@dataclass(frozen=True)
class Version:
    """A version of a model."""

    model: str
    """`projects/P/locations/L/models/ID`."""
    number: int
    export: str
    """Where its SavedModel lies: `gs://…`."""
    aliases: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """`projects/P/locations/L/models/ID@3`."""
        return f"{self.model}@{self.number}"

    def serves(self, endpoint: str) -> bool:
        """Whether it was the last to get all traffic of an endpoint (its id)."""
        return f"serving-{endpoint}" in self.aliases

    def places(self, endpoint: str) -> set[int]:
        """Its places in the order of the versions that got all traffic of an endpoint (its id)."""
        matches = (re.fullmatch(rf"served-(\d+)-{re.escape(endpoint)}", alias) for alias in self.aliases)
        return {int(match[1]) for match in matches if match}

    def served(self, endpoint: str) -> bool:
        """Whether all traffic of an endpoint has gone to it, and nobody has rolled back from it."""
        return bool(self.places(endpoint))


@dataclass(frozen=True)
class Upload:
    """What becomes a version."""

    model: str
    """Id of the model."""
    export: str
    """Folder of the SavedModel, `gs://…`."""
    fingerprint: str
    """Hash of its content."""
    image: str
    """Container image with `aocr serve` in it."""
    figures: Mapping[str, float]
    """What the evaluation has found, empty if nobody says."""

    @property
    def alias(self) -> str:
        """The same for what is the same."""
        return "export-" + hashlib.sha256(f"{self.fingerprint} {self.image}".encode()).hexdigest()[:32]


def check_id(model: str) -> None:
    """Refuse what cannot be the id of a model.

    Raises:
        UsageError: it has other characters, or too many.
    """
    if not MODEL_ID.fullmatch(model):
        raise UsageError(
            f"--model-name {model}: Vertex AI takes a-z, 0-9, _ and -, at most 63, the first a letter or _"
        )


def versions(connection: Connection, model: str) -> list[Version]:
    """All versions of a model, oldest first; none if there is no such model."""
    with explained(f"list the versions of the model {model}"):
        return connection.patience["retry"](lambda: _versions(connection, model))()


def registered(connection: Connection, upload: Upload) -> Version:
    """The version for an export, which is uploaded unless it has been before.

    Raises:
        AocrError: Vertex AI refuses it.
    """
    from google.cloud.aiplatform_v1.types import UploadModelRequest

    known: list[Version] = []

    def look() -> Version | None:
        known[:] = _versions(connection, upload.model)
        return next((version for version in known if upload.alias in version.aliases), None)

    def change() -> None:
        request = UploadModelRequest(parent=connection.parent, model=message(upload))
        if known:
            request.parent_model = known[0].model
        else:
            request.model_id = upload.model
        begun = connection.models.upload_model(request=request, **connection.once)
        finished(connection, connection.models, begun)

    version = ensured(connection, f"upload {upload.export} as a version of the model {upload.model}", look, change)
    if upload.figures:
        _evaluated(connection, version, upload.figures)
    return version


def mark_serving(connection: Connection, version: Version, endpoint: str, place: int) -> None:
    """Let the aliases say that all traffic of an endpoint (its id) goes to a version.

    Args:
        connection: where.
        version: the one.
        endpoint: id of the endpoint.
        place: of the version in the order of those that got all traffic; another one that has it loses it.
    """
    _merge(connection, version, {f"serving-{endpoint}", f"served-{place}-{endpoint}", "default"}, set())


def unmark(connection: Connection, version: Version, endpoint: str, place: int) -> None:
    """Take back what `mark_serving` has said."""
    _merge(connection, version, set(), {f"serving-{endpoint}", f"served-{place}-{endpoint}"})


def forget(connection: Connection, version: Version, endpoint: str, places: set[int]) -> None:
    """Let the aliases say that a version did not have these places."""
    _merge(connection, version, set(), {f"served-{place}-{endpoint}" for place in places})


def _merge(connection: Connection, version: Version, wanted: set[str], gone: set[str]) -> None:
    def look() -> bool | None:
        found = set(connection.models.get_model(name=version.name, **connection.once).version_aliases)
        return True if wanted <= found and not gone & found else None

    def change() -> None:
        aliases = [*sorted(wanted), *(f"-{alias}" for alias in sorted(gone))]
        connection.models.merge_version_aliases(name=version.name, version_aliases=aliases, **connection.once)

    ensured(connection, f"set the aliases of {version.name}", look, change)


def get(connection: Connection, model: str, number: int | str) -> Version:
    """A version as it stands.

    Args:
        connection: where.
        model: resource name of the model, with or without a version.
        number: the version's.

    Raises:
        AocrError: it is not there any more.
    """
    name = f"{model.partition('@')[0]}@{number}"
    with explained(f"look up {name}"):
        return _version(connection.models.get_model(name=name, **connection.patience))


def _versions(connection: Connection, model: str) -> list[Version]:
    from google.api_core.exceptions import NotFound

    try:
        found = connection.models.list_model_versions(name=f"{connection.parent}/models/{model}", **connection.once)
        return sorted((_version(version) for version in found), key=lambda version: version.number)
    except NotFound:
        return []


def _version(found: "Model") -> Version:
    return Version(
        found.name.partition("@")[0], int(found.version_id), found.artifact_uri, frozenset(found.version_aliases)
    )


def message(upload: Upload) -> dict[str, Any]:
    """The `Model` that is sent for a version."""
    return {
        "display_name": upload.model,
        "description": "Reads text in images (aocr).",
        "version_description": described(upload.figures),
        "version_aliases": [upload.alias],
        "artifact_uri": upload.export,
        "container_spec": {
            "image_uri": upload.image,
            "command": ["aocr", "serve"],
            "ports": [{"container_port": PORT}],
            "health_route": HEALTH,
            "predict_route": PREDICT,
        },
    } | submission().of_resource()


def described(figures: Mapping[str, float]) -> str:
    """The figures in one line for people."""
    if not figures:
        return "Deployed by hand."
    accuracy, cer, count = percent(figures["accuracy"]), percent(figures["cer"], 2), int(figures["count"])
    return f"Exact accuracy {accuracy}, CER {cer} on {count} test images."


def _evaluated(connection: Connection, version: Version, figures: Mapping[str, float]) -> None:
    """Have the version show its evaluation; of the same figures there is one."""
    from google.api_core.exceptions import BadRequest
    from google.cloud.aiplatform_v1.types import ImportModelEvaluationRequest, ModelEvaluation

    wanted = ModelEvaluation(
        display_name=described(figures),
        metrics_schema_uri=METRICS_SCHEMA,
        metrics={"exactMatch": figures["accuracy"]},
        metadata=dict(figures),
    )

    def look() -> bool | None:
        found = connection.models.list_model_evaluations(parent=version.name, **connection.once)
        return True if any(one.display_name == wanted.display_name for one in found) else None

    def change() -> None:
        request = ImportModelEvaluationRequest(parent=version.name, model_evaluation=wanted)
        connection.models.import_model_evaluation(request=request, **connection.once)

    try:
        ensured(connection, f"import the evaluation of {version.name}", look, change)
    except AocrError as error:
        if not isinstance(error.__cause__, BadRequest):
            raise
        # Asked again it would not like these figures any better, and they are in the description as well.
        logger.warning("%s", error)
