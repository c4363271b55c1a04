import json

import numpy as np
import pytest

from aocr_core import model_dir
from aocr_core.errors import AocrError, FinalError
from aocr_core.model.recognizer import AttentionOCR
from tests.aocr_core import small


def test_the_configuration_survives_the_disk(tmp_path):
    config = small.config(longest=7)
    model_dir.write_config(str(tmp_path), config)
    assert model_dir.read_config(str(tmp_path)) == config
    assert config.steps == 8  # the longest text and its END


def test_a_model_is_loaded_with_its_weights(tmp_path):
    small.write_model(tmp_path, small.config(), seed=3)
    loaded, config = model_dir.load_model(str(tmp_path))
    assert config == small.config()
    for found, expected in zip(loaded.weights, small.model(seed=3).weights, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_a_folder_without_a_model(tmp_path):
    with pytest.raises(AocrError, match=r"holds no model \(config.json is missing\): train one"):
        model_dir.read_config(str(tmp_path))


def test_a_model_without_weights(tmp_path):
    model_dir.write_config(str(tmp_path), small.config())
    with pytest.raises(AocrError, match="no weights yet"):
        model_dir.load_model(str(tmp_path))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is damaged"),
        ("[]", "is damaged"),
        ('{"format": 4}', "is damaged"),
        ('{"format": 99}', "has format 99; this aocr reads format 4"),
    ],
)
def test_a_damaged_configuration_is_one_line(tmp_path, text: str, message: str):
    (tmp_path / model_dir.CONFIG).write_text(text)
    with pytest.raises(AocrError, match=message) as caught:
        model_dir.read_config(str(tmp_path))
    assert "\n" not in str(caught.value)


def test_an_unknown_field_is_an_error_not_passed_over(tmp_path):
    document = json.loads(small.config().model_dump_json()) | {"colour": True}
    (tmp_path / model_dir.CONFIG).write_text(json.dumps(document))
    with pytest.raises(AocrError, match="is damaged"):
        model_dir.read_config(str(tmp_path))


@pytest.mark.parametrize("changes", [{"decoder_units": 9}, {"decoder_cell": "gru"}, {"decoder_layers": 2}])
def test_weights_of_another_network_are_refused(tmp_path, changes: dict):
    small.write_model(tmp_path, small.config())
    model_dir.write_config(str(tmp_path), small.config(**changes))
    with pytest.raises(FinalError, match=r"best\.weights\.h5 does not fit the model's config\.json"):
        model_dir.load_model(str(tmp_path))


@pytest.mark.parametrize("data", [b"", b"no weights at all"])
def test_damaged_weights(tmp_path, data: bytes):
    (tmp_path / "w.weights.h5").write_bytes(data)
    network = AttentionOCR.create(small.NETWORK, small.CHARSET.size)
    with pytest.raises(AocrError, match="does not fit"):
        model_dir.load_weights(network, tmp_path / "w.weights.h5")


def test_what_decides_the_weights_is_compared_and_nothing_else():
    part = small.config().network_part()
    assert part == small.config().model_copy(update={"dataset": "other"}).network_part()
    for other in (small.config(width=128), small.config(longest=9), small.config(decoder_units=9)):
        assert part != other.network_part()
