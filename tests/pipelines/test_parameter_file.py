"""Files of pipeline parameters: read as they are meant, or refused in one line."""

import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from aocr_core import storage
from aocr_core.errors import AocrError, UsageError
from pipelines import parameter_file, spec

DECLARED = [
    spec.Parameter("text", str, None, ""),
    spec.Parameter("whole", int, 1, ""),
    spec.Parameter("number", float, 0.5, ""),
    spec.Parameter("flag", bool, True, ""),
]
# YAML takes other line breaks than \n for blanks, and has no place for control characters.
TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp"), exclude_characters="\ufeff"))
VALUES = st.fixed_dictionaries(
    {},
    optional={
        "text": TEXTS,
        "whole": st.integers(-(2**53), 2**53),
        "number": st.floats(allow_nan=False, allow_infinity=False),
        "flag": st.booleans(),
    },
)


def read(folder: Path, text: str, name: str = "file.yaml"):
    (folder / name).write_text(text, encoding="utf-8")
    return parameter_file.read(str(folder / name), DECLARED)


@given(values=VALUES)
def test_what_is_written_is_what_is_read(tmp_path_factory: pytest.TempPathFactory, values: dict):
    folder = tmp_path_factory.mktemp("files")
    for name, text in (
        ("file.json", json.dumps(values)),
        ("file.yaml", yaml.safe_dump(values, allow_unicode=True)),
        ("file.yml", json.dumps(values, ensure_ascii=False)),  # JSON is YAML
    ):
        found = read(folder, text, name)
        assert found == values
        assert {key: type(value) for key, value in found.items()} == {key: type(v) for key, v in values.items()}


@given(content=st.binary(max_size=200), ending=st.sampled_from([".json", ".yaml"]))
def test_any_file_gives_values_or_one_line(tmp_path_factory: pytest.TempPathFactory, content: bytes, ending: str):
    path = tmp_path_factory.mktemp("files") / f"file{ending}"
    path.write_bytes(content)
    try:
        found = parameter_file.read(str(path), DECLARED)
    except UsageError as error:
        assert str(error).startswith(str(path)) and "\n" not in str(error)
    else:
        assert set(found) <= {parameter.name for parameter in DECLARED}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("whol: 3", "no parameter 'whol'; did you mean whole\\?"),
        ("xyzzy: 3", "no parameter 'xyzzy'; there are text, whole, number, flag"),
        ("whole: 3.5", "whole is a whole number, not 3.5"),
        ("whole: true", "whole is a whole number, not True"),
        ("whole: '3'", "whole is a whole number, not '3'"),
        ("flag: 1", "flag is true or false, not 1"),
        ("text: 2027", "text is a text, not 2027"),
        ("text:", "text is a text, not None"),
        ("number: [1]", "number is a number"),
        ("number: .nan", "number is no number to count with: nan"),
        ("number: -.inf", "number is no number to count with: -inf"),
        (f"number: {'9' * 400}", "number is no number to count with: 9999"),
        (f"whole: {2**53 + 1}", "whole is no number to count with: 9007"),
        ("- whole", "one parameter a line"),
        ("", "one parameter a line"),
        ("whole: 3\nwhole: 4", "given twice: whole"),
        ("whole: [", "line \\d: "),
        ("1: 2", "no parameter 1"),
        ("whole: !!python/object:os.system 1", "could not determine a constructor"),
    ],
)
def test_mistakes_are_told_in_one_line(tmp_path: Path, text: str, message: str):
    with pytest.raises(UsageError, match=f"file.yaml: .*{message}") as caught:
        read(tmp_path, text)
    assert "\n" not in str(caught.value)


def test_a_name_given_twice_in_json_is_refused(tmp_path: Path):
    with pytest.raises(UsageError, match="given twice: whole"):
        read(tmp_path, '{"whole": 1, "whole": 2}', "file.json")


def test_a_whole_number_is_a_number(tmp_path: Path):
    for text, number in (("3", 3.0), ("1e-3", 0.001), ("-2.E+4", -20000.0)):
        assert read(tmp_path, f"number: {text}") == {"number": number}


def test_a_file_may_lie_in_a_bucket(bucket: str):
    storage.write_bytes(f"{bucket}/file.yaml", b"whole: 3")
    assert parameter_file.read(f"{bucket}/file.yaml", DECLARED) == {"whole": 3}


def test_a_file_that_is_not_there_is_named():
    with pytest.raises(AocrError, match=r"no/such\.yaml"):
        parameter_file.read("no/such.yaml", DECLARED)
