import numpy as np
import pytest

from aocr_core.model.backbone import Backbone
from aocr_core.model.presets import PRESETS, Convolution
from tests.aocr_core import small


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    return small.model().backbone


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32)


def test_one_vector_for_each_stride_of_width(backbone: Backbone):
    widths = np.array([32, 31, 29, 28, 1])
    features, lengths = backbone(noise(5, 16, 32, 1), widths)
    stride = small.NETWORK.width_stride
    assert features.shape[:2] == (5, 32 // stride)
    assert np.asarray(lengths).tolist() == [-(-width // stride) for width in widths]


@pytest.mark.parametrize("training", [False, True])
def test_padding_gives_zero(backbone: Backbone, training: bool):
    features, lengths = backbone(noise(3, 16, 48, 1), np.array([48, 21, 4]), training=training)
    for row, length in zip(np.asarray(features), np.asarray(lengths), strict=True):
        assert not row[length:].any() and row[:length].any()


def test_what_lies_in_the_padding_is_ignored(backbone: Backbone):
    images, widths = noise(2, 16, 32, 1), np.array([13, 20])
    other = np.where(np.arange(32)[None, None, :, None] < widths[:, None, None, None], images, 0.7)
    np.testing.assert_array_equal(backbone(images, widths)[0], backbone(other, widths)[0])


def test_a_row_does_not_depend_on_how_far_it_is_padded(backbone: Backbone):
    image = noise(1, 16, 21, 1)
    narrow = np.pad(image, [(0, 0), (0, 0), (0, 11), (0, 0)])
    wide = np.pad(image, [(0, 0), (0, 0), (0, 43), (0, 0)])
    (short, length), (long, _) = backbone(narrow, np.array([21])), backbone(wide, np.array([21]))
    steps = int(length[0])
    np.testing.assert_allclose(short[0, :steps], long[0, :steps], atol=1e-6)


def test_only_training_changes_the_statistics_of_batch_normalisation():
    model = small.model()
    moving = [variable for variable in model.variables if "moving" in variable.path]
    before = [variable.numpy() for variable in moving]
    assert moving
    model.backbone(noise(2, 16, 32, 1), np.array([32, 32]))
    assert all((variable.numpy() == old).all() for variable, old in zip(moving, before, strict=True))
    model.backbone(noise(2, 16, 32, 1), np.array([32, 32]), training=True)
    assert all((variable.numpy() != old).any() for variable, old in zip(moving, before, strict=True))


def test_colour_images():
    backbone = Backbone((Convolution(channels=4),), standardise=False, pool_first=True)
    features, _ = backbone(noise(2, 8, 10, 3), np.array([10, 5]))
    assert features.shape == (2, 10, 8 * 4)


def test_the_originals_layers_have_no_height_left():
    network = PRESETS["aocr"]
    height = network.height
    for convolution in network.convolutions:
        height //= convolution.stride[0] * convolution.pool[0]
    assert (height, network.width_stride) == (1, 4)
