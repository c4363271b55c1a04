"""The rules, one by one."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aocr_core.approval.compare import summarise
from aocr_core.approval.decide import Decision, decide
from aocr_core.config import ApproveOptions
from tests.aocr_core.approval.rows import compared, outcome, rows

TEXTS = st.lists(st.tuples(st.text("ab", min_size=1), st.text("ab")), min_size=1, max_size=60)


def decision(truths, new, serving=None, **options) -> Decision:
    comparison = compared(truths, new, serving) if serving else None
    return decide(summarise(rows(truths, new), "characters"), comparison, ApproveOptions(**options))


@pytest.mark.parametrize(("floor", "approved", "code"), [(0.8, True, "first_model"), (0.81, False, "floor_missed")])
def test_the_first_model_needs_only_the_floor(floor, approved, code):
    truths, new, _ = outcome(both=8, neither=2)
    found = decision(truths, new, min_accuracy=floor)
    assert (found.approved, found.verdict) == (approved, code)


@pytest.mark.parametrize(
    ("counts", "margin", "approved", "verdict"),
    [
        ({"both": 80, "won": 15, "neither": 5}, 0.0, True, "better"),
        ({"both": 80, "lost": 15, "neither": 5}, 0.0, False, "worse"),
        ({"both": 80, "won": 8, "lost": 7, "neither": 5}, 0.0, False, "within_noise"),
        ({"both": 80, "won": 1, "neither": 19}, 0.0, False, "within_noise"),
        ({"both": 80, "won": 15, "neither": 5}, 0.1, False, "gain_too_small"),
        ({"both": 95, "won": 3, "lost": 2}, -0.1, True, "not_worse"),
        ({"both": 95, "won": 1, "lost": 4}, -0.01, False, "within_noise"),
    ],
)
def test_only_what_is_certain_counts(counts, margin, approved, verdict):
    found = decision(*outcome(**counts), min_gain=margin)
    assert (found.approved, found.verdict) == (approved, verdict), found.reasons


def test_every_rule_has_its_own_reason():
    found = decision(*outcome(both=20, won=15, neither=65), min_accuracy=0.9)
    assert [(reason.code, reason.passed) for reason in found.reasons] == [("floor_missed", False), ("better", True)]
    assert found.reasons[0].text == "35.0 % exact is below the floor of 90.0 %"
    assert found.reasons[1].text.startswith("better: +15.0 points exact against version 7, 95 % interval +")
    assert not found.approved and found.verdict == "floor_missed"


def test_a_loss_is_written_with_a_minus():
    found = decision(*outcome(both=80, lost=15, neither=5))
    assert "\u221215.0 points exact against version 7, 95 % interval \u2212" in found.reasons[1].text


@given(TEXTS, st.sampled_from([0.0, 0.05]))
def test_the_same_readings_never_promote(texts, margin):
    truths, read = zip(*texts, strict=True)
    found = decision(truths, read, read, min_accuracy=0.0, min_gain=margin)
    assert not found.approved and found.verdict == "no_change"


def test_the_same_readings_are_enough_where_the_newer_of_two_equals_is_wanted():
    """Another export of the same weights, for one."""
    truths, read, _ = outcome(both=95, neither=5)
    found = decision(truths, read, read, min_gain=-0.1)
    assert found.approved and found.verdict == "not_worse"


@given(TEXTS, st.data())
def test_never_are_both_of_two_models_better(texts, data):
    truths, first = zip(*texts, strict=True)
    second = data.draw(st.lists(st.text("ab"), min_size=len(truths), max_size=len(truths)))
    one = decision(truths, first, second, min_accuracy=0.0)
    other = decision(truths, second, first, min_accuracy=0.0)
    assert not (one.approved and other.approved)
    if one.comparison:
        assert one.comparison.accuracy.value == -other.comparison.accuracy.value
        assert (one.comparison.won, one.comparison.lost) == (other.comparison.lost, other.comparison.won)


def test_the_document_has_everything():
    found = json.loads(decision(*outcome(both=80, won=12, lost=3, neither=5)).to_json())
    assert found["approved"] is True and found["verdict"] == "better"
    assert [reason["code"] for reason in found["reasons"]] == ["floor_reached", "better"]
    assert found["new"]["accuracy"] == pytest.approx(0.92)
    assert found["serving"]["accuracy"] == pytest.approx(0.83) and found["serving"]["name"] == "version 7"
    assert found["differences"]["accuracy"]["value"] == pytest.approx(0.09)
    assert found["images"] == {"read_differently": 15, "won": 12, "lost": 3}
    assert found["options"]["min_gain"] == 0.0


def test_in_one_line_stands_what_decided():
    refused = decision(*outcome(both=20, won=15, neither=65), min_accuracy=0.9)
    assert refused.figures()["reasons"] == refused.reasons[0].text == refused.figures()["floor"]
    approved = decision(*outcome(both=80, won=12, lost=3, neither=5)).figures()
    assert approved["reasons"] == f"{approved['floor']}; {approved['comparison']}"


def test_figures_are_flat():
    figures = decision(*outcome(both=80, won=12, lost=3, neither=5)).figures()
    assert figures["gain_low"] < figures["gain"] < figures["gain_high"]
    assert all(isinstance(value, float | bool | str) for value in figures.values())
    assert "serving_accuracy" not in decision(*outcome(both=8)[:2]).figures()
