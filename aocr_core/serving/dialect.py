"""TF Serving's REST dialect: what requests and responses look like. No HTTP here, only the JSON.

Source: https://www.tensorflow.org/tfx/serving/api_rest. Of its two request forms the row form (`instances`) is
answered with one prediction per instance, the columnar form (`inputs`) with arrays shaped like the input.
"""

import base64
import binascii
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from aocr_core.serving.answers import RequestError
from aocr_core.serving.versions import Refusal

DEFAULT_SIGNATURE = "serving_default"
INPUT = "input"
"""Name of the only input of each signature."""
SIGNATURE_DATATYPES = {"STRING": "BYTES", "FLOAT": "FP32", "DOUBLE": "FP64", "INT32": "INT32", "INT64": "INT64"}
"""What a signature may give, by TensorFlow's names (`DT_` left out), and what KServe calls it."""
MAX_RANK = 8
SPARE_MARKS = 1000


@dataclass(frozen=True)
class Request:
    """A predict request: `images`, flat, once stood in an array of this `shape` (`()` for a scalar)."""

    signature: str
    images: tuple[bytes, ...]
    shape: tuple[int, ...]
    rows: bool

    def place(self, index: int) -> str:
        """Where the image `index` stood in the request, for error messages: `instances[3]`."""
        return _place("instances" if self.rows else "inputs", self.shape, index)

    def answer(self, outputs: Mapping[str, np.ndarray]) -> dict[str, Any]:
        """The response; `outputs` are the model's, each `[images, ...]`."""
        return predictions(self, outputs)


def parse(body: bytes, max_images: int) -> Request:
    """Read the body of a predict request.

    Raises:
        RequestError: status 400, it is not such a body or has more than `max_images` images.
    """
    document = read_object(body, max_images)
    parameters = document.get("parameters")
    signature = document.get("signature_name", DEFAULT_SIGNATURE)
    if "signature_name" not in document and isinstance(parameters, dict):
        # All that Vertex AI passes on beside the instances.
        signature = parameters.get("signature_name", DEFAULT_SIGNATURE)
    if not isinstance(signature, str):
        raise RequestError(400, "'signature_name' key must be a string value")
    rows, value = _input_array(document)
    leaves, shape = flatten(value, "instances" if rows else "inputs")
    if not leaves:
        raise RequestError(400, f"no images in '{'instances' if rows else 'inputs'}'")
    if len(leaves) > max_images:
        raise RequestError(400, f"{len(leaves)} images in one request; at most {max_images} are allowed")
    request = Request(signature or DEFAULT_SIGNATURE, (), shape, rows)
    images = tuple(_decode(leaf, request.place(index)) for index, leaf in enumerate(leaves))
    return Request(request.signature, images, shape, rows)


def read_object(body: bytes, max_images: int) -> dict[str, Any]:
    """The JSON object of a request.

    Lists and objects are counted before they are built: a body that is nothing but brackets would take thirty times
    its size in memory. A key that is there twice is an error, since each reader would believe another.

    Raises:
        RequestError: status 400.
    """
    if sum(body.count(mark) for mark in (b"[", b"{", b",")) > 2 * MAX_RANK * max_images + SPARE_MARKS:
        raise RequestError(400, f"more lists and objects than {max_images} images need, which is how many are allowed")
    try:
        document = json.loads(body, object_pairs_hook=_no_key_twice)
    except (ValueError, RecursionError) as error:
        raise RequestError(400, f"JSON Parse error: {error}") from error
    if not isinstance(document, dict):
        raise RequestError(400, "the request is not a JSON object")
    return document


