import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from aocr_core.model import masking

LENGTHS = st.lists(st.integers(0, 6), min_size=1, max_size=4)


@given(LENGTHS)
def test_valid_positions_are_counted_by_the_length(lengths: list[int]):
    mask = np.asarray(masking.valid(np.array(lengths), 6))
    assert mask.sum(axis=1).tolist() == lengths
    assert (np.diff(mask, axis=1) <= 0).all()  # no hole


@given(LENGTHS)
def test_reversal_turns_each_row_within_its_length(lengths: list[int]):
    rows = np.random.default_rng(0).normal(size=(len(lengths), 6, 2)).astype(np.float32)
    places = masking.reversal(np.array(lengths), 6)
    turned = np.asarray(masking.reverse(rows, places))
    for row, found, length in zip(rows, turned, lengths, strict=True):
        np.testing.assert_array_equal(found[:length], row[:length][::-1])
        np.testing.assert_array_equal(found[length:], row[length:])
    np.testing.assert_array_equal(masking.reverse(turned, places), rows)


@given(st.integers(1, 200), st.integers(1, 4))
def test_a_length_shrinks_as_same_padding_does(length: int, factor: int):
    assert masking.shrink(length, factor) == len(range(0, length, factor))
