"""An exported model in memory."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from google.protobuf import json_format
from tensorflow.core.protobuf import saved_model_pb2

from aocr_core import exports, smoke
from aocr_core.config import Precision
from aocr_core.data.images import ImageError
from aocr_core.errors import AocrError
from aocr_core.precision import read_in
from aocr_core.serving.dialect import DEFAULT_SIGNATURE, INPUT, SIGNATURE_DATATYPES

OUTPUTS = {"output", "probability"}
"""Of each signature: one value for each image."""
PARTS = ("inputs", "outputs")


def load(folder: Path, batch: int = 1, precision: Precision = "float32") -> "Model":
    """Load a SavedModel and run each signature, so that the first request is not the slow one.

    Args:
        folder: Of one version.
        batch: Images of the largest batch that it will be given.
        precision: In which it reads (resolved), whatever thread asks and whatever other models read in.

    Raises:
        AocrError: the folder is damaged, or holds a model that does not answer as ours do, or not as it did when it was
            exported.
    """
    try:
        model = Model(folder, precision)
        model.warm_up(batch)
        model.try_out(smoke.find(str(folder)))
    # TensorFlow reports a damaged SavedModel with half a dozen unrelated exceptions, protobuf adds its own.
    except Exception as error:
        reason = str(error).strip().split("\n")[0] or type(error).__name__
        raise AocrError(f"cannot load the model in {folder}: {reason}") from error
    return model


class Model:
    """A SavedModel's signatures, called with encoded images.

    Attributes:
        metadata: The signature definitions as TF Serving's `/metadata` shows them.
    """

    def __init__(self, folder: Path, precision: Precision = "float32") -> None:
        self._precision = precision
        # The signatures do not keep the object alive whose variables they use.
        self._root = tf.saved_model.load(str(folder))
        self._signatures: dict[str, Any] = dict(self._root.signatures)
        self.metadata = _signature_definitions(folder)
        for name in {DEFAULT_SIGNATURE, *self._signatures}:
            _check(name, self.metadata.get(name, {}))

    @property
    def signatures(self) -> set[str]:
        """Names of the signatures that can be asked for."""
        return set(self._signatures)

    def run(self, images: list[bytes], signature: str = DEFAULT_SIGNATURE) -> dict[str, np.ndarray]:
        """Read images.

        Args:
            images: Encoded images that the graph decodes faithfully (see `aocr_core.data.images`), at least one.
            signature: `serving_default` or `details`.

        Returns:
            The signature's outputs, each `[images, ...]`; texts are UTF-8 bytes.

        Raises:
            ImageError: one of the images is none for TensorFlow.
        """
        try:
            return self._run(images, signature)
        except tf.errors.InvalidArgumentError as error:
            raise ImageError("not readable by the model") from error

    def warm_up(self, batch: int = 1) -> None:
        """Run every signature on a blank image, and the one that is served in batches on as many as they hold.

        Raises:
            AocrError: not every image gets its answer.
        """
        blank = tf.io.encode_png(tf.fill([32, 128, 1], tf.constant(255, tf.uint8))).numpy()
        for signature in self._signatures:
            for output, array in self._run([blank], signature).items():
                scalar = output in OUTPUTS
                if array.shape[:1] != (1,) or (scalar and array.ndim > 1):
                    wanted = "one value" if scalar else "a row"
                    raise AocrError(f"its signature {signature} does not give {wanted} of {output} for each image")
        found = len(self._run([blank] * batch, DEFAULT_SIGNATURE)["output"])
        if found != batch:
            raise AocrError(f"it answers {batch} images with {found} texts")

    def try_out(self, known: Sequence[smoke.Known]) -> None:
        """Read images of which it is known what is in them.

        Raises:
            AocrError: it reads another text in one.
        """
        if not known:
            return
        texts = [text.decode() for text in self.run([one.image for one in known])["output"]]
        for text, one in zip(texts, known, strict=True):
            if text != one.text:
                raise AocrError(f"it reads {text!r} where it read {one.text!r} when it was exported")

    def _run(self, images: list[bytes], signature: str) -> dict[str, np.ndarray]:
        read_in(self._precision)
        outputs = self._signatures[signature](**{INPUT: tf.constant(images)})
        return {name: outputs[name].numpy() for name in sorted(outputs)}


def _check(name: str, definition: Mapping[str, Any]) -> None:
    """Refuse a signature that takes or gives something else than ours do, before somebody asks for it."""
    inputs, outputs = ({key: tensor["dtype"] for key, tensor in definition.get(part, {}).items()} for part in PARTS)
    if missing := sorted(OUTPUTS - set(outputs)):
        raise AocrError(f"its signature {name} does not give {' and '.join(missing)}")
    if inputs != {INPUT: "DT_STRING"}:
        raise AocrError(f"its signature {name} takes something else than strings named {INPUT}")
    for output, kind in outputs.items():
        if kind.removeprefix("DT_") not in SIGNATURE_DATATYPES:
            raise AocrError(f"its signature {name} gives {output} as {kind}, which the answers have no form for")
    if outputs["output"] != "DT_STRING" or outputs["probability"] not in ("DT_FLOAT", "DT_DOUBLE"):
        raise AocrError(f"its signature {name} does not give texts as output and numbers as probability")


def _signature_definitions(folder: Path) -> dict[str, Any]:
    saved = saved_model_pb2.SavedModel.FromString((folder / exports.GRAPH_FILE).read_bytes())
    return {
        name: json_format.MessageToDict(
            definition, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
        )
        for name, definition in saved.meta_graphs[0].signature_def.items()
    }
