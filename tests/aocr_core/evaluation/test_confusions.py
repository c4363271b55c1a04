from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from aocr_core.evaluation.confusions import MOST_LENGTHS, LengthRow, length_table, symbol_table

PAIRS = st.lists(st.tuples(st.text("abc", max_size=6), st.text("abc", max_size=6)), max_size=6)


def rows(pairs, kind="characters"):
    return {row.symbol: row for row in symbol_table(pairs, kind)}


def test_replaced_missing_and_extra_characters():
    table = rows([("O0", "00"), ("AB", "A"), ("C", "CX")])
    assert table["O"].confusions == (("0", 1),) and table["O"].recall == 0 and table["O"].precision is None
    assert table["0"].recall == 1 and table["0"].precision == 0.5
    assert table["B"].confusions == (("", 1),)
    assert table["X"].seen == 0 and table["X"].recall is None and table["X"].precision == 0


def test_most_mistakes_come_first():
    pairs = [("ab", "aa"), ("ab", "aa"), ("ac", "aa")]
    assert [row.symbol for row in symbol_table(pairs, "characters")] == ["b", "c", "a"]


def test_tokens():
    assert rows([("\\alpha x", "\\beta x")], "tokens")["\\alpha"].confusions == (("\\beta", 1),)


@given(PAIRS)
def test_counts_are_consistent(pairs):
    for row in symbol_table(pairs, "characters"):
        assert 0 <= row.right <= min(row.seen, row.read)
        assert row.seen == sum(truth.count(row.symbol) for truth, _ in pairs)
        assert sum(count for _, count in row.confusions) == row.seen - row.right


def test_few_lengths_stand_alone():
    table = length_table([("ab", "ab"), ("ab", "a"), ("abcd", "abcd")], "characters")
    assert table == (LengthRow(2, 2, 2, 0.5, 0.25), LengthRow(4, 4, 1, 1.0, 0.0))


@given(st.lists(st.integers(0, 500), min_size=1, max_size=60))
def test_many_lengths_are_put_together(lengths):
    table = length_table([("x" * length, "") for length in lengths], "characters")
    assert len(table) <= MOST_LENGTHS + 1
    assert sum(row.count for row in table) == len(lengths)
    assert all(left.high < right.low for left, right in pairwise(table))


def test_nothing():
    assert symbol_table([], "characters") == () and length_table([], "characters") == ()
