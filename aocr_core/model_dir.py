"""The model directory: everything that is needed to use a model lies in it, so no later command repeats an option.

config.json            sizes, charset, options, versions
best.weights.h5        averaged weights of the latest validation that is about as good as the best
latest/                where training goes on from (weights, optimiser, average, step)
history.jsonl          one line a validation
logs/                  TensorBoard
training.json          how the training ended, when it has
samples.tfrecords      some of the images it was validated on, for exports to be compared with
pretraining/           a model directory for what is learnt from rendered words, until the training is over
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from aocr_core import storage
from aocr_core.charset import Charset
from aocr_core.config import DataOptions, ModelOptions, Options, TrainOptions
from aocr_core.data.preprocess import ImageSpec
from aocr_core.errors import AocrError, FinalError
from aocr_core.model.presets import Network
from aocr_core.model.temperatures import Temperatures

if TYPE_CHECKING:
    from aocr_core.model.recognizer import AttentionOCR

CONFIG = "config.json"
WEIGHTS = "best.weights.h5"
LATEST = "latest"
HISTORY = "history.jsonl"
LOGS = "logs"
RESULT = "training.json"
PRETRAINING = "pretraining"
SAMPLES = "samples.tfrecords"
UNFINISHED = f"unfinished.{WEIGHTS}"
"""What becomes the weights when it is whole."""
NAMES = frozenset({CONFIG, WEIGHTS, UNFINISHED, LATEST, HISTORY, LOGS, RESULT, PRETRAINING, SAMPLES})
"""All that a training writes. What else lies in the directory is somebody else's."""

FORMAT = 4


class ModelConfig(Options):
    """`config.json`. All options are resolved: none is left to the data or the preset."""

    format: int = FORMAT
    versions: dict[str, str]
    """Of aocr, TensorFlow and Keras, in the last run of the training."""
    options: ModelOptions
    data: DataOptions
    training: TrainOptions
    image: ImageSpec
    network: Network
    charset: Charset
    dataset: str
    """Fingerprint of the training data."""
    validation: str | None = None
    """Fingerprint of the data set that it was judged by; that of the training data if by images of these. None: it was
    trained by an earlier version."""
    pretraining_seconds: float = 0.0
    """Time that it took to render words and to learn them first; 0: the training began without."""
    temperatures: Temperatures = Temperatures()
    """Fitted when the training ended."""

    @property
    def steps(self) -> int:
        """Most decoding steps: the longest text and its END."""
        assert self.options.max_prediction is not None  # resolved
        return self.options.max_prediction + 1

    def network_part(self) -> dict[str, Any]:
        """What decides the shapes and the meaning of the weights."""
        parts = self.model_dump(mode="json", include={"image", "network", "charset"})
        del parts["network"]["joint_decoding"]  # how it is read, not what is learnt
        direction = "right-to-left" if parts["image"].pop("mirrored") else "left-to-right"
        return parts | {"max_prediction": self.options.max_prediction, "direction": direction}


def write_config(directory: str, config: ModelConfig) -> None:
    """Write `config.json`."""
    storage.write_bytes(storage.join(directory, CONFIG), config.model_dump_json(indent=1).encode())


def read_config(directory: str) -> ModelConfig:
    """Read `config.json`.

    Raises:
        AocrError: there is no model, or it was written by another format.
    """
    path = storage.join(directory, CONFIG)
    if not storage.exists(path):
        raise AocrError(f"{directory} holds no model ({CONFIG} is missing): train one with `aocr train`")
    try:
        document = json.loads(storage.read_bytes(path))
        if isinstance(document, dict) and document.get("format") != FORMAT:
            raise FinalError(f"{path} has format {document.get('format')}; this aocr reads format {FORMAT}")
        return ModelConfig.model_validate(document)
    except (json.JSONDecodeError, UnicodeDecodeError, ValidationError) as error:
        raise FinalError(f"{path} is damaged: {str(error).splitlines()[0]}") from error


def load_model(directory: str) -> "tuple[AttentionOCR, ModelConfig]":
    """The network with its best weights.

    Raises:
        AocrError: no model, no weights yet, or weights of another configuration.
    """
    from aocr_core.model.recognizer import AttentionOCR

    config = read_config(directory)
    path = storage.join(directory, WEIGHTS)
    if not storage.exists(path):
        raise AocrError(f"{directory} has no weights yet: its training ended before the first validation")
    model = AttentionOCR.create(config.network, config.charset.size, config.image.channels, config.temperatures)
    with storage.local_copy(path) as local:
        load_weights(model, local)
    return model, config


def load_weights(model: "AttentionOCR", path: Path) -> None:
    """Load weights, or say in one line that they do not fit.

    Raises:
        FinalError: the file is damaged or belongs to another configuration.
    """
    try:
        model.load_weights(path)
    except (ValueError, OSError, KeyError) as error:
        raise FinalError(f"{path} does not fit the model's {CONFIG}: {str(error).splitlines()[0]}") from error
