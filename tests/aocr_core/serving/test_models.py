import shutil
import threading
from pathlib import Path

import pytest

from aocr_core.errors import AocrError, UsageError
from aocr_core.serving import models as models_module
from aocr_core.serving import versions as versions_module
from aocr_core.serving.models import Models
from aocr_core.serving.versions import Stamp, find_versions, stamp
from tests.aocr_core.serving.test_versions import load, write


def look_twice(models: Models[str]) -> dict[str, str]:
    """What answers, by name, once the files have been seen to be settled."""
    models.refresh()
    models.refresh()
    return {name: models.find(name).current.model for name in models.names}


def test_a_folder_of_versions_is_one_model_under_the_given_name(tmp_path):
    write(tmp_path, "1", "old")
    write(tmp_path, "2", "new")
    models = Models(tmp_path, "words", load)
    assert (models.names, models.default) == (["words"], "words")
    assert models.find("words").current.version == 2
    assert models.find("1") is None


def test_a_folder_of_models_serves_each_under_its_own_name(tmp_path):
    write(tmp_path / "words", "3", "words 3")
    write(tmp_path / "plates", "1", "plates 1")
    write(tmp_path / ".hidden", "1", "no")
    (tmp_path / "empty").mkdir()
    models = Models(tmp_path, "words", load)
    assert look_twice(models) == {"plates": "plates 1", "words": "words 3"}
    assert models.default == "words"
    assert Models(tmp_path, "aocr", load).default is None


def test_the_only_one_of_a_folder_of_models_is_the_default(tmp_path):
    write(tmp_path / "words", "3", "words 3")
    assert Models(tmp_path, "aocr", load).default == "words"


def test_models_and_versions_that_appear_are_taken_once_they_are_written_completely(tmp_path):
    write(tmp_path / "words", "1", "old")
    models = Models(tmp_path, "aocr", load)
    write(tmp_path / "words", "2", "new")
    write(tmp_path / "plates", "1", "half")
    models.refresh()
    write(tmp_path / "plates", "1", "whole now")
    models.refresh()
    assert models.names == ["words"]
    assert look_twice(models) == {"words": "new", "plates": "whole now"}


def test_a_broken_model_does_not_keep_the_others_from_serving_and_is_tried_again_when_it_changes(tmp_path, caplog):
    write(tmp_path / "plates", "1", "broken")
    write(tmp_path / "words", "1", "good")
    models = Models(tmp_path, "aocr", load)
    assert look_twice(models) == {"words": "good"}
    refusals = [record.getMessage() for record in caplog.records if "plates" in record.getMessage()]
    assert refusals == ["Model plates is refused: 1 is broken"]
    assert models.refused["plates"][1].reason == "1 is broken"
    write(tmp_path / "plates", "1", "mended now")
    assert look_twice(models) == {"words": "good", "plates": "mended now"}
    assert not models.refused


def test_a_model_that_cannot_be_loaded_in_passing_is_tried_again_some_times(tmp_path, monkeypatch):
    monkeypatch.setattr(versions_module, "RETRY_SECONDS", (0.0, 0.0))
    attempts = []

    def short_of_memory(folder: Path) -> str:
        name = folder.parent.name
        attempts.append(name)
        if name != "words" and attempts.count(name) < enough:
            raise AocrError("no memory")
        return load(folder)

    enough = 3
    write(tmp_path / "words", "1", "good")
    models = Models(tmp_path, "aocr", short_of_memory)
    write(tmp_path / "plates", "1", "plates 1")
    assert look_twice(models) == {"words": "good"}
    assert models.refused["plates"][1].reason == "no memory"
    look_twice(models)
    assert look_twice(models) == {"words": "good", "plates": "plates 1"} and not models.refused
    enough = 99
    write(tmp_path / "signs", "1", "signs 1")
    for _ in range(10):
        look_twice(models)
    assert attempts.count("signs") == 3


def test_a_model_is_not_tried_again_without_a_pause_and_forgotten_with_its_folder(tmp_path):
    tried = []
    write(tmp_path / "words", "1", "good")
    models = Models(tmp_path, "aocr", lambda folder: tried.append(folder.parent.name) or load(folder))
    write(tmp_path / "plates", "1", "broken")
    for _ in range(5):
        look_twice(models)
    assert tried == ["words", "plates"]
    shutil.rmtree(tmp_path / "plates")
    models.refresh()
    assert not models.refused


