"""Whether the probabilities that the model gives can be believed, and what a threshold on them buys.

Reliability table and expected calibration error after Guo et al. 2017, https://arxiv.org/abs/1706.04599;
risk and coverage after Geifman and El-Yaniv 2017, https://arxiv.org/abs/1705.08500.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from aocr_core.errors import AocrError

BINS = 10
ROUNDING = 1e-5
"""By so much a product of float32 probabilities may exceed 1."""
THRESHOLDS = (0.0, 0.5, 0.8, 0.9, 0.95, 0.99, 0.999)


@dataclass(frozen=True)
class Bin:
    """Texts with a probability in (`low`, `high`]; the first bin holds 0 too."""

    low: float
    high: float
    count: int
    confidence: float | None
    """Mean probability; None where the bin is empty."""
    accuracy: float | None
    """Share of right texts; None where the bin is empty."""

    @property
    def gap(self) -> float:
        """Distance between confidence and accuracy."""
        return 0.0 if self.confidence is None or self.accuracy is None else abs(self.confidence - self.accuracy)


@dataclass(frozen=True)
class Coverage:
    """What remains when only texts with at least the probability `threshold` are accepted."""

    threshold: float
    coverage: float
    """Share of all texts that is accepted."""
    risk: float | None
    """Share of wrong texts among the accepted; None where none is accepted."""


@dataclass(frozen=True)
class Calibration:
    """Probability against truth."""

    mean_confidence: float
    expected_error: float
    """Expected calibration error: mean distance between the confidence and the accuracy of a bin."""
    bins: tuple[Bin, ...]
    coverages: tuple[Coverage, ...]


def calibrate(probabilities: Sequence[float], right: Sequence[bool]) -> Calibration:
    """Compare the probabilities of the texts, `[n]` in 0…1, with whether each is right, `[n]`.

    Raises:
        AocrError: there is no text.
        ValueError: the two differ in length, or a probability is not in 0…1.
    """
    if not all(0 <= probability <= 1 + ROUNDING for probability in probabilities):
        raise ValueError("probabilities must be between 0 and 1")
    pairs = [(min(1.0, probability), ok) for probability, ok in zip(probabilities, right, strict=True)]
    if not pairs:
        raise AocrError("there is nothing to calibrate: no text was compared")
    bins = tuple(_bin(index, pairs) for index in range(BINS))
    return Calibration(
        mean_confidence=sum(probability for probability, _ in pairs) / len(pairs),
        expected_error=sum(b.count * b.gap for b in bins) / len(pairs),
        bins=bins,
        coverages=tuple(_coverage(threshold, pairs) for threshold in THRESHOLDS),
    )


def _bin(index: int, pairs: list[tuple[float, bool]]) -> Bin:
    low, high = index / BINS, (index + 1) / BINS
    inside = [(p, ok) for p, ok in pairs if low < p <= high or p == low == 0]
    if not inside:
        return Bin(low, high, 0, None, None)
    count = len(inside)
    return Bin(low, high, count, sum(p for p, _ in inside) / count, sum(ok for _, ok in inside) / count)


def _coverage(threshold: float, pairs: list[tuple[float, bool]]) -> Coverage:
    accepted = [ok for p, ok in pairs if p >= threshold]
    risk = 1 - sum(accepted) / len(accepted) if accepted else None
    return Coverage(threshold, len(accepted) / len(pairs), risk)
