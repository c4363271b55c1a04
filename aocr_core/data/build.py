"""From an annotation file to a data set: every row is checked, counted and written, or rejected with its reason."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TypeAlias

from aocr_core import progress
from aocr_core.config import DataOptions, PrepareOptions
from aocr_core.data import annotations, check, parts
from aocr_core.data.annotations import Rejection
from aocr_core.data.check import Accepted
from aocr_core.data.records import Record
from aocr_core.data.target import BuildReport, Target, open_target
from aocr_core.errors import AocrError

DUPLICATE = "copy of an earlier row, label included"
CONTRADICTION = "image of an earlier row with another label"

CheckedRows: TypeAlias = "tuple[int, Iterator[Accepted | Rejection]]"
"""Lines of an annotation file, and what its rows have come to."""

logger = logging.getLogger(__name__)


def build_dataset(
    path: str, output: str, options: PrepareOptions, data: DataOptions, folders: Sequence[str] = ()
) -> BuildReport:
    """Check every row of an annotation file and write the data set, whole or not at all.

    Args:
        path: the annotation file (see `aocr_core.data.annotations`).
        output: `NAME.tfrecords` for one file, else a folder of shards (see `aocr_core.data.target.open_target`).
        options: limits and forms.
        data: how labels become symbols.
        folders: those with the checked rows of the file, where that has been done (see `aocr_core.data.parts`).

    Raises:
        UsageError: there is no annotation file, or `output` is a folder that holds other things.
        AocrError: no row can be used; or `options.strict` and a row was rejected.
    """
    with open_target(output, options.shards) as target:
        fill(rows_of(path, options, data, folders), options, lambda record: target, rejects=target)
        require(target.report(), path, options.strict)
    return target.report()


def survey(path: str, options: PrepareOptions, data: DataOptions) -> BuildReport:
    """Check every row of an annotation file as `build_dataset` does, and write nothing."""
    target = Target()
    fill(rows_of(path, options, data), options, lambda record: target, rejects=target)
    return target.report()


def rows_of(path: str, options: PrepareOptions, data: DataOptions, folders: Sequence[str] = ()) -> CheckedRows:
    """The lines of an annotation file, as many as there are, and its checked rows; those of its parts if given."""
    if folders:
        return parts.read(folders)
    return annotations.count_lines(path), check.checked_rows(path, options, data)


def fill(
    rows: CheckedRows,
    options: PrepareOptions,
    choose: Callable[[Record], Target],
    rejects: Target,
) -> None:
    """Send each checked row of an annotation file to the data set that `choose` names, each rejected row to `rejects`.

    Keeps a few bytes for each image, to notice copies; never an image.
    """
    seen: dict[int, int] = {}
    last = 0
    lines, checked = rows
    with progress.track("checking", lines, "lines") as bar:
        for number, row in enumerate(checked, start=1):
            if isinstance(row, Rejection):
                rejects.reject(row)
            else:
                choose(row.record).accept(_compared(row, seen))
            bar.advance(row.line - last)
            last = row.line
            if options.log_step and number % options.log_step == 0:
                logger.info("%d rows checked", number)


def _compared(row: Accepted, seen: dict[int, int]) -> Accepted:
    """The row, with a warning if its image occurred before."""
    label = hash(row.record.label)
    key = row.record.key
    if key not in seen:
        seen[key] = label
        return row
    return replace(row, warnings=(*row.warnings, DUPLICATE if seen[key] == label else CONTRADICTION))


def require(report: BuildReport, path: str, strict: bool) -> None:
    """Log what was rejected, and stop if nothing is left or, with `strict`, if anything was.

    Raises:
        AocrError: the data set must not be written.
    """
    refused = report.read - report.accepted
    for rejection in report.rejected:
        logger.warning("%s", rejection)
    if refused > len(report.rejected):
        logger.warning("… and %d more", refused - len(report.rejected))
    if strict and refused:
        raise AocrError(f"{refused} of {report.read} rows of {path} cannot be used (--strict): nothing was written")
    if not report.accepted:
        why = ", ".join(f"{count} {kind}" for kind, count in report.info.rejected.items()) or "it has no rows"
        raise AocrError(f"no row of {path} can be used: {why}")
