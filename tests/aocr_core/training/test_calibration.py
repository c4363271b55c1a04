"""A model that knows how likely each text is, and says it too modestly or too surely by known factors."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from aocr_core import model_dir
from aocr_core.charset import Charset
from aocr_core.config import TrainOptions
from aocr_core.data import records
from aocr_core.evaluation.evaluate import evaluate
from aocr_core.model import presets
from aocr_core.model.temperatures import Temperatures
from aocr_core.recognizer import Recognizer
from aocr_core.training import calibration, train
from tests.aocr_core import small

CHARSET = Charset(symbols=("a", "b"))
# PAD, GO, END, a, b: four texts of five are "a".
FIRST, THEN = np.array([1e-9, 1e-9, 1e-9, 0.8, 0.2]), np.array([1e-30, 1e-30, 1.0, 1e-30, 1e-30])


class Known:
    """Logits for texts of one symbol."""

    def __init__(self, attention: float, ctc: float) -> None:
        self.attention, self.ctc = attention, ctc

    def __call__(self, images: tf.Tensor, widths: tf.Tensor, inputs: tf.Tensor) -> tuple[tf.Tensor, ...]:
        rows = tf.shape(images)[0]
        logits = tf.tile(tf.constant(np.log([[FIRST, THEN]]), tf.float32), [rows, 1, 1])
        return self.attention * logits, self.ctc * logits[:, :1], tf.ones([rows], tf.int32)


def images(*labels: str) -> tf.data.Dataset:
    count = len(labels)
    batch = (tf.zeros([count, 32, 16, 1]), tf.fill([count], 16), tf.constant(labels))
    return tf.data.Dataset.from_tensors(batch)


def fit(model: Known, batches: tf.data.Dataset, **changes: object) -> Temperatures:
    config = small.config(CHARSET)
    return calibration.fit(model, config.model_copy(update={"training": TrainOptions(**changes)}), batches)


@pytest.mark.parametrize(("attention", "ctc"), [(1.0, 1.0), (0.6, 1.5), (2.0, 0.7)])
def test_what_is_too_sure_becomes_less_so_and_the_other_way_round(attention: float, ctc: float):
    found = fit(Known(attention, ctc), images(*"aaaab" * 20))
    assert found.attention == pytest.approx(attention, rel=0.05)
    assert found.ctc == pytest.approx(ctc, rel=0.05)


def test_texts_with_unknown_symbols_do_not_count():
    known, mixed = images(*"aaaab" * 20), images(*"aaaab" * 20, *"xyz" * 20)
    assert fit(Known(0.7, 0.7), mixed) == fit(Known(0.7, 0.7), known) != Temperatures()


def test_a_few_images_say_nothing():
    assert fit(Known(2.0, 2.0), images(*"aaaab")) == fit(Known(2.0, 2.0), images(*"x" * 100)) == Temperatures()


def test_a_head_that_has_learnt_nothing_is_left_alone():
    assert fit(Known(2.0, 2.0), images(*"aaaab" * 20), ctc_weight=0.0).ctc == 1.0


@pytest.mark.slow
def test_a_trained_model_is_less_mistaken_about_itself(tmp_path: Path, monkeypatch):
    monkeypatch.setitem(presets.PRESETS, "fast", small.NETWORK)
    words = small.write_words(tmp_path / "words.tfrecords", ["ab", "ba", "a", "b"] * 15)
    target = str(tmp_path / "model")
    options = TrainOptions(num_epoch=10, steps_per_checkpoint=20, batch_size=4, augment=False, label_smoothing=0.3)
    train(words, target, words, options=options)
    trained = model_dir.read_config(target)
    assert trained.temperatures.attention < 1.0
    losses = []
    for config in (trained, trained.model_copy(update={"temperatures": Temperatures()})):
        model_dir.write_config(target, config)
        evaluation = evaluate(Recognizer.load(target), records.read([words]))
        losses.append(evaluation.calibration.expected_error)
    assert losses[0] < losses[1]


@pytest.mark.slow
def test_images_that_were_trained_on_are_no_judges(tmp_path: Path, monkeypatch):
    monkeypatch.setitem(presets.PRESETS, "fast", small.NETWORK)
    words = small.write_words(tmp_path / "words.tfrecords", ["ab", "ba", "a", "b"] * 15)
    train(words, str(tmp_path / "model"), options=TrainOptions(num_epoch=1, validation_share=0.0))
    assert model_dir.read_config(str(tmp_path / "model")).temperatures == Temperatures()
