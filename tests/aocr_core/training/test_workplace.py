"""Where trainings write: what is in a bucket at any moment is enough to go on from."""

from pathlib import Path

import pytest

from aocr_core import model_dir, storage
from aocr_core.errors import AocrError, UsageError
from aocr_core.gcs_calls import client
from aocr_core.training import workplace as module
from aocr_core.training.workplace import Mirror, Places, workplace


def checkpoint(folder: Path, step: int) -> None:
    """What a training leaves there: the latest two checkpoints, the file that names them, weights, settings."""
    latest = folder / model_dir.LATEST
    latest.mkdir(parents=True, exist_ok=True)
    (folder / model_dir.CONFIG).write_text("{}")
    (folder / model_dir.WEIGHTS).write_text(f"weights {step}")
    for ending in ("index", "data-00000-of-00001"):
        (latest / f"ckpt-{step}.{ending}").write_text(str(step))
        (latest / f"ckpt-{step - 2}.{ending}").unlink(missing_ok=True)
    (latest / "checkpoint").write_text(f"ckpt-{step}")


def content(place: str) -> dict[str, str]:
    names = storage.files_below(place)
    return {name: storage.read_bytes(storage.join(place, *name.split("/"))).decode() for name in names}


def assert_can_go_on(place: str) -> None:
    found = content(place)
    if model_dir.CONFIG in found:
        named = found["latest/checkpoint"]
        assert {f"latest/{named}.index", f"latest/{named}.data-00000-of-00001"} <= set(found)


def test_a_local_directory_is_trained_in(tmp_path: Path):
    with workplace(Places(str(tmp_path / "model"))) as (local, publish):
        assert local == tmp_path / "model"
        publish()
    assert not local.exists()


def test_a_bucket_is_like_the_folder_after_each_checkpoint(bucket: str):
    place = f"{bucket}/job/model/"
    with workplace(Places(place)) as (local, publish):
        for step in (1, 2, 3):
            checkpoint(local, step)
            publish()
            assert content(place) == content(str(local))
    with workplace(Places(place)) as (local, publish):
        assert content(str(local)) == content(place)
        (local / "pretraining").mkdir()
        checkpoint(local, 4)
        publish()
        assert "latest/ckpt-2.index" not in content(place) and "latest/ckpt-4.index" in content(place)


