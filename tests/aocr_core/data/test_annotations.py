import csv
import io
import json
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aocr_core.data import annotations
from aocr_core.data.annotations import Rejection, Row, printable
from aocr_core.errors import AocrError, UsageError

# What a path or label may hold and still be one row: anything but line ends.
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n\r\0"), min_size=1, max_size=30)
LABELS = TEXT.map(str.strip).filter(bool)
BARE_PATHS = TEXT.filter(lambda text: not any(map(str.isspace, text)) and text[0] not in '"{\ufeff')


def rows(tmp_path: Path, content: str | bytes, name: str = "annotations.txt") -> list[Row | Rejection]:
    path = tmp_path / name
    path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
    return list(annotations.read(str(path)))


def test_a_row_is_a_path_a_blank_and_the_label(tmp_path: Path):
    content = "\ufeffa.png apple\r\n\nb.png\ttwo  words \n   c.png   x\n\t\nd.png"
    assert rows(tmp_path, content) == [
        Row(1, "a.png", "apple"),
        Row(3, "b.png", "two  words"),
        Row(4, "c.png", "x"),
        Rejection(6, "d.png", "no label"),
    ]


def test_quoted_paths_may_hold_blanks(tmp_path: Path):
    content = '"my images/a b.png" apple pie\n"open quote.png word\n"a.png"word\n"b.png"\nc.png "quoted" label\n'
    first, second, third, fourth, fifth = rows(tmp_path, content)
    assert first == Row(1, "my images/a b.png", "apple pie")
    assert isinstance(second, Rejection) and second.kind == "broken quotes"
    assert isinstance(third, Rejection) and third.kind == "broken quotes"
    assert fourth == Rejection(4, "b.png", "no label")
    assert fifth == Row(5, "c.png", '"quoted" label')


def test_bytes_that_are_no_utf8_spoil_their_own_row_only(tmp_path: Path):
    good, bad, after = rows(tmp_path, b"a.png caf\xc3\xa9\nb.png by\xfftes\nc.png end")
    assert good == Row(1, "a.png", "café") and after == Row(3, "c.png", "end")
    assert isinstance(bad, Rejection) and (bad.line, bad.path, bad.kind) == (2, "b.png", "not UTF-8")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", 'image,label\na.png,"one, ""two"""\nb.png,three\n'),
        ("a.txt", 'Path , Text\na.png,"one, ""two"""\nb.png,three\n'),
        ("a.csv", 'id;words;file\r\n1;one, "two";a.png\r\n2;three;b.png\r\n'),
        ("a.tsv", 'filename\tlabel\na.png\tone, "two"\nb.png\tthree\n'),
        ("a.tsv", 'a.png\tone, "two"\nb.png\tthree\n'),
        ("a.jsonl", '{"image": "a.png", "label": "one, \\"two\\""}\n{"label": "three", "path": "b.png"}\n'),
        ("a.txt", '{"text": "one, \\"two\\"", "file": "a.png"}\n{"text": "three", "file": "b.png"}\n'),
    ],
)
def test_tables_with_named_columns(tmp_path: Path, name: str, content: str):
    found = rows(tmp_path, content, name)
    assert [(row.path, row.label) for row in found] == [("a.png", 'one, "two"'), ("b.png", "three")]
    assert [row.line for row in found] == ([2, 3] if len(content.splitlines()) == 3 else [1, 2])


def test_an_open_quote_in_a_table_spoils_its_own_row_only(tmp_path: Path):
    first, second, third = rows(tmp_path, 'image,label\na.png,"open\nb.png\nc.png,fine\n', "a.csv")
    assert isinstance(first, Rejection) and (first.path, first.kind) == ("a.png", "broken row")
    assert second == Rejection(3, "b.png", "no label", "too few columns")
    assert third == Row(4, "c.png", "fine")
    assert rows(tmp_path, 'image\tlabel\na.png\t"open\n', "a.tsv") == [Row(2, "a.png", '"open')]


@pytest.mark.parametrize("line", ["{", "[1]", '{"image": "a.png"}', '{"image": "a.png", "label": 7}', "null"])
def test_broken_json_lines_are_rejected(tmp_path: Path, line: str):
    (found,) = rows(tmp_path, line, "a.jsonl")
    assert isinstance(found, Rejection) and found.kind == "broken row"


