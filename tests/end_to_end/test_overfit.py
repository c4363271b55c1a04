"""A small network learns sixteen rendered words by heart; exports and `aocr test` then read all of them."""

import json
from pathlib import Path

import pytest
import tensorflow as tf
from click.testing import CliRunner, Result

from aocr_core.cli.main import command
from aocr_core.config import ModelOptions, TrainOptions
from aocr_core.export.frozen_graph import FrozenReader
from aocr_core.recognizer import Recognizer
from aocr_core.training import train
from tests.aocr_core import small

pytestmark = pytest.mark.slow

TEXT = "apple bread chair dance eagle fruit grape house ivory jolly knife lemon mango night ocean paint"
WORDS = TEXT.split()


def run(*arguments: str) -> Result:
    done = CliRunner().invoke(command, arguments)
    assert done.exception is None, done.output
    return done


def test_sixteen_words(tmp_path: Path):
    dataset = small.write_words(tmp_path / "words.tfrecords", WORDS)
    model, exports, frozen = (str(tmp_path / name) for name in ("model", "exports", "frozen"))
    result = train(
        dataset,
        model,
        dataset,
        model=ModelOptions(attn_num_hidden=64, target_embedding_size=16),
        options=TrainOptions(
            batch_size=16, num_epoch=200, steps_per_checkpoint=50, patience=0, augment=False, ema_decay=0.9
        ),
    )
    assert result.accuracy == 1.0, result

    images = [small.picture(word) for word in WORDS]
    run("export", exports, "--model-dir", model)
    run("export", frozen, "--format=frozengraph", "--model-dir", model)
    for place in (model, exports):
        readings = Recognizer.load(place).read(images)
        assert [reading.text for reading in readings] == WORDS
        assert min(reading.probability for reading in readings) > 0.3
    texts, _ = FrozenReader(Path(frozen) / "frozen_graph.pb")(tf.constant(images))
    assert [text.decode() for text in texts.numpy()] == WORDS

    shown = run("test", dataset, "--model-dir", model, "--output-dir", str(tmp_path / "results")).stdout
    assert next(line for line in shown.splitlines() if line.startswith("exactly right")).split()[2:4] == ["100.0", "%"]
    assert json.loads((tmp_path / "results" / "metrics.json").read_text())["accuracy"] == 1.0
