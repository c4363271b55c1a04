"""What is known of a data set without reading it again: `dataset.json` beside the records."""

import hashlib
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from itertools import accumulate
from typing import TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from aocr_core import storage
from aocr_core.charset import Kind
from aocr_core.data import images, records
from aocr_core.data.records import Record

NAME = "dataset.json"

MAX_TOKENS = 20_000
"""Distinct blank-separated tokens that are counted: labels with more are text, whose words nobody needs counted."""

OnWarning: TypeAlias = Callable[[Record, str], object]
"""What is told of each record whose image calls for a warning, and where the record lies."""

MISREAD = "not plain: TensorFlow may misread it; build the data set from the image files"


class Spread(BaseModel):
    """How sizes in pixels are spread."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min: int = 0
    median: int = 0
    max: int = 0


class DatasetInfo(BaseModel):
    """What training needs to know of a data set, and what its owner wants to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: int
    symbols: dict[str, int] = Field(default_factory=dict)
    """How often each character occurs in the labels."""
    tokens: dict[str, int] = Field(default_factory=dict)
    """How often each blank-separated token occurs; empty if there are more than `MAX_TOKENS` different ones."""
    label_lengths: dict[int, int] = Field(default_factory=dict)
    """Characters in a label -> number of labels."""
    token_lengths: dict[int, int] = Field(default_factory=dict)
    """Tokens in a label -> number of labels."""
    aspect_ratios: dict[str, int] = Field(default_factory=dict)
    """Width / height, rounded up to one decimal -> number of images."""
    widths: Spread = Spread()
    heights: Spread = Spread()
    rejected: dict[str, int] = Field(default_factory=dict)
    """Reason -> rows that were not used when the data set was built."""
    warnings: dict[str, int] = Field(default_factory=dict)
    fingerprint: str = ""
    """SHA-256 of all images and labels in order: the same for the same data, however it is cut into files."""
    size: int = 0
    """Bytes of the record files that this describes."""

    def symbol_counts(self, kind: Kind = "characters", uppercase: bool = False) -> Counter[str]:
        """How often each symbol occurs in the labels, the most frequent first as long as they are not folded.

        Args:
            kind: What a symbol is. Of too many different tokens none is counted.
            uppercase: Fold to upper case. The capital of one character may be several: that of ß is SS.
        """
        if kind == "tokens":
            folded = ((token.upper() if uppercase else token, count) for token, count in self.tokens.items())
        else:
            folded = (
                (part, n) for symbol, n in self.symbols.items() for part in (symbol.upper() if uppercase else symbol)
            )
        counts: Counter[str] = Counter()
        for symbol, count in folded:
            counts[symbol] += count
        return counts

    def longest_label(self, kind: Kind = "characters") -> int:
        """Symbols in the longest label; 0 without labels."""
        return max(self.token_lengths if kind == "tokens" else self.label_lengths, default=0)

    def mean_label(self, kind: Kind = "characters") -> float:
        """Mean symbols of a label; 0.0 without labels."""
        return _mean(self.token_lengths if kind == "tokens" else self.label_lengths)

    def aspect_quantile(self, q: float) -> float:
        """The least width / height that the share `q` of the images does not exceed; 1.0 without images."""
        return float(quantile({float(ratio): count for ratio, count in self.aspect_ratios.items()}, q) or 1.0)

    @property
    def mean_aspect(self) -> float:
        """Mean of width / height; 1.0 without images."""
        return _mean({float(ratio): count for ratio, count in self.aspect_ratios.items()}) or 1.0


def _mean(counts: Mapping[float, int] | Mapping[int, int]) -> float:
    """Mean of values with the number of times each occurs; 0 if nothing was counted."""
    return sum(value * count for value, count in counts.items()) / (sum(counts.values()) or 1)


def quantile(counts: dict[float, int] | dict[int, int], q: float) -> float:
    """The least value that the share `q` of the counted does not exceed; 0 if nothing was counted."""
    wanted = q * sum(counts.values())
    covered = accumulate(count for _, count in sorted(counts.items()))
    return next((value for value, count in zip(sorted(counts), covered, strict=True) if count >= wanted), 0)


