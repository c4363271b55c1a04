from pathlib import Path

from aocr_core import model_dir
from aocr_core.data import records
from aocr_core.data.records import Record, Writer
from aocr_core.training import samples
from tests.aocr_core.data.test_images import encoded, half_black


def test_the_first_small_images_stay_with_the_model(tmp_path: Path):
    small = [Record(encoded(half_black()), f"word {number}") for number in range(samples.COUNT + 8)]
    large = Record(small[0].image + bytes(samples.LARGEST), "large")
    file = tmp_path / "words.tfrecords"
    with Writer(file) as writer:
        for record in [small[0], large, *small[1:]]:
            writer.write(record)
    samples.keep(tmp_path, [str(file)], share=0)
    kept = list(records.read([str(tmp_path / model_dir.SAMPLES)]))
    assert [(record.image, record.label) for record in kept] == [
        (record.image, record.label) for record in small[: samples.COUNT]
    ]
