import pytest
from hypothesis import given
from hypothesis import strategies as st

from aocr_core.errors import AocrError
from aocr_core.evaluation import predictions
from aocr_core.evaluation.results import Row

TEXT = st.text(st.characters(exclude_characters="\t\n\r", codec="utf-8"))


@given(st.lists(st.tuples(TEXT, TEXT, TEXT, st.integers(0, 1_000_000), st.integers(0, 500))))
def test_what_is_written_is_read(cells):
    rows = [Row(path, truth, text, millionths / 1_000_000, edits) for path, truth, text, millionths, edits in cells]
    assert predictions.from_tsv(predictions.to_tsv(rows)) == rows


def test_a_tab_stays_two_characters():
    (row,) = predictions.from_tsv(predictions.to_tsv([Row("p", "a\tb", "a\nb", 0.5, 1)]))
    assert (row.truth, row.text) == ("a\\tb", "a\\nb")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("predictions.tsv", b"path\ttext\n"),
        ("predictions.tsv", b"\xff"),
        ("metrics.json", b"{}"),
        ("metrics.json", b"["),
    ],
)
def test_a_damaged_evaluation_is_one_clear_line(tmp_path, name, content):
    (tmp_path / predictions.TABLE).write_text(predictions.to_tsv([]))
    (tmp_path / predictions.FIGURES).write_text('{"unit": "characters"}')
    assert predictions.load(str(tmp_path)) == ([], "characters")
    (tmp_path / name).write_bytes(content)
    with pytest.raises(AocrError, match="holds no evaluation, or a damaged one"):
        predictions.load(str(tmp_path))
