import pytest

from aocr_core.approval.compare import compare
from aocr_core.errors import AocrError
from tests.aocr_core.approval.rows import compared, outcome, rows


def test_lost_images_come_first_then_won_ones():
    found = compared(["a", "b", "c", "d"], ["a", "x", "y", "d"], ["a", "z", "c", "q"])
    assert [(pair.truth, pair.new, pair.serving) for pair in found.pairs] == [
        ("c", "y", "c"),
        ("d", "d", "q"),
        ("b", "x", "z"),
    ]
    assert [pair.number for pair in found.pairs] == [2, 3, 1]
    assert (found.won, found.lost) == (1, 1)


def test_both_are_judged_by_the_new_models_truths():
    """The old model was trained on labels in upper case."""
    new, serving = rows(["Ab", "cD"], ["Ab", "cD"]), rows(["AB", "CD"], ["AB", "CD"])
    found = compare(new, serving, "characters", "version 1", "x")
    assert found.summary.accuracy == 0 and found.summary.caseless_accuracy == 1
    assert found.accuracy.value == 1


def test_the_unit_of_the_error_rate_is_that_of_the_labels():
    found = compare(rows(["\\frac x"], ["\\frac x"]), rows(["\\frac x"], ["\\frac y"]), "tokens", "version 1", "x")
    assert found.summary.cer == 0.5 and found.cer.value == -0.5


def test_blanks_between_tokens_make_no_difference():
    found = compare(rows(["a b"], ["a  b"]), rows(["a b"], ["a b"]), "tokens", "version 1", "x")
    assert not found.pairs


def test_other_images_are_an_error():
    with pytest.raises(AocrError, match="not judged on the same 2 images"):
        compare(rows(["a", "b"], ["a", "b"]), rows(["a"], ["a"]), "characters", "version 1", "x")


def test_other_images_without_paths_are_an_error_too():
    """Their paths are their numbers in the data set."""
    with pytest.raises(AocrError, match="not judged on the same 2 images"):
        compare(rows(["a", "b"], ["a", "b"]), rows(["a", "c"], ["a", "b"]), "characters", "version 1", "x")


def test_the_error_rate_counts_edits_not_images():
    truths, new, serving = outcome(both=3, won=1)
    found = compared(truths, new, serving)
    assert found.summary.accuracy == 0.75
    assert found.summary.cer == pytest.approx(5 / 20), "one text of four is wrong, in all of its five letters"
