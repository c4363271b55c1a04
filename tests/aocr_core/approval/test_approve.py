"""The gate, with a real SavedModel that serves and real records. It reads an image as its size, such as `40x20`."""

import json
import re
import shutil
from pathlib import Path

import pytest

from aocr_core import storage
from aocr_core.approval import approve
from aocr_core.charset import Charset
from aocr_core.config import ApproveOptions, DataOptions, ModelOptions, TrainOptions
from aocr_core.data.records import Record, Writer
from aocr_core.deployment import serving as what_serves
from aocr_core.errors import AocrError
from aocr_core.evaluation.publish import publish
from aocr_core.evaluation.results import Evaluation
from tests.aocr_core.approval.rows import rows
from tests.aocr_core.evaluation.test_report import Page

SIZES = [f"{width}x20" for width in range(40, 80)]
LABELS = SIZES[:20] + ["something"] * 20
"""The model that serves reads the first half as they are labelled."""


@pytest.fixture(scope="module")
def dataset(tmp_path_factory) -> str:
    from tests.aocr_core.serving.tiny_export import png

    path = tmp_path_factory.mktemp("data") / "test.tfrecords"
    with Writer(path) as writer:
        for number, (size, label) in enumerate(zip(SIZES, LABELS, strict=True)):
            width, height = map(int, size.split("x"))
            writer.write(Record(png(width, height, 200), label, f"{number}.png", width, height))
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


@pytest.fixture
def evaluated(tmp_path: Path):
    """`evaluated(texts)`: the folder that an evaluation leaves of a model that reads the test set so."""

    def write(texts: list[str]) -> str:
        publish(str(tmp_path / "results"), Evaluation.of(rows(LABELS, texts), "characters", 1.0), [], [], {})
        return str(tmp_path / "results")

    return write


def test_a_model_that_reads_more_is_approved_and_the_record_says_why(evaluated, dataset, serving, tmp_path):
    texts = LABELS[:30] + ["wrong"] * 10
    found = approve(evaluated(texts), dataset, what_serves(serving, "aocr"), ApproveOptions(), str(tmp_path / "out"))
    assert found.approved and found.verdict == "better"
    assert found.comparison.summary.accuracy == 0.5 and found.comparison.accuracy.value == 0.25
    document = json.loads((tmp_path / "out" / "decision.json").read_text())
    assert document["serving"]["name"] == "version 3"
    assert document["serving"]["export"].endswith("/aocr/3")
    table = (tmp_path / "out" / "differences.tsv").read_text().splitlines()
    assert table[0] == "path\ttruth\tnew\tserving" and len(table) == 21
    assert table[1] == "20.png\tsomething\tsomething\t60x20"
    page = Page((tmp_path / "out" / "decision.html").read_text())
    assert len(page.sources) == 10 + 10 and all(source.startswith("data:image/png;base64,") for source in page.sources)
    assert "Won: only the new model reads these" in page.texts and "Wrong both ways" in page.texts


def test_a_model_that_reads_less_is_refused(evaluated, dataset, serving, tmp_path):
    texts = LABELS[:8] + ["<b>"] * 32
    options = ApproveOptions(min_accuracy=0.1)
    found = approve(evaluated(texts), dataset, what_serves(serving, "aocr"), options, str(tmp_path / "out"))
    assert not found.approved and [reason.code for reason in found.reasons] == ["floor_reached", "worse"]
    html = (tmp_path / "out" / "decision.html").read_text()
    assert "<b>&" not in html and "b" not in Page(html).tags[-30:]
    text = re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", html))
    assert "Not approved" in text and "20.00 % 50.00 % \u221230.00" in text
    assert "Lost: only the model that serves reads these" in text
    assert "8 more in differences.tsv" in text
    assert len(Page(html).sources) == 24, "twelve of the lost, twelve of those wrong both ways"


def test_the_model_that_serves_is_no_change(evaluated, dataset, serving):
    found = approve(evaluated(SIZES), dataset, what_serves(serving, "aocr"), ApproveOptions(min_accuracy=0.1))
    assert not found.approved and found.verdict == "no_change"


def test_a_version_that_cannot_be_read_is_named_with_a_way_out(evaluated, dataset, serving, tmp_path):
    shutil.copytree(serving, tmp_path, dirs_exist_ok=True)
    (tmp_path / "aocr" / "3" / "saved_model.pb").write_bytes(b"no graph")
    with pytest.raises(AocrError, match=r"version 3, which serves, .* move .*/aocr/3 away"):
        approve(evaluated(SIZES), dataset, what_serves(str(tmp_path), "aocr"), ApproveOptions())


def test_below_the_floor_it_does_not_help_to_be_better(evaluated, dataset, serving):
    found = approve(
        evaluated([*LABELS[:39], "no"]), dataset, what_serves(serving, "aocr"), ApproveOptions(min_accuracy=0.99)
    )
    assert [(reason.code, reason.passed) for reason in found.reasons] == [("floor_missed", False), ("better", True)]
    assert not found.approved


def test_another_name_is_another_model(evaluated, dataset, serving, tmp_path):
    texts = LABELS[:8] + ["wrong"] * 32
    options = ApproveOptions(min_accuracy=0.1)
    found = approve(evaluated(texts), dataset, what_serves(serving, "other"), options, str(tmp_path / "out"))
    assert found.approved and found.verdict == "first_model"
    page = Page((tmp_path / "out" / "decision.html").read_text())
    assert "Approved" in page.texts and not page.sources


def test_what_serves_may_be_named_and_lie_in_a_bucket(evaluated, dataset, serving, bucket, tmp_path):
    export = storage.join(bucket, "registry", "model", "7")
    with storage.output_dir(export) as folder:
        shutil.copytree(Path(serving, "aocr", "3"), folder, dirs_exist_ok=True)
    options = ApproveOptions(serving_export=export)
    found = approve(evaluated(LABELS), dataset, what_serves(str(tmp_path / "empty"), "aocr"), options, f"{bucket}/out")
    assert found.verdict == "better" and found.comparison.export == found.comparison.serving == export
    assert json.loads(storage.read_bytes(f"{bucket}/out/decision.json"))["approved"] is True


def test_a_test_set_that_has_changed_since_the_evaluation_is_an_error(evaluated, dataset, serving, tmp_path):
    folder = Path(evaluated(LABELS))
    table = folder / "predictions.tsv"
    table.write_text("".join(table.read_text().splitlines(keepends=True)[:-1]))
    with pytest.raises(AocrError, match="not judged on the same 39 images"):
        approve(str(folder), dataset, what_serves(serving, "aocr"), ApproveOptions())


def test_a_serving_model_that_cannot_be_read_stops_the_promotion(evaluated, dataset, tmp_path: Path):
    version = tmp_path / "aocr" / "1"
    version.mkdir(parents=True)
    (version / "saved_model.pb").write_bytes(b"nonsense")
    with pytest.raises(AocrError, match="cannot load the export"):
        approve(evaluated(LABELS), dataset, what_serves(str(tmp_path), "aocr"), ApproveOptions())
