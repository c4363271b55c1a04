"""The same images through every form of a model: do they all read the same, and how fast is each?

    python -m benchmarks.formats MODEL_DIR ANNOTATIONS... [--images 500]

Reads the images of annotation files (or of the sets of that name beside the repository in `../shared/data`, their
testing parts), of each the first so many, one at a time: with the checkpoint, and with its SavedModel, frozen graph,
LiteRT model, ONNX model, and a server (`aocr serve`, on a free port of this machine). The exports are made in a folder
that is removed afterwards, and compared on the way as every export is. Prints a table for each annotation file, and
exits with 1 if any form reads other texts than the checkpoint does, or one of TensorFlow gives a probability that is
more than 0.0001 off; the server with `--precision auto` alone may.

LiteRT and ONNX are read with the `read.py` that lies beside them. "Same pixels" are those that TensorFlow prepares;
otherwise Pillow decodes and resizes, as in a program that has no TensorFlow. Its pixels may be rounded otherwise, by
one of 255 levels, and an image of which CTC is just sure enough, or just not, then gets its probability, and seldom
another text, from the other head.

Milliseconds are the median of a single image, encoded image to text, in one process, after the first 5 images.
"""

import argparse
import contextlib
import io
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from aocr_core import logs
from aocr_core.charset import Kind
from aocr_core.config import DataOptions, PrepareOptions
from aocr_core.data.check import Accepted, checked_rows
from aocr_core.data.records import Record
from aocr_core.evaluation.metrics import split
from benchmarks.beside import DATA
from benchmarks.load import serving

WARM_UP = 5
ROUNDED = "HTTP, --precision auto"
"""May read other texts: it does not compute what the checkpoint computes, on processors with bfloat16."""

OF_TENSORFLOW = ("checkpoint", "SavedModel", "frozen graph", "HTTP")
"""Forms whose probabilities have to be the checkpoint's, too."""

Read = Callable[[bytes], tuple[str, float]]
"""Encoded image -> text and probability."""


class Readings(NamedTuple):
    """What one form of the model read."""

    texts: list[str]
    probabilities: list[float]
    milliseconds: float
    """Median of a single image."""


def recogniser(model: str) -> Read:
    from aocr_core.recognizer import Recognizer

    recognizer = Recognizer.load(model)

    def read(image: bytes) -> tuple[str, float]:
        (reading,) = recognizer.read_plain([image])
        return reading.text, reading.probability

    return read


def frozen_graph(export: str) -> Read:
    import tensorflow as tf

    from aocr_core.export.frozen_graph import FrozenReader

    frozen = FrozenReader(Path(export))

    def read(image: bytes) -> tuple[str, float]:
        text, probability = frozen(tf.constant(image))
        return text.numpy().decode(), float(probability)

    return read


def standalone(export: str) -> Read:
    from PIL import Image

    from aocr_core.export.read import Reader

    reader = Reader(Path(export))
    return lambda image: reader.read(Image.open(io.BytesIO(image)))


def same_pixels(export: str, model: str) -> Read:
    """The model alone: what it is given is prepared as the checkpoint prepares it."""
    import tensorflow as tf

    from aocr_core.data.preprocess import prepare_batch
    from aocr_core.export.read import Reader
    from aocr_core.model_dir import read_config

    reader, spec = Reader(Path(export)), read_config(model).image

    def read(image: bytes) -> tuple[str, float]:
        pixels, widths = (value.numpy() for value in prepare_batch(tf.constant([image]), spec))
        return reader.run(pixels, widths)[0]

    return read


@contextlib.contextmanager
def served(base: str, *options: str) -> Iterator[Read]:
    """`aocr serve` on a free port of the loopback, stopped at the end; all images go over one connection."""
    from aocr_core.serving.client import Client

    with serving(Path(base), "--stop-after-idle", "600", *options) as url, Client(url, connections=1) as client:

        def read(image: bytes) -> tuple[str, float]:
            (found,) = client.read_plain([image])
            return found.text, found.probability

        yield read


def measured(read: Read, images: list[bytes]) -> Readings:
    for image in images[:WARM_UP]:
        read(image)
    texts, probabilities, seconds = [], [], []
    for image in images:
        began = time.perf_counter()
        text, probability = read(image)
        seconds.append(time.perf_counter() - began)
        texts.append(text)
        probabilities.append(probability)
    return Readings(texts, probabilities, 1000 * statistics.median(seconds))


