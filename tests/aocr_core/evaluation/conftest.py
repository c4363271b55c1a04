import pytest

from aocr_core.charset import Charset
from aocr_core.data.records import Record
from tests.aocr_core.evaluation.memory_reader import MemoryReader, reading, word_image


@pytest.fixture
def task():
    """`task([(truth, text, probability), …])` -> a recogniser that reads so, and the records."""

    def make(cases, charset: Charset | None = None, **options):
        charset = charset or Charset(symbols=tuple("ABCDEFabcdef0123456789"))
        records = [
            Record(word_image(f"{n} {truth}"), truth, f"images/{n}.png") for n, (truth, _, _) in enumerate(cases)
        ]
        answers = {
            record.image: reading(text, probability, charset.kind)
            for record, (_, text, probability) in zip(records, cases, strict=True)
        }
        return MemoryReader(answers, charset, **options), records

    return make
