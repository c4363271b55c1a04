"""The training step: here, or as a job of its own on machines that were chosen for it, one or several."""

import hashlib
import json
import os
import re
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from aocr_core import model_dir, storage
from aocr_core.cli.options import flags
from aocr_core.config import DataOptions, ModelOptions, TrainOptions
from aocr_core.errors import UsageError
from components.deployment import IMAGE_VARIABLE
from components.image import IMAGE
from components.submission import submission
from components.vertex.place import Place
from components.workers import WorkerOptions

if TYPE_CHECKING:
    from kfp.dsl import Artifact

RESOURCE = re.compile(r"projects/(?P<project>[^/]+)/locations/(?P<location>[^/]+)/metadataStores/")


def train(
    dataset: "Artifact",
    model: "Artifact",
    network: ModelOptions,
    labels: DataOptions,
    training: TrainOptions,
    workers: WorkerOptions,
) -> dict[str, Any]:
    """Train a model from a data set into an artifact.

    Returns:
        How it ended: the fields of `TrainResult`.

    Raises:
        UsageError: it is to have machines of its own, and this is not Vertex AI.
        AocrError: the training failed, here or there.
    """
    if workers.apart:
        return _elsewhere(dataset, model, [network, labels, training], workers)
    from aocr_core.data import info
    from aocr_core.training import train
    from aocr_core.training.unfinished import kept_until_done

    identity = [info.load(dataset.path).fingerprint, *(o.model_dump_json() for o in (network, labels, training))]
    with kept_until_done(model.path, *identity) as directory:
        return asdict(train(dataset.path, directory, validation=None, model=network, data=labels, options=training))


def _elsewhere(dataset: "Artifact", model: "Artifact", groups: list[Any], workers: WorkerOptions) -> dict[str, Any]:
    from components.vertex import custom_jobs, training_job
    from components.vertex.connection import Connection

    place = Place(**_region(dataset))
    image = os.environ.get(IMAGE_VARIABLE, IMAGE)
    if place.project is None or image == IMAGE:
        raise UsageError(
            f"{' '.join(flags(workers))}: machines of its own need Vertex AI, and an image: use "
            "`aocr-pipeline submit --image …`"
        )
    submitted = submission()
    target = _location(model)
    arguments = ["train", _location(dataset), "--model-dir", target, *flags(*groups)]
    job = {
        # The same for a step that is tried again, since its model goes to the same place.
        "displayName": f"aocr-train-{hashlib.sha256(target.encode()).hexdigest()[:12]}",
        "jobSpec": training_job.spec(
            image,
            arguments,
            workers,
            service_account=submitted.service_account,
            network=submitted.network,
        ),
        "labels": submitted.labels,
    }
    if submitted.kms_key:
        job["encryptionSpec"] = {"kmsKeyName": submitted.kms_key}
    custom_jobs.run(Connection(place), job)
    return json.loads(storage.read_bytes(storage.join(target, model_dir.RESULT)))


def _region(dataset: "Artifact") -> dict[str, str]:
    """Where this step runs, which Vertex AI tells by the names of artifacts, as far as the environment does not."""
    match = RESOURCE.match(dataset.name or "")
    found = match.groupdict() if match else {}
    return {name: value for name, value in found.items() if not os.environ.get(Place.VARIABLES[name])}


def _location(artifact: "Artifact") -> str:
    """`gs://…` where it lies in a bucket: not every machine has buckets mounted."""
    return artifact.uri if artifact.uri.startswith("gs://") else artifact.path
