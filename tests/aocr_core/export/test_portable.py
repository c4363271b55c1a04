"""LiteRT and ONNX: the text of the checkpoint, in a process that has neither TensorFlow nor aocr."""

import io
import logging
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from aocr_core.charset import Charset
from aocr_core.config import ReadOptions
from aocr_core.errors import AocrError
from aocr_core.export import export, read, run, verify
from aocr_core.export.signatures import ReadingGraph
from aocr_core.model.presets import Convolution
from aocr_core.recognizer import Recognizer
from tests.aocr_core import small

WORDS = [small.picture(word, height) for word, height in (("a", 20), ("cabbage", 32), ("bed", 60), ("d" * 20, 40))]
FORMATS: list[run.Format] = ["litert", "onnx"]
LIKE_AOCR = {
    "decoder_cell": "gru",
    "decoder_layers": 2,
    "location_kernel": None,
    "decoder_input": 9,
    "joint_decoding": False,
    "standardise": False,
    "pool_first": False,
    "encoder_norm": False,
    "encoder_skip": False,
}
LIKE_LARGE = {
    "encoder_layers": 2,
    "convolutions": (
        Convolution(channels=4, pool=(2, 2), residual=1),
        Convolution(channels=8, pool=(3, 2), residual=1),
    ),
}
PROGRAM = """
import runpy, sys
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
assert not {"aocr_core", "tensorflow", "keras"} & set(sys.modules)
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> str:
    return small.write_model(tmp_path_factory.mktemp("model"), small.config())


@pytest.fixture(scope="module", params=FORMATS)
def exported(request, model: str, tmp_path_factory) -> Path:
    return Path(export(model, str(tmp_path_factory.mktemp("exports")), request.param))


@pytest.mark.slow
@pytest.mark.parametrize("library", ["tf2onnx", "tensorflow"])
def test_what_a_library_says_to_the_log_is_its_own_again_afterwards(library: str, model: str, tmp_path: Path):
    logger = logging.getLogger(library)
    before = logger.level
    logger.setLevel(logging.INFO)
    try:
        export(model, str(tmp_path), {"tf2onnx": "onnx", "tensorflow": "litert"}[library])
        assert logger.level == logging.INFO
    finally:
        logger.setLevel(before)


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


@pytest.mark.slow
def test_the_folder_is_all_that_is_needed(exported: Path, model: str, tmp_path: Path):
    """Its reader as a program of its own, from the image files to the texts."""
    paths = [tmp_path / f"{place}.png" for place in range(len(WORDS))]
    for path, data in zip(paths, WORDS, strict=True):
        path.write_bytes(data)
    words = [sys.executable, "-I", "-c", PROGRAM, str(exported / "read.py"), *map(str, paths)]
    done = subprocess.run(words, capture_output=True, text=True, check=True, cwd=tmp_path)
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    readings = Recognizer.load(model).read(paths)
    assert [row[:2] for row in rows] == [[str(p), r.text] for p, r in zip(paths, readings, strict=True)]
    np.testing.assert_allclose([float(row[2]) for row in rows], [r.probability for r in readings], atol=1e-3)


@pytest.mark.slow
def test_a_file_that_cannot_be_read_is_named_and_the_others_are_read(exported: Path, tmp_path: Path):
    (tmp_path / "good.png").write_bytes(WORDS[0])
    (tmp_path / "half.png").write_bytes(WORDS[1][:60])
    (tmp_path / "text.png").write_text("no image")
    names = ["half.png", "text.png", "none.png", "good.png"]
    words = [sys.executable, str(exported / "read.py"), *names]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 1
    assert [line.split("\t")[0] for line in done.stdout.splitlines()] == ["good.png"]
    assert [line.split(":")[0] for line in done.stderr.splitlines() if ".png" in line[:9]] == names[:3]
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_what_is_read_does_not_depend_on_the_padding(exported: Path):
    reader = read.Reader(exported)
    spec = reader.about["image"]
    pixels, widths = read.pad(read.prepare(opened(WORDS[1]), spec), spec)
    text, probability = reader.run(pixels, widths)[0]
    wider = np.concatenate([pixels, np.random.default_rng(0).uniform(-1, 1, (1, 16, 48, 1)).astype(np.float32)], axis=2)
    assert reader.run(wider, widths)[0] == (text, pytest.approx(probability, abs=1e-4))


@pytest.mark.slow
@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize(
    ("shape", "way"),
    [
        pytest.param({}, ReadOptions(beam_width=2), id="beams", marks=pytest.mark.exhaustive),
        pytest.param({}, ReadOptions(decoder="ctc"), id="ctc"),
        pytest.param(LIKE_AOCR, ReadOptions(), id="like aocr"),
        pytest.param(LIKE_LARGE, ReadOptions(), id="like large", marks=pytest.mark.exhaustive),
    ],
)
def test_other_networks_and_ways_to_read(tmp_path: Path, format: run.Format, shape: dict, way: ReadOptions):
    """`export` itself compares them with the checkpoint."""
    charset = Charset(symbols=("\\frac", "{", "}", "x"), kind="tokens")
    config = small.config(charset, **shape)
    colour = config.image.model_copy(update={"channels": 3, "mirrored": True})
    directory = small.write_model(tmp_path / "model", config.model_copy(update={"image": colour}))
    reader = read.Reader(Path(export(directory, str(tmp_path), format, WORDS, way)))
    for data, reading in zip(WORDS, Recognizer.load(directory, way).read(WORDS), strict=True):
        text, probability = reader.read(opened(data))
        assert text == reading.text and probability == pytest.approx(reading.probability, abs=1e-3)


@pytest.mark.slow
def test_an_older_export_is_replaced(exported: Path, model: str):
    (exported / "old").touch()
    format = "onnx" if exported.name == "onnx" else "litert"
    assert export(model, str(exported.parent), format) == str(exported)
    assert not (exported / "old").exists() and (exported / "model.json").exists()


class OffReader(read.Reader):
    """The export's reader, but for what a test changes."""

    text, probability, file = "", 0.0, ""

    def read(self, image: Image.Image) -> tuple[str, float]:
        text, probability = super().read(image)
        return text + self.file, probability

    def run(self, images: np.ndarray, widths: np.ndarray) -> list[tuple[str, float]]:
        return [(text + self.text, p + self.probability) for text, p in super().run(images, widths)]


