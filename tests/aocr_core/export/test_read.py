"""The reader that lies beside an export prepares images as training does, but for rounding."""

import io

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from aocr_core.config import ReadOptions
from aocr_core.data import images, preprocess
from aocr_core.data.preprocess import ImageSpec
from aocr_core.export import portable, read
from aocr_core.export.signatures import ReadingGraph
from tests.aocr_core import small

MODES = ["1", "L", "LA", "P", "RGB", "RGBA"]


def about(channels: int = 1, mirrored: bool = False) -> dict:
    """What `model.json` says of the images."""
    spec = ImageSpec(height=16, width=64, channels=channels, mirrored=mirrored)
    config = small.config().model_copy(update={"image": spec})
    return portable.describe(ReadingGraph(small.model(), config), 1, "model.tflite")


SPECS = {(channels, mirrored): about(channels, mirrored)["image"] for channels in (1, 3) for mirrored in (False, True)}


def encoded(pixels: np.ndarray, mode: str, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(buffer, kind, **options)
    return buffer.getvalue()


def apart(data: bytes, channels: int, mirrored: bool = False) -> int:
    """Levels of 255 between what the reader and what training makes of a file."""
    spec = ImageSpec(height=16, width=64, channels=channels, mirrored=mirrored)
    wanted = preprocess.prepare(tf.constant(images.plain(data).data), spec).numpy()
    found = read.prepare(Image.open(io.BytesIO(data)), SPECS[channels, mirrored])
    assert found.shape == wanted.shape and found.dtype == np.uint8
    return int(np.abs(found.astype(int) - wanted).max())


@given(
    height=st.integers(2, 60),
    width=st.integers(2, 200),
    mode=st.sampled_from(MODES),
    channels=st.sampled_from([1, 3]),
    mirrored=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_pixels_are_those_of_training(height: int, width: int, mode: str, channels: int, mirrored: bool, seed: int):
    if max(height, width) > 100 * min(height, width):
        return
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    if mode == "RGBA":
        pixels = np.concatenate([pixels, pixels[..., :1]], axis=-1)
    assert apart(encoded(pixels, mode), channels, mirrored) <= 1


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("channels", [1, 3])
def test_pixels_of_jpeg_are_those_of_training(mode: str, channels: int):
    pixels = np.random.default_rng(0).integers(0, 256, (40, 120, 3), np.uint8)
    assert apart(encoded(pixels, mode, "JPEG", quality=90), channels) <= 1


def test_an_image_is_turned_as_its_camera_says():
    exif = Image.Exif()
    exif[274] = 6
    pixels = np.random.default_rng(0).integers(0, 256, (30, 50, 3), np.uint8)
    assert apart(encoded(pixels, "RGB", exif=exif), 1) <= 1


@pytest.mark.parametrize("level", [0, 120, 135, 255])
@pytest.mark.parametrize("covered", [20, 29, 31, 40])
def test_transparent_images_are_laid_on_the_same_paper(level: int, covered: int):
    pixels = np.full((20, 40, 4), level, np.uint8)
    pixels[..., 3] = np.where(np.arange(40) < covered, 255, 0)
    assert apart(encoded(pixels, "RGBA"), 3) <= 1


def test_deep_images_are_refused():
    image = Image.fromarray(np.full((20, 40), 40_000, np.uint16))
    with pytest.raises(ValueError, match="8 bits first"):
        read.prepare(image, SPECS[1, False])


def test_padding_brings_the_width_to_the_step_and_the_values_to_one():
    pixels = np.array([0, 255], np.uint8).repeat(16 * 9).reshape(16, 18, 1)
    filled, widths = read.pad(pixels, SPECS[1, False])
    assert filled.shape == (1, 16, 32, 1) and filled.dtype == np.float32 and widths.tolist() == [18]
    wanted = preprocess.scale(preprocess.round_up(tf.constant(pixels[None])))
    np.testing.assert_allclose(filled, wanted, atol=1e-6)


def test_model_json_says_what_a_program_has_to_know():
    config = small.config()
    told = portable.describe(ReadingGraph(small.model(), config, ReadOptions(beam_width=3)), None, "model.onnx")
    assert told["symbols"][3:] == list(small.CHARSET.symbols) and told["symbols"][:3] == ["", "", ""]
    assert told["inputs"]["images"]["shape"] == [None, 16, None, 1] and told["outputs"]["ids"]["shape"] == [None, 7]
    assert told["reading"] == {"decoder": "joint", "beam_width": 3}
    assert told["image"]["width_step"] == preprocess.WIDTH_STEP and told["separator"] == ""
    assert told["end"] == 2
    assert (told["image"]["scale"], told["image"]["offset"]) == (pytest.approx(2 / 255), -1)
    assert any("round(width * 16 / height)" in step for step in told["prepare"])
    assert not any("left to right" in step for step in told["prepare"])
    assert any("left to right" in step for step in about(mirrored=True)["prepare"])


class ReadsIds(read.Reader):
    """The reader with a model that gives the ids that it is told."""

    def __init__(self, about: dict, ids: list[int]) -> None:
        self.about = about
        self._infer = lambda **_: {"ids": np.array([ids]), "log_probabilities": np.zeros((1, len(ids)))}


def test_the_text_ends_at_its_end():
    usual = about()

    def text(ids: list[int], told: dict = usual) -> str:
        return ReadsIds(told, ids).run(np.zeros((1, 16, 32, 1)), np.array([32]))[0][0]

    assert text([3, 4, 2, 0, 0]) == "ab" and text([3, 4, 5]) == "abc" and text([2, 0]) == ""
    assert text([3, 2, 4, 2]) == "a"
    assert text([3, 4, 5, 2], usual | {"end": 4}) == "a"
    tokens = usual | {"symbols": ["", "", "", "\\frac", "x"], "separator": " "}
    assert text([3, 4, 2, 3], tokens) == "\\frac x"
