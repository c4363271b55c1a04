"""Run a recogniser over a data set, batch by batch, and write down what comes out."""

import logging
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from rapidfuzz.distance import Levenshtein

from aocr_core.charset import Charset
from aocr_core.data import images
from aocr_core.display import percent
from aocr_core.evaluation.gallery import Exhibit, Gallery
from aocr_core.evaluation.metrics import TextMetrics, split
from aocr_core.evaluation.publish import Animations, publish
from aocr_core.evaluation.results import Evaluation, Row
from aocr_core.progress import track

if TYPE_CHECKING:
    from aocr_core.data.records import Record
    from aocr_core.reading import Reading

Item = TypeVar("Item")

logger = logging.getLogger(__name__)


class Reader(Protocol):
    """What an evaluation needs of a recogniser; `aocr_core.Recognizer` is one."""

    @property
    def config(self) -> Any: ...

    @property
    def charset(self) -> Charset: ...

    def read_plain(self, encoded: Sequence[bytes], attention: bool = False) -> list["Reading"]: ...


def evaluate(
    recognizer: Reader,
    records: Iterable["Record"],
    output_dir: str | None = None,
    *,
    visualize: int = 0,
    batch_size: int = 64,
    total: int | None = None,
) -> Evaluation:
    """Read all images and compare the texts with the labels.

    Labels are folded to upper case if the model was trained on such labels. Only texts, numbers and the few images
    of the report stay in memory. An image that cannot be decoded counts as read wrong.

    Args:
        recognizer: the model.
        records: the data set.
        output_dir: folder for `predictions.tsv`, `metrics.json`, `report.html` and `attention/*.png`, local or
            `gs://…`; None: nothing is written.
        visualize: for so many images, from the first, also write the attention as an animation.
        batch_size: images read at a time.
        total: number of records, if known, for the progress bar.

    Raises:
        AocrError: the data set is empty, or a file of it is broken.
        ValueError: something is to be visualised, but there is no `output_dir`.
    """
    if visualize and not output_dir:
        raise ValueError("visualize needs an output_dir")
    run = _Run(recognizer, Animations(output_dir) if output_dir else None, visualize, batch_size)
    with track("test", total, "images") as bar:
        for batch in _batches(records, batch_size):
            run.add(batch)
            bar.advance(len(batch), accuracy=percent(run.running.summary().accuracy))
    evaluation = run.evaluation()
    if output_dir:
        mistakes, right = run.with_attention(run.gallery.mistakes), run.with_attention(run.gallery.right)
        publish(output_dir, evaluation, mistakes, right, recognizer.config.model_dump(mode="json"))
    return evaluation


def _batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


class _Run:
    """What is known so far."""

    def __init__(self, recognizer: Reader, animations: Animations | None, visualize: int, batch_size: int) -> None:
        self.recognizer, self.animations = recognizer, animations
        self.visualize, self.batch_size = visualize, batch_size
        self.rows: list[Row] = []
        self.running = TextMetrics(recognizer.charset.kind)
        self.gallery = Gallery()
        self.unknown: Counter[str] = Counter()
        self.unreadable = 0
        self.seconds = 0.0

    def add(self, records: list["Record"]) -> None:
        """Read a batch."""
        started = time.perf_counter()
        plain = [self._plain(record, number) for number, record in enumerate(records, len(self.rows) + 1)]
        readings = iter(
            self.recognizer.read_plain(
                [image for image in plain if image is not None], attention=len(self.rows) < self.visualize
            )
        )
        self.seconds += time.perf_counter() - started
        for record, image in zip(records, plain, strict=True):
            self._add_one(record, image, next(readings) if image is not None else None)
        added = self.rows[-len(records) :]
        self.running.update([row.truth for row in added], [row.text for row in added])

    def _plain(self, record: "Record", number: int) -> bytes | None:
        """The image in a form that the network decodes faithfully; records of other programs may hold any."""
        name = record.comment or f"#{number}"
        try:
            image = images.recorded(record.image)
        except images.ImageError as error:
            self.unreadable += 1
            logger.warning("image %s cannot be read and counts as wrong: %s", name, error)
            return None
        for warning in image.warnings:
            logger.warning("image %s: %s", name, warning)
        return image.data

    def _add_one(self, record: "Record", image: bytes | None, reading: "Reading | None") -> None:
        row = self._row(record, reading)
        self.unknown.update(self.recognizer.charset.unknown(row.truth))
        if image is not None and reading is not None:
            self.gallery.offer(row, image)
            if self.animations and len(self.rows) < self.visualize:
                self.animations.add(row, image, reading)
        self.rows.append(row)

    def _row(self, record: "Record", reading: "Reading | None") -> Row:
        kind = self.recognizer.charset.kind
        truth = record.label.upper() if self.recognizer.config.data.force_uppercase else record.label
        text, probability = (reading.text, float(reading.probability)) if reading else ("", 0.0)
        edits = Levenshtein.distance(split(truth, kind), split(text, kind))
        return Row(record.comment or f"#{len(self.rows) + 1}", truth, text, probability, edits)

    def with_attention(self, exhibits: list[Exhibit]) -> list[tuple[Exhibit, "Reading"]]:
        """The exhibits, read once more."""
        readings: list[Reading] = []
        for batch in _batches(exhibits, self.batch_size):
            readings += self.recognizer.read_plain([exhibit.image for exhibit in batch], attention=True)
        return list(zip(exhibits, readings, strict=True))

    def evaluation(self) -> Evaluation:
        """The figures of all that was added."""
        return Evaluation.of(
            self.rows, self.recognizer.charset.kind, self.seconds, self.unreadable, dict(self.unknown.most_common())
        )
