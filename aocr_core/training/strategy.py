"""Which devices train: chosen from the environment, so that the same command runs everywhere."""

import json
import os
from dataclasses import dataclass, field

import tensorflow as tf

from aocr_core.errors import UsageError

CLUSTER_VARIABLE = "TF_CONFIG"
"""Where Vertex AI, Kubeflow and others tell each process of a distributed training who the others are
(https://www.tensorflow.org/guide/distributed_training#TF_CONFIG)."""


@dataclass(frozen=True)
class Cluster:
    """The processes that train one model, by kind, and which of them this is; alone by default."""

    tasks: dict[str, list[str]] = field(default_factory=dict)
    """`chief` and `worker` -> HOST:PORT of each."""
    kind: str = "worker"
    number: int = 0

    @property
    def size(self) -> int:
        """How many processes train."""
        return max(1, sum(map(len, self.tasks.values())))

    @property
    def index(self) -> int:
        """Which of them this is, from 0; the first is the chief, whatever it is called."""
        return self.number + (len(self.tasks.get("chief", ())) if self.kind == "worker" else 0)

    @classmethod
    def of_environment(cls) -> "Cluster":
        """What `TF_CONFIG` says; a cluster of one is none.

        Raises:
            UsageError: it is not understood, or has tasks that do not train.
        """
        try:
            told = json.loads(os.environ.get(CLUSTER_VARIABLE) or "{}")
            # Custom containers of older services call their chief `master`.
            tasks = {_modern(kind): list(hosts) for kind, hosts in (told.get("cluster") or {}).items() if hosts}
            if sum(map(len, tasks.values())) <= 1:
                return cls()
            kind, number = _modern(told["task"]["type"]), int(told["task"]["index"])
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UsageError(
                f"{CLUSTER_VARIABLE} is not understood ({error!r}): {os.environ[CLUSTER_VARIABLE]}"
            ) from error
        if foreign := sorted({*tasks, kind} - {"chief", "worker"}):
            raise UsageError(f"{CLUSTER_VARIABLE}: only chief and worker train, and nothing is done by {foreign[0]}")
        if number not in range(len(tasks.get(kind, ()))):
            raise UsageError(f"{CLUSTER_VARIABLE}: there is no {kind} {number} in the cluster")
        return cls(tasks, kind, number)


def _modern(kind: str) -> str:
    return "chief" if kind == "master" else kind


def choose(gpu_id: int | None = None, cluster: Cluster | None = None) -> tf.distribute.Strategy:
    """Several workers, several GPUs, or one device.

    Args:
        gpu_id: Use only this GPU; below 0, only the CPU.
        cluster: The workers, `Cluster.of_environment()` by default.

    Raises:
        UsageError: there is no such GPU, or no such cluster.
    """
    cluster = cluster or Cluster.of_environment()
    gpus = tf.config.list_physical_devices("GPU")
    if gpu_id is not None:
        if gpu_id >= len(gpus) > 0:
            raise UsageError(f"--gpu-id {gpu_id}: this machine has {len(gpus)} GPU(s), numbered from 0")
        gpus = [gpus[gpu_id]] if 0 <= gpu_id < len(gpus) else []
        tf.config.set_visible_devices(gpus, "GPU")
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, True)
    if cluster.size > 1:
        resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
            tf.train.ClusterSpec(cluster.tasks),
            task_type=cluster.kind,
            task_id=cluster.number,
            num_accelerators={"GPU": len(gpus)},
            rpc_layer="grpc",
        )
        return tf.distribute.MultiWorkerMirroredStrategy(cluster_resolver=resolver)
    if len(gpus) > 1:
        return tf.distribute.MirroredStrategy()
    return tf.distribute.get_strategy()
