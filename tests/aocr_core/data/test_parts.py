"""A data set that was checked in parts is the one that is checked as a whole, byte by byte."""

from collections.abc import Callable
from pathlib import Path

import pytest

from aocr_core import storage
from aocr_core.config import DataOptions, PrepareOptions
from aocr_core.data import parts
from aocr_core.data.split import build_training_and_test, check_part
from aocr_core.errors import AocrError, UsageError

OPTIONS, DATA = PrepareOptions(save_filename=True), DataOptions()


@pytest.fixture
def annotations(tmp_path: Path, word_image: Callable[..., bytes]) -> Path:
    """Rows of all kinds: good ones, copies across parts, contradictions, rejected ones, empty lines, stray bytes."""
    rows = []
    for number in range(30):
        (tmp_path / f"{number}.png").write_bytes(word_image(f"word{number}"))
        rows.append(f"{number}.png word{number}\n".encode())
    rows += [
        b"\n",
        b"3.png word3\n",
        b"4.png other\n",
        b"none.png none\n",
        b"5.png \xff\n",
        b"6.png\n",
        b"7.png \tx\x07\n",
    ]
    path = tmp_path / "annotations.txt"
    path.write_bytes(b"".join(rows[7:] + rows[:7]))
    return path


def build(folder: Path, annotations: Path, test: str, of: int) -> dict[str, bytes]:
    """All files of both data sets, built in so many parts (0: in none)."""
    places = [str(folder / f"part{number}") for number in range(of)]
    for number in reversed(range(of)):
        check_part(str(annotations), test, places[number], number, of, OPTIONS, DATA)
    training, held = str(folder / "training"), str(folder / "test")
    counts = build_training_and_test(str(annotations), test, training, held, 0.3, OPTIONS, DATA, places[::-1])
    files = {name: (folder / name).read_bytes() for side in ("training", "test") for name in _names(folder, side)}
    return files | {"counts": repr(counts).encode()}


def _names(folder: Path, side: str) -> list[str]:
    return [f"{side}/{name}" for name in storage.files_below(folder / side)]


@pytest.mark.parametrize("of", [1, 2, 5, 50])
@pytest.mark.parametrize("two_files", [False, True])
def test_the_same_bytes_in_any_number_of_parts(tmp_path: Path, annotations: Path, of: int, two_files: bool):
    test = str(tmp_path / "test.txt") if two_files else ""
    if test:
        (tmp_path / "test.txt").write_text("1.png word1\nnone.png x\n2.png word2\n")
    whole = build(tmp_path / "whole", annotations, test, 0)
    assert build(tmp_path / "parts", annotations, test, of) == whole
    assert b"not UTF-8" in whole["training/rejected.tsv"] and len(whole) >= 7


def test_parts_in_a_bucket(tmp_path: Path, annotations: Path, bucket: str):
    for number in range(2):
        check_part(str(annotations), "", f"{bucket}/parts/{number}", number, 2, OPTIONS, DATA)
    places = [f"{bucket}/parts/{number}" for number in range(2)]
    training, test = str(tmp_path / "training"), str(tmp_path / "test")
    counts = build_training_and_test("gone.txt", "", training, test, 0.3, OPTIONS, DATA, places)
    assert counts["rejected_rows"] == 3


def test_a_part_that_is_missing_or_of_another_file_is_noticed(tmp_path: Path, annotations: Path):
    places = [str(tmp_path / str(number)) for number in range(3)]
    for number, place in enumerate(places):
        parts.write(str(annotations), place, number, 3, OPTIONS, DATA)
    for some in (places[:2], [*places[:2], places[1]], []):
        with pytest.raises(AocrError, match="not all parts of one annotation file"):
            parts.read(some)
    annotations.write_text("1.png word1\n")
    parts.write(str(annotations), places[2], 2, 3, OPTIONS, DATA)
    with pytest.raises(AocrError, match="not all parts"):
        parts.read(places)


def test_there_is_no_annotation_file(tmp_path: Path):
    with pytest.raises(UsageError, match="does not exist"):
        parts.write(str(tmp_path / "none.txt"), str(tmp_path / "part"), 0, 2, OPTIONS, DATA)
    assert not (tmp_path / "part").exists()
