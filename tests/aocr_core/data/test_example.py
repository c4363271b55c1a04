import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aocr_core.data import example

FEATURES = st.dictionaries(st.text(min_size=1), st.binary() | st.integers(-(1 << 63), (1 << 63) - 1))


@given(FEATURES)
def test_round_trip(features: dict[str, bytes | int]):
    assert example.decode(example.encode(features)) == features


@given(FEATURES)
def test_tensorflow_writes_and_reads_the_same(features: dict[str, bytes | int]):
    import tensorflow as tf

    parsed = tf.train.Example.FromString(example.encode(features))
    assert set(parsed.features.feature) == set(features)
    assert example.decode(parsed.SerializeToString()) == features


def test_lists_give_their_first_value_and_floats_are_left_out():
    import tensorflow as tf

    feature = {
        "list": tf.train.Feature(int64_list=tf.train.Int64List(value=[7, 8])),
        "empty": tf.train.Feature(),
        "float": tf.train.Feature(float_list=tf.train.FloatList(value=[0.5])),
    }
    data = tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString()
    assert example.decode(data) == {"list": 7}


@given(st.binary(max_size=60))
def test_other_bytes_are_a_value_error_or_nothing(data: bytes):
    with contextlib.suppress(ValueError):
        assert isinstance(example.decode(data), dict)


def test_a_broken_example_is_a_value_error():
    with pytest.raises(ValueError):
        example.decode(b"\x0a\xff")
