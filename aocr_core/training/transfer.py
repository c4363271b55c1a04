"""Begin a training with what another model has learnt, also where it writes other symbols."""

import numpy as np

from aocr_core.charset import FIRST_SYMBOL, Charset
from aocr_core.model.recognizer import AttentionOCR


def transfer(model: AttentionOCR, charset: Charset, source: AttentionOCR, known: Charset) -> int:
    """Copy the weights of a network of the same sizes.

    What belongs to a symbol (its embedding, its row in both heads) goes to the same symbol; one that the source does
    not know keeps the weights it has.

    Args:
        model: The network to fill.
        charset: Its symbols.
        source: The network to copy from.
        known: The source's symbols.

    Returns:
        How many symbols both know.
    """
    shared = sorted(set(charset.symbols) & set(known.symbols))
    special = np.arange(FIRST_SYMBOL)
    ours = np.concatenate([special, [FIRST_SYMBOL + charset.symbols.index(symbol) for symbol in shared]]).astype(int)
    theirs = np.concatenate([special, [FIRST_SYMBOL + known.symbols.index(symbol) for symbol in shared]]).astype(int)
    axes = _symbol_axes(model)
    for weight, given in zip(model.weights, source.weights, strict=True):  # names count up from model to model
        axis = axes.get(weight.path)
        if axis is None:
            weight.assign(given)
            continue
        values = np.moveaxis(weight.numpy(), axis, 0)
        values[ours] = np.moveaxis(given.numpy(), axis, 0)[theirs]
        weight.assign(np.moveaxis(values, 0, axis))
    return len(shared)


def _symbol_axes(model: AttentionOCR) -> dict[str, int]:
    """The weights that have an entry for each symbol, by path, and the axis along which it lies."""
    decoder = model.decoder
    return {
        decoder.embedding.embeddings.path: 0,
        decoder.score.kernel.path: 1,
        decoder.score.bias.path: 0,
        model.ctc.kernel.path: 1,
        model.ctc.bias.path: 0,
    }
