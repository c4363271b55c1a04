import pytest

from aocr_core.config import ModelOptions
from aocr_core.model.presets import PRESETS, network


@pytest.mark.parametrize("preset", PRESETS)
def test_without_options_a_network_is_its_preset(preset: str):
    assert network(ModelOptions(preset=preset)) == PRESETS[preset]


def test_options_change_what_they_name_and_nothing_else():
    options = ModelOptions(target_embedding_size=11, attn_num_hidden=12, attn_num_layers=3, use_gru=True)
    changed = network(options).model_dump()
    expected = PRESETS["fast"].model_dump() | {
        "embedding_size": 11,
        "decoder_units": 12,
        "decoder_layers": 3,
        "decoder_cell": "gru",
    }
    assert changed == expected


def test_the_preset_of_the_original_is_its_network():
    """The figures are those of aocr 0.7.6 with its default flags."""
    original = PRESETS["aocr"]
    assert [convolution.channels for convolution in original.convolutions] == [64, 128, 256, 256, 512, 512, 512]
    assert (original.encoder_units, original.encoder_layers) == (256, 1)
    assert (original.decoder_units, original.decoder_layers, original.decoder_input) == (128, 2, 128)
    assert (original.embedding_size, original.attention_units, original.dropout) == (10, 512, 0.5)
    assert original.width_stride == 4
