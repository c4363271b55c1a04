"""Data sets of other programs, whose images nobody has checked before."""

import io
from pathlib import Path

import pytest
from PIL import Image

from aocr_core.data import info
from aocr_core.errors import AocrError
from aocr_core.training.inputs import DataSet
from tests.aocr_core import small


def saved(kind: str, mode: str = "L", **how: object) -> bytes:
    buffer = io.BytesIO()
    Image.open(io.BytesIO(small.picture("a"))).convert(mode).save(buffer, kind, **how)
    return buffer.getvalue()


def rotated() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return saved("JPEG", exif=exif)


def test_images_that_cannot_be_decoded_are_counted_and_the_first_is_named(tmp_path: Path):
    path = small.foreign(
        tmp_path / "old.tfrecords", small.picture("a"), saved("TIFF"), small.picture("b")[:-40], b"no image"
    )
    with pytest.raises(AocrError, match=rf"^3 of 4 images .* record 2 of {path} \(a.png\): build the data set"):
        DataSet.look(path).require(1)


def test_what_is_decoded_only_in_colour_is_refused_without(tmp_path: Path):
    found = DataSet.look(small.foreign(tmp_path / "old.tfrecords", saved("GIF")))
    found.require(3)
    with pytest.raises(AocrError, match="1 of 1 images"):
        found.require(1)


@pytest.mark.parametrize(("image", "channels"), [(rotated(), 1), (saved("JPEG", "CMYK"), 3)])
def test_what_may_be_misread_is_told(tmp_path: Path, caplog, image: bytes, channels: int):
    path = small.foreign(tmp_path / "old.tfrecords", small.picture("a"), image)
    DataSet.look(path).require(channels)
    assert f"{path}: 1x {info.MISREAD}" in caplog.messages


def test_of_plain_images_nothing_is_said(tmp_path: Path, caplog):
    DataSet.look(small.foreign(tmp_path / "old.tfrecords", small.picture("a"), saved("JPEG"))).require(1)
    assert not caplog.messages


def test_a_data_set_of_this_program_is_not_decoded_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = small.write_words(tmp_path / "words.tfrecords", ["a", "b"])
    monkeypatch.setattr("aocr_core.data.images.plain", lambda *_: pytest.fail("looked at"))
    DataSet.look(path).require(1)


def test_there_have_to_be_images(tmp_path: Path):
    with pytest.raises(AocrError, match=r"old.tfrecords is empty"):
        DataSet.look(small.foreign(tmp_path / "old.tfrecords")).require(1)
