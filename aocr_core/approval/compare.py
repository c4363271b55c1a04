"""Two models on the same images: their figures, the difference, and the images that they read differently."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rapidfuzz.distance import Levenshtein

from aocr_core.approval.paired import Difference, differences
from aocr_core.charset import Kind
from aocr_core.errors import AocrError
from aocr_core.evaluation.metrics import Summary, TextMetrics, split
from aocr_core.evaluation.results import Row


@dataclass(frozen=True)
class Pair:
    """An image that the two models read differently."""

    number: int
    """Its place in the test set, from 0."""
    path: str
    truth: str
    new: str
    serving: str
    won: bool
    """Whether only the new model reads it right."""
    lost: bool
    """Whether only the model that serves reads it right."""


@dataclass(frozen=True)
class Comparison:
    """The new model against the one that serves."""

    serving: str
    """What serves, in words."""
    export: str
    """Its folder, local or `gs://…`."""
    summary: Summary
    """Its figures."""
    accuracy: Difference
    cer: Difference
    pairs: tuple[Pair, ...]
    """What is read differently; what is lost first, then what is won."""

    @property
    def lost(self) -> int:
        """Images that only the model that serves reads right."""
        return sum(pair.lost for pair in self.pairs)

    @property
    def won(self) -> int:
        """Images that only the new model reads right."""
        return sum(pair.won for pair in self.pairs)


def summarise(rows: Sequence[Row], kind: Kind) -> Summary:
    """The figures of a model.

    Raises:
        AocrError: there are no rows.
    """
    metrics = TextMetrics(kind)
    metrics.update([row.truth for row in rows], [row.text for row in rows])
    return metrics.summary()


def compare(new: Sequence[Row], serving: Sequence[Row], kind: Kind, name: str, export: str) -> Comparison:
    """Compare the two models' readings of the same images, in the same order.

    Both are judged by the new model's truths: those are the task from now on, whatever the old model was trained for
    (letters folded to upper case, for one).

    Args:
        new: what the new model read.
        serving: what the model that serves read.
        kind: what a symbol is in the new model's labels.
        name: what serves, in words.
        export: and where it lies.

    Raises:
        AocrError: these are not the same images.
    """
    if [_image(row) for row in new] != [_image(row) for row in serving]:
        raise AocrError(f"the two models were not judged on the same {len(new)} images: evaluate the new one again")
    judged = [
        Row(ours.path, ours.truth, theirs.text, theirs.probability, _edits(ours.truth, theirs.text, kind))
        for ours, theirs in zip(new, serving, strict=True)
    ]
    both = list(zip(new, judged, strict=True))
    accuracy, cer = differences(
        np.array([int(ours.right) - int(theirs.right) for ours, theirs in both]),
        np.array([ours.edits - theirs.edits for ours, theirs in both]),
        np.array([len(split(ours.truth, kind)) for ours in new]),
    )
    # Two right texts are one text: of two that differ, a right one is right alone.
    pairs = [
        Pair(number, ours.path, ours.truth, ours.text, theirs.text, won=ours.right, lost=theirs.right)
        for number, (ours, theirs) in enumerate(both)
        if split(ours.text, kind) != split(theirs.text, kind)
    ]
    pairs.sort(key=lambda pair: (not pair.lost, not pair.won))
    return Comparison(name, export, summarise(judged, kind), accuracy, cer, tuple(pairs))


def _image(row: Row) -> tuple[str, str]:
    """What tells an image. Where no paths are recorded they are mere numbers, which fit any test set of that size."""
    return row.path, row.truth.upper().casefold()


def _edits(truth: str, text: str, kind: Kind) -> int:
    return Levenshtein.distance(split(truth, kind), split(text, kind))
