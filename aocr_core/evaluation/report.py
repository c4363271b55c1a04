"""The evaluation as one HTML page that needs nothing else: no network, no script, no other file."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rapidfuzz.distance import Levenshtein

from aocr_core.charset import Kind
from aocr_core.display import visible
from aocr_core.evaluation import pages
from aocr_core.evaluation.metrics import split
from aocr_core.evaluation.results import Evaluation, Row

OPEN_ROWS = 15
"""Rows of the table of symbols that are shown at once; the rest unfolds."""


@dataclass(frozen=True)
class Picture:
    """An image's attention sheet (PNG) and how it was read."""

    row: Row
    png: bytes

    @property
    def width(self) -> int:
        """Pixels, from the PNG's header."""
        return int.from_bytes(self.png[16:20], "big")

    @property
    def source(self) -> str:
        """The picture inside the page."""
        return pages.inlined(self.png)


@dataclass(frozen=True)
class Segment:
    """A stretch of a text that agrees with the other text, or not."""

    text: str
    right: bool


def compare(truth: str, text: str, kind: Kind) -> tuple[list[Segment], list[Segment]]:
    """Both texts, cut where they begin or cease to differ, for marking the differences."""
    blank = " " if kind == "tokens" else ""
    wanted, read = split(truth, kind), split(text, kind)
    cuts = list(Levenshtein.opcodes(wanted, read))
    return (
        [
            Segment(blank.join(wanted[c.src_start : c.src_end]), c.tag == "equal")
            for c in cuts
            if c.src_end > c.src_start
        ],
        [
            Segment(blank.join(read[c.dest_start : c.dest_end]), c.tag == "equal")
            for c in cuts
            if c.dest_end > c.dest_start
        ],
    )


def flatten(config: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """`{"model": {"color": False}}` -> `("model.color", "no")`; lists become one line."""
    for name, value in config.items():
        match value:
            case Mapping():
                yield from flatten(value, f"{prefix}{name}.")
            case list() | tuple():
                yield prefix + name, " ".join(visible(str(item)) for item in value)
            case bool():
                yield prefix + name, "yes" if value else "no"
            case _:
                yield prefix + name, "—" if value is None else str(value)


def render(
    evaluation: Evaluation, mistakes: Sequence[Picture], right: Sequence[Picture], config: Mapping[str, Any]
) -> str:
    """The page.

    Args:
        evaluation: figures and tables.
        mistakes: pictures of the worst mistakes.
        right: pictures of a sample of those read right.
        config: the model's configuration; may be nested.
    """
    return pages.render(
        "report.html",
        evaluation=evaluation,
        summary=evaluation.summary,
        calibration=evaluation.calibration,
        figures=evaluation.figures(),
        unit="token" if evaluation.kind == "tokens" else "character",
        galleries=[("The surest mistakes", mistakes), ("Read right", right)],
        config=list(flatten(config)),
        compare=lambda row: compare(row.truth, row.text, evaluation.kind),
        open_rows=OPEN_ROWS,
    )
