from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import tensorflow as tf

from aocr_core import precision, smoke
from aocr_core.errors import AocrError
from aocr_core.serving import model
from tests.aocr_core.serving import particular_export, tiny_export


def test_reads_images_with_either_signature(tmp_path, place):
    loaded = model.load(place(tmp_path / "1", "ä"))
    images = [tiny_export.png(40), tiny_export.png(7, 9, gray=51)]
    answer = loaded.run(images)
    assert [text.decode() for text in answer["output"]] == ["ä40x20", "ä7x9"]
    np.testing.assert_allclose(answer["probability"], [1.0, 0.2], rtol=1e-6)
    details = loaded.run(images, "details")
    assert b"".join(details["symbols"][1]).decode() == "ä7x9"
    assert details["attention"].shape == (2, 6, 4)


def test_metadata_names_the_input_and_the_outputs(tmp_path, place):
    definition = model.load(place(tmp_path / "1")).metadata["serving_default"]
    assert definition["method_name"] == "tensorflow/serving/predict"
    assert definition["inputs"]["input"]["dtype"] == "DT_STRING"
    assert definition["inputs"]["input"]["tensor_shape"]["unknown_rank"] is True
    assert {name: output["dtype"] for name, output in definition["outputs"].items()} == {
        "output": "DT_STRING",
        "probability": "DT_FLOAT",
    }


@pytest.mark.parametrize(
    "damage", ["saved_model.pb", "variables/variables.index", "variables/variables.data-00000-of-00001"]
)
@pytest.mark.parametrize("content", [None, b"", b"nonsense"])
def test_damaged_export_is_one_clear_line(tmp_path, place, damage, content):
    folder = place(tmp_path / "1")
    (folder / damage).unlink()
    if content is not None:
        (folder / damage).write_bytes(content)
    with pytest.raises(AocrError, match=f"cannot load the model in {folder}: .+") as error:
        model.load(folder)
    assert "\n" not in str(error.value)


def test_another_kind_of_model_is_refused(tmp_path):
    folder = tiny_export.write(tmp_path / "1", signature="other")
    with pytest.raises(AocrError, match="serving_default does not give output and probability"):
        model.load(folder)


def strings(images: tf.Tensor) -> tf.Tensor:
    return tf.strings.length(tf.reshape(images, [-1]))


FOREIGN = {
    "does not give probability": lambda input: {"output": input},
    "takes something else than strings named input": lambda image: {"output": image, "probability": strings(image)},
    "gives flag as DT_BOOL": lambda input: {
        "output": input,
        "probability": tf.cast(strings(input), tf.float32),
        "flag": strings(input) > 0,
    },
    "does not give texts as output and numbers as probability": lambda input: {
        "output": input,
        "probability": strings(input),
    },
    "does not give one value of probability for each image": lambda input: {
        "output": input,
        "probability": tf.cast(strings(input), tf.float32)[:, None],
    },
    "does not give a row of total for each image": lambda input: {
        "output": input,
        "probability": tf.cast(strings(input), tf.float32),
        "total": tf.reduce_sum(strings(input)),
    },
}


@pytest.mark.parametrize("signature", ["serving_default", "more"])
@pytest.mark.parametrize("reason", FOREIGN)
def test_a_signature_that_could_not_be_answered_for_is_refused_at_once(tmp_path, reason, signature):
    ours = tiny_export.TinyRecognizer("")
    ours.foreign = tf.function(FOREIGN[reason])
    name = "image" if "takes" in reason else "input"
    foreign = ours.foreign.get_concrete_function(tf.TensorSpec([None], tf.string, name))
    signatures = {"serving_default": ours.read, signature: foreign}
    tf.saved_model.save(ours, str(tmp_path / "1"), signatures=signatures)
    with pytest.raises(AocrError, match=f"its signature {signature} {reason}"):
        model.load(tmp_path / "1")


def test_a_version_that_reads_otherwise_than_it_did_when_it_was_exported_is_refused(tmp_path, place):
    folder = place(tmp_path / "1")
    smoke.write(folder, [smoke.Known(tiny_export.png(40), "40x20", 1.0), smoke.Known(tiny_export.png(9), "9x20", 1.0)])
    assert model.load(folder).run([tiny_export.png(9)])["output"][0] == b"9x20"
    smoke.write(folder, [smoke.Known(tiny_export.png(40), "40x20", 1.0), smoke.Known(tiny_export.png(9), "word", 0.9)])
    with pytest.raises(AocrError, match=r"model in .*/1: it reads '9x20' where it read 'word' when it was exported"):
        model.load(folder)
    smoke.write(folder, [])
    model.load(folder)


def test_each_model_reads_in_its_own_precision_whichever_thread_asks(tmp_path):
    folder, image = particular_export.write(tmp_path / "1"), tiny_export.png(9)
    try:
        models = {b"coarse": model.load(folder, precision="bfloat16"), b"fine": model.load(folder)}
        if models[b"coarse"].run([image])["output"] == b"fine":
            pytest.skip("this processor computes nothing in bfloat16")
        wanted = [b"coarse", b"fine", b"fine", b"coarse"] * 10
        assert [models[text].run([image])["output"][0] for text in wanted] == wanted
        with ThreadPoolExecutor(2) as threads:
            assert list(threads.map(lambda text: models[text].run([image])["output"][0], wanted)) == wanted
    finally:
        precision.read_in("float32")
