"""A running average of the weights, which reads better than the weights themselves and is what gets judged and saved.

Polyak and Juditsky 1992. The batch-normalisation statistics are averaged along with the weights: statistics of other
weights than those they are used with are what makes evaluation collapse.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import tensorflow as tf


class WeightAverage(tf.Module):
    """Averages of a model's variables. With a decay of 0 they equal the variables."""

    def __init__(self, variables: Sequence[Any], decay: float) -> None:
        super().__init__(name="average")
        self.decay = decay
        # The states of dropout's random generators are variables too, but nothing to average.
        self.sources = [variable.value for variable in variables if variable.value.dtype.is_floating]
        self.updates = tf.Variable(0.0, trainable=False)
        self.averages = [tf.Variable(source, trainable=False) for source in self.sources]

    def update(self) -> None:
        """Take the present weights in. Early on the average forgets faster, or it would remember the random start."""
        self.updates.assign_add(1.0)
        decay = tf.minimum(self.decay, (1.0 + self.updates) / (10.0 + self.updates))
        for average, source in zip(self.averages, self.sources, strict=True):
            average.assign_sub((1.0 - decay) * (average - source))

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Within the block the model has the averaged weights."""
        kept = [source.numpy() for source in self.sources]
        try:  # before the first is put in place: an interruption on the way must not leave a mixture
            for source, average in zip(self.sources, self.averages, strict=True):
                source.assign(average)
            yield
        finally:
            for source, value in zip(self.sources, kept, strict=True):
                source.assign(value)
