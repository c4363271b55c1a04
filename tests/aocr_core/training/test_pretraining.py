import logging
from pathlib import Path

import pytest

from aocr_core import model_dir
from aocr_core.config import DataOptions, ModelOptions, TrainOptions
from aocr_core.data import info, records
from aocr_core.data.info import DatasetInfo
from aocr_core.errors import UsageError
from aocr_core.model import presets
from aocr_core.training import pretraining, train
from aocr_core.training.loop import Loop
from tests.aocr_core import small

PLATES = DatasetInfo(rows=678, symbols={"皖": 678, "A": 900, "7": 2900, "é": 100}, label_lengths={6: 100, 7: 578})


def alphabet(described: DatasetInfo = PLATES, **options: object) -> list[str] | None:
    data, model = DataOptions(force_uppercase=bool(options.pop("fold", False))), ModelOptions()
    return pretraining.alphabet(described, data, model, TrainOptions(**options))


def symbols(**counts: int) -> DatasetInfo:
    return PLATES.model_copy(update={"symbols": counts})


def test_few_images_begin_with_those_of_their_characters_that_fonts_have():
    assert alphabet() == ["7", "A", "é"]
    assert alphabet(fold=True) == ["7", "A", "É"]


def test_who_has_many_images_or_names_how_to_train_gets_just_that():
    many = PLATES.model_copy(update={"rows": pretraining.FEW_IMAGES})
    assert alphabet(many) is None and alphabet(many, pretrain=True) is not None
    assert alphabet(num_epoch=3) is None and alphabet(num_epoch=3, pretrain=True) is not None
    assert alphabet(pretrain=False) is None and alphabet(init_from="words") is None
    original = ModelOptions(preset="aocr")
    assert pretraining.alphabet(PLATES, DataOptions(), original, TrainOptions()) is None


@pytest.mark.parametrize(
    "described",
    [symbols(皖=6, A=1), symbols(س=9, A=5), symbols(**{"\u0301": 3}), symbols()],
    ids=["few of them", "right to left", "marks", "none"],
)
def test_what_cannot_be_rendered_is_not_rendered(described: DatasetInfo, caplog):
    with caplog.at_level(logging.INFO):
        assert alphabet(described) is None
    assert "begins without rendered words: " in caplog.text
    with pytest.raises(UsageError):
        alphabet(described, pretrain=True)


def test_tokens_are_not_rendered():
    with pytest.raises(UsageError, match="tokens"):
        pretraining.alphabet(PLATES, DataOptions(label_kind="tokens"), ModelOptions(), TrainOptions(pretrain=True))


@pytest.mark.parametrize(("blanks", "lines"), [(0, False), (700, True)])
def test_words_are_as_long_as_the_labels(monkeypatch, tmp_path: Path, blanks: int, lines: bool):
    monkeypatch.setattr(pretraining, "IMAGES", 20)
    described = PLATES.model_copy(update={"symbols": PLATES.symbols | {" ": blanks}, "label_lengths": {12: 500, 14: 9}})
    path = pretraining.words(tmp_path, ["7", "A", "B"], described, seed=1)
    labels = [record.label for record in records.read(records.files(path))]
    assert len(labels) == 20 and {len(label) for label in labels} == {12}
    assert set("".join(labels)) <= set("7AB ") and (" " in "".join(labels)) == lines


def test_words_are_rendered_once(monkeypatch, tmp_path: Path):
    monkeypatch.setattr(pretraining, "IMAGES", 3)
    first = Path(pretraining.words(tmp_path, ["A", "7"], PLATES, seed=1)).stat().st_mtime_ns
    assert Path(pretraining.words(tmp_path, ["A", "7"], PLATES, seed=1)).stat().st_mtime_ns == first


def test_a_time_budget_is_shared():
    options = TrainOptions(max_minutes=10, pretrain=True)
    assert pretraining.options_before(options).max_minutes == pytest.approx(2)
    assert pretraining.options_after(options).max_minutes == pytest.approx(8)
    assert pretraining.options_after(TrainOptions(max_minutes=10)).max_minutes == 10
    assert pretraining.options_before(TrainOptions(pretrain=True)).max_minutes is None


def test_there_is_one_way_to_begin():
    with pytest.raises(UsageError, match="choose one"):
        train("none.tfrecords", options=TrainOptions(pretrain=True, init_from="words"))


@pytest.fixture
def few(monkeypatch, tmp_path: Path) -> str:
    """A small data set, a small network, and little to render."""
    monkeypatch.setitem(presets.PRESETS, "fast", small.NETWORK)
    monkeypatch.setattr(pretraining, "IMAGES", 24)
    return small.write_words(tmp_path / "few.tfrecords", ["cab", "bed", "dead", "ace"] * 3)


@pytest.mark.slow
def test_the_training_begins_with_what_was_learnt_of_the_words(few: str, tmp_path: Path, caplog):
    target = tmp_path / "model"
    with caplog.at_level(logging.INFO):
        result = train(few, str(target), options=TrainOptions(num_epoch=1, batch_size=4, pretrain=True))
    assert result.steps == 3
    assert "training on 24 images" in caplog.text and "which knows 5 of the 5 symbols" in caplog.text
    assert model_dir.read_config(str(target)).training.pretrain is True
    assert model_dir.read_config(str(target)).dataset == info.load(few).fingerprint
    assert {entry.name for entry in target.iterdir()} == {
        "best.weights.h5",
        "config.json",
        "history.jsonl",
        "latest",
        "logs",
    }


@pytest.mark.slow
def test_an_interrupted_beginning_goes_on(few: str, tmp_path: Path, monkeypatch, caplog):
    target, options = str(tmp_path / "model"), TrainOptions(num_epoch=1, batch_size=4, pretrain=True)
    run = Loop.run

    def interrupted(self: Loop, batches) -> str:
        assert self.plan.steps > 3, "these are the words"
        next(batches)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Loop, "run", interrupted)
        train(few, target, options=options)
    words = tmp_path / "model" / "pretraining" / "words.tfrecords"
    made = words.stat().st_mtime_ns
    seen = []
    monkeypatch.setattr(
        Loop,
        "run",
        lambda self, batches: (seen.append(words.exists() and words.stat().st_mtime_ns), run(self, batches))[1],
    )
    assert train(few, target, options=options).steps == 3
    assert seen == [made, made] and not words.exists()
    # What is done is done: neither words nor images are learnt again.
    assert train(few, target, options=options).steps == 3 and len(seen) == 3
