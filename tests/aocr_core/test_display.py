import pytest
from hypothesis import given
from hypothesis import strategies as st

from aocr_core.display import file_name, percent, tsv_line, visible


@pytest.mark.parametrize(
    ("symbol", "shown"),
    [
        ("A", "A"),
        ("\\frac", "\\frac"),
        (" ", "␣"),
        ("", "∅"),
        ("\u0301", "◌\u0301"),
        ("\u200c", "U+200C"),
        ("\u00a0", "U+00A0"),
        ("\t", "U+0009"),
    ],
)
def test_every_symbol_can_be_seen(symbol, shown):
    assert visible(symbol) == shown


def test_percent():
    assert percent(0.973) == "97.3 %" and percent(1, 0) == "100 %" and percent(None) == "—"


@given(st.text())
def test_file_names_are_safe(text):
    name = file_name(text)
    assert len(f"predict-{name}-123456789.png".encode()) <= 255
    assert not set(name) & set('/\\:*?"<>|\0\n ')


def test_file_names_keep_letters_of_all_scripts():
    assert file_name("皖A-53.5") == "皖A-53.5"
    assert file_name("../etc/passwd") == ".._etc_passwd"


@given(st.lists(st.text(), min_size=1))
def test_a_row_is_one_line(fields):
    line = tsv_line(*fields)
    assert line.endswith("\n") and len(line[:-1].split("\t")) == len(fields)
    assert "\n" not in line[:-1] and "\r" not in line
