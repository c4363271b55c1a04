from pathlib import Path

import pytest

from aocr_core import exports, storage
from tests.aocr_core.faulty_bucket import running


def make(base: Path, *names: str, complete: bool = True) -> None:
    for name in names:
        (base / name).mkdir()
        if complete:
            (base / name / exports.GRAPH_FILE).write_text(name)


def test_the_highest_number_counts_and_other_folders_do_not(tmp_path: Path):
    make(tmp_path, "2", "10", "9", ".aocr-temp", "11-broken", "notes", "²")
    assert exports.newest(str(tmp_path)) == (10, str(tmp_path / "10"))
    assert list(exports.versions(str(tmp_path))) == [2, 9, 10]


def test_a_version_without_its_graph_is_still_being_written(tmp_path: Path):
    make(tmp_path, "2")
    make(tmp_path, "12", complete=False)
    assert exports.newest(str(tmp_path)) == (2, str(tmp_path / "2"))
    assert exports.next_number(str(tmp_path)) == 13


def test_versions_begin_at_1(tmp_path: Path):
    assert exports.newest(str(tmp_path / "nowhere")) is None
    assert exports.next_number(str(tmp_path / "nowhere")) == 1


@pytest.mark.parametrize("where", ["folder", "bucket"])
def test_of_two_that_take_a_number_one_gets_it(tmp_path: Path, where: str, emulator, bucket, monkeypatch):
    base = str(tmp_path / "base") if where == "folder" else f"{bucket}/base"
    make(tmp_path, "files")
    with running(emulator.address) as proxy:  # the emulator itself knows no conditions
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", proxy.url)
        assert exports.publish(tmp_path / "files", base) == storage.join(base, "1")
        monkeypatch.setattr(exports, "next_number", lambda _: 1)  # as it was before the other came
        (tmp_path / "files" / exports.GRAPH_FILE).write_text("other")
        with pytest.raises(storage.TakenError, match="somebody else"):
            exports.publish(tmp_path / "files", base)
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://{emulator.address}")
    assert storage.read_bytes(storage.join(base, "1", exports.GRAPH_FILE)) == b"files"
