"""A serving container of the stand-in is `aocr serve` under Vertex AI's contract, with its model in a bucket."""

import base64

import pytest
from google.api_core.exceptions import BadRequest
from google.cloud.aiplatform_v1.types import Model

from aocr_core import storage
from components.vertex import registry
from tests.components.vertex import toys
from tests.vertex.containers import Container

pytestmark = pytest.mark.slow


def model(folder: str) -> Model:
    """What is sent for a version."""
    return Model(registry.message(registry.Upload("aocr", folder, "", toys.IMAGE, {})))


def test_it_answers_as_the_contract_says_until_it_is_stopped(bucket: str):
    from tests.aocr_core.serving.tiny_export import png, write

    with storage.output_dir(f"{bucket}/serving/aocr/7") as folder:
        write(folder, "size ")
    container = Container(model(f"{bucket}/serving/aocr/7"))
    instances = [{"b64": base64.b64encode(png(width)).decode()} for width in (30, 40)]
    answer = container.predict({"instances": instances})
    assert [prediction["output"] for prediction in answer["predictions"]] == ["size 30x20", "size 40x20"]
    with pytest.raises(BadRequest, match="no images"):
        container.predict({"instances": []})
    assert container.up
    container.stop()
    assert not container.up


def test_without_a_model_it_does_not_come_up(bucket: str):
    with pytest.raises(RuntimeError, match=f"{bucket}/none"):
        Container(model(f"{bucket}/none"))
