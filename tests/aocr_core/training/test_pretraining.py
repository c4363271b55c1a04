import logging
from itertools import pairwise
from pathlib import Path

import pytest
from PIL import features

from aocr_core import model_dir, storage
from aocr_core.charset import Charset
from aocr_core.config import DataOptions, ModelOptions, TrainOptions
from aocr_core.data import info, records
from aocr_core.data.info import DatasetInfo
from aocr_core.errors import AocrError, UsageError
from aocr_core.model import presets
from aocr_core.training import pretraining, train
from tests.aocr_core import small
from tests.aocr_core.training.interrupted import interrupted_after

PLATES = DatasetInfo(rows=678, symbols={"皖": 678, "A": 900, "7": 2900, "é": 100}, label_lengths={6: 100, 7: 578})
WORDS = ["cab", "bed", "dead", "ace"]
MODEL_FILES = {
    "best.weights.h5",
    "config.json",
    "history.jsonl",
    "latest",
    "logs",
    "samples.tfrecords",
    "training.json",
}


def symbols(**counts: int) -> DatasetInfo:
    return PLATES.model_copy(update={"symbols": counts})


def config(fold: bool = False, kind: str = "characters", preset: str = "fast") -> model_dir.ModelConfig:
    found = small.config(Charset(symbols=("A",), kind=kind))
    data, options = DataOptions(force_uppercase=fold), found.options.model_copy(update={"preset": preset})
    return found.model_copy(update={"data": data, "options": options})


def wanted(rows: int = 678, preset: str = "fast", **options: object) -> bool:
    described = PLATES.model_copy(update={"rows": rows})
    return pretraining.wanted(described, config(preset=preset), TrainOptions(**options))


def test_who_has_many_images_or_says_how_to_train_gets_just_that():
    assert wanted() and wanted(max_minutes=5)
    assert not wanted(rows=pretraining.FEW_IMAGES)
    assert not wanted(num_epoch=3) and not wanted(max_minutes=4.9) and not wanted(preset="aocr")
    assert not wanted(pretrain="never")
    assert wanted(rows=10**6, num_epoch=3, max_minutes=1, preset="aocr", pretrain="always")


def test_the_words_have_those_of_the_characters_that_a_font_has():
    assert pretraining.characters(PLATES, config()) == ["7", "A", "é"]
    assert pretraining.characters(PLATES, config(fold=True)) == ["7", "A", "É"]
    assert pretraining.characters(symbols(ß=5, a=2), config(fold=True)) == ["A", "S"]


@pytest.mark.parametrize(
    ("described", "kind"),
    [
        (symbols(皖=6, A=1), "characters"),
        (symbols(**{"\u0301": 3}), "characters"),
        (symbols(), "characters"),
        (PLATES, "tokens"),
    ],
    ids=["few of them", "marks", "none", "tokens"],
)
def test_what_cannot_be_rendered_is_not_rendered(described: DatasetInfo, kind: str, tmp_path: Path):
    with pytest.raises(UsageError):
        pretraining.render(tmp_path, [], described, config(kind=kind))


@pytest.mark.parametrize(("blanks", "lines"), [(0, False), (700, True)])
def test_words_are_as_long_as_the_labels(monkeypatch, tmp_path: Path, blanks: int, lines: bool):
    monkeypatch.setattr(pretraining, "IMAGES", 200)
    lengths = {2: 1, 9: 40, 12: 40, 30: 1}
    described = PLATES.model_copy(
        update={"symbols": {"7": 9, "A": 9, "B": 9, " ": blanks}, "label_lengths": lengths, "rows": 82}
    )
    path = pretraining.render(tmp_path, [], described, config())
    labels = [record.label for record in records.read(records.files(path))]
    assert len(labels) == 200 and {len(label) for label in labels} == {9, 10, 11, 12}
    assert set("".join(labels)) <= set("7AB ") and (" " in "".join(labels)) == lines


def test_lines_are_made_of_the_words_in_the_labels(monkeypatch, tmp_path: Path):
    monkeypatch.setattr(pretraining, "IMAGES", 60)
    known = [first + second + third for first in "abcd" for second in "abcd" for third in "abcd"]
    path = small.write_words(tmp_path / "few.tfrecords", [f"{a} {b} é" for a, b in pairwise(known)])
    monkeypatch.setattr(pretraining, "characters", lambda *_: list("abcd"))
    lines = [record.label for record in records.read([pretraining.render(tmp_path, [path], info.load(path), config())])]
    assert len(lines) == 60 and len(set(lines)) > 50
    assert {word for line in lines for word in line.split(" ")} <= set(known)
    assert {len(line) for line in lines} == {7}  # the labels have 9 characters, for which two words are left


