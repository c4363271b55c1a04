from random import Random

from hypothesis import given
from hypothesis import strategies as st

from aocr_core.data.synth.colours import LEAST_CONTRAST, choose_colours, luma


@given(st.integers())
def test_ink_stands_out_from_all_of_the_paper(seed):
    colours = choose_colours(Random(seed))
    brightness = [luma(paper) - luma(colours.ink) for paper in colours.paper]
    assert min(map(abs, brightness)) >= LEAST_CONTRAST - 1e-6
    assert len({difference > 0 for difference in brightness}) == 1, (
        "the paper turns from darker to lighter than the ink"
    )
    assert all(0 <= level <= 255 for colour in (colours.ink, *colours.paper) for level in colour)


def test_most_words_are_dark_on_light():
    chosen = [choose_colours(Random(seed)) for seed in range(400)]
    dark = sum(luma(colours.ink) < luma(colours.paper[0]) for colours in chosen)
    assert 240 < dark < 360


def test_luma_runs_from_black_to_white():
    assert luma((0, 0, 0)) == 0
    assert abs(luma((255, 255, 255)) - 255) < 1e-6