def exported(model: str, folder: str) -> dict[str, tuple[contextlib.AbstractContextManager[Read], Path]]:
    """Each form's reader, and the file or folder whose size counts."""
    from aocr_core.export import export

    saved, frozen = export(model, folder), export(model, folder, "frozengraph")
    litert, onnx = export(model, folder, "litert"), export(model, folder, "onnx")
    return {
        "checkpoint": (contextlib.nullcontext(recogniser(model)), Path(model, "best.weights.h5")),
        "SavedModel": (contextlib.nullcontext(recogniser(saved)), Path(saved)),
        "frozen graph": (contextlib.nullcontext(frozen_graph(frozen)), Path(frozen)),
        "LiteRT, same pixels": (contextlib.nullcontext(same_pixels(litert, model)), Path(litert, "model.tflite")),
        "LiteRT": (contextlib.nullcontext(standalone(litert)), Path(litert, "model.tflite")),
        "ONNX, same pixels": (contextlib.nullcontext(same_pixels(onnx, model)), Path(onnx, "model.onnx")),
        "ONNX": (contextlib.nullcontext(standalone(onnx)), Path(onnx, "model.onnx")),
        "HTTP": (served(folder), Path(saved)),
        ROUNDED: (served(folder, "--precision", "auto"), Path(saved)),
    }


def megabytes(path: Path) -> float:
    return sum(file.stat().st_size for file in [path, *path.rglob("*")] if file.is_file()) / 1e6


def row(
    name: str, size: float, found: Readings, first: Readings, labels: list[str], kind: Kind
) -> tuple[list[str], str]:
    """One line of the table, and what is not as it has to be, "" if all is."""
    from aocr_core.export.verify import TOLERANCE

    same = sum(a == b for a, b in zip(found.texts, first.texts, strict=True))
    exact = sum(split(a, kind) == split(b, kind) for a, b in zip(found.texts, labels, strict=True)) / len(labels)
    apart = max(abs(a - b) for a, b in zip(found.probabilities, first.probabilities, strict=True))
    cells = [
        name,
        f"{size:.1f}",
        f"{len(labels)}",
        f"{same}",
        f"{exact:.1%}",
        f"{apart:.0e}",
        f"{found.milliseconds:.1f}",
    ]
    if name == ROUNDED:
        return cells, ""
    if same < len(labels):
        return cells, f"{name} reads {len(labels) - same} other texts than the checkpoint"
    if name in OF_TENSORFLOW and not apart <= TOLERANCE:
        return cells, f"{name} gives probabilities that are up to {apart:.0e} off"
    return cells, ""


def compared(model: str, tests: dict[str, list[Record]], fold: bool, kind: Kind) -> list[str]:
    """Print the tables; what is not as it has to be."""
    columns = ["form", "MB", "images", "same texts", "exact", "largest difference of probability", "ms, single image"]
    trouble = []
    with tempfile.TemporaryDirectory(prefix="aocr-formats-") as folder, contextlib.ExitStack() as stack:
        forms = exported(model, folder)
        readers = {name: stack.enter_context(opened) for name, (opened, _) in forms.items()}
        for test, records in tests.items():
            print(f"\n{test}\n\n| {' | '.join(columns)} |\n|{'---|' * len(columns)}", flush=True)
            labels = [record.label.upper() if fold else record.label for record in records]
            images = [record.image for record in records]
            first: Readings | None = None
            for name, read in readers.items():
                found = measured(read, images)
                first = first or found
                cells, wrong = row(name, megabytes(forms[name][1]), found, first, labels, kind)
                print(f"| {' | '.join(cells)} |", flush=True)
                if wrong:
                    trouble.append(f"{test}: {wrong}")
    return trouble


def first_images(annotations: str, most: int) -> list[Record]:
    """The first usable images of an annotation file, or of the set of that name."""
    path = Path(annotations)
    if not path.exists() and (DATA / annotations).is_dir():
        path = DATA / annotations / "annotations-testing.txt"
    if not path.is_file():
        sys.exit(f"the images to read are not here: neither {annotations} nor {DATA / annotations}")
    rows = checked_rows(str(path), PrepareOptions(), DataOptions())
    return list(islice((row.record for row in rows if isinstance(row, Accepted)), most))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("model", metavar="MODEL_DIR")
    parser.add_argument("annotations", metavar="ANNOTATIONS", nargs="+")
    parser.add_argument("--images", type=int, default=500, help="most images of each annotation file")
    arguments = parser.parse_args()
    logs.configure()
    tests = {name: first_images(name, arguments.images) for name in arguments.annotations}
    from aocr_core import model_dir

    config = model_dir.read_config(arguments.model)
    if trouble := compared(arguments.model, tests, config.data.force_uppercase, config.charset.kind):
        sys.exit("\n".join(trouble))


if __name__ == "__main__":
    main()
