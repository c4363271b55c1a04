import pytest
from pydantic import ValidationError

from aocr_core import config

GROUPS = [group for group in vars(config).values() if isinstance(group, type) and issubclass(group, config.Options)]


@pytest.mark.parametrize("group", GROUPS)
def test_every_option_says_what_it_does(group: type[config.Options]):
    for name, field in group.model_fields.items():
        assert field.description, f"{group.__name__}.{name}"
    assert group() == group()  # each has a default


def test_a_misspelt_option_is_an_error():
    with pytest.raises(ValidationError, match="batchsize"):
        config.TrainOptions(batchsize=8)


def test_options_do_not_change():
    with pytest.raises(ValidationError):
        config.TrainOptions().batch_size = 8


@pytest.mark.parametrize(
    "values",
    [{"batch_size": 0}, {"ema_decay": 1.0}, {"validation_share": -0.1}, {"max_minutes": 0}, {"optimizer": "sgd"}],
)
def test_values_out_of_range(values: dict):
    with pytest.raises(ValidationError):
        config.TrainOptions(**values)


def test_a_gradient_norm_need_not_be_whole():
    assert config.TrainOptions(max_gradient_norm=0.5).max_gradient_norm == 0.5


def test_options_survive_json():
    options = config.ModelOptions(preset="aocr", max_width=100, use_gru=True)
    assert config.ModelOptions.model_validate_json(options.model_dump_json()) == options
