from pathlib import Path

import pytest

from aocr_core.data import tfrecord
from aocr_core.errors import AocrError

PAYLOADS = [b"first", b"", b"third" * 1000]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "data.tfrecords"
    with path.open("wb") as stream:
        sizes = [tfrecord.write(stream, payload) for payload in PAYLOADS]
    assert sum(sizes) == path.stat().st_size
    return path


def read(file: Path) -> list[bytes]:
    return list(tfrecord.read(file, "gs://b/data.tfrecords"))


def test_round_trip(file: Path):
    assert read(file) == PAYLOADS


def test_tensorflow_reads_what_is_written(file: Path):
    import tensorflow as tf

    assert [record.numpy() for record in tf.data.TFRecordDataset(str(file))] == PAYLOADS


def test_what_tensorflow_writes_is_read(tmp_path: Path):
    import tensorflow as tf

    path = tmp_path / "tf.tfrecords"
    with tf.io.TFRecordWriter(str(path)) as writer:
        for payload in PAYLOADS:
            writer.write(payload)
    assert read(path) == PAYLOADS


def test_an_empty_file_has_no_records(tmp_path: Path):
    (tmp_path / "empty").touch()
    assert read(tmp_path / "empty") == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data[:-2], "is damaged at record 3: the file ends in the middle"),
        (lambda data: data[:-2000], "is damaged at record 3: the file ends in the middle"),
        (lambda data: data[:30], "is damaged at record 2: its length is wrong"),
        (lambda data: data[:13] + b"x" + data[14:], "is damaged at record 1: its checksum is wrong"),
        (lambda data: data[:21] + b"x" + data[22:], "is damaged at record 2: its length is wrong"),
        (lambda data: b"\x1f\x8b" + data, "is not a TFRecord file"),
        (lambda data: b"\x89PNG\r\n\x1a\n and so on", "is not a TFRecord file"),
        (lambda data: b"short", "is not a TFRecord file"),
    ],
)
def test_damage_is_one_clear_line(file: Path, change, message: str):
    file.write_bytes(change(file.read_bytes()))
    with pytest.raises(AocrError, match=f"^gs://b/data.tfrecords {message}"):
        read(file)
