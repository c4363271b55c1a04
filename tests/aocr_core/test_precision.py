from pathlib import Path

import pytest
import tensorflow as tf

from aocr_core import precision
from aocr_core.export.signatures import ReadingGraph
from aocr_core.model import joint
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


@pytest.fixture
def product():
    """Calls a graph of its own whose exact answer, 1 + 2^-10, bfloat16 has no number for."""
    yield lambda: float(tf.function(lambda one, other: tf.matmul(one, other))(tf.ones([1, 1]), [[1 + 2**-10]])[0, 0])
    precision.read_in("float32")


def test_graphs_are_exact_unless_told_otherwise(product):
    assert product() == 1 + 2**-10


def test_graphs_run_in_bfloat16_when_asked(product):
    if precision.resolve("auto") == "float32":
        pytest.skip("this processor has no instructions for bfloat16")
    precision.read_in("bfloat16")
    assert product() == 1
    precision.read_in("float32")
    assert product() == 1 + 2**-10


def test_what_ctc_is_sure_of_is_read_in_bfloat16_too(product, monkeypatch):
    """TensorFlow 2.21 loses what `tf.cond` gives in such a graph."""
    monkeypatch.setattr(joint, "SURE", 0.0)
    model, image = small.model(), tf.io.encode_png(tf.cast(tf.random.uniform([16, 40, 1], 0, 255), tf.uint8))
    for wanted in ("float32", "bfloat16"):
        precision.read_in(wanted)
        text = ReadingGraph(model, small.config()).serve(image)["output"]
        assert (text.dtype, text.shape) == (tf.string, ())
