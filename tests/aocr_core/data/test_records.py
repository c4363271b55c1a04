from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aocr_core import storage
from aocr_core.data import example, records, tfrecord
from aocr_core.data.records import Record, ShardWriter, Writer
from aocr_core.errors import AocrError, UsageError

SIZES = st.integers(1, 1 << 40)
RECORDS = st.builds(
    Record,
    image=st.binary(min_size=1, max_size=200),
    label=st.text(st.characters(codec="utf-8"), min_size=1),
    comment=st.text(st.characters(codec="utf-8")),
    width=SIZES,
    height=SIZES,
)


@given(RECORDS)
def test_encoding_round_trips(record: Record):
    assert records.decode(records.encode(record)) == record


@given(RECORDS)
def test_tensorflow_parses_it(record: Record):
    import tensorflow as tf

    feature = tf.train.Example.FromString(records.encode(record)).features.feature
    assert feature["image"].bytes_list.value[:] == [record.image]
    assert feature["label"].bytes_list.value[:] == [record.label.encode()]
    assert feature["width"].int64_list.value[:] == [record.width]
    assert ("comment" in feature) == bool(record.comment)


@pytest.mark.parametrize("comment", [None, b"images/caf\xe9.png"])
def test_records_of_aocr_0_7_6_are_read(comment: bytes | None):
    """Written as its `dataset.py` does: latin-1 labels, an optional comment, no sizes."""
    import tensorflow as tf

    def feature(value: bytes) -> tf.train.Feature:
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))

    features = {"image": feature(b"\x89PNG"), "label": feature("CAFÉ".encode("latin-1"))}
    if comment:
        features["comment"] = feature(comment)
    data = tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()
    assert records.decode(data) == Record(b"\x89PNG", "CAFÉ", "images/café.png" if comment else "")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\xff\xff\xff", "parsing|wire|Error"),
        (b"", "no image"),
        (example.encode({"image": b"x"}), "no label"),
        (example.encode({"image": b"x", "label": b""}), "no label"),
        (example.encode({"image": 7, "label": b"x"}), "must hold bytes"),
    ],
)
def test_other_examples_are_refused(data: bytes, message: str):
    with pytest.raises(ValueError, match=message):
        records.decode(data)


def test_a_file_of_other_examples_is_one_clear_line(tmp_path: Path):
    path = tmp_path / "other.tfrecords"
    with path.open("wb") as file:
        tfrecord.write(file, example.encode({"text": b"x"}))
    with pytest.raises(AocrError, match=r"other.tfrecords holds no labelled images: record 1: no image"):
        list(records.read([str(path)]))


def made(count: int) -> list[Record]:
    return [Record(b"image %d" % index, f"label {index}") for index in range(count)]


def test_one_file(tmp_path: Path):
    path = tmp_path / "data.tfrecords"
    with Writer(path) as writer:
        for record in made(3):
            writer.write(record)
    assert records.files(str(path)) == [str(path)]
    assert list(records.read([str(path)])) == made(3)


def test_shards_are_dealt_out_in_turn(tmp_path: Path):
    with ShardWriter(tmp_path, shards=3) as writer:
        for record in made(7):
            writer.write(record)
    files = records.files(str(tmp_path))
    assert [Path(file).name for file in files] == [f"part-0000{i}-of-00003.tfrecords" for i in range(3)]
    assert [len(list(records.read([file]))) for file in files] == [3, 2, 2]


def test_shards_by_size_keep_the_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(records, "SHARD_BYTES", 150)
    with ShardWriter(tmp_path) as writer:
        for record in made(9):
            writer.write(record)
    files = records.files(str(tmp_path))
    assert len(files) > 2
    assert list(records.read(files)) == made(9)


def test_no_shard_is_empty(tmp_path: Path):
    with ShardWriter(tmp_path, shards=8) as writer:
        writer.write(made(1)[0])
    assert [Path(file).name for file in records.files(str(tmp_path))] == ["part-00000-of-00001.tfrecords"]


def test_a_data_set_in_a_bucket(tmp_path: Path, bucket: str):
    with Writer(tmp_path / "x") as writer:
        writer.write(made(1)[0])
    storage.write_bytes(f"{bucket}/data/part-0.tfrecords", (tmp_path / "x").read_bytes())
    assert records.files(f"{bucket}/data") == [f"{bucket}/data/part-0.tfrecords"]
    assert list(records.read(records.files(f"{bucket}/data"))) == made(1)


def test_missing_data_sets(tmp_path: Path):
    with pytest.raises(UsageError, match="does not exist"):
        records.files(str(tmp_path / "nothing"))
    with pytest.raises(AocrError, match=r"holds no \*.tfrecords"):
        records.files(str(tmp_path))


def test_the_key_depends_on_the_image_alone():
    assert Record(b"a", "x").key == Record(b"a", "y", "somewhere").key != Record(b"b", "x").key
    assert 0 <= Record(b"a", "x").key < 1 << 63
    assert Record(b"a", "x").key == 2340832890917691671, "a split by key must not change with the version"
