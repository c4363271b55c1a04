from collections import Counter

import pytest

from aocr_core.direction import mostly_right_to_left


@pytest.mark.parametrize(
    ("text", "expected"),
    [("مقالات", True), ("שלום", True), ("read", False), ("١٩٥٦ 1956 (!)", False), ("", False), ("abc سلام", True)],
)
def test_numbers_and_signs_have_no_say(text: str, expected: bool):
    assert mostly_right_to_left(Counter(text)) == expected
