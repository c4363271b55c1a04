"""Cloud Storage that fails over the wire: the outcome is right, or one line says why not, and nothing is half there."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aocr_core import gcs, gcs_calls, storage
from aocr_core.errors import AocrError
from tests.aocr_core.faulty_bucket import STALL, FaultyBucket, running

CALLS = {
    "stat": ["503", "reset", "cut", "stall"],
    "list": ["503", "reset", "cut", "stall"],
    "read": ["503", "reset", "cut", "stall", "damage"],
    "write": ["503", "reset", "cut", "stall", "lost"],
    "begin": ["503", "reset", "stall"],
    "send": ["503", "reset", "stall"],
    "copy": ["503", "reset", "stall", "lost"],
    "delete": ["503", "reset", "stall", "lost"],
}
ALL = [(kind, fault) for kind, faults in CALLS.items() for fault in faults]
LASTING = [(kind, fault) for kind in CALLS for fault in ("503", "403")]
LASTING += [(kind, fault) for kind in ("stat", "read", "write") for fault in ("reset", "stall")]
LARGE = b"content" + bytes(20_000)
"""More than is sent in one piece here."""


@pytest.fixture
def faulty(bucket: str, emulator: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyBucket]:
    """The bucket behind a proxy that fails as it is told, and a library that is soon ready for the next try."""
    with running(emulator.address) as server:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)
        monkeypatch.setattr(gcs_calls, "FIRST_DELAY", 0.02)
        monkeypatch.setattr("google.cloud.storage.blob._MAX_MULTIPART_SIZE", 10_000)
        yield server


@pytest.fixture
def place(request: pytest.FixtureRequest) -> str:
    """A folder of the bucket for this test alone."""
    return f"gs://words/{request.node.name.replace('[', '/').rstrip(']')}"


def old_model(place: str) -> None:
    with storage.output_dir(f"{place}/model") as folder:
        for name in ("config.json", "weights", "gone", "deep/same"):
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(f"content: old {name}" if name != "deep/same" else "content: same")


def new_model(place: str) -> None:
    with storage.output_dir(f"{place}/model") as folder:
        for name in ("config.json", "weights", "added", "deep/same"):
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(f"content: new {name}" if name != "deep/same" else "content: same")


def model(place: str) -> dict[str, str]:
    with storage.local_copy(f"{place}/model") as folder:
        return {str(f.relative_to(folder)): f.read_text()[9:] for f in sorted(folder.rglob("*")) if f.is_file()}


OLD = {"config.json": "old config.json", "weights": "old weights", "gone": "old gone", "deep/same": "same"}
NEW = {"config.json": "new config.json", "weights": "new weights", "added": "new added", "deep/same": "same"}


def work(kind: str, place: str) -> None:
    """Something that needs this kind of call, and what must be true of it when it ends well."""
    match kind:
        case "stat":
            assert storage.stat(f"{place}/file").size == 12
        case "list":
            assert storage.entries(place) == ["file", "model/"]
        case "read":
            assert storage.read_bytes(f"{place}/file") == b"content: old"
            assert model(place) == OLD
        case "write":
            storage.write_bytes(f"{place}/file", b"content: new")
        case "begin" | "send":
            storage.write_bytes(f"{place}/file", LARGE)
        case "copy" | "delete":
            new_model(place)


@pytest.mark.parametrize(("kind", "fault"), ALL)
def test_what_passes_by_is_waited_for(faulty: FaultyBucket, place: str, kind: str, fault: str, monkeypatch):
    storage.write_bytes(f"{place}/file", b"content: old")
    old_model(place)
    if fault == "stall":
        monkeypatch.setattr(gcs_calls, "TIMEOUT", (5.0, STALL / 2))
    faulty.fail(kind, fault, times=2)
    work(kind, place)
    assert faulty.faults[fault] == 2, "it did happen"
    faulty.heal()
    written = {"write": b"content: new", "begin": LARGE, "send": LARGE}.get(kind, b"content: old")
    assert storage.read_bytes(f"{place}/file") == written
    assert model(place) == (NEW if kind in ("copy", "delete") else OLD)
    assert storage.entries(place) == ["file", "model/"], "nothing is left beside"


@pytest.mark.parametrize(("kind", "fault"), LASTING)
def test_what_lasts_is_told_in_one_line_and_nothing_is_half_there(faulty, place, kind, fault, monkeypatch):
    storage.write_bytes(f"{place}/file", b"content: old")
    old_model(place)
    faulty.fail(kind, fault)
    with monkeypatch.context() as impatient, pytest.raises(AocrError, match="gs://words/") as failed:
        impatient.setattr(gcs_calls, "PATIENCE", 0.3)
        if fault == "stall":
            impatient.setattr(gcs_calls, "TIMEOUT", (5.0, STALL / 2))
        work(kind, place)
    assert "\n" not in str(failed.value)
    faulty.heal()
    assert storage.read_bytes(f"{place}/file") == b"content: old"
    if kind == "copy":
        assert "config.json" not in model(place), "half of it is not told to be a model"
        beside = str(failed.value).rpartition("what it lacks lies in ")[2].rstrip(")")
        assert storage.read_bytes(f"{beside}/weights") == b"content: new weights"
        new_model(place)
        assert model(place) == NEW
    else:
        assert model(place) == OLD


def test_what_cannot_be_cleared_away_is_no_failure_and_hides_none(
    faulty: FaultyBucket, place: str, monkeypatch, caplog
):
    old_model(place)
    faulty.fail_nth("list", "403", 2, lasting=True)  # the first is of what is to be replaced
    new_model(place)
    assert faulty.faults["403"] == 1 and "left behind: gs://words/" in caplog.text
    faulty.heal()
    assert model(place) == NEW

    def interrupted(files: dict[str, Path]) -> None:
        raise KeyboardInterrupt

    faulty.fail_nth("list", "403", 2, lasting=True)
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(gcs, "upload", interrupted)
        old_model(place)
    faulty.heal()
    assert model(place) == NEW


@pytest.mark.parametrize("kind", ["read", "write"])
def test_what_always_arrives_damaged_is_refused(faulty: FaultyBucket, place: str, kind: str, tmp_path: Path):
    storage.write_bytes(f"{place}/file", b"content: old")
    faulty.fail(kind, "damage")
    with pytest.raises(AocrError, match=r"gs://words/.*/file"):
        work(kind, place)
    if kind == "read":
        assert faulty.calls["read"] == gcs_calls.FETCHES
        with pytest.raises(AocrError, match="arrived damaged 3 times"), storage.local_copy(f"{place}/file"):
            pass
    faulty.heal()
    assert storage.read_bytes(f"{place}/file") == b"content: old"


def test_a_download_that_breaks_off_and_comes_back_is_checked_whole(faulty: FaultyBucket, place: str):
    """The library would go on where it was, and not look at the checksum any more."""
    storage.write_bytes(f"{place}/file", LARGE)
    faulty.fail("read", "cut", times=1)
    assert storage.read_bytes(f"{place}/file") == LARGE
    assert faulty.calls["read"] == 2


@pytest.mark.parametrize("announced", [False, True])
def test_a_new_folder_that_breaks_off_is_never_taken_for_a_whole_one(faulty, place, announced: bool, monkeypatch):
    monkeypatch.setattr(gcs_calls, "PATIENCE", 0.3)
    faulty.fail("write", "503", only="config.json" if announced else "weights")
    with pytest.raises(AocrError, match="gs://words/"):
        new_model(place)
    faulty.heal()
    assert storage.entries(place) == [], "what was written before has gone again"
    new_model(place)
    assert model(place) == NEW


def test_of_two_writers_of_a_new_folder_one_is_told(faulty: FaultyBucket, place: str):
    def write(name: str) -> None:
        with storage.output_dir(f"{place}/7", new=True) as folder:
            (folder / "charset.txt").write_text("content of both")
            (folder / "weights").write_text(f"content of {name}")
            (folder / "saved_model.pb").write_text(f"graph of {name}")

    write("A")
    for name in ("B", "A"):
        with pytest.raises(AocrError, match="has just been written by somebody else"):
            write(name)
        assert storage.entries(f"{place}/7") == ["charset.txt", "saved_model.pb", "weights"]
        assert storage.read_bytes(f"{place}/7/weights") == b"content of A"


def test_an_answer_that_is_lost_is_no_other_writer(faulty: FaultyBucket, place: str):
    faulty.fail("write", "lost", times=1, only="saved_model.pb")
    with storage.output_dir(f"{place}/7", new=True) as folder:
        (folder / "saved_model.pb").write_text("content")
    assert faulty.faults["lost"] == 1
    assert storage.read_bytes(f"{place}/7/saved_model.pb") == b"content"


def test_a_folder_that_changes_while_it_is_fetched_is_fetched_again(faulty: FaultyBucket, place: str):
    old_model(place)
    changed = []

    def change(kind: str, name: str) -> None:
        if kind == "read" and name.endswith("/weights") and not changed:
            changed.append(name)
            new_model(place)

    faulty.plan = change
    assert model(place) == NEW
    assert changed


def test_a_folder_that_never_comes_to_rest_is_told(faulty: FaultyBucket, place: str):
    old_model(place)

    def change(kind: str, name: str) -> None:
        if kind == "read":
            storage.write_bytes(f"gs://words/{name}", b"content: of this moment")

    faulty.plan = change
    with pytest.raises(AocrError, match="/model changes while it is fetched"):
        model(place)


def test_files_come_and_go_several_at_a_time(faulty: FaultyBucket, place: str):
    many = 40

    def write() -> None:
        with storage.output_dir(f"{place}/set") as folder:
            for number in range(many):
                (folder / f"{number}.bin").write_text(f"content {number}")

    def read() -> None:
        with storage.local_copy(f"{place}/set") as folder:
            assert {file.read_text() for file in folder.iterdir()} == {f"content {n}" for n in range(many)}

    for kind, task in (("write", write), ("read", read)):
        faulty.heal()
        faulty.gather(kind, gcs_calls.WORKERS)
        task()
        assert faulty.meeting is None and faulty.most_under_way == gcs_calls.WORKERS
