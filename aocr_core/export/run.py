"""`export`: from a model directory to a verified export."""

import logging
import random
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, NamedTuple

import tensorflow as tf

from aocr_core import exports, smoke, storage
from aocr_core.config import ReadOptions
from aocr_core.errors import AocrError
from aocr_core.export import frozen_graph, probes, read, saved_model, verify
from aocr_core.export.signatures import ReadingGraph

logger = logging.getLogger(__name__)

ATTEMPTS = 10
LONGEST_PAUSE = 1.0
"""Seconds between two attempts to get a version's number."""

Format = Literal["savedmodel", "frozengraph", "litert", "onnx"]


class Job(NamedTuple):
    """What is exported, and what the export is compared with."""

    graph: ReadingGraph
    """With fewer operations than the checkpoint's."""
    checkpoint: ReadingGraph
    images: Sequence[bytes]


def export(
    directory: str,
    output: str,
    format: Format = "savedmodel",
    images: Sequence[bytes] = (),
    reading: ReadOptions | None = None,
) -> str:
    """Export a trained model. What does not read as the checkpoint does is not written.

    Args:
        directory: The model directory.
        output: Where to write. A SavedModel goes into `OUTPUT/<version>/`, one above the highest version there; a
            frozen graph is `OUTPUT/frozen_graph.pb`; LiteRT and ONNX are the folders `OUTPUT/litert` and `OUTPUT/onnx`.
        format: `savedmodel`, `frozengraph`, `litert` or `onnx`.
        images: Plain images to verify with, besides those that are drawn; none: those that the training has left in
            the model directory. A SavedModel takes some of them along, to be tried with where it serves (see
            `aocr_core.smoke`).
        reading: How the export is to read.

    Returns:
        The folder or file that was written.

    Raises:
        AocrError: there is no usable model, a package is missing, or the export differs from the model.
    """
    write = {"savedmodel": _saved_model, "frozengraph": _frozen_graph, "litert": _litert, "onnx": _onnx}[format]
    _require(*{"litert": ["ai_edge_litert"], "onnx": ["onnxruntime", "tf2onnx"]}.get(format, []))
    checkpoint = ReadingGraph.load(directory, reading)
    probed = [*probes.draw(checkpoint.config), *(images or probes.of_model(directory))]
    target = write(Job(checkpoint.folded(), checkpoint, probed), output)
    logger.info("exported and verified: %s", target)
    return target


def _require(*packages: str) -> None:
    if missing := [package for package in packages if find_spec(package) is None]:
        raise AocrError(f"this format needs {' and '.join(missing)}; run: pip install 'aocr-pipeline[export]'")


def _pair(serve: Callable[[tf.Tensor], dict[str, tf.Tensor]]) -> verify.Read:
    def both(encoded: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        outputs = serve(encoded)
        return outputs["output"], outputs["probability"]

    return both


def _saved_model(job: Job, output: str) -> str:
    with tempfile.TemporaryDirectory(prefix="aocr-export-") as scratch:
        built = Path(scratch) / "version"
        saved_model.write(job.graph, built)
        loaded = tf.saved_model.load(str(built))
        found = verify.compare(_pair(job.checkpoint.serve), _pair(loaded.signatures["serving_default"]), job.images)
        verify.compare_details(job.checkpoint.details, loaded.signatures["details"], job.images)
        smoke.write(built, map(smoke.Known, job.images, *found))
        return _publish(built, output)


def _publish(built: Path, output: str) -> str:
    """As the next version; others that are exported at the same time get other numbers."""
    for _ in range(ATTEMPTS - 1):
        try:
            return exports.publish(built, output)
        except storage.TakenError:
            time.sleep(random.uniform(0, LONGEST_PAUSE))  # in a bucket two may get into each other's way
    return exports.publish(built, output)


def _frozen_graph(job: Job, output: str) -> str:
    target = storage.join(output, frozen_graph.FILE)
    with tempfile.TemporaryDirectory(prefix="aocr-export-") as scratch:
        frozen_graph.write(job.graph, Path(scratch))
        built = Path(scratch) / frozen_graph.FILE
        verify.compare(_pair(job.checkpoint.serve), frozen_graph.FrozenReader(built), job.images)
        storage.write_bytes(target, built.read_bytes())
    return target


def _litert(job: Job, output: str) -> str:
    from aocr_core.export import litert

    return _portable(job, storage.join(output, "litert"), litert.write)


def _onnx(job: Job, output: str) -> str:
    from aocr_core.export import onnx

    return _portable(job, storage.join(output, "onnx"), onnx.write)


def _portable(job: Job, target: str, write: Callable[[ReadingGraph, Path], None]) -> str:
    with tempfile.TemporaryDirectory(prefix="aocr-export-") as scratch:
        built = Path(scratch)
        write(job.graph, built)
        verify.compare_portable(job.checkpoint, read.Reader(built), job.images)
        with storage.output_dir(target) as folder:
            _move_into(built, folder)
    return target


def _move_into(source: Path, folder: Path) -> None:
    """Move the contents of one folder into another, which exists, perhaps on another disk."""
    for child in source.iterdir():
        shutil.move(child, folder / child.name)
