import keras
import pytest

from aocr_core.training import precision
from tests.aocr_core import small


def test_layers_compute_in_it_and_weights_stay_float32():
    with precision.used("bfloat16"):
        model = small.model()
    assert model.backbone.blocks[0].convolution.compute_dtype == "bfloat16"
    assert {variable.dtype for variable in model.trainable_variables} == {"float32"}
    assert keras.config.dtype_policy().name == "float32"


def test_an_error_puts_the_policy_back():
    with pytest.raises(RuntimeError), precision.used("bfloat16"):
        raise RuntimeError
    assert keras.config.dtype_policy().name == "float32"
