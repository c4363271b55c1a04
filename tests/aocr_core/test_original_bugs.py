"""The known bugs of aocr 0.7.6, each tested to be absent: here, or where the list says.

 1. Decoder layers shared their weights: model/test_attention.py, layers_have_weights_of_their_own.
 2. The decoder's start discarded half of the encoder: model/test_attention.py, the_start_uses_every_feature.
 3. One decoder layer could not work: here.
 4. Padding was attended to, the backward LSTM began in it: model/test_attention.py and test_encoder.py.
 5. Small images were not scaled up: data/test_preprocess.py, a_small_image_is_scaled_up.
 6. The probability went on behind the end: model/test_decoder.py, nothing_is_written_or_counted_behind_the_end.
 7. A label one symbol too long passed the check and then failed: here.
 8. An unknown character killed the run, an error in a step did not: training/test_resolve.py (one clear line before
    anything is built) and training/test_loop.py (any_other_error_is_not_swallowed, a_loss_that_is_no_number).
 9. Wide images vanished from training and test: data/test_batches.py, wide_images_are_squeezed_not_dropped; and here.
10. The last partial batch was dropped, too few images trained nothing: data/test_batches.py, training/test_run.py.
11. Labels turned to mojibake or failed beyond latin-1: data/test_batches.py, training/test_run.py.
12. gs:// was taken for a local folder: here, and test_storage.py.
13. The data set's counts were wrong and it was overwritten in place: cli/test_dataset.py, data/test_build.py.
14. No sub-command was an AttributeError: cli/test_main.py.  --gpu-id below 0 means the CPU: cli/test_compat.py.
15. Serving names disagreed, exports had to be moved and repeated the training's sizes: export/test_run.py (versions),
    cli/test_export.py (no flag to repeat) and end_to_end/test_original_walk.py.
16. Keras 3 was not supported: here.
"""

import sys
from pathlib import Path

import numpy as np
import pytest

from aocr_core import model_dir, storage
from aocr_core.config import ModelOptions
from aocr_core.data.info import Tally
from aocr_core.data.records import Record
from aocr_core.errors import AocrError
from aocr_core.evaluation.evaluate import evaluate
from aocr_core.recognizer import Recognizer
from aocr_core.training.sizes import image_spec
from tests.aocr_core import small

PACKAGE = Path(__file__).parents[2] / "aocr_core"


@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize("layers", [1, 2, 3])
def test_any_number_of_decoder_layers_works(layers: int, cell: str):
    model = small.model(decoder_layers=layers, decoder_cell=cell, decoder_input=4)
    images = np.zeros((2, 16, 32, 1), np.float32)
    assert model.read(images, np.array([32, 9]), 5).ids.shape == (2, 5)


@pytest.mark.slow
def test_a_text_of_exactly_the_longest_length_can_be_written_and_none_longer(tmp_path):
    """The label check is training/test_resolve.py's; this is what the model itself does."""
    small.write_model(tmp_path, small.config(longest=3))
    readings = Recognizer.load(tmp_path).read([small.picture("abcde"), small.picture("a")])
    assert max(len(reading.text) for reading in readings) <= 3


@pytest.mark.slow
def test_images_of_any_width_count_in_the_score(tmp_path):
    small.write_model(tmp_path / "model", small.config(width=32))
    rows = [Record(small.picture(text), text) for text in ("a", "abcde" * 12)]
    evaluation = evaluate(Recognizer.load(tmp_path / "model"), iter(rows), str(tmp_path / "out"), total=2)
    assert evaluation.summary.count == 2


def test_images_wider_than_asked_for_are_no_reason_to_fail():
    tally = Tally()
    tally.add(Record(b"image", "a", width=900, height=30))
    assert image_spec(tally.info(0), ModelOptions(max_width=64), 32).width == 64


@pytest.mark.slow
def test_a_model_in_a_bucket_is_no_local_folder(bucket: str, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    small.write_model(tmp_path / "model", small.config())
    for name in (model_dir.CONFIG, model_dir.WEIGHTS):
        storage.write_bytes(f"{bucket}/model/{name}", (tmp_path / "model" / name).read_bytes())
    image = small.picture("cab")
    (here,), (there,) = (Recognizer.load(place).read([image]) for place in ("model", f"{bucket}/model"))
    assert (here.text, here.probability) == (there.text, pytest.approx(there.probability, rel=1e-5))
    with pytest.raises(AocrError, match="holds no model"):
        model_dir.read_config(f"{bucket}/elsewhere")
    assert not (tmp_path / "gs:").exists()


def test_keras_3_without_its_predecessor():
    import keras

    assert keras.__version__ >= "3" and "tf_keras" not in sys.modules
    for file in PACKAGE.rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        assert "compat.v1.layers" not in text and "compat.v1.keras" not in text, file
