from pathlib import Path

from aocr_core import exports


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
