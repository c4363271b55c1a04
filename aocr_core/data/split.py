"""Data sets for a pipeline: one to train on, one to judge by. What is held out is in one of them only; an image that
annotation files of their own bring into both is warned of.
"""

import logging
from collections.abc import Sequence
from contextlib import ExitStack

from aocr_core import storage
from aocr_core.config import DataOptions, PrepareOptions
from aocr_core.data import parts as in_parts
from aocr_core.data.build import TRAINED_ON, BuildReport, CheckedRows, build_dataset, fill, require, rows_of
from aocr_core.data.records import Record
from aocr_core.data.target import Target, open_target
from aocr_core.errors import AocrError

SIDES = ("training", "test")
"""Folders in a part."""
KEYS = 1 << 63
"""Number of different `Record.key`s."""

logger = logging.getLogger(__name__)


def build_training_and_test(
    annotations: str,
    test_annotations: str,
    training: str,
    test: str,
    test_share: float,
    options: PrepareOptions,
    data: DataOptions,
    parts: Sequence[str] = (),
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
        parts: folders that `check_part` has written of all parts; none: the rows are checked here.

    Returns:
        `training_rows`, `test_rows` and `rejected_rows`.

    Raises:
        UsageError: there is no such annotation file.
        AocrError: one side has no row that can be used; or `options.strict` and a row was rejected.
    """
    ours, theirs = ([storage.join(part, side) for part in parts] for side in SIDES)
    if test_annotations:
        seen: dict[int, int] = {}
        reports = [
            build_dataset(annotations, training, options, data, ours, seen=seen),
            build_dataset(test_annotations, test, options, _for_test(data), theirs, trained_on=seen),
        ]
        if both := reports[1].info.warnings.get(TRAINED_ON):
            logger.warning("%d of %d test rows: %s", both, reports[1].accepted, TRAINED_ON)
    else:
        rows = rows_of(annotations, options, data, ours)
        reports = _hold_out(rows, annotations, training, test, test_share, options)
    return {
        "training_rows": reports[0].accepted,
        "test_rows": reports[1].accepted,
        "rejected_rows": sum(report.read - report.accepted for report in reports),
    }


def check_part(
    annotations: str,
    test_annotations: str,
    folder: str,
    part: int,
    of: int,
    options: PrepareOptions,
    data: DataOptions,
) -> None:
    """Check one part of all rows, for `build_training_and_test` to put together; arguments as there.

    Args:
        annotations: annotation file to train on.
        test_annotations: annotation file to judge by, or empty.
        folder: what to write.
        part: which part, from 0.
        of: how many there are.
        options: limits and forms.
        data: how labels become symbols.
    """
    in_parts.write(annotations, storage.join(folder, SIDES[0]), part, of, options, data)
    if test_annotations:
        in_parts.write(test_annotations, storage.join(folder, SIDES[1]), part, of, options, _for_test(data))


def _for_test(data: DataOptions) -> DataOptions:
    """A test text that the charset cannot write is one the model gets wrong, not one to leave out of the score."""
    return data.model_copy(update={"charset": None})


def _hold_out(
    rows: CheckedRows, annotations: str, training: str, test: str, share: float, options: PrepareOptions
) -> list[BuildReport]:
    with ExitStack() as stack:
        kept, held = (stack.enter_context(open_target(output, options.shards)) for output in (training, test))

        def side(record: Record) -> Target:
            return held if record.key < share * KEYS else kept

        fill(rows, options, side, rejects=kept)
        reports = [kept.report(), held.report()]
        require(annotations, options.strict, *reports)
        if not all(report.accepted for report in reports):
            usable, read = sum(one.accepted for one in reports), sum(one.read for one in reports)
            raise AocrError(
                f"{annotations} has too few images to hold {share:.0%} of them out ({usable} of {read} rows can be "
                "used): give a test set of its own (test_annotations)"
            )
    return [kept.report(), held.report()]
