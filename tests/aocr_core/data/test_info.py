import os
from collections.abc import Callable
from pathlib import Path

import pytest

from aocr_core.data import info, records
from aocr_core.data.info import DatasetInfo, Spread, Tally, quantile
from aocr_core.data.records import Record, Writer
from aocr_core.errors import AocrError, UsageError

RECORDS = [
    Record(b"1", "ab", width=100, height=50),
    Record(b"2", "a b c", width=101, height=50),
    Record(b"3", "bbb", width=400, height=20),
]


def counted(items: list[Record]) -> DatasetInfo:
    tally = Tally()
    for record in items:
        tally.add(record)
    return tally.info(size=0)


def written(path: Path, items: list[Record]) -> str:
    with Writer(path) as writer:
        for record in items:
            writer.write(record)
    return str(path)


def test_what_is_counted():
    found = counted(RECORDS)
    assert found.rows == 3
    assert found.symbols == {"b": 5, "a": 2, " ": 2, "c": 1}
    assert found.tokens == {"a": 1, "ab": 1, "b": 1, "bbb": 1, "c": 1}
    assert found.label_lengths == {2: 1, 3: 1, 5: 1} and found.token_lengths == {1: 2, 3: 1}
    assert found.longest_label() == 5 and found.longest_label("tokens") == 3
    assert found.aspect_ratios == {"2.0": 1, "2.1": 1, "20.0": 1}
    assert found.aspect_quantile(0.5) == 2.1 and found.aspect_quantile(1.0) == 20.0
    assert found.widths == Spread(min=100, median=101, max=400)


def test_an_empty_data_set_has_defined_figures():
    found = counted([])
    assert (found.rows, found.longest_label(), found.aspect_quantile(0.9)) == (0, 0, 1.0)


def test_symbols_are_counted_as_they_are_learnt():
    found = DatasetInfo(rows=3, symbols={"s": 3, "S": 2, "ß": 1}, tokens={"ab": 2, "AB": 1})
    assert found.symbol_counts() == {"s": 3, "S": 2, "ß": 1}
    assert found.symbol_counts(uppercase=True) == {"S": 7}
    assert found.symbol_counts("tokens") == {"ab": 2, "AB": 1}
    assert found.symbol_counts("tokens", uppercase=True) == {"AB": 3}


def test_quantile():
    counts = {1: 5, 2: 3, 10: 2}
    assert [quantile(counts, q) for q in (0, 0.5, 0.51, 0.8, 0.81, 1)] == [1, 1, 2, 2, 10, 10]


def test_words_of_plain_text_are_not_counted_without_end(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(info, "MAX_TOKENS", 3)
    assert counted(RECORDS[:1] * 9).tokens == {"ab": 9}
    assert counted(RECORDS).tokens == {}


def test_the_fingerprint_is_that_of_the_content():
    assert counted(RECORDS).fingerprint == counted([Record(r.image, r.label, "x") for r in RECORDS]).fingerprint
    assert counted(RECORDS).fingerprint != counted(RECORDS[::-1]).fingerprint
    assert counted([Record(b"ab", "c")]).fingerprint != counted([Record(b"a", "bc")]).fingerprint


def test_load_scans_where_there_is_no_description(tmp_path: Path):
    path = written(tmp_path / "a.tfrecords", RECORDS)
    found = info.load(path)
    assert found.size == Path(path).stat().st_size
    assert found.model_copy(update={"size": 0}) == counted(RECORDS)


@pytest.mark.parametrize("stale", ["older", "other size", "other version"])
def test_a_stale_description_is_not_believed(tmp_path: Path, stale: str):
    path = written(tmp_path / "a.tfrecords", RECORDS)
    said = DatasetInfo(rows=77, size=Path(path).stat().st_size + (stale == "other size"))
    text = said.model_dump_json()
    Path(info.place(path)).write_text(text.replace("rows", "count") if stale == "other version" else text)
    if stale == "older":
        os.utime(info.place(path), (1, 1))
    assert info.load(path).rows == 3


def test_a_fresh_description_is_believed(tmp_path: Path):
    path = written(tmp_path / "a.tfrecords", RECORDS)
    said = DatasetInfo(rows=77, size=Path(path).stat().st_size, label_lengths={3: 77})
    Path(info.place(path)).write_text(said.model_dump_json())
    assert info.load(path) == said


def test_images_of_foreign_records_are_measured_and_checked(tmp_path: Path, word_image: Callable[..., bytes]):
    images = [word_image("a"), word_image("b", (50, 25), "CMYK", "JPEG"), b"broken"]
    path = written(tmp_path / "old.tfrecords", [Record(image, "x") for image in images])
    found = info.load(path)
    assert found.rows == 3 and found.widths == Spread(min=50, median=50, max=96)
    assert found.warnings == {"not an image": 1, info.MISREAD: 1}


def test_missing_data_sets(tmp_path: Path):
    with pytest.raises(UsageError, match="does not exist"):
        info.load(str(tmp_path / "nothing.tfrecords"))
    with pytest.raises(AocrError, match="holds no"):
        info.load(str(tmp_path))
    assert info.place("a/b.tfrecords") == "a/b.tfrecords.json" and info.place("a/b") == "a/b/dataset.json"
    assert records.ENDING == ".tfrecords"
