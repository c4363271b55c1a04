"""How sure it is that one model reads better than another that has read the same images.

Two models err on much the same images, so their difference is judged image by image, which tells far smaller
differences apart than two separate intervals would. The interval is the percentile bootstrap's over the images (Efron
and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13). Where the models differ on a handful of images
that alone is too sure of itself: of 100 images read alike it would conclude that there is no difference at all. So
one image is added that only the first model reads and one that only the second does, as in the adjusted interval for
paired shares of Bonett and Price (2012, https://doi.org/10.3102/1076998611411915).
"""

from dataclasses import dataclass

import numpy as np

CONFIDENCE = 0.95
RESAMPLES = 10_000
_AT_ONCE = 4_000_000
"""Numbers drawn at a time: 32 MB."""


@dataclass(frozen=True)
class Difference:
    """A figure of the new model less that of the other, and where the true difference lies with `CONFIDENCE`."""

    value: float
    low: float
    high: float


def differences(
    gains: np.ndarray, edits: np.ndarray, symbols: np.ndarray, resamples: int = RESAMPLES, seed: int = 1
) -> tuple[Difference, Difference]:
    """The differences of exact accuracy and of the character error rate.

    Args:
        gains: 1 where only the new model is right, -1 where only the other is, 0 where they agree, `[images]`.
        edits: edits that the new model's text needs, less those of the other's, `[images]`.
        symbols: length of the truth, `[images]`.
        resamples: how often the images are drawn again.
        seed: the same seed gives the same intervals.

    Raises:
        ValueError: there are no images.
    """
    images = len(gains)
    if not images:
        raise ValueError("no images to compare")
    # Images that are alike in all three count together: what is drawn is how many there are of each kind.
    kinds, counts = np.unique(np.stack([gains, edits, symbols], axis=1), axis=0, return_counts=True)
    accuracy, cer = _figures(counts[None] @ kinds, images)
    length = symbols.mean()
    kinds = np.concatenate([kinds, [[1.0, -1.0, length], [-1.0, 1.0, length]]])
    counts = np.append(counts, [1, 1])
    drawn = _figures(_draw(kinds, counts, resamples, np.random.default_rng(seed)), images + 2)
    return _difference(accuracy[0], drawn[0]), _difference(cer[0], drawn[1])


def _draw(kinds: np.ndarray, counts: np.ndarray, resamples: int, rng: np.random.Generator) -> np.ndarray:
    """The sums of `kinds` over as many images drawn with replacement, once a resample, `[resamples, 3]`."""
    images = counts.sum()
    step = max(1, _AT_ONCE // len(counts))
    sizes = [min(step, resamples - start) for start in range(0, resamples, step)]
    return np.concatenate([rng.multinomial(images, counts / images, size=size) @ kinds for size in sizes])


def _figures(sums: np.ndarray, images: int) -> tuple[np.ndarray, np.ndarray]:
    return sums[:, 0] / images, sums[:, 1] / np.maximum(1, sums[:, 2])


def _difference(value: float, drawn: np.ndarray) -> Difference:
    rest = (1 - CONFIDENCE) / 2
    low, high = np.quantile(drawn, [rest, 1 - rest])
    return Difference(float(value), float(min(low, value)), float(max(high, value)))
