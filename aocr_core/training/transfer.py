"""Begin a training with what another model has learnt, also where it writes other symbols."""

from dataclasses import dataclass

import numpy as np

from aocr_core import model_dir
from aocr_core.charset import FIRST_SYMBOL, Charset
from aocr_core.errors import AocrError
from aocr_core.model.recognizer import AttentionOCR
from aocr_core.model_dir import ModelConfig


@dataclass(frozen=True)
class Source:
    """A model to begin with, in memory: its directory may be the one that is trained in anew."""

    place: str
    model: AttentionOCR
    config: ModelConfig

    @classmethod
    def load(cls, place: str) -> "Source":
        """Read a model directory.

        Raises:
            AocrError: there is no usable model.
        """
        return cls(place, *model_dir.load_model(place))


def source_of(wanted: str | None, existing: ModelConfig | None, under_way: bool) -> Source | None:
    """The model that a training begins with; None if with none, or if it has begun.

    Args:
        wanted: `--init-from`, if given.
        existing: Configuration of the training that is resumed.
        under_way: Whether that has a checkpoint to go on from. Before its first, it begins once more as it had begun.

    Raises:
        AocrError: there is no usable model, or it is too late to begin with it.
    """
    before = existing.training.init_from if existing else None
    if under_way:
        if wanted and wanted != before:
            raise AocrError(
                f"the training in the model directory has begun without {wanted}: start anew with --no-resume, or name "
                "another --model-dir"
            )
        return None
    place = wanted or before
    return Source.load(place) if place else None


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
