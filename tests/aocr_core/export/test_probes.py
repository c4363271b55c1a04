import io
import logging

import numpy as np
import pytest
from PIL import Image

from aocr_core.charset import Charset
from aocr_core.data.records import Record, Writer
from aocr_core.errors import UsageError
from aocr_core.export import probes
from tests.aocr_core import small


def test_drawn_ones_are_the_same_every_time():
    config = small.config(Charset(symbols=tuple("abc")))
    assert probes.draw(config) == probes.draw(config) and len(probes.draw(config)) == probes.COUNT


def test_images_of_a_data_set_are_made_plain_and_damaged_ones_left_out(tmp_path, caplog):
    deep = io.BytesIO()
    Image.fromarray(np.full((20, 40), 40_000, np.uint16)).save(deep, "PNG")
    word = small.picture("word")
    path = tmp_path / "data.tfrecords"
    with Writer(path) as writer:
        for image, comment in ((word, "plain"), (deep.getvalue(), "deep"), (word[:60], "half"), (word, "too many")):
            writer.write(Record(image, "word", comment=comment))
    with caplog.at_level(logging.WARNING):
        found = probes.of_dataset(str(path), count=3)
    assert found[0] == word and len(found) == 2
    assert Image.open(io.BytesIO(found[1])).mode == "L"
    assert "image half is not compared" in caplog.text
    with pytest.raises(UsageError):
        probes.of_dataset(str(tmp_path / "none.tfrecords"))