@pytest.mark.skipif(not features.check("raqm"), reason="this Pillow cannot join letters")
def test_text_from_right_to_left_is_rendered(monkeypatch, tmp_path: Path):
    monkeypatch.setattr(pretraining, "IMAGES", 4)
    described = symbols(س=9, ل=9, ا=7, م=5)
    path = pretraining.render(tmp_path, [], described, config())
    assert info.load(path).rows == 4
    assert set(info.load(path).symbols) <= set("سلام")


def test_the_same_data_set_gives_the_same_words(monkeypatch, tmp_path: Path):
    monkeypatch.setattr(pretraining, "IMAGES", 3)
    found = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        found.append(info.load(pretraining.render(tmp_path / name, [], PLATES, config())).fingerprint)
    assert found[0] == found[1]


@pytest.fixture
def few(monkeypatch, tmp_path: Path) -> str:
    """A small data set, a small network, and little to render."""
    monkeypatch.setitem(presets.PRESETS, "fast", small.NETWORK)
    monkeypatch.setattr(pretraining, "IMAGES", 24)
    return small.write_words(tmp_path / "few.tfrecords", WORDS * 3)


def options(**changes: object) -> TrainOptions:
    return TrainOptions(**({"num_epoch": 1, "batch_size": 4, "pretrain": "always"} | changes))


def words_read(caplog) -> int:
    """How often a training on words has begun."""
    return caplog.text.count("training on 24 images")


@pytest.mark.slow
@pytest.mark.parametrize("remote", [False, True], ids=["local", "bucket"])
def test_the_training_begins_with_what_was_learnt_of_the_words(few: str, tmp_path: Path, caplog, bucket, remote: bool):
    target = storage.join(bucket, "model") if remote else str(tmp_path / "model")
    network = ModelOptions(color=True, use_gru=True)
    with caplog.at_level(logging.INFO):
        result = train(few, target, options=options(), model=network)
    assert result.steps == 3 and words_read(caplog) == 1
    assert "which knows 5 of the 5 symbols" in caplog.text
    saved = model_dir.read_config(target)
    assert saved.dataset == info.load(few).fingerprint and saved.image.channels == 3
    assert 0 < saved.pretraining_seconds < result.seconds
    assert {name.rstrip("/") for name in storage.entries(target)} == MODEL_FILES
    # What is done is done: neither words nor images are learnt again.
    assert train(few, target, options=options()).steps == 3 and words_read(caplog) == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("labels", "resume", "goes_on"),
    [
        pytest.param(WORDS, True, True, id="the same"),
        pytest.param(WORDS, False, False, id="no resume", marks=pytest.mark.exhaustive),
        pytest.param(["abed", "cede"], True, False, id="other lengths", marks=pytest.mark.exhaustive),
    ],
)
def test_an_interrupted_beginning_goes_on_with_the_same_words(
    few: str, tmp_path: Path, caplog, labels: list[str], resume: bool, goes_on: bool
):
    target = str(tmp_path / "model")
    with interrupted_after(2):
        train(few, target, options=options())
    caplog.clear()
    then = small.write_words(tmp_path / "then.tfrecords", labels * 3)
    with caplog.at_level(logging.INFO):
        assert train(then, target, options=options(resume=resume)).steps > 0
    assert ("going on at step 2 of" in caplog.text) == goes_on and words_read(caplog) == 1
    assert model_dir.read_config(target).dataset == info.load(then).fingerprint


@pytest.mark.slow
def test_it_is_too_late_to_begin_with_words(few: str, tmp_path: Path):
    target = str(tmp_path / "model")
    train(few, target, options=options(pretrain="never"))
    assert model_dir.read_config(target).pretraining_seconds == 0
    with pytest.raises(AocrError, match="has begun without rendered words: start anew"):
        train(few, target, options=options())
    with pytest.raises(UsageError, match="choose one"):
        train(few, str(tmp_path / "other"), options=options(init_from=target))


@pytest.mark.slow
def test_without_fonts_for_them_the_training_begins_with_the_images(few: str, tmp_path: Path, monkeypatch, caplog):
    def none(*_: object) -> None:
        raise UsageError("no fonts are installed")

    monkeypatch.setattr(pretraining, "find_fonts", none)
    plain = options(num_epoch=None, pretrain="auto", batch_size=12)
    monkeypatch.setattr("aocr_core.training.schedule.LEAST_IMAGES", 50)
    with caplog.at_level(logging.INFO):
        train(few, str(tmp_path / "model"), options=plain)
    assert "begins without rendered words: no fonts are installed" in caplog.text and not words_read(caplog)
    with pytest.raises(UsageError, match="no fonts"):
        train(few, str(tmp_path / "asked"), options=options())
