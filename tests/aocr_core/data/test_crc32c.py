import pytest
from hypothesis import given
from hypothesis import strategies as st

from aocr_core.data.crc32c import crc32c


def bit_by_bit(data: bytes) -> int:
    """The definition."""
    register = 0xFFFFFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (0x82F63B78 if register & 1 else 0)
    return register ^ 0xFFFFFFFF


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", 0),
        (b"123456789", 0xE3069283),
        (bytes(32), 0x8A9136AA),  # this and the next three: RFC 3720, B.4
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(range(31, -1, -1)), 0x113FDB5C),
    ],
)
def test_published_values(data: bytes, expected: int):
    assert crc32c(data) == expected


@given(st.binary(max_size=3000))
def test_agrees_with_the_definition(data: bytes):
    assert crc32c(data) == bit_by_bit(data)


@pytest.mark.parametrize("size", [1019, 1020, 1021, 1024, 65531, 65532, 65533, 200_000])
def test_at_the_edges_of_blocks(size: int):
    data = bytes(index * 31 % 251 for index in range(size))
    assert crc32c(data) == bit_by_bit(data)
