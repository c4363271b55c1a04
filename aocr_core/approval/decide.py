"""The rules: what a model must reach, and what must be certain of it, each rule with its own answer."""

import json
from dataclasses import asdict, dataclass
from typing import Any, Literal

from aocr_core.approval.compare import Comparison
from aocr_core.approval.paired import CONFIDENCE, RESAMPLES, Difference
from aocr_core.config import ApproveOptions
from aocr_core.display import percent
from aocr_core.evaluation.metrics import Summary

Code = Literal[
    "floor_reached",
    "floor_missed",
    "first_model",
    "no_change",
    "better",
    "not_worse",
    "gain_too_small",
    "within_noise",
    "worse",
]


@dataclass(frozen=True)
class Reason:
    """What one rule says."""

    code: Code
    passed: bool
    text: str


@dataclass(frozen=True)
class Decision:
    """The verdict and what led to it."""

    reasons: tuple[Reason, ...]
    """The floor's, then the comparison's."""
    summary: Summary
    """The new model's figures."""
    comparison: Comparison | None
    """None if no model serves yet."""
    options: ApproveOptions

    @property
    def approved(self) -> bool:
        """Whether all rules are met."""
        return all(reason.passed for reason in self.reasons)

    @property
    def verdict(self) -> Code:
        """The reason that decided: the first rule that is not met, or the last that is."""
        return next((reason.code for reason in self.reasons if not reason.passed), self.reasons[-1].code)

    def figures(self) -> dict[str, float | bool | str]:
        """Flat, for the metrics of a pipeline: a text for each rule, and in `reasons` those that decided."""
        floor, comparison = self.reasons
        flat: dict[str, float | bool | str] = {
            "approved": self.approved,
            "verdict": self.verdict,
            "floor": floor.text,
            "comparison": comparison.text,
            "reasons": "; ".join(reason.text for reason in self.reasons if reason.passed == self.approved),
            "accuracy": self.summary.accuracy,
            "cer": self.summary.cer,
        }
        if self.comparison:
            difference = self.comparison.accuracy
            flat |= {
                "serving_accuracy": self.comparison.summary.accuracy,
                "serving_cer": self.comparison.summary.cer,
                "gain": difference.value,
                "gain_low": difference.low,
                "gain_high": difference.high,
            }
        return flat

    def to_json(self) -> str:
        """All of it, pictures and texts of single images excepted: what lies in `decision.json`."""
        document: dict[str, Any] = {
            "approved": self.approved,
            "verdict": self.verdict,
            "reasons": [asdict(reason) for reason in self.reasons],
            "options": self.options.model_dump(mode="json"),
            "new": asdict(self.summary),
            "serving": None,
        }
        if found := self.comparison:
            document["serving"] = {"name": found.serving, "export": found.export, **asdict(found.summary)}
            document["differences"] = {
                "accuracy": asdict(found.accuracy),
                "cer": asdict(found.cer),
                "confidence": CONFIDENCE,
                "resamples": RESAMPLES,
            }
            document["images"] = {"read_differently": len(found.pairs), "won": found.won, "lost": found.lost}
        return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def decide(summary: Summary, comparison: Comparison | None, options: ApproveOptions) -> Decision:
    """Apply the rules.

    Args:
        summary: the new model's figures on the test set.
        comparison: with the model that serves, on the same images; None if none does.
        options: floor and margin.
    """
    reasons = (_floor(summary.accuracy, options.min_accuracy), _comparison(comparison, options.min_gain))
    return Decision(reasons, summary, comparison, options)


def _floor(accuracy: float, floor: float) -> Reason:
    if accuracy >= floor:
        return Reason("floor_reached", True, f"{percent(accuracy)} exact is at least the floor of {percent(floor)}")
    return Reason("floor_missed", False, f"{percent(accuracy)} exact is below the floor of {percent(floor)}")


def _comparison(found: Comparison | None, margin: float) -> Reason:
    if found is None:
        return Reason("first_model", True, "no model serves yet")
    if not found.pairs and margin >= 0:
        return Reason("no_change", False, f"it reads every test image as {found.serving} does, which serves already")
    gain = found.accuracy
    seen = f"{_points(gain.value)} points exact against {found.serving}, {_interval(gain)}"
    asked = "" if margin == 0 else f" above {_points(margin)} points, which are asked for"
    if gain.low > margin:
        if gain.low > 0:
            return Reason("better", True, f"better: {seen}")
        return Reason("not_worse", True, f"not worse than allowed: {seen}, all of it{asked}")
    if gain.high < 0:
        return Reason("worse", False, f"worse: {seen}")
    if gain.low > 0:
        return Reason("gain_too_small", False, f"better, but not by enough: {seen}, not all of it{asked}")
    return Reason("within_noise", False, f"no certain difference: {seen}{', not all of it' + asked if asked else ''}")


def _interval(difference: Difference) -> str:
    return f"{percent(CONFIDENCE, 0)} interval {_points(difference.low)} … {_points(difference.high)}"


def _points(share: float) -> str:
    """Percentage points with their sign: `0.0123` -> `+1.2`."""
    return f"{100 * share:+.1f}".replace("-", "\u2212") if round(1000 * share) else "0.0"
