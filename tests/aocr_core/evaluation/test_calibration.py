import pytest

from aocr_core.errors import AocrError
from aocr_core.evaluation.calibration import calibrate


def test_honest_probabilities_have_no_error():
    result = calibrate([0.75] * 4, [True, True, True, False])
    assert result.expected_error == pytest.approx(0) and result.mean_confidence == 0.75
    assert [(bin.count, bin.accuracy) for bin in result.bins if bin.count] == [(4, 0.75)]


def test_overconfidence():
    assert calibrate([1.0, 1.0], [False, False]).expected_error == 1
    # Two bins: three texts at 0.95 of which one is right, one at 0.15 that is right.
    result = calibrate([0.95, 0.95, 0.95, 0.15], [True, False, False, True])
    assert result.expected_error == pytest.approx(3 / 4 * (0.95 - 1 / 3) + 1 / 4 * 0.85)


def test_every_probability_falls_in_one_bin():
    edges = [n / 10 for n in range(11)]
    assert sum(bin.count for bin in calibrate(edges, [True] * 11).bins) == 11


def test_what_a_threshold_buys():
    points = {p.threshold: p for p in calibrate([0.99, 0.9, 0.6, 0.2], [True, True, False, False]).coverages}
    assert (points[0.0].coverage, points[0.0].risk) == (1, 0.5)
    assert (points[0.5].coverage, points[0.5].risk) == (0.75, pytest.approx(1 / 3))
    assert (points[0.9].coverage, points[0.9].risk) == (0.5, 0)
    assert (points[0.999].coverage, points[0.999].risk) == (0, None)


def test_rounding_above_one_is_forgiven_but_no_nonsense():
    assert calibrate([1.0000001], [True]).mean_confidence == 1
    for bad in (21.5, -0.1, float("nan")):
        with pytest.raises(ValueError):
            calibrate([bad], [True])
    with pytest.raises(ValueError):
        calibrate([0.5], [True, False])
    with pytest.raises(AocrError, match="nothing"):
        calibrate([], [])
