from pathlib import Path

import pytest

from aocr_core import deployment, exports, storage
from aocr_core.deployment import deploy
from aocr_core.errors import AocrError


def exported(folder: Path, graph: str) -> str:
    """What an export leaves, in the eyes of the deployment: files in a numbered folder."""
    version = folder / "1"
    (version / "variables").mkdir(parents=True)
    (version / "saved_model.pb").write_text(graph)
    (version / "variables" / "variables.index").write_text("weights")
    return str(folder)


def served(serving: Path) -> dict[str, str]:
    return {path.parent.name: path.read_text() for path in sorted(serving.glob("aocr/*/saved_model.pb"))}


def test_versions_count_up_and_hold_all_files(tmp_path: Path):
    serving = tmp_path / "serving"
    first = deploy(exported(tmp_path / "a", "A"), str(serving), "aocr")
    second = deploy(exported(tmp_path / "b", "B"), str(serving), "aocr")
    assert (Path(first), Path(second)) == (serving / "aocr" / "1", serving / "aocr" / "2")
    assert served(serving) == {"1": "A", "2": "B"}
    assert (serving / "aocr" / "2" / "variables" / "variables.index").read_text() == "weights"
    assert sorted(path.name for path in (serving / "aocr").iterdir()) == ["1", "2"]


def test_what_serves_already_is_not_deployed_again(tmp_path: Path):
    serving, export = tmp_path / "serving", exported(tmp_path / "a", "A")
    assert deploy(export, str(serving), "aocr") == deploy(export, str(serving), "aocr")
    assert served(serving) == {"1": "A"}


def test_an_older_version_comes_back_as_a_new_one(tmp_path: Path):
    serving, old = tmp_path / "serving", exported(tmp_path / "a", "A")
    for export in (old, exported(tmp_path / "b", "B"), old):
        deploy(export, str(serving), "aocr")
    assert served(serving) == {"1": "A", "2": "B", "3": "A"}


def test_a_failing_copy_leaves_nothing(tmp_path: Path, monkeypatch):
    export, serving = exported(tmp_path / "a", "A"), tmp_path / "serving"

    def fill_the_disk(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(exports.shutil, "copytree", fill_the_disk)
    with pytest.raises(AocrError, match="No space left"):
        deploy(export, str(serving), "aocr")
    assert list((serving / "aocr").iterdir()) == []


def test_no_export_is_said(tmp_path: Path):
    with pytest.raises(AocrError, match="holds no exported model"):
        deploy(str(tmp_path), str(tmp_path / "serving"), "aocr")


def test_a_bucket_is_a_base_path_like_a_folder(tmp_path: Path, bucket: str):
    export, serving = exported(tmp_path / "a", "A"), storage.join(bucket, "serving")
    assert deploy(export, serving, "aocr") == storage.join(serving, "aocr", "1")
    assert deploy(export, serving, "aocr") == storage.join(serving, "aocr", "1")
    assert deploy(exported(tmp_path / "b", "B"), serving, "aocr") == storage.join(serving, "aocr", "2")
    assert storage.read_bytes(storage.join(serving, "aocr", "2", "saved_model.pb")) == b"B"


def test_rolling_back_goes_back_and_never_forth(tmp_path: Path):
    serving = tmp_path / "serving"
    for graph in "ABC":
        deploy(exported(tmp_path / graph, graph), str(serving), "aocr")
    assert deployment.rollback(str(serving), "aocr") == str(serving / "aocr" / "4")
    deployment.rollback(str(serving), "aocr")
    assert served(serving) == {"1": "A", "2": "B", "3": "C", "4": "B", "5": "A"}
    with pytest.raises(AocrError, match="no other model served before version 1"):
        deployment.rollback(str(serving), "aocr")
    assert (serving / "aocr" / "5" / "variables" / "variables.index").read_text() == "weights"


def test_what_serves_is_the_newest_version(tmp_path: Path):
    serving = str(tmp_path / "serving")
    assert deployment.serving(serving, "aocr") is None
    with pytest.raises(AocrError, match="holds no exported model"):
        deployment.rollback(serving, "aocr")
    deploy(exported(tmp_path / "a", "A"), serving, "aocr")
    assert deployment.serving(serving, "aocr") == ("version 1", f"{serving}/aocr/1")
