"""Data sets for a pipeline: one to train on, one to judge by, no image in both."""

from contextlib import ExitStack

from aocr_core.config import DataOptions, PrepareOptions
from aocr_core.data.build import BuildReport, build_dataset, fill, require
from aocr_core.data.records import Record
from aocr_core.data.target import Target, open_target
from aocr_core.errors import AocrError

KEYS = 1 << 63
"""Number of different `Record.key`s."""


def build_training_and_test(
    annotations: str,
    test_annotations: str,
    training: str,
    test: str,
    test_share: float,
    options: PrepareOptions,
    data: DataOptions,
) -> dict[str, float]:
    """Build a training and a test set, from an annotation file each or by holding a share of the images out.

    What is held out is decided by each image's content: copies of an image stay together, and more rows in the
    annotation file leave the side of the older ones as it was.

    Args:
        annotations: annotation file to train on.
        test_annotations: annotation file to judge by; empty: hold out `test_share` of the images.
        training: folder to write.
        test: folder to write.
        test_share: see above.
        options: limits and forms.
        data: how labels become symbols.

    Returns:
        `training_rows`, `test_rows` and `rejected_rows`.

    Raises:
        UsageError: there is no such annotation file.
        AocrError: one side has no row that can be used; or `options.strict` and a row was rejected.
    """
    if test_annotations:
        reports = [
            build_dataset(annotations, training, options, data),
            # A test text that the charset cannot write is one the model gets wrong, not one to leave out of the score.
            build_dataset(test_annotations, test, options, data.model_copy(update={"charset": None})),
        ]
    else:
        reports = _hold_out(annotations, training, test, test_share, options, data)
    return {
        "training_rows": reports[0].accepted,
        "test_rows": reports[1].accepted,
        "rejected_rows": sum(report.read - report.accepted for report in reports),
    }


def _hold_out(
    annotations: str, training: str, test: str, share: float, options: PrepareOptions, data: DataOptions
) -> list[BuildReport]:
    with ExitStack() as stack:
        kept, held = (stack.enter_context(open_target(output, options.shards)) for output in (training, test))

        def side(record: Record) -> Target:
            return held if record.key < share * KEYS else kept

        fill(annotations, options, data, side, rejects=kept)
        require(kept.report(), annotations, options.strict)
        if not held.report().accepted:
            raise AocrError(
                f"{annotations} has too few images to hold {share:.0%} of them out ({kept.report().accepted} of "
                f"{kept.report().read} rows can be used): give a test set of its own (test_annotations)"
            )
    return [kept.report(), held.report()]
