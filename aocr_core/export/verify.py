"""An export is accepted only if it reads as the checkpoint does."""

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from aocr_core.errors import AocrError

Read = Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]
"""Encoded images, strings of any shape -> texts and probabilities of the same shape."""

TOLERANCE = 1e-4
"""Greatest difference of probabilities: the same arithmetic, in another order. (An image of which CTC is sure to just
90 %, to a millionth, might be read by another head; then other images have to be verified with.)
"""


def compare(reference: Read, exported: Read, images: Sequence[bytes]) -> None:
    """Read images with both, as a batch and one by one as scalars.

    Args:
        reference: The model that was trained.
        exported: The export, loaded anew from disk.
        images: Encoded images.

    Raises:
        AocrError: they differ; the message says how.
    """
    batch = tf.constant(list(images))
    texts, probabilities = (value.numpy() for value in reference(batch))
    for name, given, want in (
        ("a batch", batch, (texts, probabilities)),
        ("a single image", batch[0], (texts[0], probabilities[0])),
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
