import io

import pytest
from PIL import Image

from aocr_core.approval import publish
from aocr_core.approval.compare import Pair
from aocr_core.data.records import Record, Writer


@pytest.mark.parametrize("size", [(40, 20), (3000, 10)])
def test_whatever_was_read_is_shown(tmp_path, size: tuple[int, int]):
    """Also what nobody would take into a data set today."""
    file = io.BytesIO()
    Image.new("L", size, 200).save(file, "PNG")
    with Writer(tmp_path / "test.tfrecords") as writer:
        writer.write(Record(file.getvalue(), "a", "1.png", *size))
    pair = Pair(0, "1.png", "a", "b", "a", won=False, lost=True)
    (exhibit,) = publish.exhibits([pair], str(tmp_path / "test.tfrecords"))
    assert exhibit.source.startswith("data:image/png;base64,")
