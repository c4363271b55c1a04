"""Real trainings of a small network on rendered words."""

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from aocr_core import model_dir, storage
from aocr_core.config import DataOptions, ModelOptions, TrainOptions
from aocr_core.data import example, records
from aocr_core.errors import AocrError, UsageError
from aocr_core.export import probes
from aocr_core.model import presets
from aocr_core.recognizer import Recognizer
from aocr_core.training import train
from aocr_core.training.loop import Loop
from aocr_core.training.validation import Validator
from tests.aocr_core import small
from tests.aocr_core.training.interrupted import interrupted_after

pytestmark = pytest.mark.slow

WORDS = ["a", "bb", "cab", "dead", "ebb", "face", "gag", "hedge", "cafe", "bee", "ad", "be"]


def small_presets(patch: pytest.MonkeyPatch) -> None:
    patch.setitem(presets.PRESETS, "fast", small.NETWORK)


@pytest.fixture(autouse=True)
def small_preset(monkeypatch):
    small_presets(monkeypatch)


@pytest.fixture(scope="module")
def words(tmp_path_factory) -> str:
    return small.write_words(tmp_path_factory.mktemp("data") / "words.tfrecords", WORDS)


def options(**changes) -> TrainOptions:
    return TrainOptions(**({"batch_size": 4, "num_epoch": 2, "steps_per_checkpoint": 3, "augment": False} | changes))


def history(directory: Path) -> list[int]:
    return [json.loads(line)["step"] for line in (directory / model_dir.HISTORY).read_text().splitlines()]


def test_interrupt_resume_and_start_anew(words, tmp_path):
    with interrupted_after(5):
        train(words, str(tmp_path), words, options=options())
    assert history(tmp_path) == [3]

    resumed = train(words, str(tmp_path), words, options=options())
    assert (resumed.steps, resumed.stopped) == (6, "6 steps are done")
    assert history(tmp_path) == [3, 6]

    with pytest.raises(AocrError, match="holds a model with another decoder_units"):
        train(words, str(tmp_path), words, options=options(), model=ModelOptions(attn_num_hidden=9))
    with pytest.raises(AocrError, match=r"does not fit .* --no-resume"):
        train(words, str(tmp_path), words, options=options(optimizer="adadelta"))
    assert history(tmp_path) == [3, 6]

    anew = options(resume=False, num_epoch=1)
    assert train(words, str(tmp_path), words, options=anew, model=ModelOptions(attn_num_hidden=9)).steps == 3
    assert history(tmp_path) == [3]
    assert model_dir.load_model(str(tmp_path))[1].network.decoder_units == 9


@pytest.mark.parametrize(("validation", "labels"), [(["ebb", "face", "gag"], {"ebb", "face", "gag"}), (None, WORDS)])
def test_some_images_stay_with_the_model_for_its_exports(words, tmp_path, validation, labels):
    held = validation and small.write_words(tmp_path / "held.tfrecords", validation)
    train(words, str(tmp_path / "model"), held, options=options(num_epoch=1, validation_share=None if held else 0.3))
    kept = [*records.read([str(tmp_path / "model" / model_dir.SAMPLES)])]
    assert kept and {record.label for record in kept} <= {*labels} and len(kept) < len(WORDS)
    assert {record.image for record in kept} <= {small.picture(word) for word in WORDS}
    assert probes.of_model(str(tmp_path / "model")) == [record.image for record in kept]


def test_tokens_from_records_to_readings(tmp_path):
    labels = ["\\frac { x } { 2 }", "x + 2", "\\alpha"]
    path = small.write_words(tmp_path / "latex.tfrecords", labels)
    train(
        path,
        str(tmp_path / "model"),
        path,
        data=DataOptions(label_kind="tokens"),
        options=options(optimizer="adadelta"),
    )
    recognizer = Recognizer.load(tmp_path / "model")
    assert set(recognizer.charset.symbols) == {"\\frac", "{", "}", "x", "2", "+", "\\alpha"}
    for reading in recognizer.read([small.picture(label) for label in labels], attention=True):
        assert " ".join(reading.symbols) == reading.text
        assert not recognizer.charset.unknown(reading.text)


def test_any_script_also_in_the_latin_1_of_the_original(tmp_path):
    path = tmp_path / "labels.tfrecords"
    with tf.io.TFRecordWriter(str(path)) as writer:
        for label in ("größe".encode("latin-1"), "東京".encode(), "e\u0301".encode()):
            features = {"image": small.picture("abc"), "label": label}
            writer.write(example.encode(features))
    train(str(path), str(tmp_path / "model"), options=options(num_epoch=1, validation_share=0.5))
    assert set(Recognizer.load(tmp_path / "model").charset.symbols) == set("größe東京e\u0301")


