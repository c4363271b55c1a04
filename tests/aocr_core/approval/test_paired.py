import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aocr_core.approval.paired import differences

SHARES = st.tuples(*[st.integers(0, 40)] * 3).filter(any)


def sample(won: int, lost: int, same: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    gains = np.repeat([1, -1, 0], [won, lost, same])
    return gains, -2 * gains, np.full(len(gains), 5)


def test_the_value_is_the_plain_difference():
    accuracy, cer = differences(np.array([1, 1, -1, 0]), np.array([-2, -1, 3, 0]), np.array([4, 6, 5, 5]))
    assert accuracy.value == 0.25
    assert cer.value == 0.0
    assert accuracy.low < 0 < accuracy.high


@given(SHARES)
def test_the_interval_holds_the_value_and_swapping_the_models_turns_it_round(counts):
    won, lost, same = counts
    images = sum(counts)
    ours, ours_cer = differences(*sample(won, lost, same), resamples=4_000)
    theirs, theirs_cer = differences(*sample(lost, won, same), resamples=4_000)
    assert ours.low <= ours.value <= ours.high
    assert ours.value == -theirs.value and ours_cer.value == pytest.approx(-theirs_cer.value)
    # The draws are others. Of 4,000 of them an end is known to 0.4 images (one deviation) at the most.
    assert ours.low == pytest.approx(-theirs.high, abs=4 / images)
    assert ours_cer.low == pytest.approx(-theirs_cer.high, abs=2 / images)


@given(st.integers(1, 400))
def test_models_that_never_differ_are_not_known_to_be_the_same(images: int):
    accuracy, cer = differences(*sample(0, 0, images), resamples=500)
    assert accuracy.value == 0 and accuracy.low < 0 < accuracy.high
    assert cer.low < 0 < cer.high


def test_the_same_seed_gives_the_same_interval():
    assert differences(*sample(5, 3, 90)) == differences(*sample(5, 3, 90))


def test_one_image_more_out_of_a_hundred_proves_nothing_and_ten_do():
    assert differences(*sample(1, 0, 99))[0].low < 0
    assert differences(*sample(10, 0, 90))[0].low > 0


def test_no_images_is_an_error():
    with pytest.raises(ValueError, match="no images"):
        differences(*sample(0, 0, 0))


@pytest.mark.parametrize(
    ("images", "only_new", "only_serving"), [(50, 0.02, 0.02), (200, 0.03, 0.01), (200, 0.15, 0.05), (1000, 0.02, 0.02)]
)
def test_the_interval_holds_the_true_difference_as_often_as_it_says(images, only_new, only_serving):
    """400 test sets drawn from a known world. 95 % of the intervals should hold the truth; 93 % has room for chance."""
    rng = np.random.default_rng(5)
    held = 0
    for won, lost, same in rng.multinomial(images, [only_new, only_serving, 1 - only_new - only_serving], size=400):
        found = differences(*sample(won, lost, same), resamples=1_000)[0]
        held += found.low <= only_new - only_serving <= found.high
    assert held / 400 >= 0.93


@pytest.mark.parametrize(("images", "differ"), [(200, 0.04), (1000, 0.1)])
def test_chance_alone_rarely_seems_an_improvement(images, differ):
    rng = np.random.default_rng(6)
    promoted = 0
    for won, lost, same in rng.multinomial(images, [differ / 2, differ / 2, 1 - differ], size=400):
        promoted += differences(*sample(won, lost, same), resamples=1_000)[0].low > 0
    assert promoted / 400 <= 0.04, "2.5 % is what a 95 % interval allows"


def test_many_kinds_of_images_are_drawn_piece_by_piece(monkeypatch):
    from aocr_core.approval import paired

    rng = np.random.default_rng(7)
    data = rng.integers(-1, 2, 300), rng.integers(-4, 5, 300), rng.integers(1, 60, 300)
    monkeypatch.setattr(paired, "_AT_ONCE", 10_000)
    pieces = differences(*data, resamples=2_000)
    monkeypatch.undo()
    whole = differences(*data, resamples=2_000)
    assert pieces[0].low == pytest.approx(whole[0].low, abs=0.02)
    assert pieces[1].high == pytest.approx(whole[1].high, abs=0.02)
