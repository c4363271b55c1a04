import fcntl
from contextlib import suppress
from pathlib import Path

import pytest

from aocr_core import model_dir
from aocr_core.errors import AocrError, FinalError, LostError
from aocr_core.training.unfinished import UNFINISHED_DIR_VARIABLE, kept_until_done


@pytest.fixture
def place(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.setenv(UNFINISHED_DIR_VARIABLE, str(tmp_path / "unfinished"))
    return tmp_path / "unfinished"


def train(target: Path, *identity: str, end: type[BaseException] | None = None, saves: bool = True) -> list[str]:
    """What a training finds in its folder. It leaves one checkpoint more, and may end in an exception."""
    found: list[str] = []
    with suppress(*[end] if end else []), kept_until_done(str(target), *identity) as folder:
        latest = Path(folder, model_dir.LATEST)
        latest.mkdir(parents=True, exist_ok=True)
        found = sorted(path.stem for path in latest.glob("*.index"))
        if saves:
            (latest / f"checkpoint{len(found)}.index").touch()
            (latest / "checkpoint").write_text(f"checkpoint{len(found)}")
        if end:
            raise end
    assert target.exists() == (end is None)
    return found


def interrupted(target: Path, *identity: str) -> list[str]:
    return train(target, *identity, end=KeyboardInterrupt)


def folders(place: Path) -> list[Path]:
    return [path for path in place.iterdir() if path.is_dir()]


def test_without_a_place_the_target_itself_is_trained_in(tmp_path: Path, monkeypatch):
    monkeypatch.delenv(UNFINISHED_DIR_VARIABLE, raising=False)
    with kept_until_done(str(tmp_path / "model"), "data") as folder:
        assert folder == str(tmp_path / "model")


def test_an_interrupted_training_is_gone_on_with(place: Path, tmp_path: Path):
    target = tmp_path / "run" / "model"
    assert interrupted(target, "data", "seed 1") == []
    assert interrupted(target, "data", "seed 1") == ["checkpoint0"]
    assert train(target, "data", "seed 1") == ["checkpoint0", "checkpoint1"]
    assert len(list(target.rglob("*.index"))) == 3
    assert not folders(place)


def test_only_one_of_the_same_identity_and_the_other_is_kept(place: Path, tmp_path: Path):
    interrupted(tmp_path / "model", "data", "seed 1")
    assert train(tmp_path / "model", "data", "seed 2") == []
    assert train(tmp_path / "other", "data", "seed 1") == ["checkpoint0"]


@pytest.mark.parametrize("end", [BrokenPipeError, AocrError, LostError])
def test_what_passes_costs_no_checkpoint(place: Path, tmp_path: Path, end: type[BaseException]):
    interrupted(tmp_path / "model", "data")
    assert train(tmp_path / "model", "data", end=end) == ["checkpoint0"]
    assert train(tmp_path / "model", "data") == ["checkpoint0", "checkpoint1"]


def test_what_the_next_run_would_meet_again_is_not_gone_on_with(place: Path, tmp_path: Path):
    train(tmp_path / "model", "data", end=AocrError, saves=False)
    assert not folders(place)
    interrupted(tmp_path / "model", "data")
    assert train(tmp_path / "model", "data", end=FinalError) == ["checkpoint0"]
    assert train(tmp_path / "model", "data") == []


def test_two_processes_do_not_train_in_one_folder(place: Path, tmp_path: Path):
    interrupted(tmp_path / "model", "data")
    (lock,) = place.glob("*.lock")
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert train(tmp_path / "model", "data") == []
    assert folders(place)
    assert train(tmp_path / "other", "data") == ["checkpoint0"]
