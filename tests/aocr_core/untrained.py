"""A model directory with the weights that a training starts from: all of the machinery, none of the knowledge."""

from pathlib import Path

from aocr_core import model_dir
from aocr_core.charset import Charset
from aocr_core.config import DataOptions, ModelOptions, TrainOptions
from aocr_core.data.preprocess import ImageSpec
from aocr_core.model import presets
from aocr_core.model.recognizer import AttentionOCR


def write(directory: Path, symbols: str = "abc") -> model_dir.ModelConfig:
    """A model for images of 64x32 pixels and texts of at most 4 `symbols`."""
    options = ModelOptions(max_width=64, max_height=32, max_prediction=4)
    network = presets.network(options)
    config = model_dir.ModelConfig(
        versions={},
        options=options,
        data=DataOptions(),
        training=TrainOptions(),
        image=ImageSpec(height=network.height, width=64, channels=1),
        network=network,
        charset=Charset(symbols=tuple(symbols)),
        dataset="",
    )
    model_dir.write_config(str(directory), config)
    AttentionOCR.create(network, config.charset.size).save_weights(directory / model_dir.WEIGHTS)
    return config
