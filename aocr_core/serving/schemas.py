"""What requests and answers look like, for `/openapi.json`. The routes read their bodies themselves: see `dialect`."""

from collections.abc import Mapping
from typing import Any

Schema = dict[str, Any]


def _object(properties: Mapping[str, Any], required: list[str] | None = None, **more: Any) -> Schema:
    needed = list(properties) if required is None else required
    return {"type": "object", "properties": dict(properties), "required": needed, **more}


def _list(items: Any, **more: Any) -> Schema:
    return {"type": "array", "items": items, **more}


TEXT: Schema = {"type": "string"}
FLAG: Schema = {"type": "boolean"}
NUMBERS: Schema = {"type": "string", "pattern": "^[0-9]+$"}
EXAMPLE = (
    "iVBORw0KGgoAAAANSUhEUgAAABgAAAAKAQAAAACGEqPFAAAAI0lEQVR42i3JoREAMAgEsPD7"
    "L8VMrQeDzKWGIL95M3FGtLpft2wHdpsh4+IAAAAASUVORK5CYII="
)
"""A small picture."""
ERROR = _object({"error": TEXT})
_B64: Schema = {"type": "string", "contentEncoding": "base64"}

IMAGE = _object({"b64": _B64}, description="An encoded image: PNG, JPEG, GIF, BMP, TIFF, WebP, PPM, JPEG 2000.")
IMAGE["additionalProperties"] = False
_ONE_NAMED = _object({"input": {"description": "An image, or nested lists of images."}}, additionalProperties=False)
PREDICT = {
    "oneOf": [
        _object(
            {
                "instances": _list({"anyOf": [IMAGE, _ONE_NAMED, _list({})]}, minItems=1),
                "signature_name": TEXT,
                "parameters": {"description": "Vertex AI's: may hold the `signature_name`."},
            },
            ["instances"],
            not_={"required": ["inputs"]},
            description="Row form: answered with one prediction per instance.",
        ),
        _object(
            {"inputs": {"anyOf": [IMAGE, _ONE_NAMED, _list({}, minItems=1)]}, "signature_name": TEXT},
            ["inputs"],
            not_={"required": ["instances"]},
            description="Columnar form: answered with arrays shaped like the input.",
        ),
    ]
}
for _form in PREDICT["oneOf"]:
    _form["not"] = _form.pop("not_")
PREDICTED = {
    "oneOf": [
        _object({"predictions": _list({}, minItems=1)}, additionalProperties=False),
        _object({"outputs": {"type": "object"}}, additionalProperties=False),
    ]
}
_STATE = _object(
    {
        "version": NUMBERS,
        "state": {"enum": ["AVAILABLE", "END"]},
        "status": _object({"error_code": TEXT, "error_message": TEXT}),
    }
)
STATUS = _object({"model_version_status": _list(_STATE, minItems=1)})
METADATA = _object(
    {
        "model_spec": _object({"name": TEXT, "signature_name": TEXT, "version": NUMBERS}),
        "metadata": _object({"signature_def": _object({"signature_def": {"type": "object"}})}),
    }
)

LIVE, READY = _object({"live": FLAG}), _object({"ready": FLAG})
HEALTH = _object({"status": {"enum": ["ok"]}})
SERVER = _object({"name": TEXT, "version": TEXT, "extensions": _list(TEXT)})
MODEL_READY = _object({"name": TEXT, "ready": FLAG})
_SIZES = _list({"type": "integer", "minimum": -1})
_DESCRIBED = _object({"name": TEXT, "datatype": TEXT, "shape": _SIZES})
V2_METADATA = _object(
    {
        "name": TEXT,
        "versions": _list(NUMBERS),
        "platform": TEXT,
        "inputs": _list(_DESCRIBED),
        "outputs": _list(_DESCRIBED),
    }
)
_TENSOR_IN = _object(
    {
        "name": {"enum": ["input"]},
        "datatype": {"enum": ["BYTES"]},
        "shape": _list({"type": "integer", "minimum": 0}, maxItems=8),
        "data": _list({"anyOf": [_B64, _list({})]}),
        "parameters": _object({"content_type": {"enum": ["base64"]}}, []),
    },
    ["name", "datatype", "shape", "data"],
)
INFER = _object(
    {
        "id": TEXT,
        "inputs": _list(_TENSOR_IN, minItems=1, maxItems=1),
        "outputs": _list(_object({"name": TEXT})),
        "parameters": _object({"signature_name": TEXT}, []),
    },
    ["inputs"],
)
INFERRED = _object(
    {
        "model_name": TEXT,
        "model_version": NUMBERS,
        "id": TEXT,
        "outputs": _list(_object({"name": TEXT, "datatype": TEXT, "shape": _SIZES, "data": _list({})})),
    },
    ["model_name", "model_version", "outputs"],
)


def _answers(description: str, schema: Schema) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


ERRORS: dict[int, str] = {
    400: "The request cannot be understood, or one of its images cannot be read: the message says which.",
    401: "The token is missing or wrong.",
    404: "There is no such model, or that version of it is not loaded.",
    408: "The body has not arrived in time.",
    413: "The body is too large, or has too many images for the signature, or images of too many pixels together.",
    503: "Overloaded, or not answered in time: try again after the seconds in Retry-After.",
}


def operation(summary: str, answer: Schema, errors: bool = True) -> dict[str, Any]:
    """Arguments of a route that takes no body: how it is described."""
    responses: dict[int | str, Any] = {200: _answers("The answer", answer), 401: _answers(ERRORS[401], ERROR)}
    if errors:
        responses |= {status: _answers(ERRORS[status], ERROR) for status in (400, 404)}
    return {"summary": summary, "responses": responses, "response_model": None}


def readiness(summary: str, answer: Schema, errors: bool = True) -> dict[str, Any]:
    """Arguments of a route that tells whether to send requests: how it is described."""
    described = operation(summary, answer, errors)
    described["responses"][503] = _answers("The server is about to stop.", ERROR)
    return described


def prediction(summary: str, body: Schema, answer: Schema) -> dict[str, Any]:
    """Arguments of a route that reads images: how it is described."""
    responses = {200: _answers("The texts", answer)} | {
        status: _answers(description, ERROR) for status, description in ERRORS.items()
    }
    example: dict[str, Any] = {"inputs": [{"name": "input", "datatype": "BYTES", "shape": [1], "data": [EXAMPLE]}]}
    if body is PREDICT:
        example = {"instances": [{"b64": EXAMPLE}]}
    described = {"required": True, "content": {"application/json": {"schema": body, "example": example}}}
    return {
        "summary": summary,
        "responses": responses,
        "response_model": None,
        "openapi_extra": {"requestBody": described},
    }
