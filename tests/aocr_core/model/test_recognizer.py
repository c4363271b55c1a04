import os
import re
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from aocr_core.model.presets import PRESETS, Convolution
from aocr_core.model.recognizer import AttentionOCR
from tests.aocr_core import small

WIDTHS = np.array([48, 17, 4, 31], np.int32)
INPUTS = np.array([[1, 3, 4], [1, 5, 0], [1, 3, 3], [1, 7, 6]], np.int32)

ROOT = Path(__file__).parents[3]

# One forward pass, the gradient of every weight, and a greedy reading; no TensorFlow anywhere.
WITH_JAX = """
import sys
import jax, keras, numpy as np
from aocr_core.model.presets import PRESETS, Convolution
from aocr_core.model.recognizer import AttentionOCR

network = PRESETS["fast"].model_copy(update={
    "height": 8,
    "convolutions": (Convolution(channels=4, stride=(2, 2), residual=1), Convolution(channels=4, pool=(2, 1))),
    "encoder_units": 4, "decoder_units": 4, "decoder_layers": 2, "decoder_cell": "gru", "decoder_input": 3,
})
keras.utils.set_random_seed(1)
model = AttentionOCR.create(network, symbols=6)
images = np.random.default_rng(0).uniform(-1, 1, (2, 8, 32, 1)).astype("float32")
widths, inputs = np.array([32, 11], "int32"), np.array([[1, 3, 4], [1, 5, 0]], "int32")

def loss(trainable, rest):
    (logits, ctc, lengths), _ = model.stateless_call(trainable, rest, images, widths, inputs, training=True)
    return keras.ops.mean(keras.ops.square(logits)) + keras.ops.mean(keras.ops.square(ctc))

trainable = [v.value for v in model.trainable_variables]
gradients = jax.grad(loss)(trainable, [v.value for v in model.non_trainable_variables])
assert all(np.isfinite(g).all() and np.asarray(g).any() for g in gradients)
ids, logs = model.read(images, widths, 5)
assert ids.shape == (2, 5) and (np.asarray(logs) <= 0).all()
assert keras.backend.backend() == "jax" and "tensorflow" not in sys.modules
"""


def images() -> np.ndarray:
    return np.random.default_rng(0).uniform(-1, 1, (len(WIDTHS), 16, 48, 1)).astype(np.float32)


VARIANTS = {
    "small": {},
    "aocr-like": {"encoder_norm": False, "decoder_input": 6, "decoder_layers": 2, "encoder_layers": 2},
    "residual": {
        "convolutions": (
            Convolution(channels=4, pool=(2, 2), residual=2),
            Convolution(channels=8, pool=(2, 1), residual=1),
        )
    },
}


@pytest.fixture(scope="module", params=VARIANTS)
def model(request) -> AttentionOCR:
    return small.model(**VARIANTS[request.param])


def test_shapes(model: AttentionOCR):
    logits, ctc, lengths = model(images(), WIDTHS, INPUTS)
    stride = model.network.width_stride
    assert logits.shape == (4, 3, small.CHARSET.size)
    assert ctc.shape == (4, 48 // stride, small.CHARSET.size)
    assert np.asarray(lengths).tolist() == [-(-width // stride) for width in WIDTHS]


def test_a_row_does_not_depend_on_the_other_rows(model: AttentionOCR):
    logits, ctc, lengths = (np.asarray(part) for part in model(images(), WIDTHS, INPUTS))
    read = model.read(images(), WIDTHS, 6)
    for row, width in enumerate(WIDTHS):
        padded = -(-width // 16) * 16
        image = images()[row : row + 1, :, :padded]
        alone = model(image, WIDTHS[row : row + 1], INPUTS[row : row + 1])
        np.testing.assert_allclose(alone[0][0], logits[row], atol=1e-5)
        np.testing.assert_allclose(alone[1][0, : lengths[row]], ctc[row, : lengths[row]], atol=1e-5)
        read_alone = model.read(image, WIDTHS[row : row + 1], 6)
        np.testing.assert_array_equal(read_alone.ids[0], read.ids[row])
        np.testing.assert_allclose(read_alone.log_probabilities[0], read.log_probabilities[row], atol=1e-5)


def test_the_same_seed_gives_the_same_weights_and_another_seed_others():
    first, same, other = (small.model(seed=seed).get_weights() for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(first, same, strict=True))
    assert any(not np.array_equal(a, b) for a, b in zip(first, other, strict=True))


def test_weights_survive_the_disk(model: AttentionOCR, tmp_path):
    model.save_weights(tmp_path / "w.weights.h5")
    other = AttentionOCR.create(model.network, small.CHARSET.size)
    other.load_weights(tmp_path / "w.weights.h5")
    np.testing.assert_array_equal(model(images(), WIDTHS, INPUTS)[0], other(images(), WIDTHS, INPUTS)[0])


def test_reading_twice_gives_the_same(model: AttentionOCR):
    first, second = (model.read(images(), WIDTHS, 5) for _ in range(2))
    np.testing.assert_array_equal(first.log_probabilities, second.log_probabilities)


@pytest.mark.slow
@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("channels", [1, 3])
def test_presets_build_and_read(preset: str, channels: int):
    model = AttentionOCR.create(PRESETS[preset], symbols=13, channels=channels)
    pixels = keras.ops.ones((2, PRESETS[preset].height, 64, channels))
    decoded = model.read(pixels, np.array([64, 20]), 4)
    assert decoded.ids.shape == (2, 4)


def test_the_network_itself_needs_no_tensorflow():
    """As a user of another backend imports it; only what has a second version is TensorFlow's."""
    for file in (ROOT / "aocr_core" / "model").glob("*.py"):
        text = file.read_text(encoding="utf-8")
        tensorflows = file.name in ("kernels.py", "recurrence.py")
        assert bool(re.search(r"^\s*(import|from) tensorflow", text, re.MULTILINE)) == tensorflows, file.name
        assert not re.search(r"^(import|from) .*\b(kernels|recurrence)\b", text, re.MULTILINE), file.name


@pytest.mark.slow
def test_forward_and_gradients_under_jax():
    """`AOCR_JAX_PYTHON` may name the Python of an environment with Keras and JAX."""
    python = os.environ.get("AOCR_JAX_PYTHON", sys.executable)
    environment = os.environ | {"KERAS_BACKEND": "jax", "PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"}
    if subprocess.run([python, "-c", "import jax"], capture_output=True).returncode:
        pytest.skip("needs jax, which aocr does not depend on: pip install jax, or set AOCR_JAX_PYTHON")
    done = subprocess.run([python, "-c", WITH_JAX], env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
