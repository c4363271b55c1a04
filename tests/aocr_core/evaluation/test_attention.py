import io
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageSequence

from aocr_core.evaluation.attention import FRAME_PIXELS, MAX_WIDTH, animation, heat_along, overlay
from tests.aocr_core.evaluation.memory_reader import reading, word_image

HOSTILE = ["", "a/b", "..", "x" * 200, "مرحبا", "\U0001f600", "皖A", "e\u0301", "\u200c", "\n"]


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def orange(picture: Image.Image) -> np.ndarray:
    """Where the heat is: `[height, width]` of bool."""
    red, _, blue = np.moveaxis(np.asarray(picture.convert("RGB"), np.int32), 2, 0)
    return red - blue > 80


@pytest.mark.parametrize("text", HOSTILE)
def test_any_text_can_be_drawn(text):
    sheet = opened(overlay(word_image("any"), reading(text)))
    assert sheet.format == "PNG" and np.asarray(sheet.convert("L")).std() > 0
    gif = opened(animation(word_image("any"), reading(text)))
    assert gif.format == "GIF" and gif.size == (120, 40)


def test_a_row_for_each_symbol():
    heights = [opened(overlay(word_image("word"), reading("w" * n))).height for n in range(4)]
    assert len(set(np.diff(heights))) == 1


def test_long_texts_are_cut():
    assert opened(overlay(word_image("long"), reading("x" * 500))).height < 3000


@pytest.mark.parametrize("size", [(3, 300), (3000, 20), (2, 2), (800, 800)])
def test_images_of_any_shape(size):
    sheet = opened(overlay(word_image("A", size), reading("AB")))
    assert sheet.width < MAX_WIDTH + 200 and sheet.height < 400
    assert opened(animation(word_image("A", size), reading("AB"))).size == size


def test_the_heat_wanders_with_the_attention():
    hot = orange(opened(overlay(word_image("0123", (400, 40)), reading("0123"))))
    top, bottom = hot[: len(hot) // 2], hot[len(hot) // 2 :]
    assert top.any() and bottom.any()
    assert np.nonzero(top)[1].mean() + 50 < np.nonzero(bottom)[1].mean()


def test_no_attention_is_an_error():
    with pytest.raises(ValueError, match="attention=True"):
        overlay(word_image("A"), replace(reading("A"), attention=None))


def test_heat_covers_the_steps_share_of_the_width():
    heat = heat_along(np.array([0.0, 0.1, 0.4, 0.2]), 40, Image.Resampling.NEAREST)
    assert heat.tolist() == pytest.approx([0.0] * 10 + [0.25] * 10 + [1.0] * 10 + [0.5] * 10)
    assert heat_along(np.zeros(4), 8, Image.Resampling.BILINEAR).tolist() == [0.0] * 8


def test_the_animation_of_a_photograph_is_smaller_than_the_photograph():
    width, height = opened(animation(word_image("A", (3000, 1000)), reading("AB"))).size
    assert width * height <= FRAME_PIXELS and width / height == pytest.approx(3, rel=0.01)


def test_the_frames_of_an_animation_are_held_as_bytes():
    """Of a photograph with twenty symbols, gigabytes otherwise."""
    image, text = word_image("A", (1000, 1000)), reading("ABCDEFGHIJ")
    tracemalloc.start()
    try:
        animation(image, text)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    colours = 3 * 1000 * 1000
    assert peak < 2 * len(text.symbols) * colours


def test_animation_is_the_originals():
    """Frame 0 is the image at 0.3 of its brightness; then one frame a symbol shows what was looked at undimmed."""
    gif = opened(animation(word_image("AB", (200, 40)), reading("AB", steps=4)))
    frames = [np.asarray(frame.convert("L"), float) for frame in ImageSequence.Iterator(gif)]
    assert len(frames) == 3 and gif.info["loop"] == 999 and gif.info["duration"] == 500
    assert np.median(frames[0]) == pytest.approx(0.3 * 255, abs=2)
    assert np.median(frames[1][:, :50]) > 250 and np.median(frames[1][:, 150:]) < 80
    assert np.median(frames[2][:, :50]) < 80 and np.median(frames[2][:, 150:]) > 250