class Tally:
    """Counts records as they go by; its memory does not grow with their number."""

    def __init__(self) -> None:
        self.rows = 0
        self.rejected: Counter[str] = Counter()
        self.warnings: Counter[str] = Counter()
        self._symbols: Counter[str] = Counter()
        self._tokens: Counter[str] | None = Counter()
        self._label_lengths: Counter[int] = Counter()
        self._token_lengths: Counter[int] = Counter()
        self._aspects: Counter[int] = Counter()  # in tenths
        self._widths: Counter[int] = Counter()
        self._heights: Counter[int] = Counter()
        self._hash = hashlib.sha256()

    def add(self, record: Record) -> None:
        """Count a record; a width of 0 is left out of the sizes."""
        self.rows += 1
        self._symbols.update(record.label)
        self._label_lengths[len(record.label)] += 1
        tokens = record.label.split()
        self._token_lengths[len(tokens)] += 1
        if self._tokens is not None:
            self._tokens.update(tokens)
            if len(self._tokens) > MAX_TOKENS:
                self._tokens = None
        if record.width and record.height:
            self._aspects[math.ceil(round(10 * record.width / record.height, 6))] += 1
            self._widths[record.width] += 1
            self._heights[record.height] += 1
        for part in (record.image, record.label.encode("utf-8")):
            self._hash.update(len(part).to_bytes(8, "little"))
            self._hash.update(part)

    def info(self, size: int) -> DatasetInfo:
        """What was counted, of record files of `size` bytes in all."""
        return DatasetInfo(
            rows=self.rows,
            symbols=_by_count(self._symbols),
            tokens=_by_count(self._tokens or Counter()),
            label_lengths=dict(sorted(self._label_lengths.items())),
            token_lengths=dict(sorted(self._token_lengths.items())),
            aspect_ratios={f"{tenths / 10:.1f}": count for tenths, count in sorted(self._aspects.items())},
            widths=_spread(self._widths),
            heights=_spread(self._heights),
            rejected=_by_count(self.rejected),
            warnings=_by_count(self.warnings),
            fingerprint=self._hash.hexdigest(),
            size=size,
        )


def _by_count(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _spread(counts: Counter[int]) -> Spread:
    if not counts:
        return Spread()
    return Spread(min=min(counts), median=int(quantile(counts, 0.5)), max=max(counts))


def place(dataset: str) -> str:
    """Where the description of a data set is: in its folder, or beside its single file."""
    return f"{dataset}.json" if dataset.endswith(records.ENDING) else storage.join(dataset, NAME)


def load(dataset: str, on_warning: OnWarning | None = None) -> DatasetInfo:
    """The description of a data set, read from its JSON file; if that is missing or older, by reading all records.

    Args:
        dataset: a record file (also one of aocr 0.7.6), or a folder of shards.
        on_warning: see `scan`; those of a data set that was built here had been checked.

    Raises:
        UsageError: there is no such data set.
        AocrError: it is damaged or empty.
    """
    files = records.files(dataset)
    found = [storage.stat(file) for file in files]
    description = storage.stat(place(dataset))
    if description and description.modified >= max(file.modified for file in found if file):
        try:
            info = DatasetInfo.model_validate_json(storage.read_bytes(place(dataset)))
        except ValidationError:
            pass  # of another version: the records themselves tell
        else:
            if info.size == sum(file.size for file in found if file):
                return info
    return scan(files, sum(file.size for file in found if file), on_warning)


def scan(files: Iterable[str], size: int = 0, on_warning: OnWarning | None = None) -> DatasetInfo:
    """The description of record files, made by reading them. Images of foreign records are checked on the way.

    Args:
        files: their paths.
        size: bytes of all of them.
        on_warning: is told of the foreign records whose images call for a warning.
    """
    tally = Tally()
    for file in files:
        for number, record in enumerate(records.read([file]), start=1):
            if record.width:
                tally.add(record)
                continue
            measured, warnings = _measured(record)
            tally.add(measured)
            tally.warnings.update(warnings)
            if warnings and on_warning:
                on_warning(record, f"record {number} of {file}")
    return tally.info(size)


def _measured(record: Record) -> tuple[Record, tuple[str, ...]]:
    """The record with the size of its image, and what is to be said of that."""
    try:
        image = images.plain(record.image)
    except images.ImageError as error:
        return record, (error.kind,)
    warnings = image.warnings if image.data == record.image else (*image.warnings, MISREAD)
    return Record(record.image, record.label, record.comment, image.width, image.height), warnings
