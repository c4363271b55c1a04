import numpy as np
import pytest

from aocr_core.model.standardise import Standardise


def page(height: int = 16, width: int = 24, channels: int = 1) -> np.ndarray:
    """A few strokes of ink (bright) on dark paper, `[1, height, width, channels]`."""
    image = np.random.default_rng(0).uniform(-0.7, -0.6, (1, height, width, channels)).astype(np.float32)
    image[:, 3:12, 4:20:5] = 0.8
    return image


def standardised(images: np.ndarray, widths: list[int] | None = None) -> np.ndarray:
    return np.asarray(Standardise()(images, np.array(widths or [images.shape[2]] * len(images), np.int32)))


@pytest.mark.parametrize("channels", [1, 3])
def test_mean_deviation_and_polarity_are_the_same_for_all(channels: int):
    image = standardised(page(channels=channels))
    assert abs(image.mean()) < 1e-5 and abs(image.std() - 1) < 0.01
    assert image[0, 5, 4, 0] > 1 > 0 > image[0, 0, 0, 0]


@pytest.mark.parametrize("gain", [-1.0, 0.5, -0.5])
@pytest.mark.parametrize("offset", [0.0, 0.15])
def test_contrast_brightness_and_a_negative_change_nothing(gain: float, offset: float):
    np.testing.assert_allclose(standardised(gain * page() + offset), standardised(page()), rtol=0.01, atol=0.02)


def test_a_row_is_standardised_by_its_valid_part_alone():
    image = page()
    padded = np.concatenate([image, np.full((1, 16, 8, 1), 0.9, np.float32)], axis=2)
    both = standardised(np.concatenate([padded, np.full_like(padded, -0.3)]), [24, 32])
    np.testing.assert_allclose(both[:1, :, :24], standardised(image), atol=1e-5)
    assert not both[0, :, 24:].any()


def test_an_image_of_one_colour_stays_zero():
    assert np.abs(standardised(np.full((1, 16, 24, 1), 0.4, np.float32))).max() < 1e-4


def test_polarity_is_found_at_very_low_contrast_too():
    np.testing.assert_allclose(standardised(-0.02 * page()), standardised(0.02 * page()), atol=1e-3)
