"""Ink and paper that a person can tell apart."""

from random import Random
from typing import NamedTuple

Colour = tuple[int, int, int]

LEAST_CONTRAST = 90
"""Least difference of luma (0 to 255) between the ink and any part of the paper, before texture and noise."""
_LIGHT_ON_DARK = 0.25


class Colours(NamedTuple):
    """What a word is painted with; the paper runs from the first to the second colour."""

    ink: Colour
    paper: tuple[Colour, Colour]


def luma(colour: Colour) -> float:
    """Brightness as ITU-R BT.601 weighs it, which is what turning an image grey keeps."""
    red, green, blue = colour
    return 0.299 * red + 0.587 * green + 0.114 * blue


def choose_colours(rng: Random) -> Colours:
    """Mostly dark ink on light paper, mostly little coloured; sometimes light on dark, sometimes gaudy."""
    first = _colour(rng, 130, 255)
    ink = _colour(rng, 0, min(luma(first) - LEAST_CONTRAST, 110))
    if rng.random() < 0.6:
        paper = (first, first)
    else:
        paper = (first, _colour(rng, max(luma(ink) + LEAST_CONTRAST, luma(first) - 60), 255))
    colours = Colours(ink, paper)
    return _negative(colours) if rng.random() < _LIGHT_ON_DARK else colours


def _colour(rng: Random, darkest: float, lightest: float) -> Colour:
    """A colour whose luma lies in the range."""
    while True:
        grey = rng.uniform(darkest, lightest)
        tint = 140 * rng.random() ** 2
        red, green, blue = (min(max(round(grey + rng.uniform(-tint, tint)), 0), 255) for _ in range(3))
        if darkest <= luma((red, green, blue)) <= lightest:
            return red, green, blue


def _negative(colours: Colours) -> Colours:
    def turn(colour: Colour) -> Colour:
        red, green, blue = (255 - level for level in colour)
        return red, green, blue

    return Colours(turn(colours.ink), (turn(colours.paper[0]), turn(colours.paper[1])))
