from pathlib import Path

import pytest

from aocr_core.errors import AocrError, UsageError
from aocr_core.serving import versions as module
from aocr_core.serving.versions import Versions, find_versions


def write(base: Path, version: str, content: str) -> None:
    """A "model" that is its own content; `broken` cannot be loaded."""
    (base / version).mkdir(parents=True, exist_ok=True)
    (base / version / "saved_model.pb").write_text(content)


def load(folder: Path) -> str:
    content = (folder / "saved_model.pb").read_text()
    if content == "broken":
        raise AocrError(f"{folder.name} is broken")
    return content


def remove(base: Path, version: str) -> None:
    (base / version / "saved_model.pb").unlink()
    (base / version).rmdir()


def look_twice(versions: Versions[str]) -> str:
    """A version is only taken when its files have not changed since the last look."""
    versions.refresh()
    versions.refresh()
    return versions.current.model


def test_highest_number_serves_not_the_last_in_the_alphabet(tmp_path):
    for version in ("9", "10", "latest", "11.tmp", "½"):
        write(tmp_path, version, f"model {version}")
    (tmp_path / "12").mkdir()
    assert sorted(find_versions(tmp_path)) == [9, 10]
    served = Versions(tmp_path, load).current
    assert (served.version, served.model) == (10, "model 10")


def test_export_without_a_version_is_version_1(tmp_path):
    write(tmp_path, "exported", "original")
    served = Versions(tmp_path / "exported", load).current
    assert (served.version, served.model) == (1, "original")


def test_new_version_takes_over_once_it_is_written_completely(tmp_path):
    write(tmp_path, "1", "old")
    versions = Versions(tmp_path, load)
    write(tmp_path, "2", "half")
    versions.refresh()
    write(tmp_path, "2", "whole now")
    versions.refresh()
    assert versions.current.model == "old"
    versions.refresh()
    assert versions.current.model == "whole now"


def test_broken_new_version_is_refused_once_and_tried_again_when_it_changes(tmp_path, caplog):
    write(tmp_path, "1", "good")
    versions = Versions(tmp_path, load)
    write(tmp_path, "2", "broken")
    assert look_twice(versions) == "good"
    assert look_twice(versions) == "good"
    assert [record.getMessage() for record in caplog.records] == ["Version 2 is refused: 2 is broken"]
    assert versions.refused[2].reason == "2 is broken"
    write(tmp_path, "2", "mended now")
    assert look_twice(versions) == "mended now"
    assert not versions.refused


def test_a_version_that_cannot_be_loaded_in_passing_is_tried_again_some_times(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "RETRY_SECONDS", (0.0, 0.0))
    write(tmp_path, "1", "good")
    attempts = []

    def short_of_memory(folder: Path) -> str:
        if folder.name == "1":
            return "good"
        attempts.append(folder.name)
        if len(attempts) < enough:
            raise AocrError("no memory")
        return "new"

    enough = 3
    versions = Versions(tmp_path, short_of_memory)
    write(tmp_path, "2", "")
    assert look_twice(versions) == "good"
    assert versions.refused[2].reason == "no memory"
    assert look_twice(versions) == "new" and not versions.refused
    enough = 99
    write(tmp_path, "3", "")
    for _ in range(10):
        assert look_twice(versions) == "new"
    assert attempts.count("3") == 3


def test_a_version_is_not_tried_again_without_a_pause(tmp_path):
    write(tmp_path, "1", "good")
    tried = []
    versions = Versions(tmp_path, lambda folder: tried.append(folder.name) or load(folder))
    write(tmp_path, "2", "broken")
    for _ in range(5):
        look_twice(versions)
    assert tried == ["1", "2"]


def test_lower_version_serves_if_the_highest_is_broken_from_the_start(tmp_path):
    write(tmp_path, "1", "good")
    write(tmp_path, "2", "broken")
    assert Versions(tmp_path, load).current.version == 1


def test_removed_version_gives_way_to_the_one_below_but_the_last_stays(tmp_path):
    write(tmp_path, "1", "first")
    write(tmp_path, "2", "second")
    versions = Versions(tmp_path, load)
    remove(tmp_path, "2")
    assert look_twice(versions) == "first"
    remove(tmp_path, "1")
    assert look_twice(versions) == "first"
    tmp_path.rmdir()
    assert look_twice(versions) == "first"


def test_nothing_to_serve_is_said_with_what_to_do(tmp_path):
    with pytest.raises(UsageError, match=f"no such folder: {tmp_path / 'nowhere'}"):
        Versions(tmp_path / "nowhere", load)
    with pytest.raises(UsageError, match="write one with: aocr export"):
        Versions(tmp_path, load)
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(UsageError, match="is a model directory, not an export; run: aocr export OUTPUT --model-dir"):
        Versions(tmp_path, load)
    write(tmp_path, "3", "broken")
    with pytest.raises(AocrError, match="3 is broken"):
        Versions(tmp_path, load)