def test_cut_short_at_any_moment_there_is_a_checkpoint(bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A machine that is taken away asks nobody whether it is writing just now."""
    place = f"{bucket}/model"
    checkpoint(tmp_path, 1)
    Mirror(tmp_path, place, fetched=False).update()
    calls = 0

    def failing(done):
        def call(*words, **options):
            nonlocal calls
            calls += 1
            if calls == stop:
                raise AocrError("the machine is gone")
            return done(*words, **options)

        return call

    for name in ("output_file", "remove"):
        monkeypatch.setattr(module.storage, name, failing(getattr(storage, name)))
    cut = 0
    for stop in range(1, 20):
        calls = 0
        checkpoint(tmp_path, stop + 1)
        try:
            Mirror(tmp_path, place, fetched=False).update()
        except AocrError:
            cut += 1
        assert_can_go_on(place)
    assert cut >= 6


def test_what_has_not_changed_is_not_brought_again(bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    checkpoint(tmp_path, 1)
    mirror = Mirror(tmp_path, f"{bucket}/model", fetched=False)
    mirror.update()
    monkeypatch.setattr(module.storage, "output_file", lambda path: pytest.fail(f"brought {path}"))
    mirror.update()


def test_with_a_place_for_checkpoints_the_model_comes_when_it_is_finished(bucket: str, tmp_path: Path):
    places = Places(str(tmp_path / "model"), f"{bucket}/checkpoints", str(tmp_path / "logs"))
    with pytest.raises(KeyboardInterrupt), workplace(places) as (local, publish):
        checkpoint(local, 1)
        (local / model_dir.LOGS).mkdir()
        (local / model_dir.LOGS / "events").write_text("a")
        publish()
        raise KeyboardInterrupt
    assert not (tmp_path / "model").exists()
    assert content(places.logs or "") == {"events": "a"}
    with workplace(places) as (local, publish):
        assert (local / model_dir.WEIGHTS).read_text() == "weights 1"
        checkpoint(local, 2)
        (local / model_dir.LOGS / "events").write_text("ab")
        publish()
    assert content(places.model) == content(f"{bucket}/checkpoints")
    assert content(places.logs or "") == {"events": "ab"}


def test_a_finished_model_is_gone_on_with_in_a_new_place_for_checkpoints(tmp_path: Path):
    checkpoint(tmp_path / "model", 3)
    with workplace(Places(str(tmp_path / "model"), str(tmp_path / "checkpoints"))) as (local, _):
        assert local == tmp_path / "checkpoints" and (local / "latest/ckpt-3.index").exists()


def test_other_things_than_a_model_are_not_written_over(tmp_path: Path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "thesis.txt").touch()
    places = Places(str(tmp_path / "model"), str(tmp_path / "checkpoints"))
    with pytest.raises(UsageError, match="holds other things than a model"), workplace(places):
        pass


@pytest.mark.parametrize("kind", ["local", "bucket"])
def test_what_lies_beside_the_model_stays(bucket: str, tmp_path: Path, kind: str):
    """Also when it has come while the training was under way; and the model is the new one, without old files."""
    model = f"{bucket}/job/model" if kind == "bucket" else str(tmp_path / "model")
    places = Places(model, str(tmp_path / "checkpoints"))
    with workplace(places) as (local, _):
        checkpoint(local, 1)
    (tmp_path / "checkpoints" / "notes.txt").write_text("of the checkpoints")
    storage.write_bytes(storage.join(model, "exported", "1", "saved_model.pb"), b"old export")
    storage.write_bytes(storage.join(model, "notes.txt"), b"mine")
    if kind == "bucket":  # what the console makes of an empty folder
        client().bucket("words").blob("job/model/empty/").upload_from_string(b"")
    else:
        (tmp_path / "elsewhere").mkdir()
        (tmp_path / "model" / "linked").symlink_to(tmp_path / "elsewhere")
    with workplace(places) as (local, _):
        checkpoint(local, 3)
        storage.write_bytes(storage.join(model, "exported", "1", "saved_model.pb"), b"export")
    found = content(model)
    assert (found["exported/1/saved_model.pb"], found["notes.txt"]) == ("export", "mine")
    model_part = {name: text for name, text in found.items() if not name.startswith(("exported", "notes"))}
    (tmp_path / "checkpoints" / "notes.txt").unlink()
    assert model_part == content(str(tmp_path / "checkpoints"))
    assert kind == "bucket" or (tmp_path / "model" / "linked").is_symlink()


def test_what_lies_beside_the_model_is_not_fetched(bucket: str, monkeypatch: pytest.MonkeyPatch):
    """It may be a data set of many gigabytes, or be written to meanwhile."""
    with workplace(Places(bucket)) as (local, publish):
        checkpoint(local, 1)
        publish()
    storage.write_bytes(f"{bucket}/words.tfrecords", b"the data set")
    before = content(bucket)
    fetch = module.storage.local_copies
    monkeypatch.setattr(module.storage, "local_copies", lambda paths: fetch([*map(mine, paths)]))

    def mine(path: str) -> str:
        assert "words" not in path.removeprefix(bucket)
        return path

    with workplace(Places(bucket)) as (local, _):
        assert content(str(local)) == {name: text for name, text in before.items() if name != "words.tfrecords"}


def test_a_finished_model_that_was_cut_short_on_its_way_is_brought_again(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    places = Places(f"{bucket}/model", str(tmp_path / "checkpoints"))
    for step in (1, 3):
        with workplace(places) as (local, _):
            checkpoint(local, step)
    with monkeypatch.context() as cut, pytest.raises(AocrError, match="gone"), workplace(places) as (local, _):
        checkpoint(local, 5)

        def gone(path: str) -> None:
            raise AocrError("the machine is gone")

        cut.setattr(module.storage, "output_file", gone)
    assert model_dir.CONFIG not in content(places.model)
    with workplace(places):
        pass
    assert content(places.model) == content(str(tmp_path / "checkpoints"))


def test_a_model_that_is_trained_in_a_bucket_leaves_what_lies_beside_it(bucket: str):
    storage.write_bytes(f"{bucket}/words.tfrecords", b"the data set")
    with workplace(Places(bucket)) as (local, publish):
        checkpoint(local, 1)
        publish()
        checkpoint(local, 3)
        publish()
        assert content(bucket) == {**content(str(local)), "words.tfrecords": "the data set"}


def test_a_mounted_bucket_is_not_trained_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Appending and renaming, as checkpoints and event files need it, is slow there or impossible."""
    (tmp_path / "words").mkdir()
    monkeypatch.setattr(storage, "MOUNT", str(tmp_path))
    for place in ("gs://words/model", str(tmp_path / "words" / "model2")):
        with workplace(Places(place)) as (local, publish):
            assert tmp_path not in local.parents
            checkpoint(local, 1)
            publish()
        assert content(place)[model_dir.WEIGHTS] == "weights 1"
