"""The images that an export takes along."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aocr_core import smoke
from aocr_core.errors import AocrError
from aocr_core.smoke import Known


def test_the_surest_reading_of_each_text_is_taken():
    readings = [Known(b"1", "a", 0.5), Known(b"2", "a", 0.9), Known(b"3", "b", 0.7), Known(b"4", "", 1.0)]
    assert [known.image for known in smoke.chosen(readings)] == [b"2", b"3", b"4"]


def test_they_fit_into_one_request():
    readings = [Known(bytes(smoke.LARGEST + 1), "large", 1.0)]
    readings += [Known(bytes([number]), str(number), 0.5) for number in range(9)]
    assert [known.text for known in smoke.chosen(readings)] == ["0", "1", "2", "3"]


@given(st.lists(st.tuples(st.binary(max_size=9), st.text(), st.floats(0, 1)), min_size=1))
def test_what_is_written_is_read(tmp_path_factory, readings):
    folder = tmp_path_factory.mktemp("export")
    known = [Known(*reading) for reading in readings]
    smoke.write(folder, known)
    assert smoke.read(str(folder)) == smoke.chosen(known)


def test_an_export_without_them_is_told(tmp_path: Path):
    with pytest.raises(AocrError, match="holds no images to try it with"):
        smoke.read(str(tmp_path))
