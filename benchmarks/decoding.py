"""The ways to read, compared on the same model and the same images.

    python -m benchmarks.decoding MODEL_DIR DATASET

For the attention decoder alone, greedy and with a beam, the CTC head alone, and both together (what models with a CTC
head do unless told otherwise): exact accuracy, CER, exact accuracy by the length of the text, expected calibration
error (how far the probabilities are from the share of right texts), images a second (after one batch to warm up).
"""

import sys
import time

from aocr_core.config import ReadOptions
from aocr_core.data import records
from aocr_core.data.records import Record
from aocr_core.evaluation.calibration import calibrate
from aocr_core.evaluation.metrics import TextMetrics, split
from aocr_core.reading import Reading
from aocr_core.recognizer import Recognizer

WAYS = {
    "attention, greedy": ReadOptions(decoder="attention"),
    "attention, beam of 5": ReadOptions(decoder="attention", beam_width=5),
    "CTC": ReadOptions(decoder="ctc"),
    "joint": ReadOptions(decoder="joint"),
    "joint, beam of 5": ReadOptions(decoder="joint", beam_width=5),
}
LENGTHS = (range(10), range(10, 20), range(20, 30), range(30, 50), range(50, 10_000))
BATCH = 64


def read(recognizer: Recognizer, images: list[bytes]) -> tuple[list[Reading], float]:
    """What was read, and the seconds that it took."""
    recognizer.read_plain(images[:BATCH])
    began = time.perf_counter()
    batches = (images[start : start + BATCH] for start in range(0, len(images), BATCH))
    readings = [reading for batch in batches for reading in recognizer.read_plain(batch)]
    return readings, time.perf_counter() - began


def row(name: str, recognizer: Recognizer, test: list[Record]) -> list[str]:
    """One line of the table."""
    kind, fold = recognizer.charset.kind, recognizer.config.data.force_uppercase
    truths = [record.label.upper() if fold else record.label for record in test]
    readings, seconds = read(recognizer, [record.image for record in test])
    texts = [reading.text for reading in readings]
    right = [split(a, kind) == split(b, kind) for a, b in zip(truths, texts, strict=True)]
    whole = TextMetrics(kind)
    whole.update(truths, texts)
    summary = whole.summary()
    cells = [name, f"{summary.accuracy:.1%}", f"{summary.cer:.2%}"]
    for lengths in LENGTHS:
        chosen = [ok for ok, truth in zip(right, truths, strict=True) if len(split(truth, kind)) in lengths]
        cells.append(f"{sum(chosen) / len(chosen):.1%} of {len(chosen)}" if chosen else "")
    error = calibrate([reading.probability for reading in readings], right).expected_error
    return [*cells, f"{error:.1%}", f"{len(test) / seconds:.0f}"]


def main() -> None:
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    model, dataset = sys.argv[1:]
    test = list(records.read(records.files(dataset)))
    spans = [f"{r.start}-{r.stop - 1}" for r in LENGTHS[:-1]] + [f"{LENGTHS[-1].start} and more"]
    columns = ["decoder", "exact", "CER", *(f"exact, {span} long" for span in spans), "calibration error", "images/s"]
    print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}", flush=True)
    for name, options in WAYS.items():
        print(f"| {' | '.join(row(name, Recognizer.load(model, options), test))} |", flush=True)


if __name__ == "__main__":
    main()
