from collections import Counter

import pytest

from aocr_core.direction import direction_of


@pytest.mark.parametrize(
    ("text", "leftward"),
    [
        ("مقالات", True),
        ("שלום", True),
        ("read", False),
        ("(!)", False),
        ("", False),
        ("abc سلام", True),
        ("12ب345", False),
        ("١٢ب٣٤٥", False),
    ],
)
def test_digits_run_from_left_to_right_in_any_script(text: str, leftward: bool):
    assert (direction_of(Counter(text)) == "right-to-left") is leftward
