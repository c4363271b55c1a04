"""Readings to compare, in few words."""

from collections.abc import Sequence

from rapidfuzz.distance import Levenshtein

from aocr_core.approval.compare import Comparison, compare
from aocr_core.evaluation.results import Row


def rows(truths: Sequence[str], texts: Sequence[str]) -> list[Row]:
    return [
        Row(f"{number}.png", truth, text, 0.9, Levenshtein.distance(truth, text))
        for number, (truth, text) in enumerate(zip(truths, texts, strict=True))
    ]


def compared(truths: Sequence[str], new: Sequence[str], serving: Sequence[str]) -> Comparison:
    return compare(rows(truths, new), rows(truths, serving), "characters", "version 7", "serving/aocr/7")


def outcome(both: int = 0, won: int = 0, lost: int = 0, neither: int = 0) -> tuple[list[str], list[str], list[str]]:
    """Truths, new texts and serving texts of so many images."""
    new = ["right"] * both + ["right"] * won + ["wrong"] * lost + ["wrong"] * neither
    serving = ["right"] * both + ["wrong"] * won + ["right"] * lost + ["wrong"] * neither
    return ["right"] * len(new), new, serving
