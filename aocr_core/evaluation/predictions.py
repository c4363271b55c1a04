"""What an evaluation leaves of every image: a table, for people and for whoever compares two models."""

import json
from collections.abc import Iterable

from aocr_core import storage
from aocr_core.charset import Kind
from aocr_core.display import tsv_line
from aocr_core.errors import AocrError
from aocr_core.evaluation.results import Row

TABLE, FIGURES = "predictions.tsv", "metrics.json"
HEADER = ("path", "truth", "text", "probability", "edits")


def to_tsv(rows: Iterable[Row]) -> str:
    """A header and one line for each image."""
    lines = (tsv_line(row.path, row.truth, row.text, f"{row.probability:.6f}", row.edits) for row in rows)
    return tsv_line(*HEADER) + "".join(lines)


def from_tsv(table: str) -> list[Row]:
    """The rows of `to_tsv`; a tab or line end in a text stays the two characters that stand for it.

    Raises:
        ValueError: it is another table.
    """
    # Not by `splitlines`: a text may hold what Unicode calls the end of a line.
    header, *lines = table.removesuffix("\n").split("\n")
    if header != tsv_line(*HEADER).rstrip("\n"):
        raise ValueError(f"the columns are not {', '.join(HEADER)}")
    cells = (line.split("\t") for line in lines)
    return [Row(path, truth, text, float(probability), int(edits)) for path, truth, text, probability, edits in cells]


def load(folder: str) -> tuple[list[Row], Kind]:
    """The rows that an evaluation wrote to a folder, and what a symbol is in them.

    Raises:
        AocrError: there is no evaluation, or it is damaged.
    """
    table, figures = (storage.join(folder, name) for name in (TABLE, FIGURES))
    try:
        kind = json.loads(storage.read_bytes(figures))["unit"]
        return from_tsv(storage.read_bytes(table).decode()), kind
    except (ValueError, KeyError, TypeError) as error:
        raise AocrError(f"{folder} holds no evaluation, or a damaged one: {error}") from error
