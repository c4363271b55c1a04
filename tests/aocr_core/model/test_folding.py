import numpy as np
import pytest

from aocr_core.model.folding import fold
from aocr_core.model.presets import Convolution
from aocr_core.model.recognizer import AttentionOCR
from aocr_core.model.temperatures import Temperatures
from tests.aocr_core import small

CONVOLUTIONS = (
    Convolution(channels=4, pool=(2, 2)),
    Convolution(channels=6, residual=1),
    Convolution(channels=6, stride=(2, 1), kernel=(2, 3)),
    Convolution(channels=8, pool=(2, 1), normalise=False),
)
WIDTHS = np.array([48, 21, 5], np.int32)


def images() -> np.ndarray:
    return np.random.default_rng(0).uniform(-1, 1, (len(WIDTHS), 16, 48, 1)).astype(np.float32)


def trained(pool_first: bool) -> AttentionOCR:
    """Statistics and factors are no longer those of the beginning."""
    model = small.model(convolutions=CONVOLUTIONS, pool_first=pool_first)
    model.temperatures = Temperatures(ctc=1.5)
    chance = np.random.default_rng(1)
    for variable in model.variables:
        if "norm" in variable.path:
            variable.assign(chance.uniform(0.3, 1.5, variable.shape))
    return model


def normalised(model: AttentionOCR) -> list[bool]:
    return [block.normalise is not None for block in model.backbone.blocks]


def assert_alike(folded: AttentionOCR, model: AttentionOCR) -> None:
    np.testing.assert_allclose(folded.backbone(images(), WIDTHS)[0], model.backbone(images(), WIDTHS)[0], atol=1e-5)
    ours, theirs = (reader.read(images(), WIDTHS, 6) for reader in (folded, model))
    np.testing.assert_array_equal(ours.ids, theirs.ids)
    np.testing.assert_allclose(ours.log_probabilities, theirs.log_probabilities, atol=1e-4)


@pytest.mark.parametrize("pool_first", [True, False])
def test_a_folded_model_reads_the_same_without_batch_normalisation(pool_first: bool):
    model = trained(pool_first)
    folded = fold(model)
    assert normalised(model) == [True, True, True, False] and not any(normalised(folded))
    assert_alike(folded, model)


def test_a_block_that_turns_features_round_before_pooling_is_left_as_it_is():
    model = trained(pool_first=True)
    gamma = model.backbone.blocks[0].normalise.gamma
    gamma.assign(-1.0 * gamma)
    folded = fold(model)
    assert normalised(folded) == [True, False, False, False]
    assert_alike(folded, model)


def test_the_model_itself_is_left_alone():
    model = trained(pool_first=True)
    before = [variable.numpy() for variable in model.variables]
    fold(model).backbone.blocks[0].convolution.kernel.assign(np.zeros((3, 3, 1, 4)))
    assert all((variable.numpy() == old).all() for variable, old in zip(model.variables, before, strict=True))
