import numpy as np
import pytest

from aocr_core.training.average import WeightAverage
from tests.aocr_core import small


def test_within_the_block_the_model_has_the_averages_and_behind_it_its_weights():
    model = small.model()
    average = WeightAverage(model.variables, decay=0.9)
    before = model.get_weights()
    for variable in model.trainable_variables:
        variable.assign_add(np.ones(variable.shape))
    average.update()
    changed = model.get_weights()
    with average.in_place():
        inside = model.get_weights()
    assert all((new == old).all() for new, old in zip(model.get_weights(), changed, strict=True))
    for old, mean, new, variable in zip(before, inside, changed, model.weights, strict=True):
        if variable.trainable:
            assert ((old < mean) & (mean < new)).all()


def test_the_weights_come_back_also_after_an_error():
    model = small.model()
    average = WeightAverage(model.variables, decay=0.9)
    for variable in model.trainable_variables:
        variable.assign_add(np.ones(variable.shape))
    kept = model.get_weights()
    with pytest.raises(KeyboardInterrupt), average.in_place():
        raise KeyboardInterrupt
    assert all((new == old).all() for new, old in zip(model.get_weights(), kept, strict=True))


def test_it_is_an_exponential_average_that_forgets_its_start():
    model = small.model()
    bias = model.ctc.bias
    average = WeightAverage([bias], decay=0.8)
    expected, values = np.zeros(bias.shape), np.random.default_rng(0).normal(size=(60, *bias.shape))
    for count, value in enumerate(values, start=1):
        bias.assign(value)
        average.update()
        decay = min(0.8, (1 + count) / (10 + count))
        expected = decay * expected + (1 - decay) * value
    np.testing.assert_allclose(average.averages[0], expected, rtol=1e-4, atol=1e-6)


def test_without_decay_the_average_is_the_weights():
    model = small.model()
    average = WeightAverage(model.variables, decay=0.0)
    model.ctc.bias.assign_add(np.ones(model.ctc.bias.shape))
    average.update()
    with average.in_place():
        np.testing.assert_allclose(model.ctc.bias, np.ones(model.ctc.bias.shape), atol=1e-6)


def test_the_statistics_of_batch_normalisation_are_averaged_and_seeds_are_not():
    model = small.model()
    average = WeightAverage(model.variables, decay=0.9)
    paths = [variable.path for variable in model.variables if variable.value.dtype.is_floating]
    assert any("moving_mean" in path for path in paths)
    assert len(average.averages) == len(paths) < len(model.variables)
