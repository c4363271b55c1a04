"""How long to train, and the learning rate on the way."""

import math

# Before training ends by itself: small sets need many passes, large ones at least a few.
LEAST_IMAGES = 65_000
LEAST_EPOCHS = 4
PRETRAINED_SHARE = 0.83
"""Of `LEAST_IMAGES`, where the training begins with rendered words."""

RAMP_SHARE = 0.25
"""Share of the training in which the distortions grow to their full strength."""

WARM_UP_SHARE = 0.05
MOST_WARM_UP_STEPS = 1000
FLOOR = 0.01
"""The learning rate ends at this share of its peak."""


FULL_DISTORTION_EPOCHS = 20
"""With so many passes over the same images, the distortions have their full strength at the end."""


def distortion(epochs: float) -> float:
    """Strength of the distortions: images that are seen only a few times are not learnt by heart anyway."""
    return min(1.0, epochs / FULL_DISTORTION_EPOCHS)


def default_epochs(rows: int, pretrained: bool = False) -> int:
    """Passes over `rows` training images when the user names none."""
    images = LEAST_IMAGES * (PRETRAINED_SHARE if pretrained else 1.0)
    return max(LEAST_EPOCHS, math.ceil(images / rows))


def rate(progress: float, warm_up: float, peak: float) -> float:
    """Linear warm-up, then half a cosine (Loshchilov and Hutter, https://arxiv.org/abs/1608.03983).

    Args:
        progress: Share of the training that is done, 0 to 1; of the steps, or of the time budget, whichever is further.
        warm_up: Share of the training in which the rate rises.
        peak: Highest rate.

    Returns:
        The learning rate.
    """
    if progress < warm_up:
        return peak * max(progress, warm_up / 100) / warm_up
    done = min(1.0, (progress - warm_up) / (1.0 - warm_up))
    return peak * (FLOOR + (1.0 - FLOOR) * 0.5 * (1.0 + math.cos(math.pi * done)))


def warm_up_share(steps: int) -> float:
    """Share of the training spent warming up."""
    return min(WARM_UP_SHARE, MOST_WARM_UP_STEPS / steps)
