import base64
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aocr_core.serving import kserve
from aocr_core.serving.answers import RequestError


def text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def tensor(*images: bytes, **other: object) -> dict[str, object]:
    data = [text(image) for image in images]
    return {"name": "input", "datatype": "BYTES", "shape": [len(images)], "data": data, **other}


def parse(document: object, max_images: int = 100) -> kserve.Request:
    return kserve.parse(json.dumps(document).encode(), max_images, "words", 3)


OUTPUTS = {
    "output": np.array([b"one", b"two"], dtype=object),
    "probability": np.float32([0.5, 0.98]),
}


def test_texts_and_probabilities_as_tensors():
    request = parse({"id": "7", "inputs": [tensor(b"a", b"b")]})
    assert request.images == (b"a", b"b")
    assert request.signature == "serving_default"
    assert request.answer(OUTPUTS) == {
        "model_name": "words",
        "model_version": "3",
        "id": "7",
        "outputs": [
            {"name": "output", "datatype": "BYTES", "shape": [2], "data": ["one", "two"]},
            {"name": "probability", "datatype": "FP32", "shape": [2], "data": [0.5, 0.98]},
        ],
    }


def test_further_dimensions_of_an_output_are_listed_flat():
    outputs = {
        "attention": np.float32([[[0.1, 0.2]], [[0.3, 0.4]]]),
        "symbols": np.array([[b"a", b"b"], [b"c", b""]], dtype=object),
        "nothing": np.zeros((2, 0), np.float32),
    }
    found = parse({"inputs": [tensor(b"a", b"b")]}).answer(outputs)["outputs"]
    assert [(one["shape"], one["data"]) for one in found] == [
        ([2, 1, 2], [0.1, 0.2, 0.3, 0.4]),
        ([2, 2], ["a", "b", "c", ""]),
        ([2, 0], []),
    ]


def test_only_the_outputs_that_are_asked_for():
    request = parse({"inputs": [tensor(b"a", b"b")], "outputs": [{"name": "probability"}]})
    (output,) = request.answer(OUTPUTS)["outputs"]
    assert output["name"] == "probability"
    with pytest.raises(RequestError, match="no output 'colour'"):
        parse({"inputs": [tensor(b"a")], "outputs": [{"name": "colour"}]}).answer(OUTPUTS)


@pytest.mark.parametrize("data", [[text(b"a"), text(b"b")], [[text(b"a"), text(b"b")]]])
def test_data_may_be_nested_or_flat(data):
    request = parse({"inputs": [tensor(shape=[1, 2], data=data)]})
    assert request.images == (b"a", b"b")
    assert request.answer(OUTPUTS)["outputs"][0]["shape"] == [1, 2]


def test_another_signature_by_its_parameter():
    request = parse({"inputs": [tensor(b"a")], "parameters": {"signature_name": "details"}})
    assert request.signature == "details"


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({}, "'inputs' must be a list of one tensor"),
        ({"inputs": [tensor(b"a"), tensor(b"a")]}, "'inputs' must be a list of one tensor"),
        ({"inputs": [tensor(b"a", name="image")]}, "the model's only input is 'input'"),
        ({"inputs": [tensor(b"a", datatype="UINT8")]}, "the datatype must be BYTES"),
        ({"inputs": [tensor(b"a", parameters={"content_type": "str"})]}, "images come as base64"),
        ({"inputs": [tensor(b"a", parameters=3)]}, "images come as base64"),
        ({"inputs": [tensor(b"a", shape=[2])]}, r"1 images in 'data' do not fill the shape \[2\]"),
        ({"inputs": [tensor(b"a", shape=[True])]}, "'shape' must be a list"),
        ({"inputs": [tensor(b"a", shape=[10**30, 10**30])]}, "do not fill the shape"),
        ({"inputs": [tensor(b"a", shape=None)]}, "'shape' must be a list"),
        ({"inputs": [tensor(shape=[0])]}, "no images"),
        ({"inputs": [tensor(b"a", data=[5])]}, r"data\[0\]: expected an image as base64 text"),
        ({"inputs": [tensor(b"a", b"b", data=[text(b"a"), "?"])]}, r"inputs\[0\].data\[1\]: Unable to base64"),
        ({"inputs": [tensor(*[b"a"] * 101)]}, "101 images in one request; at most 100"),
        ({"inputs": [tensor(b"a")], "outputs": ["output"]}, "'outputs' must be a list of objects"),
        ({"inputs": [tensor(b"a")], "outputs": [{"name": "output"}] * 2}, "'outputs' names an output twice"),
        ({"inputs": [tensor(b"a")], "id": 5}, "'id' must be a string"),
        ({"inputs": [tensor(b"a")], "parameters": []}, "'parameters' must be an object"),
        ({"inputs": [tensor(b"a")], "parameters": {"signature_name": 5}}, "must be a string"),
    ],
)
def test_malformed_requests_are_refused(document, message):
    with pytest.raises(RequestError, match=message) as error:
        parse(document)
    assert error.value.status == 400


values = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 3) | st.just("YWI=") | st.just("?") | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "x"]), inner, max_size=2),
    max_leaves=6,
)
tensors = st.fixed_dictionaries(
    {"name": st.just("input"), "datatype": st.just("BYTES")},
    optional={"shape": st.lists(st.integers(0, 3), max_size=3) | values, "data": values, "parameters": values},
)


@given(st.dictionaries(st.sampled_from(["outputs", "id", "parameters"]), values), st.lists(tensors, max_size=2))
def test_any_json_is_parsed_or_refused(others, inputs):
    try:
        request = parse({**others, "inputs": inputs})
    except RequestError as error:
        assert error.status == 400
    else:
        assert len(request.images) == np.prod(request.shape, dtype=int)
