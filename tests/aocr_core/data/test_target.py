from pathlib import Path

import pytest

from aocr_core.data import info, records, target
from aocr_core.data.annotations import Rejection
from aocr_core.data.check import Accepted
from aocr_core.data.records import Record
from aocr_core.data.target import open_target
from aocr_core.errors import UsageError

ROW = Accepted(1, Record(b"image", "label", width=20, height=10), ("odd",))
REFUSED = Rejection(2, "a\tb.png", "no such file")


@pytest.mark.parametrize("name", ["data.tfrecords", "data"])
def test_what_is_written_is_described(tmp_path: Path, name: str):
    output = str(tmp_path / name)
    with open_target(output) as opened:
        opened.accept(ROW)
        opened.reject(REFUSED)
    report = opened.report()
    assert list(records.read(records.files(output))) == [ROW.record]
    assert info.load(output) == report.info
    assert report.info.warnings == {"odd": 1} and report.info.rejected == {"no such file": 1}
    assert Path(target.rejected_place(output)).read_text() == "line\tpath\treason\n2\ta\\tb.png\tno such file\n"
    assert str(report).splitlines() == [
        "2 rows read, 1 accepted, 1 rejected",
        "     1  rejected: no such file (line 2)",
        "     1  warning: odd (line 1)",
    ]


@pytest.mark.parametrize("name", ["data.tfrecords", "data"])
def test_a_failure_leaves_nothing(tmp_path: Path, name: str):
    with pytest.raises(ZeroDivisionError), open_target(str(tmp_path / name)) as opened:
        opened.accept(ROW)
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_only_a_data_set_is_replaced(tmp_path: Path):
    folder = str(tmp_path / "data")
    for _ in range(2):
        with open_target(folder) as opened:
            opened.accept(ROW)
    (tmp_path / "data" / "images").mkdir()
    with pytest.raises(UsageError, match=r"holds other things \(images/\)"), open_target(folder):
        pass
    assert (tmp_path / "data" / info.NAME).exists()
