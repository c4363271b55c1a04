from random import Random

import numpy as np
import pytest
from PIL import Image, ImageDraw

from aocr_core.data.synth import render as rendering
from aocr_core.data.synth.fonts import find_fonts
from aocr_core.data.synth.render import render

TEXTS = ["Word", "jfgq", "WAVE", "8", "Tx[ij]", "il", "two words"]


@pytest.fixture(scope="module")
def fonts():
    return find_fonts(set("".join(TEXTS)))


def pictures(fonts, height=40):
    return [render(TEXTS[seed % len(TEXTS)], fonts, Random(seed), height) for seed in range(70)]


def test_the_same_seed_paints_the_same_picture(fonts):
    for first, second in zip(pictures(fonts), pictures(fonts), strict=True):
        assert first.tobytes() == second.tobytes()
    assert len({picture.tobytes() for picture in pictures(fonts)}) == 70


def test_every_picture_shows_something(fonts):
    for picture in pictures(fonts):
        assert picture.mode == "RGB"
        grey = np.asarray(picture.convert("L"), float)
        low, high = np.percentile(grey, [2, 98])
        assert high - low > 40


def test_pictures_are_about_as_high_as_asked(fonts):
    for height in (24, 40, 100):
        heights = [picture.height for picture in pictures(fonts, height)]
        assert 0.6 * height < np.median(heights) < 1.4 * height
        assert max(heights) < 3 * height


def test_all_ink_of_a_word_is_in_its_picture(fonts):
    for faces in fonts.families.values():
        for face in faces:
            text = "Tfjgq[W]" if {*"fjgq"} <= face.symbols else "TQWAJ[]"
            font = face.at(30)
            mask = rendering._letters(text, font, spacing=0.0)
            ample = Image.new("L", (1200, 400))
            ImageDraw.Draw(ample).text((400, 200), text, fill=255, font=font, anchor="ls")
            assert np.asarray(mask, int).sum() == np.asarray(ample, int).sum(), face
            sheet = rendering._with_margins(mask, 30, Random(1))
            assert np.asarray(sheet, int).sum() == np.asarray(mask, int).sum()


def test_tilted_words_keep_their_ink(fonts):
    mask = rendering._letters("Word", fonts.families["Arimo"][0].at(40), spacing=0.0)
    for seed in range(40):
        tilted = rendering._tilted(mask, Random(seed))
        assert np.asarray(tilted, float).sum() == pytest.approx(np.asarray(mask, float).sum(), rel=0.25)


def test_perspective_maps_corners_to_corners():
    target = np.array([(1, 2), (30, 0), (33, 12), (0, 10)], float)
    source = np.array([(0, 0), (40, 0), (40, 10), (0, 10)], float)
    a, b, c, d, e, f, g, h = rendering._perspective(target, source)
    for (x, y), (u, v) in zip(target, source, strict=True):
        scale = g * x + h * y + 1
        assert ((a * x + b * y + c) / scale, (d * x + e * y + f) / scale) == pytest.approx((u, v), abs=1e-6)


def test_joined_scripts_are_not_spaced_apart():
    assert all(rendering._spacing("سلام", 40, Random(seed)) == 0 for seed in range(50))
    assert any(rendering._spacing("word", 40, Random(seed)) > 0 for seed in range(50))


def test_the_paper_changes_little_by_its_texture():
    for seed in range(30):
        texture = rendering._texture(60 + seed, 20, Random(seed))
        assert texture.shape == (20, 60 + seed, 1)
        assert np.abs(texture).max() <= rendering._TEXTURE + 1e-3
