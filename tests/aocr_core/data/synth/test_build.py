import hashlib
import json
from pathlib import Path

import pytest
from PIL import Image

from aocr_core.config import SynthOptions
from aocr_core.data.synth import build as building
from aocr_core.data.synth.build import build
from aocr_core.errors import UsageError

FEW = SynthOptions(count=12, test_count=4, workers=1)


def content(folder: Path) -> dict[str, str]:
    """Of images and annotations, not of the recipe."""
    files = [*folder.glob("images/*"), *folder.glob("*.txt")]
    return {str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def rows(file: Path) -> list[tuple[str, str]]:
    return [tuple(line.split(" ", 1)) for line in file.read_text("utf-8").splitlines()]


def test_the_folder_holds_what_its_annotations_name(tmp_path):
    report = build(str(tmp_path / "words"), FEW)
    training, testing = (rows(tmp_path / "words" / f"{split}.txt") for split in ("training", "testing"))
    assert (len(training), len(testing)) == (report.training, report.testing) == (12, 4)
    names = [name for name, _ in training + testing]
    assert sorted(names) == sorted(f"images/{file.name}" for file in (tmp_path / "words" / "images").iterdir())
    for name in names:
        with Image.open(tmp_path / "words" / name) as image:
            image.load()
            assert (image.format, image.mode) == ("PNG", "RGB")
    recipe = json.loads((tmp_path / "words" / "synth.json").read_text())
    assert SynthOptions(**recipe["options"]) == FEW
    assert len(recipe["fonts"]) == report.families


@pytest.mark.slow
def test_the_seed_decides_and_the_number_of_processes_does_not(tmp_path, monkeypatch):
    build(str(tmp_path / "one"), FEW)
    build(str(tmp_path / "other seed"), FEW.model_copy(update={"seed": 2}))
    monkeypatch.setattr(building, "_FEW", 0)
    build(str(tmp_path / "two"), FEW.model_copy(update={"workers": 2}))
    assert content(tmp_path / "one") == content(tmp_path / "two")
    assert not set(content(tmp_path / "one").values()) & set(content(tmp_path / "other seed").values())


def test_more_images_are_the_same_and_some_more(tmp_path):
    build(str(tmp_path / "few"), FEW)
    build(str(tmp_path / "more"), FEW.model_copy(update={"count": 20}))
    few, more = content(tmp_path / "few"), content(tmp_path / "more")
    assert all(more[name] == few[name] for name in few if "train-" in name)


def test_an_earlier_outcome_is_replaced_and_nothing_else(tmp_path):
    output = tmp_path / "words"
    output.mkdir()
    build(str(output), FEW)
    build(str(output), FEW.model_copy(update={"count": 5}))
    assert len(rows(output / "training.txt")) == 5
    (output / "mine.txt").write_text("precious")
    with pytest.raises(UsageError, match="choose a new folder"):
        build(str(output), FEW)
    assert (output / "mine.txt").read_text() == "precious"


def test_nothing_is_left_of_a_failure(tmp_path):
    (tmp_path / "words.txt").write_text("one\ntwo\n日本\n")
    with pytest.raises(UsageError, match="no font"):
        build(str(tmp_path / "words"), FEW.model_copy(update={"words": str(tmp_path / "words.txt")}))
    assert [file.name for file in tmp_path.iterdir()] == ["words.txt"]


def test_own_words_and_own_fonts(tmp_path):
    from aocr_core.data.synth.fonts import find_fonts

    face = find_fonts("a").families["NotoSans"][0]
    (tmp_path / "words.txt").write_text("\ufeffGrüße  \r\nλξψ\r\nnoch eine Zeile\r\n", encoding="utf-8")
    own = {"words": str(tmp_path / "words.txt"), "fonts": str(Path(face.path).parent)}
    report = build(str(tmp_path / "words"), FEW.model_copy(update=own))
    texts = {label for split in ("training", "testing") for _, label in rows(tmp_path / "words" / f"{split}.txt")}
    assert texts == {"Grüße", "λξψ", "noch eine Zeile"}
    assert report.families == 1


def test_words_have_to_be_text(tmp_path):
    (tmp_path / "words.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="not UTF-8"):
        build(str(tmp_path / "words"), FEW.model_copy(update={"words": str(tmp_path / "words.txt")}))
