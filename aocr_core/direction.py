"""Which way a text is written (bidirectional types of the Unicode Standard, https://unicode.org/reports/tr9/, table 4).

Labels hold text in reading order. Both heads of the network expect the first symbol at the left end of the image: where
it is at the right end, images are turned round. Numbers within such a text, and foreign words, still run the other way,
which the heads have to learn: where they are most of the text, images stay as they are.
"""

from collections.abc import Mapping
from typing import Literal
from unicodedata import bidirectional

_LEFTWARD, _RIGHTWARD = ("R", "AL"), ("L", "EN", "AN")


def right_to_left(character: str) -> bool:
    """Whether it is a letter of Arabic, Hebrew, Syriac or another script that is written from right to left."""
    return bidirectional(character) in _LEFTWARD


def direction_of(counts: Mapping[str, int]) -> Literal["left-to-right", "right-to-left"]:
    """The direction of most letters and digits.

    Args:
        counts: How often each character occurs.
    """
    leftward = sum(count for character, count in counts.items() if right_to_left(character))
    rightward = sum(count for character, count in counts.items() if bidirectional(character) in _RIGHTWARD)
    return "right-to-left" if leftward > rightward else "left-to-right"
