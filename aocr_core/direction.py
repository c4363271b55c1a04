"""Which way a text is written (the Unicode Bidirectional Algorithm's strong types, https://unicode.org/reports/tr9/).

Labels hold text in reading order. Both heads of the network expect the first symbol at the left end of the image: where
it is at the right end, images are turned round. Numbers within such a text still run the other way, which the heads
have to learn.
"""

from collections.abc import Mapping
from unicodedata import bidirectional


def right_to_left(character: str) -> bool:
    """Whether it is a letter of Arabic, Hebrew, Syriac or another script that is written from right to left."""
    return bidirectional(character) in ("R", "AL")


def mostly_right_to_left(counts: Mapping[str, int]) -> bool:
    """Whether most of what has a direction has that one.

    Args:
        counts: How often each character occurs.
    """
    leftward = sum(count for character, count in counts.items() if right_to_left(character))
    rightward = sum(count for character, count in counts.items() if bidirectional(character) == "L")
    return leftward > rightward
