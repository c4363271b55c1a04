"""What an evaluation finds: a row for each image, and the figures and tables made from all rows."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

from aocr_core.charset import Kind
from aocr_core.evaluation.calibration import Calibration, calibrate
from aocr_core.evaluation.confusions import LengthRow, SymbolRow, length_table, symbol_table
from aocr_core.evaluation.metrics import Summary, TextMetrics, wilson_interval


@dataclass(frozen=True, slots=True)
class Row:
    """One image."""

    path: str
    """Where the image came from, or its number in the data set if that is not recorded."""
    truth: str
    text: str
    probability: float
    edits: int
    """Edit distance between truth and text, in symbols."""

    @property
    def right(self) -> bool:
        """Whether every symbol was read."""
        return self.edits == 0


@dataclass(frozen=True)
class Evaluation:
    """How good a model is on one data set."""

    kind: Kind
    """Whether a symbol is a character or a token."""
    summary: Summary
    interval: tuple[float, float]
    """95 % confidence interval of the exact accuracy."""
    calibration: Calibration
    symbols: tuple[SymbolRow, ...]
    lengths: tuple[LengthRow, ...]
    seconds: float
    """Time spent on reading, the first batch's compilation included."""
    rows: tuple[Row, ...] = ()
    """All images, in the order of the data set."""
    unreadable: int = 0
    """Images that could not be decoded. They count as read as nothing, with probability 0."""
    unknown: Mapping[str, int] = field(default_factory=dict)
    """Symbols of the truths that the model does not have, and in how many images each occurs."""

    @classmethod
    def of(
        cls,
        rows: Sequence[Row],
        kind: Kind,
        seconds: float,
        unreadable: int = 0,
        unknown: Mapping[str, int] | None = None,
    ) -> "Evaluation":
        """Judge the rows of all images.

        Raises:
            AocrError: there is none.
        """
        metrics = TextMetrics(kind)
        metrics.update([row.truth for row in rows], [row.text for row in rows])
        summary = metrics.summary()
        pairs = [(row.truth, row.text) for row in rows]
        return cls(
            kind=kind,
            summary=summary,
            interval=wilson_interval(summary.accuracy, summary.count),
            calibration=calibrate([row.probability for row in rows], [row.right for row in rows]),
            symbols=symbol_table(pairs, kind),
            lengths=length_table(pairs, kind),
            seconds=seconds,
            rows=tuple(rows),
            unreadable=unreadable,
            unknown=unknown or {},
        )

    def figures(self) -> dict[str, float]:
        """The headline numbers, flat: what goes to the metrics of a pipeline and decides on a promotion."""
        return {
            **asdict(self.summary),
            "mean_confidence": self.calibration.mean_confidence,
            "expected_calibration_error": self.calibration.expected_error,
            "unreadable_images": self.unreadable,
            "images_per_second": self.summary.count / max(self.seconds, 1e-9),
        }

    def to_json(self) -> str:
        """All figures and tables: what lies in `metrics.json`."""
        tables = {
            "unit": self.kind,
            "accuracy_interval": self.interval,
            "unknown_symbols": dict(self.unknown),
            "reliability": [asdict(row) for row in self.calibration.bins],
            "coverage": [asdict(row) for row in self.calibration.coverages],
            "lengths": [asdict(row) for row in self.lengths],
            "symbols": [asdict(row) | {"recall": row.recall, "precision": row.precision} for row in self.symbols],
        }
        return json.dumps(self.figures() | tables, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
