"""The gate of the pipeline: reads the test set with the model that serves, compares, decides, and leaves a record."""

import logging
from collections.abc import Sequence

from aocr_core.approval import publish
from aocr_core.approval.compare import Comparison, compare, summarise
from aocr_core.approval.decide import Decision, decide
from aocr_core.charset import Kind
from aocr_core.config import ApproveOptions
from aocr_core.deployment import Serving
from aocr_core.errors import AocrError
from aocr_core.evaluation import predictions
from aocr_core.evaluation.results import Row

logger = logging.getLogger(__name__)


def approve(
    results: str,
    dataset: str,
    serving: Serving | None,
    options: ApproveOptions,
    output_dir: str | None = None,
) -> Decision:
    """Approve a model that reaches the floor and is certain to read better than the model that serves now.

    Both have read the same test set: what serves reads it once more, since its old figures were made on whatever the
    test set was then. A first model needs the floor alone; one that reads every image as the old one is no change.

    Args:
        results: folder with the new model's evaluation on the test set (see `aocr_core.evaluation.publish`).
        dataset: the test set.
        serving: what serves now, if anything does yet.
        options: floor, margin, and perhaps another export to compare with instead.
        output_dir: folder for `decision.json`, `decision.html` and `differences.tsv`, or None for no files.

    Raises:
        AocrError: the evaluation or the model that serves cannot be read.
    """
    rows, kind = predictions.load(results)
    if options.serving_export:
        serving = Serving(options.serving_export, options.serving_export)
    comparison = _against(serving, rows, kind, dataset) if serving else None
    decision = decide(summarise(rows, kind), comparison, options)
    for reason in decision.reasons:
        logger.info("%s: %s", "met" if reason.passed else "NOT met", reason.text)
    if output_dir:
        publish.publish(output_dir, decision, dataset, kind)
    return decision


def _against(serving: Serving, rows: Sequence[Row], kind: Kind, dataset: str) -> Comparison:
    from aocr_core.evaluation.judge import evaluate_model

    try:
        found = evaluate_model(serving.export, dataset)
    except AocrError as error:
        raise AocrError(
            f"{serving.name}, which serves, cannot be compared with: {error} (to go on without it, "
            f"move {serving.export} away, or give the new model another --model-name)"
        ) from error
    # Through the table, so that both sides have their texts in its form.
    return compare(rows, predictions.from_tsv(predictions.to_tsv(found.rows)), kind, *serving)
