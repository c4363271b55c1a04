import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from aocr_core import storage
from aocr_core.config import DataOptions, PrepareOptions
from aocr_core.data.annotations import Rejection, Row
from aocr_core.data.check import CROWDED, Accepted, Checker, _ordered_map, checked_rows
from aocr_core.errors import AocrError


@pytest.fixture
def folder(tmp_path: Path, word_image: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch) -> Path:
    """`set/annotations.txt` beside `set/images/a.png`, and another working directory with `images/b.png`."""
    for place in ("set/images/a.png", "here/images/b.png"):
        (tmp_path / place).parent.mkdir(parents=True)
        (tmp_path / place).write_bytes(word_image("word"))
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path


def checked(folder: Path, path: str, label: str = "word", options: dict | None = None, **data: object):
    checker = Checker(str(folder / "set" / "annotations.txt"), PrepareOptions(**(options or {})), DataOptions(**data))
    return checker.check(Row(1, path, label))


@pytest.mark.parametrize(
    "path", ["images/a.png", "images/../images/a.png", "images/b.png", "./images/b.png", "../set/images/a.png", "{abs}"]
)
def test_images_are_found(folder: Path, path: str):
    assert isinstance(checked(folder, path.format(abs=folder / "here/images/b.png")), Accepted)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("../here/images/b.png", "outside the folder of the annotations: give an absolute path if that is meant"),
        ("images/c.png", "no such file"),
        ("images\\a.png", "no such file: write / between folders, not \\"),
        ("images/with", "no such file: a path with blanks needs quotes"),
        ("images", "a folder, not an image"),
        ("a\0.png", "no such file"),
        ("/dev/zero", "not a regular file"),
    ],
)
def test_paths_that_lead_nowhere(folder: Path, path: str, reason: str):
    assert checked(folder, path).reason == reason


def test_a_huge_file_is_not_read(folder: Path):
    with (folder / "set/images/huge.png").open("wb") as file:
        os.truncate(file.fileno(), 1 << 40)
    assert checked(folder, "images/huge.png").kind == "image too large"


def test_labels(folder: Path):
    assert checked(folder, "images/a.png", "Straße").record.label == "Straße"
    assert checked(folder, "images/a.png", "Straße", force_uppercase=True).record.label == "STRASSE"
    too_long = checked(folder, "images/a.png", "x" * 51, {"max_label": 50})
    assert too_long.reason == "label too long: 51 symbols, 50 are allowed"
    assert checked(folder, "images/a.png", "x" * 97).reason.endswith("97 symbols on 96 pixels")
    tokens = r"\frac { a } { b }"
    assert isinstance(checked(folder, "images/a.png", tokens, {"max_label": 7}, label_kind="tokens"), Accepted)
    assert isinstance(checked(folder, "images/a.png", tokens, {"max_label": 7}), Rejection)
    unknown = checked(folder, "images/a.png", "a1b2a", charset="digits")
    assert unknown.reason == "symbols not in the charset: a b"


def test_a_label_with_more_symbols_than_time_steps_is_warned_of(folder: Path):
    """A photograph of 96x128 pixels is 24 pixels wide where it is 32 tall: six time steps of four pixels."""
    Image.new("L", (96, 128)).save(folder / "set/images/photo.png")
    assert CROWDED in checked(folder, "images/photo.png", "1234567").warnings
    assert CROWDED not in checked(folder, "images/photo.png", "123456").warnings
    assert CROWDED not in checked(folder, "images/a.png", "x" * 24).warnings
    assert CROWDED in checked(folder, "images/a.png", "x" * 25).warnings


def test_the_path_is_kept_where_it_is_asked_for(folder: Path):
    assert checked(folder, "images/a.png").record.comment == ""
    assert checked(folder, "images/a.png", options={"save_filename": True}).record.comment == "images/a.png"


def test_a_bucket_of_images(bucket: str, word_image: Callable[..., bytes]):
    storage.write_bytes(f"{bucket}/set/images/a.png", word_image("word"))
    content = f"images/a.png one\n{bucket}/set/images/a.png two\nimages/b.png three\n../x.png four\nimages/a.png five\n"
    storage.write_bytes(f"{bucket}/set/annotations.txt", content.encode())
    rows = list(checked_rows(f"{bucket}/set/annotations.txt", PrepareOptions(), DataOptions()))
    answers = [row.record.label if isinstance(row, Accepted) else row.kind for row in rows]
    assert answers == ["one", "two", "no such file", "outside the folder of the annotations", "five"]


@pytest.mark.parametrize("path", ["../x.png", "/images/a.png", "/gcs/words/set/images/a.png"])
def test_annotations_in_a_bucket_that_is_not_mounted_have_their_images_in_one(bucket: str, path: str):
    storage.write_bytes(f"{bucket}/set/annotations.txt", f"{path} one\n".encode())
    (row,) = checked_rows(f"{bucket}/set/annotations.txt", PrepareOptions(), DataOptions())
    assert row.reason == "outside the folder of the annotations: give a gs:// path if that is meant"


def test_a_bucket_that_cannot_be_reached_ends_the_run(folder: Path, monkeypatch: pytest.MonkeyPatch):
    """Otherwise every row would be rejected for a reason that is not its own."""
    from aocr_core import gcs

    def unreachable(path: str) -> bytes:
        raise AocrError(f"no permission for {path}")

    monkeypatch.setattr(gcs, "read", unreachable)
    with pytest.raises(AocrError, match="no permission"):
        checked(folder, "gs://bucket/a.png")


def test_few_rows_are_under_way_and_come_out_in_order():
    taken, most = 0, 0
    lock = threading.Lock()

    def source():
        nonlocal taken
        for number in range(500):
            taken += 1
            yield number

    def work(number: int) -> int:
        with lock:
            return number * 2

    for done, result in enumerate(_ordered_map(work, source(), workers=3)):
        assert result == 2 * done
        most = max(most, taken - done)
    assert done == 499 and most <= 32


def test_an_error_in_a_thread_is_not_lost():
    def work(number: int) -> int:
        return 1 // (20 - number)

    with pytest.raises(ZeroDivisionError):
        list(_ordered_map(work, range(100), workers=2))
