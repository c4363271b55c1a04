"""Exports of a small model: any shape of input, nothing written that reads otherwise."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import tensorflow as tf

from aocr_core import exports, model_dir, smoke
from aocr_core.charset import Charset
from aocr_core.config import ReadOptions
from aocr_core.data import preprocess
from aocr_core.errors import AocrError
from aocr_core.export import export, frozen_graph, probes, run, signatures, verify
from aocr_core.export.frozen_graph import FrozenReader
from aocr_core.model.folding import fold
from aocr_core.model.recognizer import AttentionOCR
from aocr_core.recognizer import Recognizer
from tests.aocr_core import small

pytestmark = pytest.mark.slow

IMAGES = [small.picture(word, height) for word, height in (("a", 20), ("cabbage", 32), ("bed", 60), ("d" * 20, 40))]


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> str:
    return small.write_model(tmp_path_factory.mktemp("model"), small.config())


@pytest.fixture(scope="module")
def saved(model: str, tmp_path_factory) -> Path:
    return Path(export(model, str(tmp_path_factory.mktemp("exports"))))


@pytest.fixture(scope="module")
def readings(model: str) -> list:
    return Recognizer.load(model).read_plain(IMAGES)


@pytest.fixture(scope="module")
def readers(model: str, saved: Path, tmp_path_factory) -> dict[str, Callable]:
    signature = tf.saved_model.load(str(saved)).signatures["serving_default"]
    frozen = FrozenReader(Path(export(model, str(tmp_path_factory.mktemp("frozen")), "frozengraph")))
    return {
        "saved": lambda images: tuple(signature(images)[name] for name in ("output", "probability")),
        "frozen": frozen,
    }


@pytest.mark.parametrize("kind", ["saved", "frozen"])
@pytest.mark.parametrize("shape", [(4,), (2, 2), (4, 1), (1, 4, 1)])
def test_the_answer_has_the_shape_of_the_question(readers, readings, kind: str, shape: tuple[int, ...]):
    texts, probabilities = readers[kind](tf.reshape(tf.constant(IMAGES), shape))
    assert texts.shape == probabilities.shape == shape
    assert [text.decode() for text in texts.numpy().ravel()] == [reading.text for reading in readings]
    np.testing.assert_allclose(probabilities.numpy().ravel(), [r.probability for r in readings], rtol=1e-4)


@pytest.mark.parametrize("kind", ["saved", "frozen"])
def test_a_single_image_as_a_scalar(readers, readings, kind: str):
    text, probability = readers[kind](tf.constant(IMAGES[1]))
    assert text.shape == probability.shape == ()
    assert text.numpy().decode() == readings[1].text


def test_nodes_of_the_frozen_graph_are_named_as_in_the_original(model: str, tmp_path):
    graph = tf.compat.v1.GraphDef.FromString(Path(export(model, str(tmp_path), "frozengraph")).read_bytes())
    assert {"input_image_as_bytes", "prediction", "probability"} <= {node.name for node in graph.node}


def test_the_export_prepares_images_bit_for_bit_as_training_does(model: str, tmp_path):
    """The pixels that its network is given, taken out of the exported graph, are those of `preprocess`."""
    graph = tf.compat.v1.GraphDef.FromString(Path(export(model, str(tmp_path), "frozengraph")).read_bytes())
    [prepared] = [node.name for node in graph.node if node.name.endswith(preprocess.PREPARED)]
    imported = tf.compat.v1.wrap_function(lambda: tf.compat.v1.import_graph_def(graph, name=""), [])
    pixels_of = imported.prune(f"{frozen_graph.INPUT}:0", f"{prepared}:0")
    spec = model_dir.read_config(model).image
    for image in IMAGES:
        wanted = preprocess.scale(preprocess.round_up(preprocess.prepare(image, spec)[None]))
        np.testing.assert_array_equal(pixels_of(tf.constant(image)), wanted)


def test_versions_are_counted_up(model: str, tmp_path):
    (tmp_path / "7").mkdir()
    (tmp_path / "notes").mkdir()
    assert export(model, str(tmp_path)) == str(tmp_path / "8")
    assert {path.name for path in tmp_path.iterdir()} == {"7", "8", "notes"}


def test_who_finds_a_number_taken_takes_the_next(model: str, tmp_path, monkeypatch):
    """As it is if another export begins later and ends sooner."""
    compare = verify.compare

    def another_first(*given: object) -> object:
        (tmp_path / "1").mkdir()
        (tmp_path / "1" / exports.GRAPH_FILE).write_text("of another")
        return compare(*given)

    monkeypatch.setattr(verify, "compare", another_first)
    assert export(model, str(tmp_path)) == str(tmp_path / "2")
    assert (tmp_path / "1" / exports.GRAPH_FILE).read_text() == "of another"


def test_images_to_try_it_with_lie_in_the_export(model: str, saved: Path):
    known = smoke.read(str(saved))
    assert known and {one.image for one in known} <= {*probes.draw(model_dir.read_config(model))}
    found = Recognizer.load(saved).read_plain([one.image for one in known])
    assert [one.text for one in known] == [reading.text for reading in found]


@pytest.mark.parametrize("kept", [True, False])
def test_the_images_that_the_training_has_left_are_compared_unless_others_are_given(
    tmp_path, caplog, monkeypatch, kept
):
    model = small.write_model(tmp_path / "model", small.config())
    if kept:
        small.write_words(tmp_path / "model" / model_dir.SAMPLES, ["bad", "bee"])
    compared, compare = [], verify.compare

    def noted(reference: verify.Read, exported: verify.Read, images: list[bytes]) -> object:
        compared.append(images[probes.COUNT :])
        return compare(reference, exported, images)

    monkeypatch.setattr(verify, "compare", noted)
    export(model, str(tmp_path / "out"))
    export(model, str(tmp_path / "out"), images=IMAGES)
    assert compared == [[small.picture("bad"), small.picture("bee")] if kept else [], IMAGES]
    assert ("holds no real images: the export is compared on drawn ones alone" in caplog.text) != kept


def test_details_are_compared_too(model: str, tmp_path, monkeypatch):
    """The fault shows nowhere but in the signature that the page uses."""

    def spoilt(self: signatures.ReadingGraph) -> dict:
        made = signatures_of(self)

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="input")])
        def details(images: tf.Tensor) -> dict[str, tf.Tensor]:
            found = self.details(images)
            return found | {"symbol_probabilities": found["symbol_probabilities"] * 0.9}

        return made | {"details": details}

    signatures_of = signatures.ReadingGraph.signatures
    monkeypatch.setattr(signatures.ReadingGraph, "signatures", spoilt)
    with pytest.raises(AocrError, match="symbol_probabilities in `details` differs from the checkpoint's by"):
        export(model, str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_configuration_and_charset_lie_in_the_export(model: str, saved: Path):
    assert (saved / "assets" / "charset.txt").read_text().split() == list(small.CHARSET.symbols)
    assert Recognizer.load(saved).config == model_dir.read_config(model)


def test_an_export_says_how_it_was_told_to_read(model: str, tmp_path):
    told = ReadOptions(decoder="attention", beam_width=2)
    saved, frozen = (Path(export(model, str(tmp_path), kind, reading=told)) for kind in ("savedmodel", "frozengraph"))
    assert ReadOptions(**json.loads((saved / "assets" / "reading.json").read_text())) == told
    graph = tf.compat.v1.GraphDef.FromString(frozen.read_bytes())
    imported = tf.compat.v1.wrap_function(lambda: tf.compat.v1.import_graph_def(graph, name=""), [])
    config, reading = imported.prune([], ["config:0", "reading:0"])()
    assert ReadOptions(**json.loads(reading.numpy())) == told
    assert model_dir.ModelConfig(**json.loads(config.numpy())) == model_dir.read_config(model)


def test_an_export_that_was_told_nothing_names_the_usual_decoder(saved: Path):
    assert json.loads((saved / "assets" / "reading.json").read_text()) == {"decoder": "joint", "beam_width": 1}


def test_details(saved: Path):
    answer = tf.saved_model.load(str(saved)).signatures["details"](tf.constant(IMAGES))
    answer = {name: value.numpy() for name, value in answer.items()}
    assert set(answer) == {"output", "probability", "symbols", "symbol_probabilities", "attention", "time_steps"}
    for row in range(len(IMAGES)):
        symbols = answer["symbols"][row]
        assert b"".join(symbols) == answer["output"][row]
        given = answer["symbol_probabilities"][row]
        assert np.prod(given[given > 0]) == pytest.approx(answer["probability"][row], rel=1e-4)
        assert not answer["attention"][row][:, answer["time_steps"][row] :].any()
        np.testing.assert_allclose(answer["attention"][row].sum(axis=1), symbols != b"", atol=1e-5)


def test_tokens_are_joined_with_blanks(tmp_path):
    charset = Charset(symbols=("\\frac", "{", "}", "x"), kind="tokens")
    small.write_model(tmp_path / "model", small.config(charset))
    version = export(str(tmp_path / "model"), str(tmp_path / "out"))
    for reading in Recognizer.load(version).read(IMAGES, attention=True):
        assert " ".join(reading.symbols) == reading.text and not charset.unknown(reading.text)


@pytest.mark.parametrize("format", get_args(run.Format))
def test_an_export_that_reads_otherwise_is_not_written(model: str, tmp_path, monkeypatch, format: run.Format):
    def refuse(*_) -> None:
        raise AocrError("the export reads a batch otherwise than the checkpoint")

    monkeypatch.setattr(verify, "compare", refuse)
    monkeypatch.setattr(verify, "compare_portable", refuse)
    with pytest.raises(AocrError, match="reads a batch otherwise"):
        export(model, str(tmp_path / "out"), format)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("format", get_args(run.Format))
def test_what_is_exported_is_compared_with_the_checkpoint_itself(model: str, tmp_path, monkeypatch, format: run.Format):
    """Not with what was made of it for reading."""

    def spoilt(trained: AttentionOCR) -> AttentionOCR:
        made = fold(trained)
        made.ctc.bias.assign(made.ctc.bias + np.linspace(0, 3, made.ctc.units))
        made.decoder.score.bias.assign(made.decoder.score.bias + np.linspace(3, 0, made.ctc.units))
        return made

    monkeypatch.setattr(signatures, "fold", spoilt)
    with pytest.raises(AocrError, match="checkpoint"):
        export(model, str(tmp_path / "out"), format)
    assert not (tmp_path / "out").exists()


def test_probes_are_images_of_the_models_own_symbols():
    images = probes.draw(small.config())
    assert len(images) == probes.COUNT and images == probes.draw(small.config())
    spec = small.config().image
    assert len({preprocess.prepare(image, spec).shape[1] for image in images}) > 2


def test_the_frozen_graph_is_one_file(model: str, tmp_path):
    export(model, str(tmp_path), "frozengraph")
    assert [path.name for path in tmp_path.iterdir()] == [frozen_graph.FILE]
