from itertools import permutations

import distance
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aocr_core.errors import AocrError
from aocr_core.evaluation.metrics import Summary, TextMetrics, similarity, split

TEXTS = st.text(alphabet="abAB \u00e9\u0301\u7696\u0645\U0001f600", max_size=8)
PAIRS = st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=8)


def measure(pairs: list[tuple[str, str]], kind="characters") -> Summary:
    metrics = TextMetrics(kind)
    metrics.update([truth for truth, _ in pairs], [text for _, text in pairs])
    return metrics.summary()


def originals_accuracy(pairs: list[tuple[str, str]]) -> float:
    """The figure of aocr 0.7.6, computed with the package it used."""
    scores = [1 - min(1, distance.levenshtein(text, truth) / len(truth)) for truth, text in pairs]
    return sum(scores) / len(scores)


@given(st.lists(st.tuples(TEXTS.filter(bool), TEXTS), min_size=1, max_size=8))
def test_character_similarity_is_the_accuracy_of_the_original(pairs):
    assert measure(pairs).character_similarity == pytest.approx(originals_accuracy(pairs))


@given(PAIRS)
def test_rates_agree_with_an_independent_edit_distance(pairs):
    edits = [distance.levenshtein(truth, text) for truth, text in pairs]
    summary = measure(pairs)
    assert summary.cer == pytest.approx(sum(edits) / max(1, sum(len(truth) for truth, _ in pairs)))
    ned = [edit / max(1, len(truth), len(text)) for edit, (truth, text) in zip(edits, pairs, strict=True)]
    assert summary.one_minus_ned == pytest.approx(1 - sum(ned) / len(ned))


@given(st.lists(st.lists(st.sampled_from(["\\frac", "{", "x", "}"]), max_size=6), min_size=2, max_size=2))
def test_tokens_are_the_unit_of_a_token_metric(lists):
    truth, text = lists
    summary = measure([(" ".join(truth), "  ".join(text))], "tokens")
    assert summary.cer == distance.levenshtein(truth, text) / max(1, len(truth))
    assert summary.accuracy == (truth == text)


@given(PAIRS)
def test_figures_are_shares_and_ordered(pairs):
    summary = measure(pairs)
    for share in (summary.accuracy, summary.caseless_accuracy, summary.one_minus_ned, summary.character_similarity):
        assert 0 <= share <= 1
    assert summary.accuracy <= summary.caseless_accuracy + 1e-12
    assert summary.accuracy <= summary.character_similarity + 1e-12 <= summary.one_minus_ned + 2e-12


@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=4))
def test_the_order_of_the_texts_is_of_no_account(pairs):
    expected = measure(pairs)
    for order in permutations(pairs):
        summary = measure(list(order))
        assert (summary.accuracy, summary.cer) == (expected.accuracy, expected.cer)
        assert summary.character_similarity == pytest.approx(expected.character_similarity)


@given(PAIRS)
def test_batches_add_up(pairs):
    metrics = TextMetrics()
    for truth, text in pairs:
        metrics.update([truth], [text])
    assert metrics.summary() == measure(pairs)


def test_perfect_and_hopeless():
    assert measure([("AB", "AB"), ("", "")]) == Summary(2, 1.0, 1.0, 0.0, 1.0, 1.0)
    assert measure([("AB", "xyz"), ("CD", "")]) == Summary(2, 0.0, 0.0, 5 / 4, 0.0, 0.0)


def test_case():
    summary = measure([("Straße", "STRASSE"), ("ab", "ab")])
    assert (summary.accuracy, summary.caseless_accuracy) == (0.5, 1.0)


def test_empty_truths():
    assert measure([("", "")]) == Summary(1, 1.0, 1.0, 0.0, 1.0, 1.0)
    assert measure([("", "ab")]) == Summary(1, 0.0, 0.0, 2.0, 0.0, 0.0)
    assert similarity(0, 0) == 1 and similarity(1, 0) == 0


def test_nothing_added_is_an_error():
    metrics = TextMetrics()
    with pytest.raises(AocrError, match="nothing to measure"):
        metrics.summary()
    metrics.update(["a"], ["a"])
    metrics.reset()
    with pytest.raises(AocrError, match="nothing to measure"):
        metrics.summary()


def test_unequal_batches_are_an_error():
    with pytest.raises(ValueError):
        TextMetrics().update(["a", "b"], ["a"])


def test_split():
    assert list(split("a b", "characters")) == ["a", " ", "b"]
    assert split(" \\frac  x ", "tokens") == ["\\frac", "x"]
