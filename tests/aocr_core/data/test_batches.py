from collections import Counter
from itertools import islice

import numpy as np
import pytest
import tensorflow as tf

from aocr_core.charset import END, FIRST_SYMBOL, GO, PAD, Charset
from aocr_core.data import batches
from aocr_core.data.batches import BatchSpec
from aocr_core.data.preprocess import WIDTH_STEP, ImageSpec
from aocr_core.data.records import Record, Writer
from tests.aocr_core import small

WORDS = ["a", "bb", "cab", "dead", "ebb", "face", "gag", "hedge", "cafe", "bee"]
IMAGE = ImageSpec(height=16, width=64, channels=1)


def spec(charset: Charset | None = None, batch_size: int = 4, **options: bool) -> BatchSpec:
    return BatchSpec(IMAGE, charset or Charset.from_labels(WORDS), batch_size, **options)


@pytest.fixture(scope="module")
def words(tmp_path_factory) -> list[str]:
    return [small.write_words(tmp_path_factory.mktemp("data") / "words.tfrecords", WORDS)]


def training(files: list[str], given: BatchSpec, **options) -> tf.data.Dataset:
    settings = {"share": 0.0, "seed": 1, "rows": 10, "strength": 0.0, "cache": True} | options
    return batches.training_batches(files, given, **settings)


def texts(batch: dict[str, tf.Tensor], charset: Charset) -> list[str]:
    return [charset.decode(row) for row in batch["targets"].numpy().tolist()]


def test_inputs_begin_with_go_and_targets_close_with_end(words):
    charset = spec().charset
    for batch in training(words, spec()).take(4):
        inputs, targets = batch["inputs"].numpy(), batch["targets"].numpy()
        assert inputs.shape == targets.shape and (inputs[:, 0] == GO).all()
        for given, wanted in zip(inputs, targets, strict=True):
            length = int((given[1:] != PAD).sum())
            assert wanted[:length].tolist() == given[1 : length + 1].tolist()
            assert wanted[length] == END and not wanted[length + 1 :].any()
        assert set(texts(batch, charset)) <= set(WORDS)


def test_images_are_floats_padded_to_like_widths(words):
    for batch in training(words, spec()).take(5):
        images, widths = batch["images"].numpy(), batch["widths"].numpy()
        assert images.dtype == np.float32 and images.shape[:2] == (4, IMAGE.height)
        assert images.min() >= -1 and images.max() <= 1
        assert images.shape[2] % WIDTH_STEP == 0 and 0 <= images.shape[2] - widths.max() < WIDTH_STEP


@pytest.mark.parametrize("cache", [True, False])
def test_every_image_is_seen_also_those_of_the_last_partial_batch(words, cache: bool):
    """Ten images in batches of four, of several widths: no image waits for long, none is preferred."""
    charset = spec().charset
    seen: Counter[str] = Counter()
    for batch in training(words, spec(), cache=cache).take(25):  # ten epochs
        seen.update(texts(batch, charset))
    assert set(seen) == set(WORDS) and sum(seen.values()) == 100
    assert 6 <= min(seen.values()) <= max(seen.values()) <= 14


def test_fewer_images_than_a_batch_still_make_batches(words):
    batch = next(iter(training(words, spec(batch_size=64))))
    assert batch["images"].shape[0] == 64


@pytest.mark.parametrize("strength", [0.0, 1.0])
def test_the_same_seed_gives_the_same_stream(words, strength: float):
    def first(seed: int) -> list[np.ndarray]:
        return [batch["images"].numpy() for batch in training(words, spec(), seed=seed, strength=strength).take(3)]

    for one, same in zip(first(7), first(7), strict=True):
        np.testing.assert_array_equal(one, same)
    assert any(a.shape != b.shape or (a != b).any() for a, b in zip(first(7), first(8), strict=True))


def test_evaluation_is_one_ordered_pass_over_everything(words):
    found = [
        label.decode()
        for *_, labels in batches.evaluation_batches(words, spec(batch_size=3))
        for label in labels.numpy()
    ]
    assert sorted(found) == sorted(WORDS)
    again = [
        label.decode()
        for *_, labels in batches.evaluation_batches(words, spec(batch_size=3))
        for label in labels.numpy()
    ]
    assert found == again


def test_training_and_evaluation_see_the_same_pixels(words):
    def images(stream) -> dict[int, np.ndarray]:
        rows = (
            (int(width), image[:, :width])
            for pixels, widths, *_ in stream
            for image, width in zip(pixels, widths, strict=True)
        )
        return {hash(image.tobytes()): image for _, image in rows}

    evaluated = images((p.numpy(), w.numpy()) for p, w, _ in batches.evaluation_batches(words, spec()))
    trained = images((b["images"].numpy(), b["widths"].numpy()) for b in training(words, spec()).take(25))
    assert trained.keys() == evaluated.keys()


