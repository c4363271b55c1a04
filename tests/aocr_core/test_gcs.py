import sys
import time
from pathlib import Path

import pytest

from aocr_core import gcs, gcs_calls, gcs_folders, storage
from aocr_core.errors import AocrError


def test_without_the_client_library_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("google.cloud.storage", reason="needs google-cloud-storage")
    monkeypatch.setitem(sys.modules, "google.cloud.storage", None)
    # The package remembers a module that was imported before.
    monkeypatch.delattr("google.cloud.storage", raising=False)
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "http://127.0.0.1:1")
    gcs_calls._client_for.cache_clear()
    with pytest.raises(AocrError, match="pip install 'aocr-pipeline"):
        gcs.read("gs://bucket/object")


def test_a_bucket_is_no_file(bucket: str, tmp_path: Path):
    (tmp_path / "x").touch()
    with pytest.raises(AocrError, match="names a bucket"):
        gcs.upload({bucket: tmp_path / "x"})
    assert gcs.stat(bucket) is None


def test_every_content_of_an_object_has_a_number_of_its_own(bucket: str):
    numbers = []
    for content in (b"1", b"1", b"2"):
        storage.write_bytes(f"{bucket}/object", content)
        numbers.append(gcs.generation(f"{bucket}/object"))
    assert numbers == sorted(set(numbers)) and gcs.generation(f"{bucket}/object") == numbers[-1]
    assert gcs.generation(f"{bucket}/none") is gcs.generation(bucket) is None


def test_what_is_fetched_keeps_its_time(bucket: str, tmp_path: Path):
    """A data set's description counts only if it is no older than the records."""
    for name in ("b", "a"):
        storage.write_bytes(f"{bucket}/set/{name}", b"x")
        time.sleep(0.05)
    gcs.download(f"{bucket}/set", tmp_path / "copy")
    for name in ("b", "a"):
        assert (tmp_path / "copy" / name).stat().st_mtime == pytest.approx(
            storage.stat(f"{bucket}/set/{name}").modified
        )


def test_a_whole_bucket_is_a_folder_too(bucket: str):
    for content in ("old", "new"):
        with storage.output_dir(bucket) as folder:
            (folder / content).write_text(content)
            (folder / "config.json").write_text(content)
    assert storage.entries(bucket) == ["config.json", "new"]
    assert storage.read_bytes(f"{bucket}/config.json") == b"new"


def test_what_lies_directly_in_a_folder(bucket: str, tmp_path: Path):
    (tmp_path / "x").write_text("x")
    for name in ("base/", "base/a.txt", "base/1/x", "base/1/deep/y", "base/2/x", "base.txt"):
        gcs.write(f"{bucket}/{name}", tmp_path / "x")
    files, folders = gcs.entries(f"{bucket}/base")
    assert (sorted(files), sorted(folders)) == (["a.txt"], ["1", "2"])
    assert storage.entries(f"{bucket}/base/") == ["1/", "2/", "a.txt"]
    assert storage.list_dirs(f"{bucket}/base") == ["1", "2"]
    assert gcs.entries(f"{bucket}/nothing") == ([], [])


def test_the_nameless_object_of_a_console_or_a_mount_makes_a_folder(bucket: str, tmp_path: Path):
    """It is the first that is listed, whatever else lies in the folder."""
    (tmp_path / "empty").touch()
    gcs.write(f"{bucket}/folder/", tmp_path / "empty")
    assert storage.is_dir(f"{bucket}/folder") and storage.exists(f"{bucket}/folder/")
    assert not storage.is_dir(f"{bucket}/fold")
    gcs.write(f"{bucket}/folder/words.txt", tmp_path / "empty")
    gcs.download(f"{bucket}/folder", tmp_path / "fetched")
    assert [path.name for path in (tmp_path / "fetched").iterdir()] == ["words.txt"]


def test_a_folder_is_what_lies_below_it_and_not_beside_it(bucket: str, tmp_path: Path):
    (tmp_path / "x").write_text("x")
    for name in ("model/1/a", "model/1/b", "model/10/a", "model/1.txt"):
        gcs.write(f"{bucket}/{name}", tmp_path / "x")
    gcs_folders.replace(f"{bucket}/model/1", {"b": tmp_path / "x"}, {"c": tmp_path / "x"})
    assert sorted(gcs.names(f"{bucket}/model")) == ["1.txt", "1/b", "1/c", "10/a"]
    gcs.download(f"{bucket}/model/1", tmp_path / "copy")
    assert sorted(path.name for path in (tmp_path / "copy").iterdir()) == ["b", "c"]


def test_a_long_transfer_that_breaks_off_is_begun_again(monkeypatch: pytest.MonkeyPatch):
    """Whatever patience there is, it would be over with the transfer."""
    monkeypatch.setattr(gcs_calls, "PATIENCE", 0.05)
    monkeypatch.setattr(gcs_calls, "TIMEOUT", (0.01, 0.05))
    tries = []

    def fetch() -> str:
        tries.append("try")
        time.sleep(0.1)
        if len(tries) < gcs_calls.FETCHES:
            raise ConnectionError("it broke off")
        return "content"

    assert gcs_calls.fetched(fetch) == "content"
