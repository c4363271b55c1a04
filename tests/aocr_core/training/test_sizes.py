import pytest

from aocr_core.config import ModelOptions
from aocr_core.data.info import DatasetInfo, Tally
from aocr_core.data.records import Record
from aocr_core.training.sizes import image_spec, input_height


def described(*labels: str, width: int, height: int) -> DatasetInfo:
    tally = Tally()
    for label in labels:
        tally.add(Record(b"image", label, width=width, height=height))
    return tally.info(0)


@pytest.mark.parametrize(
    ("label", "width", "height", "expected"),
    [
        ("a" * 8, 150, 40, 32),  # 15 pixels a symbol, scaled to a height of 32
        ("a" * 69, 1190, 68, 48),  # 8 pixels: a line of small Arabic letters
        ("a" * 69, 560, 32, 32),  # the same, but with no more pixels to be had
        ("a" * 69, 580, 33, 32),  # a pixel more makes no difference
        ("a" * 400, 1000, 100, 64),  # no image becomes taller than this by itself
        ("", 100, 100, 32),
    ],
)
def test_narrow_symbols_get_taller_images(label: str, width: int, height: int, expected: int):
    assert input_height(described(label, width=width, height=height), 32) == expected


def test_of_tokens_each_counts_as_one_symbol():
    info = described(r"\frac \alpha \beta", width=100, height=60)
    assert input_height(info, 32, "tokens") == 32
    assert input_height(info, 32, "characters") > 32


def test_a_data_set_without_images_has_the_presets_height():
    assert input_height(DatasetInfo(rows=0), 32) == 32


def test_a_stray_panorama_does_not_make_all_buffers_wide():
    tally = Tally()
    for _ in range(999):
        tally.add(Record(b"image", "a", width=60, height=20))
    tally.add(Record(b"image", "a", width=2000, height=20))
    assert image_spec(tally.info(0), ModelOptions(), 32).width < 300


@pytest.mark.parametrize(("width", "height", "least"), [(160, 60, 86), (100, None, 100), (64, 32, 64)])
def test_the_width_asked_for_is_at_the_height_asked_for(width: int, height: int | None, least: int):
    spec = image_spec(described("a", width=80, height=20), ModelOptions(max_width=width, max_height=height), 32)
    assert least <= spec.width < least + 8
