"""Lists a run in a Vertex AI Experiment, where parameters and figures of runs are compared.

An experiment is a context in the metadata store, and a run belongs to it when the run's own context is its child: that
is what `PipelineJob.submit(experiment=…)` of google-cloud-aiplatform does as well.
"""

import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from aocr_core.errors import AocrError, UsageError
from components.vertex.changes import ensured, finished
from components.vertex.connection import Connection
from components.vertex.errors import explained

if TYPE_CHECKING:
    from google.cloud.aiplatform_v1.types import Context, PipelineJob

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,127}")
STORE = "metadataStores/default"
SCHEMA = "system.Experiment"
WAIT_SECONDS = 120.0
"""Vertex AI makes the run's context some seconds after the run."""


def prepare(connection: Connection, name: str, kms_key: str | None = None) -> str:
    """The resource name of the experiment, which is created if there is none.

    Args:
        connection: where it is.
        name: of the experiment.
        kms_key: protects the project's metadata store, if that has to be created.

    Raises:
        UsageError: it is no name of an experiment.
        AocrError: something else has that name, or there is no permission.
    """
    if not NAME.fullmatch(name):
        raise UsageError(
            f"--experiment {name}: only lower-case letters, digits and -, beginning with one of the former"
        )
    store = f"{connection.parent}/{STORE}"
    context = ensured(
        connection,
        f"use the experiment {name}",
        lambda: _found(connection, store, name),
        lambda: _create(connection, store, name, kms_key),
    )
    if context.schema_title != SCHEMA:
        raise AocrError(f"--experiment {name}: there is a {context.schema_title} of that name")
    return context.name


def _found(connection: Connection, store: str, name: str) -> "Context | None":
    from google.api_core.exceptions import NotFound

    try:
        return connection.metadata.get_context(name=f"{store}/contexts/{name}", **connection.once)
    except NotFound:
        return None


def _create(connection: Connection, store: str, name: str, kms_key: str | None) -> None:
    from google.api_core.exceptions import NotFound
    from google.cloud.aiplatform_v1.types import Context

    new = Context(
        display_name=name, schema_title=SCHEMA, schema_version="0.0.1", metadata={"experiment_deleted": False}
    )
    asked: dict[str, Any] = {"parent": store, "context": new, "context_id": name}
    try:
        connection.metadata.create_context(**asked, **connection.once)
    except NotFound:  # nothing has ever been recorded in this project
        _ensure_store(connection, kms_key)
        connection.metadata.create_context(**asked, **connection.once)


def _ensure_store(connection: Connection, kms_key: str | None) -> None:
    from google.api_core.exceptions import NotFound
    from google.cloud.aiplatform_v1.types import MetadataStore

    new = MetadataStore(encryption_spec={"kms_key_name": kms_key} if kms_key else None)

    def look() -> MetadataStore | None:
        try:
            return connection.metadata.get_metadata_store(name=f"{connection.parent}/{STORE}", **connection.once)
        except NotFound:
            return None

    def change() -> None:
        begun = connection.metadata.create_metadata_store(
            parent=connection.parent, metadata_store=new, metadata_store_id=STORE.rpartition("/")[2], **connection.once
        )
        finished(connection, connection.metadata, begun)

    ensured(connection, f"create {STORE}", look, change)


def add(connection: Connection, experiment: str, look: "Callable[[], PipelineJob]") -> None:
    """Put a run into an experiment.

    Args:
        connection: where both are.
        experiment: resource name, see `prepare`.
        look: the run as it stands.

    Raises:
        AocrError: Vertex AI refuses it, or makes no context for the run.
    """
    limit = time.monotonic() + WAIT_SECONDS
    while not (run := look().job_detail.pipeline_run_context.name):
        if time.monotonic() > limit:
            raise AocrError(f"the run cannot be put into {experiment}: Vertex AI has made no metadata for it")
        time.sleep(1.0)
    with explained(f"put the run into {experiment}"):
        connection.metadata.add_context_children(context=experiment, child_contexts=[run], **connection.patience)
