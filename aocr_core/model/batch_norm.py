"""Batch normalisation that costs little."""

from typing import Any

from keras import layers

from aocr_core.model import operations

Tensor = Any


class BatchNormalization(layers.BatchNormalization):
    """Keras' layer over the last axis; under TensorFlow, with its fused kernel.

    Keras takes the batch's statistics and normalises in some twenty operations, each of which reads or writes all the
    features, and in float32 whatever it is given: on a processor that was a sixth of a whole training step. In bfloat16
    the kernel is fast for multiples of 16 channels only. The variance that it gives for the moving average is the
    unbiased one.
    """

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        """Features `[batch, height, width, channels]` -> the same, normalised."""
        if not operations.tensorflow_only():
            return super().call(inputs, training=training)
        from aocr_core.model import kernels

        scale, offset = self.gamma.value, self.beta.value
        if not training:
            mean, variance = self.moving_mean.value, self.moving_variance.value
            return kernels.batch_norm(inputs, scale, offset, mean, variance, self.epsilon)
        outputs, *statistics = kernels.batch_norm_of_batch(inputs, scale, offset, self.epsilon)
        for moving, now in zip((self.moving_mean, self.moving_variance), statistics, strict=True):
            moving.assign(moving.value * self.momentum + now * (1.0 - self.momentum))
        return outputs
