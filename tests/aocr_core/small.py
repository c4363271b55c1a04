"""Small networks, small images, small data sets: the real thing at a size that trains in seconds."""

import io
from collections.abc import Iterable
from pathlib import Path

import keras
from PIL import Image, ImageDraw, ImageFont

from aocr_core import model_dir
from aocr_core.charset import Charset
from aocr_core.config import DataOptions, ModelOptions, TrainOptions
from aocr_core.data.preprocess import ImageSpec
from aocr_core.data.records import Record, Writer
from aocr_core.model.presets import PRESETS, Convolution, Network
from aocr_core.model.recognizer import AttentionOCR

NETWORK = PRESETS["fast"].model_copy(
    update={
        "height": 16,
        "convolutions": (
            Convolution(channels=4, stride=(2, 2)),
            Convolution(channels=8, pool=(2, 2), normalise=False),
        ),
        "encoder_units": 6,
        "encoder_layers": 1,
        "decoder_cell": "lstm",
        "decoder_units": 8,
        "decoder_layers": 1,
        "decoder_input": None,
        "embedding_size": 5,
        "attention_units": 7,
        "value_units": 9,
        "location_kernel": 3,
    }
)

CHARSET = Charset(symbols=tuple("abcde"))


def network(**changes: object) -> Network:
    """The small network, or one like it."""
    return NETWORK.model_copy(update=changes)


def model(seed: int = 1, symbols: int = CHARSET.size, **changes: object) -> AttentionOCR:
    """A small model with random weights, the same for the same seed."""
    keras.utils.set_random_seed(seed)
    return AttentionOCR.create(network(**changes), symbols)


def config(charset: Charset = CHARSET, width: int = 64, longest: int = 6, **changes: object) -> model_dir.ModelConfig:
    """What `config.json` says of a small model."""
    shape = network(**changes)
    return model_dir.ModelConfig(
        versions={},
        options=ModelOptions(max_width=width, max_height=shape.height, max_prediction=longest),
        data=DataOptions(label_kind=charset.kind),
        training=TrainOptions(),
        image=ImageSpec(height=shape.height, width=width, channels=1),
        network=shape,
        charset=charset,
        dataset="",
    )


def write_model(directory: Path, settings: model_dir.ModelConfig, seed: int = 1) -> str:
    """A model directory with random weights."""
    keras.utils.set_random_seed(seed)
    model_dir.write_config(str(directory), settings)
    network = AttentionOCR.create(settings.network, settings.charset.size, settings.image.channels)
    network.save_weights(directory / model_dir.WEIGHTS)
    return str(directory)


def picture(text: str, height: int = 32, size: int = 22, mode: str = "L") -> bytes:
    """The PNG of a text in black on white, as wide as it needs."""
    font = ImageFont.load_default(size=size)
    image = Image.new("L", (round(font.getlength(text)) + 8, height), 255)
    ImageDraw.Draw(image).text((4, 2), text, fill=0, font=font)
    buffer = io.BytesIO()
    image.convert(mode).save(buffer, "PNG")
    return buffer.getvalue()


def write_words(path: Path, words: Iterable[str]) -> str:
    """A data set of rendered words."""
    with Writer(path) as writer:
        for word in words:
            data = picture(word)
            width, height = Image.open(io.BytesIO(data)).size
            writer.write(Record(data, word, width=width, height=height))
    return str(path)


def foreign(path: Path, *images: bytes) -> str:
    """Records without sizes, as aocr 0.7.6 writes them: nobody has checked their images."""
    with Writer(path) as writer:
        for image in images:
            writer.write(Record(image, "a", comment="a.png"))
    return str(path)