def test_files_that_are_no_annotations(tmp_path: Path):
    with pytest.raises(UsageError, match="does not exist"):
        list(annotations.read(str(tmp_path / "nothing.txt")))
    with pytest.raises(UsageError, match="is a folder"):
        list(annotations.read(str(tmp_path)))
    with pytest.raises(AocrError, match="UTF-16"):
        rows(tmp_path, "a.png apple\n".encode("utf-16"))
    with pytest.raises(AocrError, match="name the columns"):
        rows(tmp_path, "a.png,apple\n", "a.csv")
    assert rows(tmp_path, b"") == rows(tmp_path, b"\xef\xbb\xbf") == []


def test_rejections_print_on_one_line_whatever_they_hold():
    rejection = Rejection(3, "a\tb\udcff.png", "broken", "x\ny")
    assert str(rejection) == r"line 3: a\tb\xff.png: broken: x\ny"
    assert str(Rejection(3, "\ud83d\udcff\ude00", "broken")) == r"line 3: \ud83d\xff\ude00: broken"
    assert str(Rejection(1, "", "no path")) == "line 1: (no path): no path"


@given(st.binary(max_size=300), st.sampled_from(["a.txt", "a.tsv", "a.jsonl"]))
@example(b"[", "a.txt")
@example(rb'{"image": "\ud83d.png", "label": "x"}', "a.jsonl")
def test_any_bytes_give_rows_or_rejections(tmp_path_factory: pytest.TempPathFactory, content: bytes, name: str):
    folder = tmp_path_factory.mktemp("any")
    try:
        found = rows(folder, content, name)
    except AocrError as error:
        assert b"\0" in content or "is one JSON array" in str(error)
        return
    lines = [row.line for row in found]
    assert lines == sorted(set(lines)) and all(0 < line <= content.count(b"\n") + 1 for line in lines)
    for row in found:
        if isinstance(row, Row):
            assert row.label == row.label.strip() != "" and row.path
            (row.path + row.label).encode("utf-8")
        assert "\n" not in printable(str(row)) and printable(str(row)).encode("utf-8")


@given(st.lists(st.tuples(BARE_PATHS, LABELS), min_size=1, max_size=8))
@example([("[{", "0")])
def test_plain_rows_round_trip(tmp_path_factory: pytest.TempPathFactory, pairs: list[tuple[str, str]]):
    content = "".join(f"{path} {label}\n" for path, label in pairs)
    found = rows(tmp_path_factory.mktemp("plain"), content)
    first = content.partition("\n")[0]
    if annotations._columns(first.split(",")) or annotations._JSON_ARRAY.match(first):
        return  # the first row happens to read as a header, or as JSON
    assert [(row.path, getattr(row, "label", None)) for row in found] == pairs


@given(st.lists(st.tuples(LABELS, LABELS), min_size=1, max_size=8))
def test_csv_and_json_round_trip(tmp_path_factory: pytest.TempPathFactory, pairs: list[tuple[str, str]]):
    table = io.StringIO()
    csv.writer(table).writerows([("image", "label"), *pairs])
    lines = "".join(json.dumps({"image": path, "label": label}) + "\n" for path, label in pairs)
    for name, content in (("a.csv", table.getvalue()), ("a.jsonl", lines)):
        found = rows(tmp_path_factory.mktemp("table"), content, name)
        assert [(row.path, getattr(row, "label", None)) for row in found] == pairs


def test_a_json_array_is_named_as_such(tmp_path):
    path = tmp_path / "rows.json"
    path.write_text('[{"image": "a.png", "label": "a"}]\n')
    with pytest.raises(AocrError, match="one JSON array: write one object a line"):
        list(annotations.read(str(path)))


def test_a_row_with_commas_and_no_blank_is_told_about_headers(tmp_path):
    path = tmp_path / "rows.txt"
    path.write_text("a.png,hello\n")
    (row,) = annotations.read(str(path))
    assert isinstance(row, Rejection)
    assert row.reason == "no label: no blank behind the path; CSV names its columns in line 1"
