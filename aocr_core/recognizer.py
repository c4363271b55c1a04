"""The Python door: load a model or an export, read images.

from aocr_core import Recognizer
for reading in Recognizer.load("checkpoints").read(["a.png", "b.jpg"]):
    print(reading.text, reading.probability)
"""

import json
from collections.abc import Callable, Sequence
from itertools import islice
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from PIL import Image

from aocr_core import exports, model_dir, storage
from aocr_core.charset import Charset
from aocr_core.config import ReadOptions
from aocr_core.data.images import ImageError, from_any
from aocr_core.errors import AocrError, UsageError
from aocr_core.model_dir import ModelConfig
from aocr_core.reading import Reading

Signature = Callable[..., dict[str, tf.Tensor]]


class Recognizer:
    """A trained model, ready to read. Create it with `load`."""

    def __init__(self, serve: Signature, details: Signature, config: ModelConfig) -> None:
        self._serve = serve
        self._details = details
        self.config = config

    @property
    def charset(self) -> Charset:
        """The symbols the model can write."""
        return self.config.charset

    @classmethod
    def load(cls, path: str | Path, reading: ReadOptions | None = None) -> "Recognizer":
        """Load a model directory, an export, or the newest version in an export's base directory.

        Args:
            path: Local, or `gs://…`.
            reading: How a model directory's model is to read. An export reads as it was exported.

        Raises:
            AocrError: there is no usable model, or one that cannot read like that.
        """
        path = str(path)
        if storage.exists(storage.join(path, model_dir.CONFIG)):
            from aocr_core.export.signatures import ReadingGraph

            graph = ReadingGraph.load(path, reading).folded()
            return cls(graph.serve, graph.details, graph.config)
        if not storage.exists(path):
            raise UsageError(f"there is no model at {path}: train one with `aocr train`, or name another place")
        if reading is not None and reading.model_fields_set:
            raise UsageError(f"{path} is an export, which reads as it was exported: name the model directory instead")
        newest = exports.newest(path)
        with storage.local_copy(newest[1] if newest else path) as local:
            return cls._from_saved_model(local)

    @classmethod
    def _from_saved_model(cls, path: Path) -> "Recognizer":
        config = path / "assets" / model_dir.CONFIG
        if not exports.is_complete(str(path)):
            raise AocrError(
                f"{path} holds neither a model directory ({model_dir.CONFIG}) nor an export ({exports.GRAPH_FILE})"
            )
        try:
            loaded = tf.saved_model.load(str(path))
            signatures = loaded.signatures
            recognizer = cls(
                signatures["serving_default"],
                signatures["details"],
                ModelConfig.model_validate(json.loads(config.read_bytes())),
            )
        except (OSError, ValueError, KeyError, tf.errors.OpError) as error:
            raise AocrError(f"cannot load the export {path}: {str(error).splitlines()[0]}") from error
        recognizer._keep = loaded  # the signatures do not keep the variables alive
        return recognizer

    _keep: Any = None

    def read(self, images: Any, attention: bool = False, batch_size: int = 64) -> list[Reading]:
        """Read images.

        Args:
            images: Paths, encoded bytes, PIL images, or arrays `[height, width]` or `[height, width, 1 | 3 | 4]` of
                8 bits; any iterable of them, a batch as one array of one more dimension, or a single one (which gives
                a list as well).
            attention: Also give symbols, their probabilities and the attention.
            batch_size: Images read at a time.

        Raises:
            AocrError: an image cannot be read; the message names it.
        """
        several = [images] if _is_single(images) else images
        plain = (_plain(position, image) for position, image in enumerate(several))
        readings: list[Reading] = []
        while batch := list(islice(plain, batch_size)):
            readings += self.read_plain(batch, attention=attention)
        return readings

    def read_plain(self, encoded: Sequence[bytes], attention: bool = False) -> list[Reading]:
        """Read one batch of images that `aocr_core.data.images` has already made plain."""
        if not encoded:
            return []
        strings = tf.constant(list(encoded))
        if not attention:
            outputs = {name: value.numpy() for name, value in self._serve(strings).items()}
            pairs = zip(outputs["output"], outputs["probability"], strict=True)
            return [Reading(text.decode(), float(probability)) for text, probability in pairs]
        outputs = {name: value.numpy() for name, value in self._details(strings).items()}
        return [_reading({name: value[row] for name, value in outputs.items()}) for row in range(len(encoded))]


def _is_single(images: Any) -> bool:
    """Whether this is one image, where several may stand."""
    if isinstance(images, np.ndarray):
        return images.ndim == 2 or (images.ndim == 3 and images.shape[2] in (1, 3, 4))
    return isinstance(images, str | bytes | PathLike | Image.Image)


def _plain(position: int, image: Any) -> bytes:
    try:
        return from_any(image).data
    except ImageError as error:
        name = str(image) if isinstance(image, str | PathLike) else f"image {position}"
        raise AocrError(f"{name}: {error}") from error


def _reading(row: dict[str, Any]) -> Reading:
    return Reading.from_details(
        row["output"].decode(),
        row["probability"],
        [symbol.decode() for symbol in row["symbols"]],
        row["symbol_probabilities"],
        row["attention"],
        row["time_steps"],
    )
