"""The processes of one training, one or several: what one of them decides for all, and what becomes of a lost one.

All do the same steps, each on images of its own. What has to be decided once (what the model directory holds, how
well the weights read, when the training is over) is decided by the first of them, the chief; the others are told,
by the same collective operations that add up the gradients. So only the chief needs the model directory.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike

from aocr_core.errors import AocrError, LostError, UsageError
from aocr_core.training import strategy as strategies
from aocr_core.training.sharing import share_of_batch
from aocr_core.training.strategy import Cluster

LOST = (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError, tf.errors.DeadlineExceededError)
"""What TensorFlow raises in all that are left when one has gone."""
TASK = re.compile(r"/job:(\w+)/replica:0/task:(\d+)")


class Team:
    """The processes that train together, and which of them this is."""

    def __init__(self, strategy: tf.distribute.Strategy, cluster: Cluster | None = None) -> None:
        cluster = cluster or Cluster()
        self.strategy = strategy
        self.size, self.index = cluster.size, cluster.index

    @classmethod
    def assembled(cls, gpu_id: int | None = None) -> "Team":
        """The team that the environment describes; of several, waits until all are there.

        Raises:
            UsageError: there is no such GPU, or `TF_CONFIG` is not understood.
        """
        cluster = Cluster.of_environment()
        return cls(strategies.choose(gpu_id, cluster), cluster)

    @property
    def chief(self) -> bool:
        """Whether this process decides, and writes."""
        return self.index == 0

    @property
    def replicas(self) -> int:
        """Devices of this process that train."""
        return self.strategy.num_replicas_in_sync // self.size

    def share_of_batch(self, batch_size: int) -> int:
        """Images of a batch that each device gets.

        Raises:
            UsageError: the batch cannot be divided evenly.
        """
        return share_of_batch(batch_size, self.strategy.num_replicas_in_sync)

    def told(self, decide: Callable[[], Any]) -> Any:
        """What `decide` gives, which only the chief calls: anything that JSON can hold.

        Raises:
            AocrError: the one that `decide` raises, everywhere.
        """
        if self.size == 1:
            return decide()
        failure: AocrError | None = None
        answer: dict[str, Any] = {}
        if self.chief:
            try:
                answer = {"value": decide()}
            except AocrError as error:
                failure, answer = error, {"error": str(error), "usage": isinstance(error, UsageError)}
        data = np.frombuffer(json.dumps(answer).encode(), np.uint8)
        (length,) = self._from_chief(integers=[len(data)])[1]
        data = data if self.chief else np.zeros(length, np.uint8)
        answer = json.loads(self._from_chief(integers=data)[1].astype(np.uint8).tobytes())
        if failure:
            raise failure
        if "error" in answer:
            raise (UsageError if answer["usage"] else AocrError)(answer["error"])
        return answer["value"]

    def numbers(self, decide: Callable[[], Sequence[float]], count: int) -> list[float]:
        """`count` numbers that the chief finds; as `told`, but for the inside of the loop."""
        if self.size == 1:
            return [float(number) for number in decide()]
        return self._from_chief(decide() if self.chief else [0.0] * count)[0].tolist()

    def spread(self, variables: Iterable[tf.Variable]) -> None:
        """Give the variables of all processes the values that they have on the chief."""
        if self.size == 1:
            return
        floats: list[tf.Variable] = []
        integers: list[tf.Variable] = []  # the states of random generators are integers
        for variable in variables:
            (floats if variable.dtype.is_floating else integers).append(variable)
        flat = [[variable.numpy().ravel() for variable in part] for part in (floats, integers)]
        for part, found in zip((floats, integers), self._from_chief(*map(_joined, flat)), strict=True):
            ends = np.cumsum([variable.shape.num_elements() for variable in part])
            for variable, values in zip(part, np.split(found, ends)[: len(part)], strict=True):
                variable.assign(tf.cast(tf.reshape(values, variable.shape), variable.dtype))

    @contextmanager
    def together(self) -> Iterator[None]:
        """Within the block, a process that has gone ends the others.

        Raises:
            LostError: another process of the team has gone.
        """
        try:
            yield
        except LOST as error:
            if self.size == 1:
                raise
            raise LostError(
                f"another worker of this training has gone{_gone(error)}, and it cannot go on with {self.size - 1} of "
                f"{self.size}: start all of them again, and it goes on from its last checkpoint"
            ) from error

    def _from_chief(self, floats: ArrayLike = (), integers: ArrayLike = ()) -> tuple[np.ndarray, ...]:
        """The chief's numbers, of those that each process has, as many as it has."""
        # With one number more: TensorFlow 2.21 crashes when there is nothing to add up.
        padded = np.append(floats, 0.0), np.append(integers, 0).astype(np.int64)
        return tuple(found.numpy()[:-1] for found in _added_up(self.strategy, *padded))


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    return np.concatenate(parts) if parts else np.zeros(0)


@tf.function(reduce_retracing=True)
def _added_up(strategy: tf.distribute.Strategy, floats: tf.Tensor, integers: tf.Tensor) -> list[tf.Tensor]:
    """The chief's values; the other processes add nothing to them."""

    def mine() -> list[tf.Tensor]:
        first = tf.equal(tf.distribute.get_replica_context().replica_id_in_sync_group, 0)
        return [tf.where(first, values, tf.zeros_like(values)) for values in (floats, integers)]

    return [strategy.reduce(tf.distribute.ReduceOp.SUM, part, axis=None) for part in strategy.run(mine)]


def _gone(error: tf.errors.OpError) -> str:
    """` (worker 0)` if TensorFlow says who has gone."""
    found = TASK.findall(error.message)
    return f" ({' '.join(found[-1])})" if found else ""
