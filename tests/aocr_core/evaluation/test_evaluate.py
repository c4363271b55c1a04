import io
import json

import pytest
from PIL import Image

from aocr_core.charset import Charset
from aocr_core.errors import AocrError
from aocr_core.evaluation.evaluate import evaluate

CASES = [("AB", "AB", 0.9), ("CD", "C0", 0.8), ("12", "", 0.1), ("ab", "AB", 0.7)]


def rows(folder) -> list[list[str]]:
    lines = (folder / "predictions.tsv").read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines]


def test_files(task, tmp_path):
    recognizer, records = task(CASES)
    evaluation = evaluate(recognizer, records, str(tmp_path), batch_size=3)
    assert evaluation.summary.accuracy == 0.25 and evaluation.summary.caseless_accuracy == 0.5
    assert rows(tmp_path) == [
        ["path", "truth", "text", "probability", "edits"],
        ["images/0.png", "AB", "AB", "0.900000", "0"],
        ["images/1.png", "CD", "C0", "0.800000", "1"],
        ["images/2.png", "12", "", "0.100000", "2"],
        ["images/3.png", "ab", "AB", "0.700000", "2"],
    ]
    metrics = json.loads((tmp_path / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["accuracy"] == 0.25 and metrics["count"] == 4 and metrics["cer"] == 5 / 8
    assert metrics["lengths"] == [{"low": 2, "high": 2, "count": 4, "accuracy": 0.25, "cer": 5 / 8}]
    pictures = sorted(path.name for path in (tmp_path / "attention").iterdir())
    assert pictures == ["right-01-AB.png", "wrong-01-C0.png", "wrong-02-AB.png", "wrong-03-.png"]
    assert "<figure" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_a_second_run_leaves_no_pictures_of_the_first(task, tmp_path):
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    evaluate(*task(CASES), str(tmp_path))
    evaluate(*task(CASES[:1]), str(tmp_path))
    assert [path.name for path in (tmp_path / "attention").iterdir()] == ["right-01-AB.png"]
    assert (tmp_path / "notes.txt").read_text(encoding="utf-8") == "mine"


def test_reads_in_batches_and_asks_for_attention_only_where_it_is_drawn(task, tmp_path):
    recognizer, records = task(CASES)
    evaluate(recognizer, iter(records), batch_size=3)
    assert recognizer.calls == [(3, False), (1, False)]
    assert not list(tmp_path.iterdir())


def test_animations_go_where_they_were_asked_for(task, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    recognizer, records = task([("AB", "AB", 0.9), ("CD", "AB", 0.8), ("ab", "ab", 0.8), ("ef", "ef", 0.8)])
    evaluate(recognizer, records, str(tmp_path / "out put"), visualize=3, batch_size=2)
    assert [path.name for path in tmp_path.iterdir()] == ["out put"]
    folders = sorted(path.name for path in (tmp_path / "out put").glob("predict-*"))
    assert folders == ["predict-AB", "predict-AB-2", "predict-ab-3"]
    assert (tmp_path / "out put/predict-AB-2/word.txt").read_text(encoding="utf-8") == "AB\nCD"
    assert Image.open(tmp_path / "out put/predict-AB/image.gif").n_frames == 3


@pytest.mark.parametrize("texts", [("A", "A", "A-2", "A-2", "A"), ("A-2", "A", "A", "A-2")])
def test_no_animation_is_written_over_another(task, tmp_path, texts):
    charset = Charset(symbols=("A", "-", "2"))
    recognizer, records = task([(text, text, 0.9) for text in texts], charset)
    evaluate(recognizer, records, str(tmp_path), visualize=len(texts))
    assert sorted(path.read_text(encoding="utf-8") for path in tmp_path.glob("predict-*/word.txt")) == sorted(
        f"{text}\n{text}" for text in texts
    )


@pytest.mark.parametrize("text", ["../../evil", "a/b", "x" * 300, "", "مرحبا", "\U0001f600", "\t\n"])
def test_hostile_predictions_stay_inside(task, tmp_path, text):
    recognizer, records = task([("A", text, 0.9)])
    evaluate(recognizer, records, str(tmp_path / "out"), visualize=1)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    (gif,) = (tmp_path / "out").glob("*/image.gif")
    assert gif.parent.parent == tmp_path / "out"
    assert (gif.parent / "word.txt").read_bytes() == f"{text}\nA".encode()
    assert len(rows(tmp_path / "out")) == 2


def test_labels_are_folded_as_in_training(task):
    recognizer, records = task([("ab", "AB", 0.9)], force_uppercase=True)
    assert evaluate(recognizer, records).summary.accuracy == 1


def test_symbols_that_the_model_lacks_are_named(task):
    recognizer, records = task([("A#", "A", 0.9), ("#?", "A", 0.9)])
    assert evaluate(recognizer, records).unknown == {"#": 2, "?": 1}


def test_tokens(task):
    charset = Charset(symbols=("\\frac", "x"), kind="tokens")
    recognizer, records = task([("\\frac x x", "\\frac  x", 0.9)], charset=charset)
    evaluation = evaluate(recognizer, records)
    assert evaluation.kind == "tokens" and evaluation.summary.cer == 1 / 3


def test_images_that_cannot_be_decoded_count_as_wrong(task, tmp_path, caplog):
    recognizer, records = task(CASES[:2])
    broken = type(records[0])(b"no image", "AB", "broken.png")
    evaluation = evaluate(recognizer, [records[0], broken, records[1]], str(tmp_path))
    assert evaluation.unreadable == 1 and evaluation.summary.accuracy == 1 / 3
    assert rows(tmp_path)[2] == ["broken.png", "AB", "", "0.000000", "2"]
    assert rows(tmp_path)[3][:3] == ["images/1.png", "CD", "C0"]


def test_images_without_ink_are_told_of(task, caplog):
    recognizer, records = task(CASES[:1])
    buffer = io.BytesIO()
    Image.new("L", (40, 20), 255).save(buffer, "PNG")
    recognizer.answers[buffer.getvalue()] = recognizer.answers[records[0].image]
    evaluate(recognizer, [records[0], type(records[0])(buffer.getvalue(), "AB", "blank.png")])
    assert [message for message in caplog.messages if "ink" in message] == [
        "image blank.png: uniform image: no ink to be seen"
    ]


def test_images_that_tensorflow_misreads_are_rewritten(task):
    recognizer, records = task(CASES[:1])
    (record,) = records
    buffer = io.BytesIO()
    Image.open(io.BytesIO(record.image)).save(buffer, "BMP")
    given = []
    recognizer.read_plain = lambda images, attention: given.extend(images) or [recognizer.answers[record.image]]
    evaluate(recognizer, [type(record)(buffer.getvalue(), "AB")])
    assert given[0].startswith(b"\x89PNG")


def test_a_record_without_a_name_is_numbered(task, tmp_path):
    recognizer, (record,) = task(CASES[:1])
    evaluate(recognizer, [type(record)(record.image, "AB")], str(tmp_path))
    assert rows(tmp_path)[1][0] == "#1"


def test_no_images_is_an_error(task):
    recognizer, _ = task([])
    with pytest.raises(AocrError, match="nothing to measure"):
        evaluate(recognizer, [])


def test_pictures_need_a_folder(task):
    recognizer, records = task(CASES)
    with pytest.raises(ValueError, match="output_dir"):
        evaluate(recognizer, records, visualize=1)
