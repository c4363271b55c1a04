"""The sliding CNN: a fixed-height image becomes a sequence of feature vectors along its width."""

from typing import Any

from keras import layers, ops

from aocr_core.model import masking
from aocr_core.model.batch_norm import BatchNormalization
from aocr_core.model.presets import Convolution
from aocr_core.model.standardise import Standardise

Tensor = Any

# The averages follow the weights within some ten steps; slower ones are still stale when a small data set has been
# learnt, and evaluation collapses while training looks perfect.
BATCH_NORM_MOMENTUM = 0.9


class ResidualBlock(layers.Layer):
    """Two 3x3 convolutions whose result is added to what they were given (He et al., https://arxiv.org/abs/1603.05027).

    Each comes behind batch normalisation, ReLU and mask, so that the sum passes on as it is.
    """

    def __init__(self, channels: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.convolutions = [
            layers.Conv2D(channels, 3, padding="same", use_bias=False, kernel_initializer="he_normal", name=f"conv{i}")
            for i in range(2)
        ]
        self.norms = [BatchNormalization(momentum=BATCH_NORM_MOMENTUM, name=f"norm{i}") for i in range(2)]

    def call(self, features: Tensor, mask: Tensor, training: bool = False) -> Tensor:
        """Features `[batch, height, width, channels]` with a mask `[batch, 1, width, 1]` -> features like them."""
        outputs = features
        for norm, convolution in zip(self.norms, self.convolutions, strict=True):
            outputs = convolution(ops.relu(norm(outputs, training=training)) * mask)
        return (features + outputs) * mask


class ConvolutionBlock(layers.Layer):
    """Convolution, batch normalisation, ReLU, mask and max pooling; with `pool_first`, max pooling right after the
    convolution, so that the others have less to do. Residual blocks, if any, come last.
    """

    def __init__(self, convolution: Convolution, pool_first: bool, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.spec = convolution
        self.pool_first = pool_first
        self.convolution = layers.Conv2D(
            convolution.channels,
            convolution.kernel,
            strides=convolution.stride,
            padding="same",
            use_bias=not convolution.normalise,
            kernel_initializer="he_normal",
        )
        self.normalise = BatchNormalization(momentum=BATCH_NORM_MOMENTUM) if convolution.normalise else None
        self.pool = layers.MaxPooling2D(convolution.pool, padding="same") if convolution.pool != (1, 1) else None
        self.residual = [
            ResidualBlock(convolution.channels, name=f"residual{index}") for index in range(convolution.residual)
        ]

    def call(
        self, images: Tensor, widths: Tensor, mask: Tensor, training: bool = False
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Features `[batch, height, width, channels]`, their valid widths `[batch]` and the mask that these make,
        `[batch, 1, width, 1]`, all as they come in and as they go out.
        """

        def shrunk(outputs: Tensor, factor: int) -> tuple[Tensor, Tensor, Tensor]:
            if factor == 1:
                return outputs, widths, mask
            valid = masking.shrink(widths, factor)
            return outputs, valid, masking.valid(valid, ops.shape(outputs)[2], outputs.dtype)[:, None, :, None]

        pool, stride = self.pool, self.spec.stride[1]
        outputs = self.convolution(images)
        if pool is not None and self.pool_first:
            outputs, stride = pool(outputs), stride * self.spec.pool[1]
        outputs, widths, mask = shrunk(outputs, stride)
        if self.normalise is not None:
            outputs = self.normalise(outputs, training=training)
        outputs = ops.relu(outputs) * mask
        if pool is not None and not self.pool_first:
            outputs, widths, mask = shrunk(pool(outputs), self.spec.pool[1])
        for block in self.residual:
            outputs = block(outputs, mask, training=training)
        return outputs, widths, mask


class Backbone(layers.Layer):
    """All convolution blocks; what height is left is folded into the features."""

    def __init__(
        self,
        convolutions: tuple[Convolution, ...],
        *,
        standardise: bool,
        pool_first: bool,
        **kwargs: Any,
    ) -> None:
        # The images are to be standardised as they are; the convolutions round them to what they compute in.
        super().__init__(autocast=False, **kwargs)
        self.standardise = Standardise(name="standardise") if standardise else None
        self.blocks = [
            ConvolutionBlock(spec, pool_first, name=f"block{index}") for index, spec in enumerate(convolutions)
        ]

    def call(self, images: Tensor, widths: Tensor, training: bool = False) -> tuple[Tensor, Tensor]:
        """Slide over the images.

        Args:
            images: `[batch, height, width, channels]`, values in [-1, 1]; whatever lies right of `widths` is ignored.
            widths: Valid pixels of each row, integers `[batch]`.
            training: Normalise with the batch's own statistics.

        Returns:
            features `[batch, time, features]`, zero in the padding, and lengths `[batch]`.
        """
        mask = masking.valid(widths, ops.shape(images)[2], images.dtype)[:, None, :, None]
        outputs = images * mask
        if self.standardise is not None:
            outputs = self.standardise(outputs, widths)
        for block in self.blocks:
            outputs, widths, mask = block(outputs, widths, mask, training=training)
        outputs = ops.transpose(outputs, (0, 2, 1, 3))
        batch, time = ops.shape(outputs)[0], ops.shape(outputs)[1]
        return ops.reshape(outputs, (batch, time, outputs.shape[2] * outputs.shape[3])), widths