def test_copies_of_an_image_lie_on_one_side_of_the_split(tmp_path):
    path = tmp_path / "copies.tfrecords"
    pictures = [small.picture(f"w{number}") for number in range(40)]
    with Writer(path) as writer:
        for copy in range(3):
            for picture in pictures:
                writer.write(Record(picture, f"label{copy}"))

    def side(validation: bool) -> Counter[bytes]:
        return Counter(image.numpy() for image, _ in batches.labelled_images([str(path)], 0.3, validation))

    held, kept = side(True), side(False)
    assert not held.keys() & kept.keys() and held.keys() | kept.keys() == set(pictures)
    assert set((held + kept).values()) == {3}
    assert 3 <= len(held) <= 21


def test_a_share_must_leave_images_on_either_side(words):
    assert batches.splits(words, 0.5)
    assert not batches.splits(words, 0.0)
    assert not batches.splits(words, 1 / batches.SPLIT_BUCKETS)
    assert not batches.splits(words, 1 - 1 / batches.SPLIT_BUCKETS)


def test_labels_of_aocr_0_7_6_in_latin_1(tmp_path):
    def record(label: bytes) -> bytes:
        features = {
            "image": tf.train.Feature(bytes_list=tf.train.BytesList(value=[small.picture("a")])),
            "label": tf.train.Feature(bytes_list=tf.train.BytesList(value=[label])),
        }
        return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()

    path = str(tmp_path / "old.tfrecords")
    with tf.io.TFRecordWriter(path) as writer:
        for label in ("GRÖSSE".encode("latin-1"), "größe 東京 😀".encode()):
            writer.write(record(label))
    assert [label.numpy().decode() for _, label in batches.labelled_images([path])] == ["GRÖSSE", "größe 東京 😀"]


def encoded(charset: Charset, label: str, **options: bool) -> list[int]:
    return batches.label_encoder(spec(charset, **options))(tf.constant(label)).numpy().tolist()


@pytest.mark.parametrize("label", ["abc", "größe", "東京", "e\u0301", "👍🏽", " a  b "])
def test_the_graph_encodes_characters_as_the_charset_does(label: str):
    charset = Charset.from_labels([label])
    assert encoded(charset, label) == charset.encode(label)


@pytest.mark.parametrize("label", ["\\frac { x } { 2 }", "  x   2 ", "x\t2", "x\u00a02", "x\u30002", "x\u20282"])
def test_the_graph_encodes_tokens_as_the_charset_does(label: str):
    charset = Charset(symbols=("\\frac", "{", "}", "x", "2"), kind="tokens")
    assert encoded(charset, label) == charset.encode(label)


@pytest.mark.parametrize("label", ["abC1", "größe", "éŒ", "ǆ"])
def test_upper_case_is_pythons(label: str):
    charset = Charset.from_labels([label.upper()])
    assert encoded(charset, label, force_uppercase=True) == charset.encode(label.upper())


def test_an_unknown_symbol_is_padding():
    assert encoded(Charset(symbols=("a",)), "ab") == [FIRST_SYMBOL, PAD]


def test_wide_images_are_squeezed_not_dropped(tmp_path):
    files = [small.write_words(tmp_path / "wide.tfrecords", ["a" * 30, "b"])]
    widths = [width for _, row, _ in batches.evaluation_batches(files, spec()) for width in row.numpy()]
    assert len(widths) == 2 and max(widths) == IMAGE.width


def test_an_endless_stream(words):
    assert len(list(islice(training(words, spec()), 50))) == 50


def repeats(frequency: dict[str, float]) -> dict[str, float]:
    """How often each text comes, on average over a hundred images of it."""
    charset = Charset(symbols=tuple("abc"))
    pairs = [(text, charset.encode(text)) for text in ("a", "ab", "abc")] * 100
    signature = (tf.TensorSpec([], tf.string), tf.TensorSpec([None], tf.int32))
    dataset = tf.data.Dataset.from_generator(lambda: pairs, output_signature=signature)
    repeated = batches.repeat_rare(dataset, charset, frequency, seed=1)
    counts = Counter(text.decode() for text, _ in repeated.as_numpy_iterator())
    return {text: count / 100 for text, count in counts.items()}


def test_images_with_rare_symbols_come_more_often():
    common = batches.COMMON
    assert repeats({"a": 1.0, "b": common, "c": common / 4}) == {"a": 1, "ab": 1, "abc": 2}
    assert repeats({"a": 1.0, "b": 0.9, "c": 1e-6})["abc"] == batches.MOST_REPEATS
    assert repeats({"a": 1.0, "b": 1.0, "c": common / 2.25})["abc"] == pytest.approx(1.5, abs=0.2)
    assert set(repeats({}).values()) == {1}


def test_workers_have_different_images_and_together_all(tmp_path):
    """Each of them sees its own again and again."""
    words = ["a", "b", "c", "d", "e", "f", "g"]
    path = small.write_words(tmp_path / "words.tfrecords", words)
    seen = []
    for part in ((0, 3), (1, 3), (2, 3)):
        stream = training([path], spec(Charset.from_labels(words), batch_size=1), rows=3, part=part)
        seen.append([int(batch["targets"][0, 0]) for batch in stream.take(6)])
    assert [len(set(ids)) for ids in seen] == [3, 2, 2]
    assert len(set().union(*seen)) == len(words)
