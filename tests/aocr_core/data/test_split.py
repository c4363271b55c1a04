from pathlib import Path

import pytest
from PIL import Image

from aocr_core.config import DataOptions, PrepareOptions
from aocr_core.data import info, records
from aocr_core.data.build import TRAINED_ON
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
    tmp_path: Path,
    annotations: Path,
    test_annotations: str = "",
    share: float = 0.2,
    charset: str | None = None,
    strict: bool = False,
):
    training, test = str(tmp_path / "training"), str(tmp_path / "test")
    options, data = PrepareOptions(workers=1, strict=strict), DataOptions(charset=charset)
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


def test_test_images_that_are_trained_on_are_counted(tmp_path: Path, annotations: Path, caplog):
    Image.new("L", (40, 20), 9).save(tmp_path / "new.png")
    other = tmp_path / "other.txt"
    other.write_text("7.png seven\nnew.png nine\n8.png eight\n")
    build(tmp_path, annotations, str(other))
    assert f"2 of 3 test rows: {TRAINED_ON}" in caplog.messages
    assert info.load(str(tmp_path / "test")).warnings[TRAINED_ON] == 2
    assert TRAINED_ON not in info.load(str(tmp_path / "training")).warnings


def test_rows_of_both_sides_count_where_a_rejection_is_an_error(tmp_path: Path, annotations: Path):
    with pytest.raises(AocrError, match=r"1 of 301 rows of .* cannot be used"):
        build(tmp_path, annotations, strict=True)


def test_all_images_are_held_out(tmp_path: Path, annotations: Path):
    annotations.write_text("7.png seven\n")
    with pytest.raises(AocrError, match=r"too few images .*\(1 of 1 rows can be used\)"):
        build(tmp_path, annotations, share=0.9999999)
    assert not (tmp_path / "test").exists()


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