@pytest.fixture(scope="module")
def source(words, tmp_path_factory) -> Path:
    directory = tmp_path_factory.mktemp("source")
    with pytest.MonkeyPatch.context() as patch:
        small_presets(patch)
        train(words, str(directory), words, options=options())
    return directory


@pytest.fixture(scope="module")
def more(tmp_path_factory) -> str:
    """Words with other letters."""
    return small.write_words(tmp_path_factory.mktemp("more") / "more.tfrecords", ["fish", "chips", "and", "a", "cab"])


def starting(**changes) -> TrainOptions:
    """So slow a training that its weights stay what they were at its beginning."""
    return options(initial_learning_rate=1e-9, ema_decay=0, **changes)


def assert_knows(directory: Path, source: Path) -> None:
    theirs, ours = (model_dir.load_model(str(place))[0].encoder.weights for place in (source, directory))
    for weight, other in zip(theirs, ours, strict=True):
        np.testing.assert_allclose(weight.numpy(), other.numpy(), atol=1e-4)


def test_beginning_with_another_model(source, more, tmp_path):
    """Also with other symbols; once begun, it goes on without it."""
    copy, target = shutil.copytree(source, tmp_path / "copy"), tmp_path / "target"
    train(more, str(target), more, options=starting(init_from=str(copy)))
    assert_knows(target, source)
    assert history(target) == [3]
    shutil.rmtree(copy)
    for init_from in (str(copy), None):
        train(more, str(target), more, options=starting(init_from=init_from, num_epoch=4))
    assert history(target)[-1] == 5
    found = Recognizer.load(target)
    assert found.charset.symbols == tuple("abcdfhinps") and found.config.training.init_from == str(copy)
    with pytest.raises(AocrError, match="has begun without elsewhere: start anew"):
        train(more, str(target), more, options=starting(init_from="elsewhere"))


@pytest.mark.parametrize("flag", [True, False])
def test_a_beginning_that_was_cut_short_is_repeated(source, more, tmp_path, monkeypatch, flag: bool):
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit):
        patch.setattr(Loop, "run", lambda self, stream: sys.exit())  # no checkpoint yet
        train(more, str(tmp_path), more, options=starting(init_from=str(source)))
    train(more, str(tmp_path), more, options=starting(init_from=str(source) if flag else None))
    assert_knows(tmp_path, source)


def test_beginning_anew_with_the_model_in_the_same_directory(source, more, tmp_path):
    shutil.copytree(source, tmp_path / "model")
    place = str(tmp_path / "model")
    train(more, place, more, options=starting(init_from=place, resume=False))
    assert_knows(tmp_path / "model", source)


def test_a_source_that_is_of_no_use_harms_nothing(source, more, tmp_path):
    shutil.copytree(source, tmp_path / "model")
    shutil.copytree(source, tmp_path / "broken")
    (tmp_path / "broken" / model_dir.WEIGHTS).unlink()
    with pytest.raises(AocrError, match="has no weights yet"):
        train(more, str(tmp_path / "model"), more, options=starting(init_from=str(tmp_path / "broken"), resume=False))
    assert_knows(tmp_path / "model", source)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("ctc_weight", [0.0, 0.3])
def test_any_precision_with_and_without_ctc(words, tmp_path, precision, ctc_weight: float):
    """Weights are float32 in any case, and are read so; a CTC head that learnt nothing has no say."""
    result = train(words, str(tmp_path), words, options=options(precision=precision, ctc_weight=ctc_weight))
    model, config = model_dir.load_model(str(tmp_path))
    assert (config.training.precision, config.network.joint_decoding) == (precision, ctc_weight > 0)
    assert {variable.dtype for variable in model.variables if "seed" not in variable.path} == {"float32"}
    last = json.loads((tmp_path / model_dir.HISTORY).read_text().splitlines()[-1])
    assert (last["ctc_loss"] > 0) == (ctc_weight > 0) and last["loss"] > 0
    readings = Recognizer.load(tmp_path).read([small.picture(word) for word in WORDS])
    assert result.steps == 6 and all(0 < reading.probability < 1 for reading in readings)


@pytest.mark.parametrize("share", [0.1, 0.99])
def test_one_image_is_enough_to_train_on(tmp_path, share: float):
    """It is both trained on and judged, whichever side of the split it would fall on."""
    path = small.write_words(tmp_path / "one.tfrecords", ["a"])
    result = train(path, str(tmp_path / "model"), options=options(num_epoch=1, validation_share=share))
    assert result.steps == 1 and 0 <= result.accuracy <= 1


