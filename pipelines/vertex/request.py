"""What is sent to Vertex AI to start a run: built from the compiled pipeline and the user's wishes."""

import copy
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aocr_core.errors import UsageError
from components import submission
from components.deployment import IMAGE_VARIABLE
from pipelines import spec
from pipelines.vertex import workers
from pipelines.vertex.machines import Machine, equipped
from pipelines.vertex.options import JobOptions

PLACES = ("annotations", "test_annotations", "serving_dir", "serving_export")
"""Parameters that name a place which the steps must be able to reach."""
OF_ONE_RUN = ("commit", "build")
"""Labels that CI gives each run another value of."""
DEPLOYMENT = "deploy"
FAILURE_POLICIES = {"slow": "PIPELINE_FAILURE_POLICY_FAIL_SLOW", "fast": "PIPELINE_FAILURE_POLICY_FAIL_FAST"}


@dataclass(frozen=True)
class Wish:
    """One run as the user wants it."""

    options: JobOptions
    parameters: Mapping[str, Any]
    """Values of the pipeline's parameters; those left out have the default of the compiled pipeline."""
    labels: Mapping[str, str] = field(default_factory=dict)
    machines: Mapping[str, Machine] = field(default_factory=dict)


def check(compiled: spec.Spec, parameters: Mapping[str, Any]) -> None:
    """Refuse what Vertex AI, or a step there, would refuse.

    Raises:
        UsageError: a required parameter is missing, or a place is on this machine only.
    """
    for parameter in spec.parameters(compiled):
        flag = "--" + parameter.name.replace("_", "-")
        value = parameters.get(parameter.name)
        if parameter.default is None and value in (None, ""):
            raise UsageError(f"{flag} is missing")
        # A charset is a name or a file.
        place = parameter.name in PLACES or (parameter.name == "charset" and Path(str(value or "")).is_file())
        if place and value and not str(value).startswith("gs://"):
            raise UsageError(f"{flag} {value}: Vertex AI cannot see this machine's files; copy it to gs://BUCKET/…")


def job(parent: str, compiled: spec.Spec, wish: Wish) -> dict[str, Any]:
    """The `PipelineJob` in the JSON form of the REST API
    (https://cloud.google.com/vertex-ai/docs/reference/rest/v1/projects.locations.pipelineJobs)."""
    options = wish.options
    result: dict[str, Any] = {
        "displayName": options.display_name or compiled["pipelineInfo"].get("displayName", name(compiled)),
        "pipelineSpec": _spec(parent, compiled, wish),
        "runtimeConfig": {
            "gcsOutputDirectory": options.pipeline_root,
            "parameterValues": dict(wish.parameters),
            "failurePolicy": FAILURE_POLICIES[options.failure_policy],
        },
    }
    if wish.labels:
        result["labels"] = dict(wish.labels)
    if options.kms_key:
        result["encryptionSpec"] = {"kmsKeyName": options.kms_key}
    if options.service_account:
        result["serviceAccount"] = options.service_account
    if options.network:
        result["network"] = options.network
    return result


def name(compiled: spec.Spec) -> str:
    """The pipeline's name, `aocr-training`."""
    return compiled["pipelineInfo"]["name"]


def new_job_id(compiled: spec.Spec) -> str:
    """A name for a run that no other run has: pipeline, UTC time, 8 random hexadecimal digits.

    The name is chosen here and not by Vertex AI, so that a request whose answer was lost can be repeated without
    starting a second run.
    """
    stem = re.sub(r"[^a-z0-9]+", "-", name(compiled).lower()).strip("-")
    return f"{stem[:90]}-{time.strftime('%Y%m%d%H%M%S', time.gmtime())}-{secrets.token_hex(4)}"


def create_job(parent: str, compiled: spec.Spec, wish: Wish, job_id: str = "") -> Any:
    """The `CreatePipelineJobRequest`; without a `job_id` that of a schedule, which names its runs itself."""
    from google.cloud.aiplatform_v1.types import CreatePipelineJobRequest

    message = {"parent": parent, "pipelineJob": job(parent, compiled, wish), "pipelineJobId": job_id}
    return parsed(CreatePipelineJobRequest, message)


def parsed(kind: Any, message: Mapping[str, Any]) -> Any:
    """A request of a given type from its JSON form; an unknown field is an error."""
    from google.protobuf import json_format

    return kind(json_format.ParseDict(message, kind.pb()()))


def as_json(request: Any) -> str:
    """A request as it goes over the wire, readable."""
    from google.protobuf import json_format

    return json_format.MessageToJson(type(request).pb(request), indent=2, ensure_ascii=False)


def _spec(parent: str, compiled: spec.Spec, wish: Wish) -> spec.Spec:
    result = equipped(compiled, wish.machines)
    for container in spec.containers(result).values():
        container["image"] = wish.options.image
        for variable in container.get("env", []):
            if variable["name"] == IMAGE_VARIABLE:
                variable["value"] = wish.options.image
    for step, variables in _told(parent, wish).items():
        told = spec.containers(result)[step].setdefault("env", [])
        told += [{"name": name, "value": value} for name, value in variables.items()]
    return result if wish.options.caching else _without_caching(result)


def _told(parent: str, wish: Wish) -> dict[str, dict[str, str]]:
    """Variables with what a step that starts something of its own cannot find out by itself: by the step's name."""
    told: dict[str, dict[str, str]] = {}
    if workers.apart(wish.parameters):
        _, project, _, location = parent.split("/")
        # A later run reuses the step only if it is told the same.
        labels = {key: value for key, value in wish.labels.items() if key not in OF_ONE_RUN}
        told[workers.STEP] = {
            "GOOGLE_CLOUD_PROJECT": project,
            "GOOGLE_CLOUD_LOCATION": location,
            submission.VARIABLE: _submission(wish, labels),
        }
    if wish.parameters.get("endpoint"):
        told[DEPLOYMENT] = {submission.VARIABLE: _submission(wish, wish.labels)}
    return told


def _submission(wish: Wish, labels: Mapping[str, str]) -> str:
    options = wish.options
    of_run = submission.Submission(
        service_account=options.service_account,
        network=options.network,
        kms_key=options.kms_key,
        labels=dict(sorted(labels.items())),
    )
    return of_run.model_dump_json(exclude_defaults=True)


def _without_caching(compiled: spec.Spec) -> spec.Spec:
    result = copy.deepcopy(compiled)
    for dag in spec.dags(result):
        for task in dag["tasks"].values():
            task["cachingOptions"] = {"enableCache": False}
    return result
