"""Made of operations that every runtime has, the model reads the same."""

import re

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from aocr_core.config import ReadOptions
from aocr_core.export import portable
from aocr_core.export.signatures import ReadingGraph
from aocr_core.model import operations
from aocr_core.model.recognizer import AttentionOCR
from tests.aocr_core import small

STEPS = 7
OF_TENSORFLOW_ALONE = {"BlockLSTM", "CTCLoss", "Where", "XlaDynamicUpdateSlice", "Bitcast", "FusedBatchNormV3"}
WAYS = [
    ReadOptions(),
    ReadOptions(beam_width=3),
    ReadOptions(decoder="attention"),
    ReadOptions(decoder="ctc"),
]


def opinionated() -> AttentionOCR:
    """A model that is sure of some images, and whose heads disagree about others."""
    model = small.model()
    model.ctc.kernel.assign(20 * model.ctc.kernel.numpy())
    model.decoder.score.kernel.assign(4 * model.decoder.score.kernel.numpy())
    return model


def images(count: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(1)
    return random.uniform(-1, 1, (count, 16, 64, 1)).astype(np.float32), random.integers(8, 65, count).astype(np.int32)


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_the_reading_is_the_same(way: ReadOptions):
    model, (pixels, widths) = opinionated(), images(32)
    usual = model.read(pixels, widths, STEPS, way)
    with operations.portable():
        other = model.read(pixels, widths, STEPS, way)
    np.testing.assert_array_equal(other.ids, usual.ids)
    np.testing.assert_allclose(other.log_probabilities, usual.log_probabilities, atol=1e-3)


def operations_of(function: tf.types.experimental.ConcreteFunction) -> set[str]:
    """Also those of the loops and conditions, which are functions of their own in the graph."""
    return set(re.findall(r'^\s*op: "(\w+)"$', str(function.graph.as_graph_def()), re.MULTILINE))


def test_the_graph_has_no_operations_that_tensorflow_alone_has():
    graph = ReadingGraph(small.model(), small.config())
    assert not OF_TENSORFLOW_ALONE & operations_of(portable.function(graph, 1).get_concrete_function())
    # As it is used otherwise, it has.
    assert {"BlockLSTM", "CTCLoss"} <= operations_of(graph.serve.get_concrete_function())


def test_what_is_portable_ends_with_the_block_even_if_it_fails():
    assert operations.tensorflow_only()
    with pytest.raises(KeyError), operations.portable():
        assert not operations.tensorflow_only()
        raise KeyError
    assert operations.tensorflow_only()


def test_argmax_takes_the_first_of_equals():
    values = np.array([[1.0, 3.0, 3.0, -2.0], [-0.0, 0.0, -1.0, 0.0], [-5.0, -4.0, -4.5, -1e9]], np.float32)
    np.testing.assert_array_equal(operations.argmax(values), np.argmax(values, axis=-1))
    assert keras.backend.standardize_dtype(operations.argmax(values).dtype) == "int32"


@pytest.mark.parametrize("shape", [(5, 3), (4, 2, 3)])
def test_a_row_is_put_in_its_place(shape: tuple[int, ...]):
    rows = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    wanted = rows.copy()
    wanted[2] = -1
    new = -np.ones(shape[1:], np.float32)
    np.testing.assert_array_equal(operations.put(ops.convert_to_tensor(rows), 2, new), wanted)


def test_logarithms_of_sums():
    one, other = np.array([0.0, -1e9, -3.0, -1e9], np.float32), np.array([0.0, -2.0, -3.5, -1e9], np.float32)
    np.testing.assert_allclose(operations.add_logs(one, other), np.logaddexp(one, other), atol=1e-6)
