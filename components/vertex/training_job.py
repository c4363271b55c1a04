"""A training as a job of Vertex AI: `aocr train` in a container, on one machine or on several that train together."""

from collections.abc import Sequence
from typing import Any

from components.workers import WorkerOptions

RESTARTS = {"restartJobOnWorkerRestart": True}
"""Workers that train together cannot go on without one of them: all start again, from the last checkpoint."""


def spec(
    image: str,
    arguments: Sequence[str],
    workers: WorkerOptions,
    *,
    output: str | None = None,
    hours: float | None = None,
    restart: bool = True,
    service_account: str | None = None,
    network: str | None = None,
) -> dict[str, Any]:
    """The `CustomJobSpec` in the JSON form of the REST API, which `gcloud ai custom-jobs create --config` takes
    (https://cloud.google.com/vertex-ai/docs/reference/rest/v1/CustomJobSpec).

    Args:
        image: container image of all workers.
        arguments: of the command `aocr`.
        workers: how many machines, and of what kind.
        output: `gs://…` folder from which Vertex AI makes `AIP_MODEL_DIR` and the other variables that `aocr train`
            looks at; None: the arguments say where everything goes.
        hours: longest time of the job; None: as Vertex AI has it, seven days.
        restart: start all workers again when one of them was, as when its Spot machine is taken away.
        service_account: account that the workers run as; None: Vertex AI's own.
        network: VPC network to peer with.
    """
    container = {"imageUri": image, "command": ["aocr"], "args": list(arguments)}
    # The first pool is the chief (https://cloud.google.com/vertex-ai/docs/training/distributed-training).
    counts = [1, workers.worker_count - 1] if workers.worker_count > 1 else [1]
    scheduling: dict[str, Any] = RESTARTS if restart else {}
    if workers.worker_spot:
        scheduling = scheduling | {"strategy": "SPOT"}
    if hours:
        scheduling = scheduling | {"timeout": f"{round(hours * 3600)}s"}
    result: dict[str, Any] = {
        "workerPoolSpecs": [
            {"machineSpec": workers.machine(), "replicaCount": count, "containerSpec": container} for count in counts
        ]
    }
    wanted = {
        "scheduling": scheduling,
        "baseOutputDirectory": {"outputUriPrefix": output} if output else None,
        "serviceAccount": service_account,
        "network": network,
    }
    return result | {name: value for name, value in wanted.items() if value}
