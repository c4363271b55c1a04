"""A base path in a bucket: what is fetched of it, and when. The models are texts."""

from pathlib import Path

import pytest

from aocr_core import storage
from aocr_core.errors import AocrError, UsageError
from aocr_core.serving import mirror
from aocr_core.serving.mirror import Mirror
from aocr_core.serving.models import Models
from tests.aocr_core.serving.test_versions import load


@pytest.fixture
def base(bucket: str, monkeypatch) -> str:
    monkeypatch.setattr(mirror, "POLL_SECONDS", 0.0)
    return f"{bucket}/models"


def upload(base: str, version: str, content: str) -> None:
    storage.write_bytes(f"{base}/{version}/variables/data", b"weights")
    storage.write_bytes(f"{base}/{version}/saved_model.pb", content.encode())


def look(models: Models[str]) -> dict[str, str]:
    """What answers, by name, once what lies in the bucket has settled, there and here."""
    for _ in range(4):
        models.refresh()
    return {name: models.find(name).current.model for name in models.names}


def here(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_only_the_newest_is_fetched_and_a_new_one_takes_over(base, tmp_path):
    upload(base, "1", "first")
    upload(base, "9", "old")
    upload(base, "10", "present")
    storage.write_bytes(f"{base}/11/variables/data", b"half")
    models = Mirror(base, tmp_path).models("words", load)
    assert look(models) == {"words": "present"} and here(tmp_path) == ["10"]
    assert (tmp_path / "10" / "variables" / "data").read_bytes() == b"weights"
    upload(base, "11", "new")
    assert look(models) == {"words": "new"}
    assert look(models) == {"words": "new"} and here(tmp_path) == ["11"]


def test_what_still_changes_is_not_fetched(base, tmp_path):
    upload(base, "1", "old")
    models = Mirror(base, tmp_path).models("words", load)
    for number in range(3):
        storage.write_bytes(f"{base}/2/variables/{number}", b"more")
        storage.write_bytes(f"{base}/2/saved_model.pb", b"new")
        models.refresh()
        assert here(tmp_path) == ["1"]
    assert look(models) == {"words": "new"}


def test_several_models_and_one_that_comes(base, tmp_path):
    upload(f"{base}/words", "3", "words 3")
    upload(f"{base}/plates", "1", "plates 1")
    storage.write_bytes(f"{base}/logs/today", b"")
    models = Mirror(base, tmp_path).models("words", load)
    assert look(models) == {"plates": "plates 1", "words": "words 3"}
    upload(f"{base}/more", "1", "more 1")
    upload(f"{base}/plates", "2", "plates 2")
    assert look(models) == {"plates": "plates 2", "words": "words 3", "more": "more 1"}


def test_where_the_newest_is_broken_the_one_below_is_fetched(base, tmp_path):
    for version, content in (("1", "first"), ("2", "good"), ("3", "broken")):
        upload(base, version, content)
    models = Mirror(base, tmp_path).models("words", load)
    assert look(models) == {"words": "good"} and here(tmp_path) == ["2", "3"]
    upload(base, "4", "broken")
    assert look(models) == {"words": "good"}
    upload(base, "4", "mended now")
    assert look(models) == {"words": "mended now"}


def test_a_broken_model_of_several_gets_its_version_below(base, tmp_path):
    upload(f"{base}/words", "1", "words 1")
    upload(f"{base}/plates", "1", "plates 1")
    upload(f"{base}/plates", "2", "broken")
    models = Mirror(base, tmp_path).models("words", load)
    assert models.names == ["words"]
    assert look(models) == {"words": "words 1", "plates": "plates 1"}


def test_a_version_that_is_taken_away_gives_way_to_the_one_below_and_the_last_stays(base, tmp_path):
    upload(base, "1", "first")
    upload(base, "2", "second")
    models = Mirror(base, tmp_path).models("words", load)
    for number, left in (("2", "first"), ("1", "first")):
        for name in ("saved_model.pb", "variables/data"):
            storage.remove(f"{base}/{number}/{name}")
        look(models)
        assert look(models) == {"words": left}
    assert here(tmp_path) == ["1"]


def test_an_export_without_a_number(base, tmp_path):
    storage.write_bytes(f"{base}/saved_model.pb", b"the only one")
    assert look(Mirror(base, tmp_path).models("words", load)) == {"words": "the only one"}


def test_a_bucket_that_does_not_answer_leaves_what_serves(base, tmp_path, monkeypatch, caplog):
    upload(base, "1", "old")
    models = Mirror(base, tmp_path).models("words", load)
    real = mirror.exports.folders

    def away(place: str) -> dict[int, str]:
        if place.startswith("gs://"):
            raise AocrError("Cloud Storage: 503")
        return real(place)

    with monkeypatch.context() as patched:
        patched.setattr(mirror.exports, "folders", away)
        assert look(models) == {"words": "old"}
    told = [record.getMessage() for record in caplog.records if "503" in record.getMessage()]
    assert told == ["Cannot look for new versions: Cloud Storage: 503"]
    upload(base, "2", "new")
    assert look(models) == {"words": "new"}


def test_each_model_that_cannot_be_looked_at_is_told(base, tmp_path, monkeypatch, caplog):
    for name in ("plates", "signs", "words"):
        upload(f"{base}/{name}", "1", "old")
    models = Mirror(base, tmp_path).models("words", load)
    real = mirror.exports.folders

    def away(place: str) -> dict[int, str]:
        if place in (f"{base}/plates", f"{base}/words"):
            raise AocrError(f"{place}: no right to list it")
        return real(place)

    with monkeypatch.context() as patched:
        patched.setattr(mirror.exports, "folders", away)
        upload(f"{base}/signs", "2", "new")
        assert look(models) == {"plates": "old", "signs": "new", "words": "old"}
    whys = "; ".join(f"{base}/{name}: no right to list it" for name in ("plates", "words"))
    assert [record.getMessage() for record in caplog.records] == [f"Cannot look for new versions: {whys}"]


def test_what_is_missing_or_broken_is_named_as_it_was_given(base, tmp_path):
    with pytest.raises(UsageError, match=r"^no exported model in gs://words/models \(looked for"):
        Mirror(base, tmp_path).models("words", load)
    with pytest.raises(AocrError, match="gs://no-such-bucket/models"):
        Mirror("gs://no-such-bucket/models", tmp_path).models("words", load)
    upload(base, "1", "broken")

    def load_with_path(folder: Path) -> str:
        raise AocrError(f"cannot load the model in {folder}: no")

    with pytest.raises(AocrError, match=r"^cannot load the model in gs://words/models/1: no$"):
        Mirror(base, tmp_path).models("words", load_with_path)