def test_a_model_that_nobody_may_read_does_not_keep_the_others_from_being_updated(tmp_path, caplog, monkeypatch):
    for name in ("a", "b", "plates", "words"):
        write(tmp_path / name, "1", f"{name} 1")
    models = Models(tmp_path, "aocr", load)

    def locked(folder: Path) -> dict[int, Path]:  # root, who may run this, is kept from nothing
        if folder.name in ("a", "b", "new"):
            raise PermissionError(13, "Permission denied", str(folder))
        return find_versions(folder)

    for module in (models_module, versions_module):
        monkeypatch.setattr(module, "find_versions", locked)
    for name in ("words", "plates"):
        write(tmp_path / name, "2", f"{name} 2")
    for name in ("new", "other"):
        write(tmp_path / name, "1", name)
    want = {"a": "a 1", "b": "b 1", "plates": "plates 2", "words": "words 2", "other": "other"}
    assert look_twice(models) == want and look_twice(models) == want
    told = [record.getMessage() for record in caplog.records if "Permission" in record.getMessage()]
    # All four folders that exist are looked into for new models; each is told once.
    assert len([line for line in told if line.startswith("Cannot look for new versions of a:")]) == 1
    assert len([line for line in told if line.startswith(f"Cannot look into {tmp_path / 'new'}:")]) == 1


def test_the_watcher_survives_what_nobody_has_foreseen(tmp_path, caplog, eventually):
    for name in ("plates", "words"):
        write(tmp_path / name, "1", "old")
    stop = threading.Event()

    def load_or_burst(folder: Path) -> str:
        if folder.parent.name == "plates" and load(folder) == "odd":
            raise ZeroDivisionError("of all things")
        return load(folder)

    models = Models(tmp_path, "aocr", load_or_burst)
    thread = threading.Thread(target=models.watch, args=(stop, 0.01))
    thread.start()
    try:
        write(tmp_path / "plates", "2", "odd")
        eventually(lambda: "of all things" in caplog.text)
        write(tmp_path / "words", "2", "new")
        eventually(lambda: models.find("words").current.model == "new")
        assert models.find("plates").current.model == "old"
    finally:
        stop.set()
        thread.join(30)
    assert caplog.text.count("Cannot look for new versions of plates") == 1 and "Traceback" in caplog.text


def test_nothing_but_broken_models(tmp_path):
    write(tmp_path / "plates", "1", "broken")
    with pytest.raises(AocrError, match="1 is broken"):
        Models(tmp_path, "aocr", load)
    with pytest.raises(UsageError, match="no such folder"):
        Models(tmp_path / "nowhere", "aocr", load)


def test_watch_switches_by_itself_and_stops(tmp_path):
    write(tmp_path, "1", "old")
    loaded_new, stop = threading.Event(), threading.Event()

    def load_and_tell(folder: Path) -> str:
        if folder.name == "2":
            loaded_new.set()
        return load(folder)

    models = Models(tmp_path, "aocr", load_and_tell)
    thread = threading.Thread(target=models.watch, args=(stop, 0.01))
    thread.start()
    write(tmp_path, "2", "new")
    assert loaded_new.wait(30)
    stop.set()
    thread.join(30)
    assert not thread.is_alive()
    assert models.find("aocr").current.model == "new"


def test_nothing_but_models_that_nobody_may_read(tmp_path, monkeypatch):
    write(tmp_path / "plates", "1", "good")

    def locked(folder: Path) -> Stamp:  # root, who may run this, is kept from nothing
        raise PermissionError(13, "Permission denied", str(folder / "1"))

    monkeypatch.setattr(models_module, "stamp", locked)
    with pytest.raises(AocrError, match=r"^Cannot load the model plates: .*Permission denied: '.*plates/1'$"):
        Models(tmp_path, "aocr", load)


def test_models_that_go_while_they_are_loaded(tmp_path, monkeypatch):
    write(tmp_path / "plates", "1", "good")

    def last_look(folder: Path) -> Stamp:
        found = stamp(folder)
        shutil.rmtree(folder / "1")
        return found

    monkeypatch.setattr(models_module, "stamp", last_look)
    with pytest.raises(AocrError, match=f"^the models in {tmp_path} have gone while they were loaded$"):
        Models(tmp_path, "aocr", load)
