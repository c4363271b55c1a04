import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from aocr_core.training import schedule

SHARE = st.floats(0, 1)
WARM_UP = st.floats(1e-4, 0.5)
PEAK = st.floats(1e-6, 10)


@given(SHARE, SHARE, WARM_UP, PEAK)
def test_the_rate_rises_to_its_peak_and_then_falls(one: float, other: float, warm_up: float, peak: float):
    early, late = sorted((one, other))
    first, second = (schedule.rate(progress, warm_up, peak) for progress in (early, late))
    assert 0 < first <= peak * (1 + 1e-9) and 0 < second <= peak * (1 + 1e-9)
    if late < warm_up:
        assert first <= second
    elif early >= warm_up:
        assert first >= second - 1e-12


@given(WARM_UP, PEAK)
def test_peak_and_floor(warm_up: float, peak: float):
    assert schedule.rate(warm_up, warm_up, peak) == pytest.approx(peak)
    assert schedule.rate(1.0, warm_up, peak) == pytest.approx(schedule.FLOOR * peak)
    assert schedule.rate(1.5, warm_up, peak) == schedule.rate(1.0, warm_up, peak)


@given(WARM_UP, PEAK, SHARE)
def test_there_is_no_jump(warm_up: float, peak: float, progress: float):
    assume(progress > 1e-3)
    step = 1e-6
    ahead = schedule.rate(min(progress + step, 1.0), warm_up, peak)
    assert abs(ahead - schedule.rate(progress, warm_up, peak)) <= peak * step * (1 / warm_up + 4)


@given(st.integers(1, 10**7))
def test_some_but_not_all_of_the_training_is_warm_up(steps: int):
    assert 0 < schedule.warm_up_share(steps) < 0.5


@given(st.integers(1, 10**6))
def test_small_sets_get_more_epochs_and_large_ones_more_images(rows: int):
    epochs = schedule.default_epochs(rows)
    assert epochs >= 1
    assert schedule.default_epochs(2 * rows) <= epochs
    assert schedule.default_epochs(rows, pretrained=True) <= epochs
    assert schedule.default_epochs(1000, pretrained=True) < schedule.default_epochs(1000)
    assert schedule.default_epochs(2 * rows) * 2 * rows >= epochs * rows - 2 * rows


@given(st.floats(0.1, 1000), st.floats(0.1, 1000))
def test_the_more_often_images_are_seen_the_more_they_are_distorted(one: float, other: float):
    few, many = sorted((one, other))
    assert 0 < schedule.distortion(few) <= schedule.distortion(many) <= 1
