"""The gate, with a real SavedModel that serves and real records. It reads an image as its size, such as `40x20`."""

from pathlib import Path

import pytest

from aocr_core.approval import approve
from aocr_core.charset import Charset
from aocr_core.config import ApproveOptions, DataOptions, ModelOptions, TrainOptions
from aocr_core.data.records import Record, Writer
from aocr_core.errors import AocrError

SIZES = [(40, 20), (60, 20), (80, 20), (100, 20)]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory) -> str:
    """Four images of which the model that serves reads two as they are labelled."""
    from tests.aocr_core.serving.tiny_export import png

    path = tmp_path_factory.mktemp("data") / "test.tfrecords"
    with Writer(path) as writer:
        for index, (width, height) in enumerate(SIZES):
            label = f"{width}x{height}" if index < 2 else "something"
            writer.write(Record(png(width, height, gray=200), label, width=width, height=height))
    return str(path)


@pytest.fixture(scope="module")
def serving(tmp_path_factory) -> str:
    from aocr_core.data.preprocess import ImageSpec
    from aocr_core.model.presets import PRESETS
    from aocr_core.model_dir import CONFIG, ModelConfig
    from tests.aocr_core.serving.tiny_export import write

    serving = tmp_path_factory.mktemp("serving")
    version = write(serving / "aocr" / "3")
    config = ModelConfig(
        versions={},
        options=ModelOptions(max_prediction=10),
        data=DataOptions(),
        training=TrainOptions(),
        image=ImageSpec(height=32, width=200, channels=1),
        network=PRESETS["fast"],
        charset=Charset(symbols=tuple("x0123456789")),
        dataset="",
    )
    (version / "assets").mkdir(exist_ok=True)
    (version / "assets" / CONFIG).write_text(config.model_dump_json())
    return str(serving)


def test_the_first_model_needs_only_the_floor(dataset: str, tmp_path: Path):
    options = ApproveOptions(min_accuracy=0.8)
    good = approve({"accuracy": 0.8}, dataset, str(tmp_path), "aocr", options)
    assert good.approved and good.serving_accuracy is None
    bad = approve({"accuracy": 0.79}, dataset, str(tmp_path), "aocr", options)
    assert not bad.approved
    assert bad.reasons == ("79.0 % exact is below the floor of 80.0 %",)


@pytest.mark.parametrize(("accuracy", "approved"), [(0.25, False), (0.5, True), (0.75, True)])
def test_a_model_has_to_read_as_well_as_the_one_that_serves(dataset, serving, accuracy, approved):
    decision = approve({"accuracy": accuracy}, dataset, serving, "aocr", ApproveOptions(min_accuracy=0.1))
    assert decision.serving_accuracy == 0.5
    assert decision.approved is approved
    assert "50.0 % of version 3" in decision.reasons[1]
    assert decision.figures()["serving_accuracy"] == 0.5
    assert decision.figures()["approved"] is approved


def test_better_than_the_serving_one_is_not_enough_below_the_floor(dataset, serving):
    assert not approve({"accuracy": 0.75}, dataset, serving, "aocr", ApproveOptions(min_accuracy=0.8)).approved


def test_another_name_is_another_model(dataset, serving):
    assert approve({"accuracy": 0.25}, dataset, serving, "other", ApproveOptions(min_accuracy=0.1)).approved


def test_a_serving_model_that_cannot_be_read_stops_the_promotion(dataset, tmp_path: Path):
    version = tmp_path / "aocr" / "1"
    version.mkdir(parents=True)
    (version / "saved_model.pb").write_bytes(b"nonsense")
    with pytest.raises(AocrError, match="cannot load the export"):
        approve({"accuracy": 1.0}, dataset, str(tmp_path), "aocr", ApproveOptions())
