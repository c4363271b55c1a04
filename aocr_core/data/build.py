"""From an annotation file to a data set: every row is checked, counted and written, or rejected with its reason."""

import logging
from collections.abc import Callable, Container, Iterator, Sequence
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
TRAINED_ON = "image of the training data: no fair test"

CheckedRows: TypeAlias = "tuple[int, Iterator[Accepted | Rejection]]"
"""Lines of an annotation file, and what its rows have come to."""

logger = logging.getLogger(__name__)


def build_dataset(
    path: str,
    output: str,
    options: PrepareOptions,
    data: DataOptions,
    folders: Sequence[str] = (),
    seen: dict[int, int] | None = None,
    trained_on: Container[int] = (),
) -> BuildReport:
    """Check every row of an annotation file and write the data set, whole or not at all.

    Args:
        path: the annotation file (see `aocr_core.data.annotations`).
        output: `NAME.tfrecords` for one file, else a folder of shards (see `aocr_core.data.target.open_target`).
        options: limits and forms.
        data: how labels become symbols.
        folders: those with the checked rows of the file, where that has been done (see `aocr_core.data.parts`).
        seen: gets the keys of all images; empty at first.
        trained_on: keys of images to warn of.

    Raises:
        UsageError: there is no annotation file, or `output` is a folder that holds other things.
        AocrError: no row can be used; or `options.strict` and a row was rejected.
    """
    with open_target(output, options.shards) as target:
        fill(rows_of(path, options, data, folders), options, lambda record: target, target, seen, trained_on)
        require(path, options.strict, target.report())
    return target.report()


def survey(path: str, options: PrepareOptions, data: DataOptions) -> BuildReport:
    """Check every row of an annotation file as `build_dataset` does, and write nothing."""
    target = Target()
    fill(rows_of(path, options, data), options, lambda record: target, target)
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
    seen: dict[int, int] | None = None,
    trained_on: Container[int] = (),
) -> None:
    """Send each checked row of an annotation file to the data set that `choose` names, each rejected row to `rejects`.

    Keeps a few bytes for each image, to notice copies; never an image. `seen` and `trained_on` as for `build_dataset`.
    """
    seen = {} if seen is None else seen
    last = 0
    lines, checked = rows
    with progress.track("checking", lines, "lines") as bar:
        for number, row in enumerate(checked, start=1):
            if isinstance(row, Rejection):
                rejects.reject(row)
            else:
                choose(row.record).accept(_compared(row, seen, trained_on))
            bar.advance(row.line - last)
            last = row.line
            if options.log_step and number % options.log_step == 0:
                logger.info("%d rows checked", number)


def _compared(row: Accepted, seen: dict[int, int], trained_on: Container[int]) -> Accepted:
    """The row, with warnings if its image occurred before."""
    label = hash(row.record.label)
    key = row.record.key
    warnings = list(row.warnings)
    if key in trained_on:
        warnings.append(TRAINED_ON)
    if key in seen:
        warnings.append(DUPLICATE if seen[key] == label else CONTRADICTION)
    seen.setdefault(key, label)
    return replace(row, warnings=tuple(warnings))


def require(path: str, strict: bool, report: BuildReport, *others: BuildReport) -> None:
    """Log what was rejected, and stop if nothing is left or, with `strict`, if anything was.

    Args:
        path: the annotation file.
        strict: whether a rejected row is an error.
        report: on the file's rows, all rejected ones among them.
        others: on the other rows of the file, where not all go to the same data set.

    Raises:
        AocrError: the data set must not be written.
    """
    accepted = report.accepted + sum(other.accepted for other in others)
    refused = report.read - report.accepted
    for rejection in report.rejected:
        logger.warning("%s", rejection)
    if refused > len(report.rejected):
        logger.warning("… and %d more", refused - len(report.rejected))
    if strict and refused:
        raise AocrError(
            f"{refused} of {accepted + refused} rows of {path} cannot be used (--strict): nothing was written"
        )
    if not accepted:
        why = ", ".join(f"{count} {kind}" for kind, count in report.info.rejected.items()) or "it has no rows"
        raise AocrError(f"no row of {path} can be used: {why}")
