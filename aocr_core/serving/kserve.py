"""KServe's V2 inference protocol: what requests and responses look like, in JSON only.

Source: https://kserve.github.io/website/docs/concepts/architecture/data-plane/v2-protocol. A model has one input,
named `input`, of datatype BYTES. JSON has no bytes, so an image is its base64 text, as under `content_type: base64`
elsewhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from aocr_core.serving import dialect
from aocr_core.serving.answers import RequestError
from aocr_core.serving.dialect import DEFAULT_SIGNATURE, INPUT, SIGNATURE_DATATYPES

DATATYPES = {"object": "BYTES", "float32": "FP32", "float64": "FP64", "int32": "INT32", "int64": "INT64"}
"""By numpy's names."""


@dataclass(frozen=True)
class Request:
    """An inference request."""

    model: str
    version: int
    id: str | None
    signature: str
    images: tuple[bytes, ...]
    shape: tuple[int, ...]
    outputs: tuple[str, ...] | None
    """Names of those that are wanted, None for all."""

    def place(self, index: int) -> str:
        """Where the image `index` stood in the request."""
        return f"inputs[0].data[{index}]"

    def answer(self, outputs: Mapping[str, np.ndarray]) -> dict[str, Any]:
        """The response; `outputs` are the model's, each `[images, ...]`."""
        names = self.outputs if self.outputs is not None else tuple(outputs)
        for name in names:
            if name not in outputs:
                raise RequestError(400, f"outputs: the model has no output {name!r}")
        document: dict[str, Any] = {"model_name": self.model, "model_version": str(self.version)}
        if self.id is not None:
            document["id"] = self.id
        return document | {"outputs": [_tensor(name, outputs[name], self.shape) for name in names]}


def parse(body: bytes, max_images: int, model: str, version: int) -> Request:
    """Read the body of an inference request.

    Raises:
        RequestError: status 400, it is not such a body or has more than `max_images` images.
    """
    document = dialect.read_object(body, max_images)
    id_, parameters = document.get("id"), document.get("parameters", {})
    if not isinstance(id_, str | None):
        raise RequestError(400, "'id' must be a string")
    if not isinstance(parameters, dict):
        raise RequestError(400, "'parameters' must be an object")
    signature = parameters.get("signature_name", DEFAULT_SIGNATURE)
    if not isinstance(signature, str):
        raise RequestError(400, "parameters: 'signature_name' must be a string")
    images, shape = _images(document.get("inputs"), max_images)
    return Request(model, version, id_, signature, images, shape, _wanted(document.get("outputs")))


def metadata(name: str, version: int, signatures: Mapping[str, Any]) -> dict[str, Any]:
    """What a model takes and gives; `signatures` are those of TF Serving's metadata."""
    definition = signatures[DEFAULT_SIGNATURE]
    return {
        "name": name,
        "versions": [str(version)],
        "platform": "tensorflow_savedmodel",
        "inputs": [{"name": INPUT, "datatype": "BYTES", "shape": [-1]}],
        "outputs": [
            {"name": output, "datatype": SIGNATURE_DATATYPES[tensor["dtype"].removeprefix("DT_")], "shape": [-1]}
            for output, tensor in sorted(definition["outputs"].items())
        ],
    }


def _images(inputs: Any, max_images: int) -> tuple[tuple[bytes, ...], tuple[int, ...]]:
    if not isinstance(inputs, list) or len(inputs) != 1 or not isinstance(inputs[0], dict):
        raise RequestError(400, f"'inputs' must be a list of one tensor, named {INPUT!r}")
    (tensor,) = inputs
    if tensor.get("name") != INPUT:
        raise RequestError(400, f"inputs[0]: the model's only input is {INPUT!r}")
    if tensor.get("datatype") != "BYTES":
        raise RequestError(400, "inputs[0]: the datatype must be BYTES")
    parameters = tensor.get("parameters", {})
    if not isinstance(parameters, dict) or parameters.get("content_type", "base64") != "base64":
        raise RequestError(400, "inputs[0]: images come as base64 (content_type base64), in JSON")
    shape = tensor.get("shape")
    if not isinstance(shape, list) or len(shape) > dialect.MAX_RANK or not all(map(_is_size, shape)):
        raise RequestError(400, f"inputs[0]: 'shape' must be a list of up to {dialect.MAX_RANK} sizes")
    data, nested = dialect.flatten(tensor.get("data"), "inputs[0].data")
    if nested not in (tuple(shape), (len(data),)) or len(data) != int(np.prod(shape, dtype=object)):
        raise RequestError(400, f"inputs[0]: {len(data)} images in 'data' do not fill the shape {shape}")
    if not data:
        raise RequestError(400, "no images in inputs[0]")
    if len(data) > max_images:
        raise RequestError(400, f"{len(data)} images in one request; at most {max_images} are allowed")
    for index, text in enumerate(data):
        if not isinstance(text, str):
            raise RequestError(400, f"inputs[0].data[{index}]: expected an image as base64 text")
    images = tuple(dialect.decode_base64(text, f"inputs[0].data[{index}]") for index, text in enumerate(data))
    return images, tuple(shape)


def _is_size(value: Any) -> bool:
    return type(value) is int and value >= 0


def _wanted(outputs: Any) -> tuple[str, ...] | None:
    if outputs is None or outputs == []:
        return None
    named = isinstance(outputs, list) and all(isinstance(o, dict) and isinstance(o.get("name"), str) for o in outputs)
    if not named:
        raise RequestError(400, "'outputs' must be a list of objects with a 'name'")
    names = tuple(output["name"] for output in outputs)
    if len(set(names)) != len(names):  # a small request must not ask for the same thousands of times
        raise RequestError(400, "'outputs' names an output twice")
    return names


def _tensor(name: str, array: np.ndarray, shape: tuple[int, ...]) -> dict[str, Any]:
    shape = shape + array.shape[1:]
    return {
        "name": name,
        "datatype": DATATYPES[array.dtype.name],
        "shape": list(shape),
        # Image by image: see `as_json`.
        "data": [value for one in array.reshape(len(array), -1) for value in dialect.as_json(one)],
    }
