import os
from contextlib import nullcontext
from pathlib import Path

import pytest

from aocr_core import storage
from aocr_core.errors import AocrError


@pytest.fixture(params=["folder", "bucket", "mount"])
def base(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The same tests on a local folder, in a bucket of the emulator, and in a bucket that is mounted."""
    if request.param == "bucket":
        return request.getfixturevalue("bucket")
    if request.param == "mount":
        monkeypatch.setattr(storage, "MOUNT", str(tmp_path))
        (tmp_path / "words").mkdir()
        return "gs://words"
    return str(tmp_path)


def test_what_is_written_is_read(base: str):
    path = storage.join(base, "a", "b.bin")
    storage.write_bytes(path, b"old")
    storage.write_bytes(path, b"new")
    assert storage.read_bytes(path) == b"new"
    assert storage.stat(path).size == 3
    assert storage.exists(path) and storage.exists(storage.join(base, "a"))
    assert storage.is_dir(storage.join(base, "a")) and not storage.is_dir(path)


def test_missing_paths(base: str):
    path = storage.join(base, "nothing")
    assert storage.stat(path) is None
    assert not storage.exists(path)
    assert storage.list_files(path) == storage.entries(path) == []
    with pytest.raises(storage.MissingError, match="nothing"):
        storage.read_bytes(path)
    with pytest.raises(storage.MissingError, match="nothing"), storage.local_copy(path):
        pass


def test_list_files_stays_in_the_folder(base: str):
    for name in ("folder/b.txt", "folder/a.txt", "folder/c.png", "folder/deeper/d.txt", "aside.txt"):
        storage.write_bytes(storage.join(base, name), b"")
    folder = storage.join(base, "folder")
    assert storage.list_files(folder, "*.txt") == [storage.join(folder, "a.txt"), storage.join(folder, "b.txt")]
    assert storage.entries(folder) == ["a.txt", "b.txt", "c.png", "deeper/"]


def test_local_copy_of_a_file_and_of_a_folder(base: str):
    storage.write_bytes(storage.join(base, "model", "config.json"), b"{}")
    storage.write_bytes(storage.join(base, "model", "deep", "weights"), b"w")
    with storage.local_copy(storage.join(base, "model")) as folder:
        assert (folder / "config.json").read_bytes() == b"{}"
        assert (folder / "deep" / "weights").read_bytes() == b"w"
    with storage.local_copy(storage.join(base, "model", "config.json")) as file:
        assert file.name == "config.json" and file.read_bytes() == b"{}"


def test_local_copies_are_in_the_order_of_the_paths(base: str):
    paths = [storage.join(base, *name) for name in (["b", "same.bin"], ["a", "same.bin"], ["c.bin"])]
    for number, path in enumerate(paths):
        storage.write_bytes(path, bytes([number]))
    with storage.local_copies(paths) as files:
        assert [Path(file).read_bytes() for file in files] == [b"\0", b"\1", b"\2"]
        assert Path(files[0]).name == "same.bin"
    with pytest.raises(storage.MissingError, match="nothing"), storage.local_copies([storage.join(base, "nothing")]):
        pass


def test_output_dir_replaces_the_old_folder_only_after_success(base: str):
    target = storage.join(base, "model")
    with storage.output_dir(target) as folder:
        (folder / "old").write_text("1")
    with pytest.raises(ZeroDivisionError), storage.output_dir(target) as folder:
        (folder / "half").write_text("2")
        raise ZeroDivisionError
    assert storage.entries(target) == ["old"]
    with storage.output_dir(target) as folder:
        (folder / "deep").mkdir()
        (folder / "deep" / "new").write_text("3")
    assert storage.entries(target) == ["deep/"]
    assert storage.read_bytes(storage.join(target, "deep", "new")) == b"3"
    assert storage.entries(base) == ["model/"], "temporary folders are gone"


def test_a_new_folder_must_not_be_there_yet(tmp_path: Path):
    """In a bucket this is a condition of every upload, which the emulator does not know: see test_faults."""
    for content in ("first", "second"):
        problem = pytest.raises(AocrError, match="somebody else") if content == "second" else nullcontext()
        with problem, storage.output_dir(tmp_path / "7", new=True) as folder:
            (folder / "saved_model.pb").write_text(content)
    assert (tmp_path / "7" / "saved_model.pb").read_text() == "first"


def test_of_two_that_write_a_new_folder_at_the_same_time_one_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with storage.output_dir(tmp_path / "7", new=True) as folder:
        (folder / "saved_model.pb").write_text("first")
    with (
        pytest.raises(AocrError, match=r"cannot write .*/7: "),
        monkeypatch.context() as blind,
        storage.output_dir(tmp_path / "7", new=True) as folder,
    ):
        (folder / "saved_model.pb").write_text("second")
        looks = iter([False])  # the other comes right after the first
        blind.setattr(Path, "exists", lambda path: next(looks, True))
    assert (tmp_path / "7" / "saved_model.pb").read_text() == "first"


def test_a_new_folder_in_a_mounted_bucket_is_written_past_the_mount(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "words").mkdir()
    with monkeypatch.context() as mounted:
        mounted.setattr(storage, "MOUNT", str(tmp_path))
        with storage.output_dir(f"{bucket}/aocr/7", new=True) as folder:
            (folder / "saved_model.pb").write_text("graph")
    assert storage.read_bytes(f"{bucket}/aocr/7/saved_model.pb") == b"graph"


def test_output_file_writes_nothing_on_failure(base: str):
    target = storage.join(base, "data.tfrecords")
    with pytest.raises(ZeroDivisionError), storage.output_file(target) as file:
        file.write_text("half")
        raise ZeroDivisionError
    assert storage.entries(base) == []


def test_a_pipe_is_written_to_not_replaced(tmp_path: Path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    storage.write_bytes(pipe, b"pipeline")
    assert (os.read(reader, 100), pipe.is_fifo()) == (b"pipeline", True)
    os.close(reader)


@pytest.mark.parametrize("kind", ["file", "dir"])
def test_an_output_in_the_way_is_one_clear_line(tmp_path: Path, kind: str):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(AocrError, match=r"cannot write .*it is a"):
        if kind == "file":
            storage.write_bytes(tmp_path / "folder", b"")
        else:
            with storage.output_dir(tmp_path / "file"):
                pass
    with pytest.raises(AocrError, match="cannot write"):
        storage.write_bytes(tmp_path / "file" / "below", b"")


def test_reading_a_folder_is_one_clear_line(tmp_path: Path):
    with pytest.raises(AocrError, match="Is a directory"):
        storage.read_bytes(tmp_path)


def test_a_bucket_that_is_not_there(bucket: str):
    with pytest.raises(AocrError, match="gs://nobody/x"):
        storage.read_bytes("gs://nobody/x")
    with pytest.raises(AocrError, match="bucket is missing"):
        storage.read_bytes("gs:///x")


@pytest.mark.parametrize(
    ("path", "expected"),
    [("gs://b/a/c.txt", "gs://b/a"), ("gs://b/a/", "gs://b"), ("a/b", "a"), ("b", "."), ("/b", "/")],
)
def test_parent(path: str, expected: str):
    assert storage.parent(path) == expected


def test_all_files_below_a_folder_and_the_removal_of_some(base: str):
    for name in ("a/b/c", "a/d", "e"):
        storage.write_bytes(storage.join(base, *name.split("/")), b"x")
    assert storage.files_below(base) == ["a/b/c", "a/d", "e"]
    assert storage.files_below(storage.join(base, "a")) == ["b/c", "d"]
    assert storage.files_below(storage.join(base, "nothing")) == []
    for _ in range(2):  # what is gone is as it was wanted
        storage.remove(storage.join(base, "a", "d"))
    assert storage.files_below(base) == ["a/b/c", "e"]


def test_a_bucket_is_one_mounted_or_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(storage, "MOUNT", str(tmp_path / "gcs"))
    for path, expected in (("gs://b/x", True), (f"{tmp_path}/gcs/b/x", True), (f"{tmp_path}/b", False), ("x", False)):
        assert storage.in_bucket(path) is expected
