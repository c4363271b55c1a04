"""What a decision leaves behind: a page for people, figures for programs, and all images read differently."""

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from aocr_core import storage
from aocr_core.approval.compare import Pair
from aocr_core.approval.decide import Decision
from aocr_core.approval.paired import CONFIDENCE
from aocr_core.charset import Kind
from aocr_core.data import images, records
from aocr_core.display import tsv_line
from aocr_core.evaluation import pages
from aocr_core.evaluation.report import compare as segments

PAGE, FIGURES, TABLE = "decision.html", "decision.json", "differences.tsv"
PICTURES = 12
"""Images of a kind (lost, won, wrong both ways) that the page shows; the table has all."""
LOST, WON = "Lost: only the model that serves reads these", "Won: only the new model reads these"
WRONG = "Wrong both ways"
LARGEST = (640, 240)
"""Pixels of a picture in the page."""
HALF = 280
"""Units of the drawing from its middle to either end."""


@dataclass(frozen=True)
class Exhibit:
    """An image that the models read differently."""

    pair: Pair
    source: str
    """The picture inside the page; empty if it cannot be decoded."""


def publish(output_dir: str, decision: Decision, dataset: str, kind: Kind) -> None:
    """Write `differences.tsv`, `decision.html` and, last, `decision.json`.

    Args:
        output_dir: a folder, local or `gs://…`.
        decision: what was decided, and why.
        dataset: the test set, for the pictures.
        kind: what a symbol is.
    """
    pairs = decision.comparison.pairs if decision.comparison else ()
    shown = [pair for group in grouped(pairs).values() for pair in group[:PICTURES]]
    page = render(decision, exhibits(shown, dataset), kind)
    storage.write_bytes(storage.join(output_dir, TABLE), to_tsv(pairs).encode())
    storage.write_bytes(storage.join(output_dir, PAGE), page.encode())
    storage.write_bytes(storage.join(output_dir, FIGURES), decision.to_json().encode())


def to_tsv(pairs: Sequence[Pair]) -> str:
    """A header and one line for each image that is read differently."""
    lines = (tsv_line(pair.path, pair.truth, pair.new, pair.serving) for pair in pairs)
    return tsv_line("path", "truth", "new", "serving") + "".join(lines)


def grouped(pairs: Iterable[Pair]) -> dict[str, list[Pair]]:
    """The pairs by what is to be learnt from them; the words are the titles in the page."""
    groups: dict[str, list[Pair]] = {LOST: [], WON: [], WRONG: []}
    for pair in pairs:
        groups[LOST if pair.lost else WON if pair.won else WRONG].append(pair)
    return groups


def exhibits(pairs: Sequence[Pair], dataset: str) -> list[Exhibit]:
    """The pairs with their images, for which the data set is read once more if there are any."""
    if not pairs:
        return []
    wanted = {pair.number for pair in pairs}
    every = enumerate(records.read(records.files(dataset)))
    sources = {number: _source(record.image) for number, record in every if number in wanted}
    return [Exhibit(pair, sources[pair.number]) for pair in pairs]


def _source(encoded: bytes) -> str:
    try:
        image = Image.open(io.BytesIO(images.recorded(encoded).data))
    except images.ImageError:
        return ""
    image.thumbnail(LARGEST)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return pages.inlined(buffer.getvalue())


def render(decision: Decision, shown: Sequence[Exhibit], kind: Kind) -> str:
    """The page."""
    found = decision.comparison
    exhibit = {one.pair: one for one in shown}
    span = max(abs(end) for end in (found.accuracy.low, found.accuracy.high, decision.options.min_gain)) if found else 0
    return pages.render(
        "decision.html",
        Path(__file__).parent / "templates",
        decision=decision,
        summary=decision.summary,
        found=found,
        margin=decision.options.min_gain,
        confidence=CONFIDENCE,
        scale=HALF / max(span * 1.1, 0.001),
        galleries=[(title, [exhibit[pair] for pair in group]) for title, group in grouped(exhibit).items()],
        hidden=len(found.pairs) - len(shown) if found else 0,
        table=TABLE,
        unit="token" if kind == "tokens" else "character",
        marks=lambda pair, text: segments(pair.truth, text, kind)[1],
    )