def decode_base64(text: str, place: str) -> bytes:
    """The bytes; line breaks in the text and missing padding are no errors, as in TF Serving.

    Raises:
        RequestError: status 400, the message names the `place`.
    """
    try:
        # As bytes: to split a text at its blanks can take twenty times its memory.
        data = text.encode("ascii").translate(None, b" \t\r\n\v\f")
        return base64.b64decode(data + b"=" * (-len(data) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise RequestError(400, f"{place}: Unable to base64 decode") from error


def flatten(value: Any, place: str, depth: int = 0) -> tuple[list[Any], tuple[int, ...]]:
    """The leaves of nested lists, and the lists' shape.

    Raises:
        RequestError: status 400, they are nested too deep or do not form a regular array.
    """
    if not isinstance(value, list):
        return [value], ()
    if depth == MAX_RANK:
        raise RequestError(400, f"{place}: lists nested deeper than {MAX_RANK} levels")
    parts = [flatten(item, place, depth + 1) for item in value]
    shapes = {shape for _, shape in parts}
    if len(shapes) > 1:
        raise RequestError(400, f"{place}: the images do not form a regular array")
    return [leaf for leaves, _ in parts for leaf in leaves], (len(value), *(shapes.pop() if shapes else ()))


def predictions(request: Request, outputs: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """The response to a predict request.

    Args:
        request: What was asked.
        outputs: The model's answer, each array `[images, ...]`.
    """
    columns = {name: as_json(array.reshape(request.shape + array.shape[1:])) for name, array in outputs.items()}
    if not request.rows:
        return {"outputs": columns}
    return {"predictions": [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]}


def version_status(version: int, refusal: Refusal | None = None) -> dict[str, Any]:
    """State of one version: serving, or refused for a reason."""
    status = {"error_code": "INTERNAL", "error_message": refusal.reason} if refusal else _OK
    return {"version": str(version), "state": "END" if refusal else "AVAILABLE", "status": status}


def metadata(name: str, version: int, signature_definitions: dict[str, Any]) -> dict[str, Any]:
    """The response to `/metadata`."""
    return {
        "model_spec": {"name": name, "signature_name": "", "version": str(version)},
        "metadata": {"signature_def": {"signature_def": signature_definitions}},
    }


_OK = {"error_code": "OK", "error_message": ""}


def _input_array(document: dict[str, Any]) -> tuple[bool, Any]:
    """Whether the request is in row form, and its array of images with the name of the input taken off."""
    if "instances" in document and "inputs" in document:
        raise RequestError(400, "expecting only one of 'inputs' or 'instances' keys to exist")
    if "inputs" in document:
        return False, _unnamed(document["inputs"], "inputs")
    if "instances" not in document:
        raise RequestError(400, "Missing 'inputs' or 'instances' key")
    instances = document["instances"]
    if not isinstance(instances, list):
        raise RequestError(400, "Expecting 'instances' to be a list")
    return True, [_unnamed(item, f"instances[{index}]") for index, item in enumerate(instances)]


def _unnamed(value: Any, place: str) -> Any:
    """`{"input": X}` -> X; the name may be left out because there is only one input."""
    if not isinstance(value, dict) or "b64" in value:
        return value
    if set(value) != {INPUT}:
        raise RequestError(400, f"{place}: keys must be equal to: {INPUT} (got: {', '.join(value) or 'none'})")
    return value[INPUT]


def _decode(value: Any, place: str) -> bytes:
    if not (isinstance(value, dict) and set(value) == {"b64"} and isinstance(value["b64"], str)):
        raise RequestError(400, f'{place}: expected an image as {{"b64": "<base64>"}}')
    return decode_base64(value["b64"], place)


def _no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        ((key, _),) = Counter(key for key, _ in pairs).most_common(1)
        raise ValueError(f"duplicate key {key!r}")
    return document


def _place(key: str, shape: tuple[int, ...], index: int) -> str:
    return key + "".join(f"[{position}]" for position in np.unravel_index(index, shape)) if shape else key


def as_json(array: np.ndarray) -> Any:
    """Nested lists (or a scalar); UTF-8 bytes become text, floats are as short as their precision allows."""
    if array.dtype == object:
        return np.vectorize(lambda text: text.decode("utf-8", "replace"), otypes=[object])(array).tolist()
    if array.dtype == np.float32:
        if array.ndim > 1:
            # Row by row: as text a number takes 128 bytes, and other threads stand still meanwhile.
            return [as_json(row) for row in array]
        return array.astype(str).astype(np.float64).tolist()
    return array.tolist()
