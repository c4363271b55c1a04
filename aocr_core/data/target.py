"""A data set in the making: where records and rejected rows go, and the report on both."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TextIO

from aocr_core import storage
from aocr_core.data import info, records
from aocr_core.data.annotations import Rejection, printable
from aocr_core.data.check import Accepted
from aocr_core.data.info import DatasetInfo, Tally
from aocr_core.data.records import Record
from aocr_core.errors import UsageError

REJECTED = "rejected.tsv"

SHOWN = 50
"""Rejections that a report holds; `rejected.tsv` has them all."""

_LINES_PER_KIND = 10


@dataclass(frozen=True)
class BuildReport:
    """How the building of a data set went."""

    info: DatasetInfo
    rejected: tuple[Rejection, ...] = ()
    """The first `SHOWN` of them; `info.rejected` counts all."""
    lines: dict[str, tuple[int, ...]] = field(default_factory=dict)
    """Reason of rejection or kind of warning -> the first lines that it is about."""

    @property
    def accepted(self) -> int:
        """Rows that became records."""
        return self.info.rows

    @property
    def read(self) -> int:
        """Rows that were read; empty lines are none."""
        return self.info.rows + sum(self.info.rejected.values())

    def __str__(self) -> str:
        lines = [f"{self.read} rows read, {self.accepted} accepted, {self.read - self.accepted} rejected"]
        lines += [self._counted("rejected", kind, count) for kind, count in self.info.rejected.items()]
        lines += [self._counted("warning", kind, count) for kind, count in self.info.warnings.items()]
        return "\n".join(lines)

    def _counted(self, title: str, kind: str, count: int) -> str:
        lines = self.lines.get(kind, ())
        numbers = ", ".join(map(str, lines)) + (", …" if count > len(lines) else "")
        return f"{count:6}  {title}: {kind} (line{'s' if count > 1 else ''} {numbers})"


class _Sink(Protocol):
    def write(self, record: Record) -> None: ...


class Target:
    """A data set in the making: its records, its rejected rows, and what is counted of both.

    Args:
        sink: where records go; None only counts.
        rejections: where rejected rows go, as `line`, `path` and `reason` separated by tabs.
    """

    def __init__(self, sink: _Sink | None = None, rejections: TextIO | None = None) -> None:
        self.tally = Tally()
        self._size = 0
        self._sink = sink
        self._rejections = rejections
        self._rejected: list[Rejection] = []
        self._lines: dict[str, list[int]] = {}
        if rejections:
            rejections.write("line\tpath\treason\n")

    def accept(self, row: Accepted) -> None:
        """Write and count a row."""
        if self._sink:
            self._sink.write(row.record)
        self.tally.add(row.record)
        for kind in row.warnings:
            self.tally.warnings[kind] += 1
            self._note(kind, row.line)

    def reject(self, row: Rejection) -> None:
        """Count a row that is not used."""
        self.tally.rejected[row.kind] += 1
        self._note(row.kind, row.line)
        if len(self._rejected) < SHOWN:
            self._rejected.append(row)
        if self._rejections:
            self._rejections.write(f"{row.line}\t{printable(row.path)}\t{printable(row.reason)}\n")

    def _note(self, kind: str, line: int) -> None:
        lines = self._lines.setdefault(kind, [])
        if len(lines) < _LINES_PER_KIND:
            lines.append(line)

    def describe(self, files: Iterable[Path], description: Path) -> None:
        """Write what is known of the finished record files."""
        self._size = sum(file.stat().st_size for file in files)
        description.write_text(self.report().info.model_dump_json(indent=1) + "\n", encoding="utf-8")

    def report(self) -> BuildReport:
        """What has been counted so far."""
        lines = {kind: tuple(numbers) for kind, numbers in self._lines.items()}
        return BuildReport(self.tally.info(self._size), tuple(self._rejected), lines)


@contextmanager
def open_target(output: str, shards: int | None = None) -> Iterator[Target]:
    """A data set that is published at `output`, with its description, when the block ends well.

    Args:
        output: `NAME.tfrecords` for one file, with `NAME.tfrecords.json` and `NAME.tfrecords.rejected.tsv` beside it;
            else a folder of shards with `dataset.json` and `rejected.tsv`.
        shards: number of files in a folder; None: by size.

    Raises:
        UsageError: the folder holds something that is no data set.
        AocrError: it cannot be written.
    """
    if output.endswith(records.ENDING):
        with (
            storage.output_file(info.place(output)) as description,  # published last: newer than what it describes
            storage.output_file(rejected_place(output)) as rejected,
            storage.output_file(output) as file,
        ):
            with records.Writer(file) as sink, rejected.open("w", encoding="utf-8") as rejections:
                target = Target(sink, rejections)
                yield target
            target.describe([file], description)
        return
    _refuse_foreign(output)
    with storage.output_dir(output) as folder:
        with (
            records.ShardWriter(folder, shards) as shard_sink,
            (folder / REJECTED).open("w", encoding="utf-8") as rejections,
        ):
            target = Target(shard_sink, rejections)
            yield target
        target.describe(folder.glob(f"*{records.ENDING}"), folder / info.NAME)


def rejected_place(output: str) -> str:
    """Where the rejected rows of a data set are listed: in its folder, or beside its single file."""
    return f"{output}.{REJECTED}" if output.endswith(records.ENDING) else storage.join(output, REJECTED)


def _refuse_foreign(folder: str) -> None:
    """A data set takes the place of an older one, and of nothing else."""
    others = [
        name
        for name in storage.entries(folder)
        if not name.endswith(records.ENDING) and name not in (info.NAME, REJECTED)
    ]
    if others:
        raise UsageError(f"{folder} holds other things ({others[0]}): name a new folder, or NAME{records.ENDING}")
