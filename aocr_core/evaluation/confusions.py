"""Which symbols are misread, as what, and how accuracy falls with the length of the text."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from rapidfuzz.distance import Levenshtein

from aocr_core.charset import Kind
from aocr_core.evaluation.metrics import TextMetrics, split

MOST_CONFUSIONS = 3
MOST_LENGTHS = 16


@dataclass(frozen=True)
class SymbolRow:
    """How one symbol fares."""

    symbol: str
    seen: int
    """How often it stands in the truths."""
    right: int
    """How often it was read where it stands."""
    read: int
    """How often it stands in the texts that were read."""
    confusions: tuple[tuple[str, int], ...]
    """What was read in its place, most frequent first; an empty symbol: nothing was."""

    @property
    def recall(self) -> float | None:
        """Share of its occurrences that were read; None if it never occurs."""
        return self.right / self.seen if self.seen else None

    @property
    def precision(self) -> float | None:
        """Share of its readings that are right; None if it was never read."""
        return self.right / self.read if self.read else None


@dataclass(frozen=True)
class LengthRow:
    """Texts whose truths have `low` to `high` symbols."""

    low: int
    high: int
    count: int
    accuracy: float
    cer: float


def symbol_table(pairs: Iterable[tuple[str, str]], kind: Kind) -> tuple[SymbolRow, ...]:
    """A row for each symbol that was seen or read; those with the most mistakes first.

    Truth and text are aligned with as few edits as possible. Where several alignments are equally short the one
    that rapidfuzz finds counts, so single confusions in badly misread texts mean little.

    Args:
        pairs: truth and text of each image.
        kind: unit of the table.
    """
    seen: Counter[str] = Counter()
    read: Counter[str] = Counter()
    wrong: dict[str, Counter[str]] = defaultdict(Counter)
    for truth, text in pairs:
        wanted, got = split(truth, kind), split(text, kind)
        seen.update(wanted)
        read.update(got)
        for edit in Levenshtein.editops(wanted, got):
            if edit.tag != "insert":
                wrong[wanted[edit.src_pos]][got[edit.dest_pos] if edit.tag == "replace" else ""] += 1
    rows = (
        SymbolRow(
            symbol=symbol,
            seen=seen[symbol],
            right=seen[symbol] - wrong[symbol].total(),
            read=read[symbol],
            confusions=tuple(wrong[symbol].most_common(MOST_CONFUSIONS)),
        )
        for symbol in seen | read
    )
    return tuple(sorted(rows, key=lambda row: (-(row.seen - row.right), -row.seen, row.symbol)))


def length_table(pairs: Iterable[tuple[str, str]], kind: Kind) -> tuple[LengthRow, ...]:
    """Accuracy by the number of symbols in the truth, shortest first; many lengths are put together in ranges.

    Args:
        pairs: truth and text of each image.
        kind: unit of the length.
    """
    by_length: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for truth, text in pairs:
        by_length[len(split(truth, kind))].append((truth, text))
    step = _step(by_length)
    ranges: dict[int, list[int]] = defaultdict(list)
    for length in sorted(by_length):
        ranges[(length - 1) // step].append(length)
    return tuple(
        _length_row(lengths, [pair for length in lengths for pair in by_length[length]], kind)
        for lengths in ranges.values()
    )


def _step(lengths: Iterable[int]) -> int:
    """Width of the ranges: the first of 1, 2, 5, 10, … that keeps the table short."""
    distinct = set(lengths)
    steps = (digit * 10**power for power in range(9) for digit in (1, 2, 5))
    return next(step for step in steps if len({(length - 1) // step for length in distinct}) <= MOST_LENGTHS)


def _length_row(lengths: list[int], pairs: list[tuple[str, str]], kind: Kind) -> LengthRow:
    metrics = TextMetrics(kind)
    metrics.update(*zip(*pairs, strict=True))
    summary = metrics.summary()
    return LengthRow(lengths[0], lengths[-1], summary.count, summary.accuracy, summary.cer)
