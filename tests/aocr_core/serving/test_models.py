import threading
from pathlib import Path

import pytest

from aocr_core.errors import AocrError, UsageError
from aocr_core.serving.models import Models
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


def test_a_broken_model_does_not_keep_the_others_from_serving_and_is_tried_again_when_it_changes(tmp_path, log):
    write(tmp_path / "plates", "1", "broken")
    write(tmp_path / "words", "1", "good")
    models = Models(tmp_path, "aocr", load)
    assert look_twice(models) == {"words": "good"}
    refusals = [record.getMessage() for record in log.records if "plates" in record.getMessage()]
    assert refusals == ["Model plates is refused: 1 is broken"]
    write(tmp_path / "plates", "1", "mended")
    assert look_twice(models) == {"words": "good", "plates": "mended"}


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
