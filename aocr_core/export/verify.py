"""An export is accepted only if it reads as the checkpoint does."""

import io
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import tensorflow as tf
from PIL import Image

from aocr_core.data import preprocess
from aocr_core.data.preprocess import WIDTH_STEP
from aocr_core.errors import AocrError
from aocr_core.export import read
from aocr_core.export.signatures import ReadingGraph

Read = Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]
"""Encoded images, strings of any shape -> texts and probabilities of the same shape."""

Details = Callable[[tf.Tensor], Mapping[str, tf.Tensor]]
"""Encoded images `[batch]` -> what the signature `details` gives."""

TOLERANCE = 1e-4
"""Greatest difference of probabilities: the same arithmetic, in another order. (An image of which CTC is sure to just
90 %, to a millionth, might be read by another head; then other images have to be verified with.)
"""

PORTABLE_TOLERANCE = 1e-3
"""The same in another runtime: its own exponential and hyperbolic functions, and CTC's sum over all paths step by step
in float32, where TensorFlow has an operation for it. Measured on real images (benchmarks/formats.py) the difference is
smaller by two orders of magnitude; what a wrong weight or a missing mask does is larger by as many.
"""

SURE = 0.9
"""Probability of a text that does not become another where pixels are a few levels off."""

PIXEL_TOLERANCE = 1
"""Levels of 255 by which a pixel may be off: rounding."""


def compare(reference: Read, exported: Read, images: Sequence[bytes]) -> tuple[list[str], list[float]]:
    """Read images with both, as a batch and one by one as scalars.

    Args:
        reference: The model that was trained.
        exported: The export, loaded anew from disk.
        images: Encoded images.

    Returns:
        The texts that both read, and their probabilities.

    Raises:
        AocrError: they differ; the message says how.
    """
    batch = tf.constant(list(images))
    texts, probabilities = (value.numpy() for value in reference(batch))
    for name, given, want in (
        ("a batch", batch, (texts, probabilities)),
        *(("a single image", batch[row], (texts[row], probabilities[row])) for row in range(len(images))),
        ("a column of images", batch[:, None], (texts[:, None], probabilities[:, None])),
    ):
        found_texts, found_probabilities = (np.asarray(value) for value in exported(given))
        if np.shape(found_texts) != np.shape(want[0]):
            raise AocrError(f"the export answers {name} in the shape {np.shape(found_texts)}, not {np.shape(want[0])}")
        if not np.array_equal(found_texts, want[0]):
            raise AocrError(f"the export reads {name} otherwise than the checkpoint: {found_texts} against {want[0]}")
        difference = float(np.max(np.abs(found_probabilities - want[1])))
        if not difference <= TOLERANCE:
            raise AocrError(f"the export's probabilities for {name} differ from the checkpoint's by {difference:.2g}")
    return [text.decode() for text in texts], [float(probability) for probability in probabilities]


def compare_details(reference: Details, exported: Details, images: Sequence[bytes]) -> None:
    """Read images with both signatures `details`, as a batch.

    Raises:
        AocrError: texts, symbols, or their probabilities differ; the message says how.
    """
    batch = tf.constant(list(images))
    wanted, found = ({name: value.numpy() for name, value in read(batch).items()} for read in (reference, exported))
    for name in ("output", "symbols"):
        if not np.array_equal(found[name], wanted[name]):
            raise AocrError(
                f"the export's {name} in `details` are not the checkpoint's: {found[name]} against {wanted[name]}"
            )
    for name in ("probability", "symbol_probabilities"):
        if np.shape(found[name]) != np.shape(wanted[name]):
            raise AocrError(f"the export's {name} in `details` has the shape {np.shape(found[name])}")
        difference = float(np.max(np.abs(found[name] - wanted[name])))
        if not difference <= TOLERANCE:
            raise AocrError(f"the export's {name} in `details` differs from the checkpoint's by {difference:.2g}")


def compare_portable(checkpoint: ReadingGraph, reader: read.Reader, images: Sequence[bytes]) -> None:
    """Have another runtime read what the checkpoint reads: the same pixels, one image at a time, with more padding, and
    as a batch where it takes one. The pixels that its reader makes of the files must be the same but for rounding, and
    the texts that it reads in the files the same, if the checkpoint is sure of them.

    Args:
        checkpoint: The model that was trained.
        reader: The export, loaded anew from disk.
        images: Encoded images.

    Raises:
        AocrError: they differ; the message says how.
    """
    spec = checkpoint.config.image
    answer = checkpoint.serve(tf.constant(list(images)))
    texts, probabilities = [text.decode() for text in answer["output"].numpy()], answer["probability"].numpy()
    for place, image in enumerate(images):
        prepared = read.prepare(Image.open(io.BytesIO(image)), reader.about["image"])
        apart = _same_pixels(prepared, preprocess.prepare(tf.constant(image), spec).numpy())
        pixels, widths = (value.numpy() for value in preprocess.prepare_batch(tf.constant([image]), spec))
        for more in (0, 2 * WIDTH_STEP):
            padded = np.pad(pixels, [(0, 0), (0, 0), (0, more), (0, 0)], constant_values=1.0)
            found = reader.run(padded, widths)
            _same_readings(found, texts[place : place + 1], probabilities[place : place + 1], "a single image")
        if not apart or probabilities[place] >= SURE:
            _same_text(reader.read(Image.open(io.BytesIO(image))), texts[place])
    if reader.about["inputs"]["widths"]["shape"] == [None]:
        pixels, widths = (value.numpy() for value in preprocess.prepare_batch(tf.constant(list(images)), spec))
        _same_readings(reader.run(pixels, widths), texts, probabilities, "a batch")


def _same_pixels(found: np.ndarray, wanted: np.ndarray) -> int:
    """How many levels they are apart at most."""
    if found.shape != wanted.shape:
        raise AocrError(f"the export's reader prepares an image in the shape {found.shape}, not {wanted.shape}")
    if (apart := int(np.max(np.abs(found.astype(int) - wanted)))) > PIXEL_TOLERANCE:
        raise AocrError(f"the export's reader prepares an image with pixels that are {apart} of 255 levels off")
    return apart


def _same_text(found: tuple[str, float], wanted: str) -> None:
    if found[0] != wanted:
        raise AocrError(f"the export's reader reads an image file as {found[0]!r}, the checkpoint as {wanted!r}")


def _same_readings(found: list[tuple[str, float]], texts: list[str], probabilities: np.ndarray, name: str) -> None:
    found_texts = [text for text, _ in found]
    if found_texts != texts:
        raise AocrError(f"the export reads {name} otherwise than the checkpoint: {found_texts} against {texts}")
    difference = float(np.max(np.abs(np.array([probability for _, probability in found]) - probabilities)))
    if not difference <= PORTABLE_TOLERANCE:
        raise AocrError(f"the export's probabilities for {name} differ from the checkpoint's by {difference:.2g}")
