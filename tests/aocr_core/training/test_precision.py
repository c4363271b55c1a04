from pathlib import Path

import keras
import pytest
import tensorflow as tf

from aocr_core.training import precision
from tests.aocr_core import small


@pytest.fixture(autouse=True)
def no_gpu(monkeypatch):
    """What the processor can do decides only where there is no GPU."""
    monkeypatch.setattr(tf.config, "get_visible_devices", lambda kind: [])


@pytest.mark.parametrize(
    ("flags", "found"),
    [
        ("flags\t\t: fpu avx512f avx512_bf16 sse4_2", "bfloat16"),
        ("flags : amx_bf16", "bfloat16"),
        ("flags\t: fpu avx2 avx512f", "float32"),
        ("Features : fp asimd", "float32"),
    ],
)
def test_auto_takes_what_the_processor_has_instructions_for(monkeypatch, tmp_path: Path, flags: str, found: str):
    (tmp_path / "cpuinfo").write_text(f"processor : 0\n{flags}\n")
    monkeypatch.setattr(precision, "CPU_INFO", tmp_path / "cpuinfo")
    assert precision.resolve("auto") == found


def test_auto_is_float32_where_the_processor_does_not_tell(monkeypatch, tmp_path: Path):
    monkeypatch.setattr(precision, "CPU_INFO", tmp_path / "missing")
    assert precision.resolve("auto") == "float32"


@pytest.mark.parametrize("wanted", ["float32", "bfloat16"])
def test_what_was_asked_for_is_taken(wanted):
    assert precision.resolve(wanted) == wanted


def test_layers_compute_in_it_and_weights_stay_float32():
    with precision.used("bfloat16"):
        model = small.model()
    assert model.backbone.blocks[0].convolution.compute_dtype == "bfloat16"
    assert {variable.dtype for variable in model.trainable_variables} == {"float32"}
    assert keras.config.dtype_policy().name == "float32"


def test_an_error_puts_the_policy_back():
    with pytest.raises(RuntimeError), precision.used("bfloat16"):
        raise RuntimeError
    assert keras.config.dtype_policy().name == "float32"
