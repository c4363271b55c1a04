"""The recogniser alone, for runtimes other than TensorFlow: prepared images in, symbol ids out.

Such runtimes decode no image files and know no strings. What is done before and after lies beside the model: as words
and numbers in `model.json`, as code in `read.py`.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import tensorflow as tf

import aocr_core
from aocr_core.charset import END
from aocr_core.data.images import LIGHT, MOST_INK
from aocr_core.data.preprocess import NARROWEST, WIDTH_STEP
from aocr_core.export import read as reader
from aocr_core.export.signatures import Outputs, ReadingGraph
from aocr_core.model import operations
from aocr_core.model_dir import ModelConfig

ABOUT = "model.json"
READER = "read.py"
SCALE, OFFSET = 2 / 255, -1.0
"""What brings a pixel of 0 to 255 to the network's [-1, 1], as `aocr_core.data.preprocess.scale` does."""


def function(graph: ReadingGraph, batch: int | None) -> Any:
    """The whole reading, both heads and their loops, made of operations that can be converted.

    Args:
        graph: What to export.
        batch: Images at a time; None: any number.

    Returns:
        A `tf.function`: images `[batch, height, width, channels]` in [-1, 1] and their valid widths `[batch]` -> `ids`
        and `log_probabilities` `[batch, steps]`.
    """
    image = graph.config.image
    signature = [
        tf.TensorSpec([batch, image.height, None, image.channels], tf.float32, name="images"),
        tf.TensorSpec([batch], tf.int32, name="widths"),
    ]

    @tf.function(input_signature=signature, autograph=False)
    def read(images: tf.Tensor, widths: tf.Tensor) -> Outputs:
        with operations.portable():
            found = graph.model.read(images, widths, graph.config.steps, graph.reading)
        return {"ids": tf.identity(found.ids), "log_probabilities": tf.identity(found.log_probabilities)}

    return read


def write_companions(graph: ReadingGraph, batch: int | None, model: str, directory: Path) -> None:
    """Write `model.json` and `read.py` beside a model, of which this is the file's name."""
    text = json.dumps(describe(graph, batch, model), ensure_ascii=False, indent=1)
    (directory / ABOUT).write_text(text + "\n", encoding="utf-8")
    shutil.copyfile(reader.__file__, directory / READER)


def describe(graph: ReadingGraph, batch: int | None, model: str) -> dict[str, Any]:
    """What a program has to know to use the model, and how the export was told to read."""
    config = graph.config
    image, steps = config.image, config.steps
    return {
        "model": model,
        "inputs": {
            "images": {"type": "float32", "shape": [batch, image.height, None, image.channels]},
            "widths": {"type": "int32", "shape": [batch]},
        },
        "outputs": {
            "ids": {"type": "int32", "shape": [batch, steps]},
            "log_probabilities": {"type": "float32", "shape": [batch, steps]},
        },
        "prepare": _prepare(config),
        "decode": [
            f"The text is symbols[id] of the ids up to the first {END} (`end`), with separator in between.",
            "Its probability is the exponential of the sum of all log_probabilities (0 behind the end).",
        ],
        "image": {
            "height": image.height,
            "narrowest": NARROWEST,
            "widest": image.width,
            "width_step": WIDTH_STEP,
            "channels": image.channels,
            "mirrored": image.mirrored,
            "scale": SCALE,
            "offset": OFFSET,
        },
        "end": END,
        "symbols": ["", "", "", *config.charset.symbols],
        "separator": " " if config.charset.kind == "tokens" else "",
        "reading": graph.resolved_reading().model_dump(mode="json"),
        "versions": config.versions | {"exported by aocr": aocr_core.__version__},
    }


def _prepare(config: ModelConfig) -> list[str]:
    image = config.image
    gray = "brightness: in a JPEG, what is stored as such; else (9798 red + 19235 green + 3735 blue) >> 15"
    paper = (
        f"transparency on white, but on black if the ink is light (brighter than {LIGHT} on average, weighted by its "
        f"opacity) and covers {MOST_INK:.0%} of the image at most"
    )
    resize = (
        f"Resize to height {image.height} and width round(width * {image.height} / height), but {NARROWEST} to "
        f"{image.width}: bilinear, with a filter as wide as the scale where it gets smaller; round to 0..255."
    )
    fill = (
        f"Fill it on the right, with whatever you like, up to a multiple of {WIDTH_STEP} pixels; `widths` is the width "
        "before that."
    )
    steps = [
        f"Decode to 8 bits, upright, {paper}; {'red, green, blue' if image.channels == 3 else gray}.",
        resize,
        "Turn it round, left to right." if image.mirrored else "",
        "Bring it to [-1, 1]: value * 2 / 255 - 1 (value * scale + offset).",
        fill,
    ]
    return [step for step in steps if step]
