"""`export`: from a model directory to a verified export."""

import logging
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import tensorflow as tf

from aocr_core import exports, storage
from aocr_core.config import ReadOptions
from aocr_core.export import frozen_graph, probes, saved_model
from aocr_core.export.signatures import ReadingGraph
from aocr_core.export.verify import Read, compare

logger = logging.getLogger(__name__)

Format = Literal["savedmodel", "frozengraph"]
Verify = Callable[[Read], None]
"""Raises `AocrError` where an export reads otherwise than the checkpoint."""


def export(
    directory: str,
    output: str,
    format: Format = "savedmodel",
    images: Sequence[bytes] | None = None,
    reading: ReadOptions | None = None,
) -> str:
    """Export a trained model. What does not read as the checkpoint does is not written.

    Args:
        directory: The model directory.
        output: Where to write. A SavedModel goes into `OUTPUT/<version>/`, one above the highest version there; a
            frozen graph is `OUTPUT/frozen_graph.pb`.
        format: `savedmodel` or `frozengraph`.
        images: Plain images to verify with; None draws some.
        reading: How the export is to read.

    Returns:
        The folder or file that was written.

    Raises:
        AocrError: there is no usable model, or the export differs from it.
    """
    checkpoint = ReadingGraph.load(directory, reading)
    probe = images or probes.draw(checkpoint.config)

    def verify(exported: Read) -> None:
        compare(_pair(checkpoint.serve), exported, probe)

    write = _frozen_graph if format == "frozengraph" else _saved_model
    return write(checkpoint.folded(), output, verify)


def _pair(read: Callable[[tf.Tensor], dict[str, tf.Tensor]]) -> Read:
    def both(encoded: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        outputs = read(encoded)
        return outputs["output"], outputs["probability"]

    return both


def _saved_model(graph: ReadingGraph, output: str, verify: Verify) -> str:
    version = str(exports.next_number(output))
    target = storage.join(output, version)
    with tempfile.TemporaryDirectory(prefix="aocr-export-") as scratch:
        built = Path(scratch) / version
        saved_model.write(graph, built)
        loaded = tf.saved_model.load(str(built))
        verify(_pair(loaded.signatures["serving_default"]))
        with storage.output_dir(target) as folder:
            _move_into(built, folder)
    logger.info("exported and verified: %s", target)
    return target


def _frozen_graph(graph: ReadingGraph, output: str, verify: Verify) -> str:
    target = storage.join(output, frozen_graph.FILE)
    with tempfile.TemporaryDirectory(prefix="aocr-export-") as scratch:
        frozen_graph.write(graph, Path(scratch))
        built = Path(scratch) / frozen_graph.FILE
        verify(frozen_graph.FrozenReader(built))
        storage.write_bytes(target, built.read_bytes())
    logger.info("exported and verified: %s", target)
    return target


def _move_into(source: Path, folder: Path) -> None:
    """Move the contents of one folder into another, which exists."""
    for child in source.iterdir():
        child.replace(folder / child.name)