@pytest.mark.slow
def test_differences_are_told(exported: Path, model: str):
    checkpoint = ReadingGraph.load(model)
    reader = OffReader(exported)
    verify.compare_portable(checkpoint, reader, WORDS)
    reader.text = "e"
    with pytest.raises(AocrError, match="reads a single image otherwise"):
        verify.compare_portable(checkpoint, reader, WORDS)
    reader.text, reader.probability = "", 0.01
    with pytest.raises(AocrError, match=r"probabilities for a single image differ from the checkpoint's by 0\.01"):
        verify.compare_portable(checkpoint, reader, WORDS)
    reader.probability = float("nan")
    with pytest.raises(AocrError, match="probabilities for a single image differ"):
        verify.compare_portable(checkpoint, reader, WORDS)
    reader.probability = 0.0
    reader.file = "e"
    with pytest.raises(AocrError, match="reads an image file as"):
        verify.compare_portable(checkpoint, reader, WORDS)
    reader.file = ""
    reader.about["image"]["mirrored"] = True
    with pytest.raises(AocrError, match="levels off"):
        verify.compare_portable(checkpoint, reader, WORDS)
    reader.about["image"] |= {"mirrored": False, "widest": 32}
    with pytest.raises(AocrError, match="in the shape"):
        verify.compare_portable(checkpoint, reader, WORDS)


def test_missing_packages_are_named_with_the_extra():
    with pytest.raises(AocrError, match=r"needs no_such_a and no_such_b; run: pip install 'aocr-pipeline\[export\]'"):
        run._require("numpy", "no_such_a", "no_such_b")
    run._require("numpy")
