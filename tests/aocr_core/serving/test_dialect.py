import base64
import json
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aocr_core.serving import dialect
from aocr_core.serving.dialect import RequestError


def b64(data: bytes) -> dict[str, str]:
    return {"b64": base64.b64encode(data).decode()}


def parse(document: object, max_images: int = 100) -> dialect.Request:
    return dialect.parse(json.dumps(document).encode(), max_images)


def answer(request: dialect.Request) -> dict[str, np.ndarray]:
    """Outputs of a model that reads an image as its own bytes."""
    return {
        "output": np.array(request.images, dtype=object),
        "probability": np.linspace(0.5, 0.9, len(request.images), dtype=np.float32),
    }


@pytest.mark.parametrize(
    "document",
    [
        {"instances": [b64(b"one"), b64(b"two")]},
        {"instances": [{"input": b64(b"one")}, {"input": b64(b"two")}]},
        {"instances": [b64(b"one"), {"input": b64(b"two")}], "parameters": {}},
    ],
)
def test_rows_give_one_prediction_each(document):
    request = parse(document)
    assert request.images == (b"one", b"two")
    assert dialect.predictions(request, answer(request)) == {
        "predictions": [{"output": "one", "probability": 0.5}, {"output": "two", "probability": 0.9}]
    }


@pytest.mark.parametrize("inputs", [b64(b"one"), {"input": b64(b"one")}])
def test_columnar_scalar_is_answered_with_scalars(inputs):
    request = parse({"inputs": inputs})
    assert dialect.predictions(request, answer(request)) == {"outputs": {"output": "one", "probability": 0.5}}


def test_columnar_list_is_answered_with_lists():
    request = parse({"inputs": {"input": [b64(b"one"), b64(b"two")]}})
    assert dialect.predictions(request, answer(request)) == {
        "outputs": {"output": ["one", "two"], "probability": [0.5, 0.9]}
    }


def test_further_dimensions_of_an_output_follow_those_of_the_input():
    request = parse({"inputs": [[b64(b"a")], [b64(b"b")]], "signature_name": "details"})
    outputs = {"symbols": np.array([[b"a", b""], [b"b", b"!"]], dtype=object)}
    assert request.signature == "details"
    assert dialect.predictions(request, outputs) == {"outputs": {"symbols": [[["a", ""]], [["b", "!"]]]}}


def test_float32_is_written_without_noise_digits():
    request = parse({"inputs": b64(b"")})
    assert json.dumps(dialect.predictions(request, {"probability": np.float32([0.98])})) == (
        '{"outputs": {"probability": 0.98}}'
    )


def test_many_numbers_take_little_more_memory_than_the_answer():
    request = parse({"inputs": [b64(b"")] * 20})
    attention = np.random.default_rng(1).random((20, 50, 100), dtype=np.float32)
    tracemalloc.start()
    document = dialect.predictions(request, {"attention": attention})
    kept, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 1.5 * kept
    assert (np.float32(document["outputs"]["attention"]) == attention).all()


def test_base64_may_be_wrapped_and_lack_padding():
    assert parse({"inputs": {"b64": "YW\nI= "}}).images == (b"ab",)
    assert parse({"inputs": {"b64": "YWI"}}).images == (b"ab",)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "not a JSON object"),
        ({}, "Missing 'inputs' or 'instances' key"),
        ({"instances": [], "inputs": []}, "only one of"),
        ({"instances": b64(b"a")}, "to be a list"),
        ({"instances": []}, "no images in 'instances'"),
        ({"inputs": [[], []]}, "no images in 'inputs'"),
        ({"instances": [b64(b"a"), {"image": b64(b"a")}]}, r"instances\[1\]: keys must be equal to: input"),
        ({"instances": [b64(b"a"), "YWI="]}, r'instances\[1\]: expected an image as {"b64"'),
        ({"instances": [{"b64": 5}]}, r'instances\[0\]: expected an image as {"b64"'),
        ({"instances": [{"b64": "a!"}]}, r"instances\[0\]: Unable to base64 decode"),
        ({"instances": [{"b64": "é"}]}, r"instances\[0\]: Unable to base64 decode"),
        ({"inputs": [[b64(b"a")], [b64(b"a"), {"b64": "?"}]]}, "regular array"),
        ({"inputs": [[b64(b"a"), b64(b"a")], [b64(b"a"), {"b64": "?"}]]}, r"inputs\[1\]\[1\]: Unable"),
        ({"inputs": {"b64": "?"}}, "inputs: Unable"),
        ({"inputs": b64(b"a"), "signature_name": 3}, "'signature_name' key must be a string"),
        ({"inputs": [b64(b"a")] * 101}, "101 images in one request; at most 100"),
    ],
)
def test_malformed_requests_are_refused_with_the_place(document, message):
    with pytest.raises(RequestError, match=message) as error:
        parse(document)
    assert error.value.status == 400


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe\xfa", b"[" * 100_000, b'{"inputs": ' + b"[" * 500 + b"]" * 500])
def test_bodies_that_are_no_requests(body):
    with pytest.raises(RequestError):
        dialect.parse(body, 100)


shapes = st.lists(st.integers(1, 3), max_size=4).map(tuple)


@given(shape=shapes, named=st.booleans(), data=st.data())
def test_outputs_have_the_shape_of_the_input(shape, named, data):
    size = int(np.prod(shape, dtype=int))
    images = data.draw(st.lists(st.text(max_size=3).map(str.encode), min_size=size, max_size=size))
    array = np.empty(shape, dtype=object)
    array.flat[:] = [b64(image) for image in images]
    texts = np.array([image.decode() for image in images], dtype=object).reshape(shape).tolist()

    columnar = parse({"inputs": {"input": array.tolist()} if named else array.tolist()})
    assert columnar.images == tuple(images)
    assert dialect.predictions(columnar, answer(columnar))["outputs"]["output"] == texts

    if shape:
        rows = parse({"instances": [{"input": item} if named else item for item in array.tolist()]})
        assert [row["output"] for row in dialect.predictions(rows, answer(rows))["predictions"]] == texts
        places = ["instances" + "".join(f"[{number}]" for number in index) for index in np.ndindex(shape)]
        assert [rows.place(index) for index in range(size)] == places


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just({"b64": "YWI="}),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["b64", "input", "x"]), inner, max_size=2)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["instances", "inputs", "signature_name"]), json_values))
def test_any_json_is_parsed_or_refused(document):
    try:
        request = parse(document)
    except RequestError as error:
        assert error.status == 400
    else:
        assert len(request.images) == np.prod(request.shape, dtype=int)


@given(st.binary(max_size=50))
def test_any_bytes_are_parsed_or_refused(body):
    with pytest.raises(RequestError):
        dialect.parse(body, 100)