def test_nothing_to_train_on(words, tmp_path):
    empty = tmp_path / "empty.tfrecords"
    empty.write_bytes(b"")
    with pytest.raises(AocrError, match="empty"):
        train(str(empty), str(tmp_path / "model"))
    with pytest.raises(UsageError, match="nowhere"):
        train(str(tmp_path / "nowhere.tfrecords"), str(tmp_path / "model"))
    with pytest.raises(AocrError, match="--max-prediction 3"):
        train(words, str(tmp_path / "model"), model=ModelOptions(max_prediction=3))
    with pytest.raises(AocrError, match="not in the charset digits"):
        train(words, str(tmp_path / "model"), data=DataOptions(charset="digits"))
    assert not (tmp_path / "model").exists()


def test_images_that_cannot_be_decoded_are_told_before_anything_is_written(tmp_path):
    path = small.foreign(tmp_path / "old.tfrecords", small.picture("a"), small.picture("a")[:-40])
    with pytest.raises(AocrError, match="1 of 2 images cannot be decoded, the first in record 2 of"):
        train(path, str(tmp_path / "model"), path, options=options())
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize("wrong", ["empty", "cut short", "no records", "no image"])
def test_what_cannot_be_judged_by_is_told_before_the_first_step(words, tmp_path, wrong: str):
    held = tmp_path / "held.tfrecords"
    small.foreign(held, b"no image" if wrong == "no image" else small.picture("a"))
    content = {"empty": b"", "cut short": held.read_bytes()[:-40], "no records": b"label,image\n" * 9}
    held.write_bytes(content.get(wrong, held.read_bytes()))
    with pytest.raises(AocrError, match=r"held\.tfrecords"):
        train(words, str(tmp_path / "model"), str(held), options=options())
    assert not (tmp_path / "model").exists()


def test_a_bucket_holds_the_model_and_the_training_goes_on_from_there(words, bucket, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    place, data = f"{bucket}/job/model", f"{bucket}/words.tfrecords"
    storage.write_bytes(data, Path(words).read_bytes())
    first = train(data, place, data, options=options(num_epoch=1))
    again = train(data, place, data, options=options(num_epoch=2))
    assert 0 < first.steps < again.steps
    assert len(Recognizer.load(place).read([small.picture("cab")])) == 1
    assert not (tmp_path / "gs:").exists()


def diverge(*_) -> None:
    raise AocrError("training diverged")


def test_other_data_in_the_same_directory_begin_a_training_of_full_length(words, tmp_path):
    target = str(tmp_path / "model")
    first = train(words, target, words, options=options())
    kept = Recognizer.load(target).config
    other = small.write_words(tmp_path / "other.tfrecords", [*WORDS[3:], "cabbage", "face"])
    with pytest.MonkeyPatch.context() as patch, pytest.raises(AocrError, match="diverged"):  # before anything is saved
        patch.setattr(Loop, "_train_step", diverge)
        train(other, target, other, options=options(num_epoch=3))
    second = train(other, target, other, options=options(num_epoch=3))
    now = Recognizer.load(target).config
    assert (first.steps, second.steps) == (6, 9)
    assert now.dataset != kept.dataset and now.training.num_epoch == 3 and now.charset == kept.charset
    assert train(other, target, other, options=options(num_epoch=3)).steps == 9  # the same data: all is done


def test_other_validation_images_are_not_compared_with_those_before(words, tmp_path, caplog):
    """Figures of easy ones would keep all weights away that read hard ones."""
    caplog.set_level("INFO", logger="aocr_core")
    target, read = str(tmp_path / "model"), Validator.__call__
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Validator, "__call__", lambda self: replace(read(self), accuracy=1.0, cer=0.0))
        easy = train(words, target, words, options=options())
    assert (easy.accuracy, easy.cer) == (1.0, 0.0)
    (tmp_path / "model" / model_dir.WEIGHTS).unlink()
    hard = small.write_words(tmp_path / "hard.tfrecords", ["hedge", "cabbage", "face"])
    told = "other validation images than before"
    assert told not in caplog.text
    for steps in ([3, 6, 6], [3, 6, 6, 9]):  # at once, as the training was done, and when it goes on
        result = train(words, target, hard, options=options(num_epoch=len(steps) - 1))
        assert history(tmp_path / "model") == steps and result.accuracy < 1.0 and result.cer > 0.0
        assert (tmp_path / "model" / model_dir.WEIGHTS).exists()
    assert caplog.text.count(told) == 1

    caplog.clear()
    for share in (0.3, 0.5):
        train(words, target, options=options(num_epoch=3, validation_share=share))
    assert caplog.text.count(told) == 2
