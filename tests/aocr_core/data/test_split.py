from pathlib import Path

import pytest
from PIL import Image

from aocr_core.config import DataOptions, PrepareOptions
from aocr_core.data import records
from aocr_core.data.split import build_training_and_test
from aocr_core.errors import AocrError


@pytest.fixture
def annotations(tmp_path: Path) -> Path:
    """200 different images; the last 100 rows repeat the images of the first 100. One row is of no use."""
    for number in range(200):
        image = Image.new("L", (40, 20), 255)
        image.paste(0, (4, 4, 14, 14))
        image.putpixel((20, 10), number)
        image.save(tmp_path / f"{number}.png")
    rows = [f"{number % 200}.png word{number % 200}" for number in range(300)]
    path = tmp_path / "annotations.txt"
    path.write_text("\n".join([*rows, "nowhere.png nothing"]) + "\n")
    return path


def build(
    tmp_path: Path, annotations: Path, test_annotations: str = "", share: float = 0.2, charset: str | None = None
):
    training, test = str(tmp_path / "training"), str(tmp_path / "test")
    options, data = PrepareOptions(workers=1), DataOptions(charset=charset)
    counts = build_training_and_test(str(annotations), test_annotations, training, test, share, options, data)
    read = [[record.label for record in records.read(records.files(side))] for side in (training, test)]
    return counts, *read


def test_a_share_is_held_out_and_no_image_is_on_both_sides(tmp_path: Path, annotations: Path):
    counts, training, test = build(tmp_path, annotations)
    assert counts == {"training_rows": len(training), "test_rows": len(test), "rejected_rows": 1}
    assert len(training) + len(test) == 300
    assert not set(training) & set(test)
    assert 0.1 < len(set(test)) / 200 < 0.3


def test_more_rows_leave_the_sides_as_they_were(tmp_path: Path, annotations: Path):
    _, _, before = build(tmp_path, annotations)
    annotations.write_text("\n".join(reversed(annotations.read_text().splitlines()[50:])))
    _, _, after = build(tmp_path, annotations)
    assert set(after) <= set(before)


def test_two_annotation_files_are_the_two_sides(tmp_path: Path, annotations: Path):
    other = tmp_path / "other.txt"
    other.write_text("7.png seven\nnowhere.png nothing\n")
    counts, training, test = build(tmp_path, annotations, str(other))
    assert counts == {"training_rows": 300, "test_rows": 1, "rejected_rows": 2}
    assert (len(training), test) == (300, ["seven"])


def test_a_test_text_that_the_charset_cannot_write_still_counts(tmp_path: Path, annotations: Path):
    other = tmp_path / "other.txt"
    other.write_text("7.png Straße\n")
    _, training, test = build(tmp_path, annotations, str(other), charset="alphanumeric")
    assert (len(training), test) == (300, ["Straße"])


def test_too_few_images_to_hold_some_out(tmp_path: Path, annotations: Path):
    annotations.write_text("7.png seven\n")
    with pytest.raises(AocrError, match=r"too few images .* rows can be used"):
        build(tmp_path, annotations, share=0.01)
    assert not (tmp_path / "training").exists()
