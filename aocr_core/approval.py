"""Decides whether a new model may serve."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from aocr_core import exports, storage
from aocr_core.config import ApproveOptions
from aocr_core.display import percent

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Decision:
    """The verdict and what led to it."""

    approved: bool
    reasons: tuple[str, ...]
    accuracy: float
    serving_accuracy: float | None
    """Exact accuracy of the model that serves now on the same test set, None if none serves."""

    def figures(self) -> dict[str, float | bool | str]:
        """Flat, for the metrics of a pipeline."""
        compared = {} if self.serving_accuracy is None else {"serving_accuracy": self.serving_accuracy}
        reasons = "; ".join(self.reasons)
        return {"approved": self.approved, "accuracy": self.accuracy, "reasons": reasons, **compared}


def approve(
    figures: Mapping[str, float], dataset: str, serving_dir: str, model_name: str, options: ApproveOptions
) -> Decision:
    """Approve a model that reaches the floor and reads no worse than the model that serves now.

    Both are judged by exact accuracy on the same test set, so the model that serves is read with once more: its old
    figures were made on whatever the test set was then. A model that reads as well as it passes.

    Args:
        figures: what `evaluate` found for the new model; its `accuracy` is used.
        dataset: the test set that they were found on.
        serving_dir: folder of all served models, local or `gs://…`.
        model_name: the served model to compare with, if there is one yet.
        options: the floor.

    Raises:
        AocrError: the model that serves cannot be read.
    """
    accuracy = figures["accuracy"]
    floor = options.min_accuracy
    reached = accuracy >= floor
    reasons = [f"{percent(accuracy)} exact is {'at least' if reached else 'below'} the floor of {percent(floor)}"]
    served = exports.newest(storage.join(serving_dir, model_name))
    serving_accuracy = _accuracy(served[1], dataset) if served else None
    if served and serving_accuracy is not None:
        word = "worse than" if accuracy < serving_accuracy else "no worse than"
        reasons.append(f"{word} the {percent(serving_accuracy)} of version {served[0]}, which serves now")
    approved = reached and (serving_accuracy is None or accuracy >= serving_accuracy)
    logger.info("%s: %s", "approved" if approved else "not approved", ", ".join(reasons))
    return Decision(approved, tuple(reasons), accuracy, serving_accuracy)


def _accuracy(export: str, dataset: str) -> float:
    from aocr_core.evaluation.judge import evaluate_model

    return evaluate_model(export, dataset).summary.accuracy
