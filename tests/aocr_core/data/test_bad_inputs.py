"""Row by row what `bad_inputs/EXPECTED.md` asks of a careful tool."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from aocr_core.config import DataOptions, PrepareOptions
from aocr_core.data import build, check, images
from aocr_core.data.annotations import Rejection
from aocr_core.data.build import build_dataset
from aocr_core.data.check import Accepted, checked_rows

ACCEPTED = {
    1: "apple",
    2: "River",
    3: "1984",
    4: "Stone42",
    5: "Window",
    6: "green",
    14: "cyan",
    15: "sixteen",
    16: "palette",
    17: "alpha",
    18: "frame1",
    19: "turned",
    21: "wrongname",
    23: "nothing",
    28: "tab\there",
    29: "caf\u00e9 e\u0301o\u0308\u0323 😀👍🏽 שלום مرحبا",
    30: "cafe\u0301",
    31: "crlf",
    33: "spaced",
    34: "inner space",
    35: "two words",
    36: "paper",
    39: "twice",
    40: "twice",
    41: "Bread",
    42: "Butter",
    44: "London",
    45: "seven",
}

REJECTED = {
    7: "images/no_such_file.png: no such file",
    8: "images/empty.png: empty file",
    9: "images/truncated.jpg: damaged image: ",
    10: "images/text.png: not an image: ",
    11: "images/one_pixel.png: image too small: 1x1 pixels",
    12: "images/wide_10000x8.png: image out of proportion: 10000x8 pixels",
    13: "images/tall_8x5000.png: image out of proportion: 8x5000 pixels",
    20: "images/bomb_60000x60000.png: image too large: ",
    22: "images/folder.png: a folder, not an image",
    24: "images/lab_empty.png: no label",
    25: "images/lab_blank.png: no label",
    26: "images/lab_none.png: no label",
    27: "images/lab_long.png: label longer than the image is wide: 500 symbols on 70 pixels",
    32: "images/lab_utf8.png: not UTF-8: ",
    37: "../plates_cn/images/p0001.jpg: outside the folder of the annotations: ",
    38: "/nonexistent/folder/word.png: no such file",
}

WARNINGS = {
    18: images.ANIMATED,
    21: check.MISNAMED,
    23: images.UNIFORM,
    28: check.CONTROL,
    29: check.CROWDED,
    40: build.DUPLICATE,
    42: build.CONTRADICTION,
}


@pytest.fixture
def annotations(shared_data: Callable[[str], Path]) -> str:
    return str(shared_data("bad_inputs") / "annotations.txt")


@pytest.fixture
def rows(annotations: str) -> dict[int, Accepted | Rejection]:
    return {row.line: row for row in checked_rows(annotations, PrepareOptions(), DataOptions())}


def test_every_line_but_the_empty_one_is_answered(rows: dict):
    assert list(rows) == sorted(ACCEPTED | REJECTED) == [line for line in range(1, 46) if line != 43]


@pytest.mark.parametrize("line", ACCEPTED)
def test_accepted(rows: dict, line: int):
    assert isinstance(rows[line], Accepted), rows[line]
    assert rows[line].record.label == ACCEPTED[line]
    of_pair = (build.DUPLICATE, build.CONTRADICTION)  # found only where all rows are seen together
    assert list(rows[line].warnings) == [WARNINGS[line] for _ in [0] if WARNINGS.get(line, of_pair[0]) not in of_pair]


@pytest.mark.parametrize("line", REJECTED)
def test_rejected(rows: dict, line: int):
    assert str(rows[line]).startswith(f"line {line}: {REJECTED[line]}")


@pytest.mark.parametrize("line", [14, 15, 16, 17, 18, 19])
def test_odd_images_show_dark_text_on_light_paper(rows: dict, line: int):
    from aocr_core.data import preprocess

    record = rows[line].record
    gray = preprocess.decode(record.image, 1).numpy()[..., 0].astype(int)
    assert gray.shape == (record.height, record.width) and record.width > record.height
    border = np.concatenate([gray[0], gray[-1], gray[:, 0], gray[:, -1]])
    assert np.median(border) > gray.min() + 60, "paper is lighter than ink"
    assert (gray > gray.min() + 60).mean() > 0.5, "more paper than ink"


def test_the_report_counts_everything(annotations: str, tmp_path: Path):
    report = build_dataset(annotations, str(tmp_path / "data"), PrepareOptions(), DataOptions())
    assert (report.read, report.accepted, sum(report.info.rejected.values())) == (44, 28, 16)
    assert {line for lines in report.lines.values() for line in lines} == set(REJECTED) | set(WARNINGS)
    assert report.info.warnings == dict.fromkeys(sorted(WARNINGS.values()), 1)
    listed = (tmp_path / "data" / "rejected.tsv").read_text(encoding="utf-8").splitlines()
    assert listed[0] == "line\tpath\treason"
    assert [int(row.split("\t")[0]) for row in listed[1:]] == list(REJECTED)
    for row in listed[1:]:
        line, path, reason = row.split("\t")
        assert f"{path}: {reason}".startswith(REJECTED[int(line)])
