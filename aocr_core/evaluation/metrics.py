"""How far the texts that were read are from the truth.

An object collects batches (`update`) and gives the figures at any time (`summary`), after the metrics of docTR
(https://github.com/mindee/doctr, `doctr/utils/metrics.py`). Texts are compared as they are, code point by code
point: nothing is stripped or normalised here. With a charset of tokens the unit of every figure is the token.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rapidfuzz.distance import Levenshtein

from aocr_core.charset import Kind
from aocr_core.errors import AocrError


@dataclass(frozen=True)
class Summary:
    """The figures of a set of texts; all but `count` are shares."""

    count: int
    """Number of texts."""
    accuracy: float
    """Share of texts that are right to the last symbol."""
    caseless_accuracy: float
    """The same when upper and lower case count as one (Unicode case folding)."""
    cer: float
    """Character (or token) error rate: all edits needed, over all symbols of the truths. May exceed 1."""
    one_minus_ned: float
    """1-NED: mean of `1 - edits / length of the longer text`, as in the ICDAR competitions."""
    character_similarity: float
    """What aocr 0.7.6 called accuracy: mean of `1 - min(1, edits / length of the truth)`."""


def split(text: str, kind: Kind) -> Sequence[str]:
    """The units that are compared: the tokens between blanks, or the characters."""
    return text.split() if kind == "tokens" else text


def similarity(edits: int, length: int) -> float:
    """The score that aocr 0.7.6 gave one image: `1 - min(1, edits / length)`.

    Args:
        edits: Levenshtein distance between text and truth.
        length: symbols in the truth. An empty truth is either met (1) or missed (0).
    """
    return 1.0 - min(1.0, edits / max(1, length))


def wilson_interval(share: float, count: int) -> tuple[float, float]:
    """Where the true share lies with 95 % confidence when `share` of `count` was seen (Wilson 1927).

    Unlike the plain normal interval it stays within 0…1 and is of use for few images and for shares near 1.
    """
    z = 1.959964
    centre = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return max(0.0, centre - half), min(1.0, centre + half)


class TextMetrics:
    """Collects pairs of truth and text: `metrics.update(["AB"], ["A8"]); metrics.summary().cer == 0.5`.

    An empty truth is a truth like any other: read as nothing it is right (similarity and 1-NED 1), read as
    something it is wrong (both 0), and the symbols read count as edits in the CER. Where all truths are
    empty the CER has no denominator; it is then the number of edits itself.
    """

    def __init__(self, kind: Kind = "characters") -> None:
        self.kind: Kind = kind
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self._count = self._exact = self._caseless = 0
        self._edits = self._symbols = 0
        self._one_minus_ned = self._similarity = 0.0

    def update(self, truths: Sequence[str], texts: Sequence[str]) -> None:
        """Add a batch.

        Args:
            truths: what stands in the images, `[batch]`.
            texts: what was read, `[batch]`.

        Raises:
            ValueError: the two differ in length.
        """
        for truth, text in zip(truths, texts, strict=True):
            self._add(truth, text)

    def _add(self, truth: str, text: str) -> None:
        wanted, read = split(truth, self.kind), split(text, self.kind)
        edits = Levenshtein.distance(wanted, read)
        self._count += 1
        self._exact += edits == 0
        self._caseless += split(truth.casefold(), self.kind) == split(text.casefold(), self.kind)
        self._edits += edits
        self._symbols += len(wanted)
        self._one_minus_ned += 1.0 - edits / max(1, len(wanted), len(read))
        self._similarity += similarity(edits, len(wanted))

    def summary(self) -> Summary:
        """The figures of everything added since the last `reset`.

        Raises:
            AocrError: nothing was added.
        """
        if not self._count:
            raise AocrError("there is nothing to measure: no text was compared")
        return Summary(
            count=self._count,
            accuracy=self._exact / self._count,
            caseless_accuracy=self._caseless / self._count,
            cer=self._edits / max(1, self._symbols),
            one_minus_ned=self._one_minus_ned / self._count,
            character_similarity=self._similarity / self._count,
        )
