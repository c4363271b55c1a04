"""The network as it reads: batch normalisation, which is a factor and a sum by then, folded into the convolution before
it, where there is one (residual blocks normalise first), and weights in the order in which they are needed.
"""

import numpy as np

from aocr_core.model.backbone import ConvolutionBlock
from aocr_core.model.batch_norm import BatchNormalization
from aocr_core.model.recognizer import AttentionOCR


def fold(model: AttentionOCR) -> AttentionOCR:
    """A copy that reads the same, but for rounding, with fewer operations. It is not to be trained."""
    blocks = model.backbone.blocks
    specs = tuple(
        block.spec.model_copy(update={"normalise": False}) if _foldable(block) else block.spec for block in blocks
    )
    network = model.network.model_copy(update={"convolutions": specs})
    folded = AttentionOCR.create(network, model.ctc.units, model.channels, model.temperatures)
    for new, old in zip(folded.backbone.blocks, blocks, strict=True):
        if old.normalise is not None and new.normalise is None:
            new.convolution.set_weights(_folded(np.asarray(old.convolution.kernel), old.normalise))
            for block, trained in zip(new.residual, old.residual, strict=True):
                block.set_weights(trained.get_weights())
        else:
            new.set_weights(old.get_weights())
    for part, trained in ((folded.encoder, model.encoder), (folded.decoder, model.decoder), (folded.ctc, model.ctc)):
        part.set_weights(trained.get_weights())
    for layer in folded.encoder.stack:
        layer.pack()
    return folded


def _foldable(block: ConvolutionBlock) -> bool:
    """Of what is pooled before it is normalised, the greatest is only the greatest as long as no factor is negative."""
    if block.normalise is None:
        return False
    return block.pool is None or not block.pool_first or bool((_factors(block.normalise) >= 0).all())


def _factors(norm: BatchNormalization) -> np.ndarray:
    return np.asarray(norm.gamma) / np.sqrt(np.asarray(norm.moving_variance) + norm.epsilon)


def _folded(kernel: np.ndarray, norm: BatchNormalization) -> list[np.ndarray]:
    """A convolution's kernel `[height, width, channels in, channels out]` -> that of both, and their bias."""
    factors = _factors(norm)
    return [kernel * factors, np.asarray(norm.beta) - np.asarray(norm.moving_mean) * factors]
