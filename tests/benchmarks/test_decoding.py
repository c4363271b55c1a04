from aocr_core.charset import Charset
from aocr_core.data.records import Record
from benchmarks.decoding import row
from tests.aocr_core.evaluation.memory_reader import MemoryReader, reading

CHARSET = Charset(symbols=("\\frac", "x"), kind="tokens")


def test_blanks_between_tokens_make_no_difference():
    recognizer = MemoryReader({b"image": reading("\\frac  x", kind="tokens")}, CHARSET)
    _, exact, _, *by_length = row("joint", recognizer, [Record(b"image", "\\frac x")])[:5]
    assert exact == "100.0%" and by_length[0] == "100.0% of 1"
