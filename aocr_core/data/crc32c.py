"""CRC-32C (Castagnoli), the checksum of TFRecord files, with nothing but numpy: some 300 MB/s.

The checksum is linear: that of a message is the exclusive or of what each byte contributes, and a contribution
depends only on the byte and on how many bytes follow it. So a block is one table look-up and one reduction, and
blocks are chained by moving the state over a block of zeros, which is four look-ups more.
Polynomial and check values: RFC 3720, B.4.
"""

from functools import cache

import numpy as np

_POLYNOMIAL = 0x82F63B78  # with its bits reversed, as the algorithm shifts right
_BLOCK = 1024
_SLAB = 64 * _BLOCK  # looked up at once; more would leave the processor's cache
# These four bytes bring the register from 0 to 0xFFFFFFFF, where the definition starts; zeros before them do nothing.
_START = np.frombuffer(b"\x54\x64\x1f\x64", np.uint8)


def crc32c(data: bytes) -> int:
    """The CRC-32C of `data`, in [0, 2**32)."""
    contributions, rows, (shift0, shift1, shift2, shift3) = _tables()
    length = len(_START) + len(data)
    message = np.zeros(length + -length % _BLOCK, np.uint8)
    message[-length : len(message) - len(data)] = _START
    message[len(message) - len(data) :] = np.frombuffer(data, np.uint8)
    state = 0
    for start in range(0, len(message), _SLAB):
        slab = contributions.take(message[start : start + _SLAB].reshape(-1, _BLOCK) + rows)  # [blocks, _BLOCK]
        for block in np.bitwise_xor.reduce(slab, axis=1).tolist():
            moved = shift0[state & 255] ^ shift1[state >> 8 & 255] ^ shift2[state >> 16 & 255] ^ shift3[state >> 24]
            state = moved ^ block
    return state ^ 0xFFFFFFFF


@cache
def _tables() -> tuple[np.ndarray, np.ndarray, tuple[list[int], ...]]:
    """What byte `b` at position `i` of a block contributes: flat `[_BLOCK * 256]` uint32, where each position's row
    starts, and the rows of the first four positions (a state is four bytes that a whole block follows)."""
    row = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        row = np.where(row & 1, row >> 1 ^ np.uint32(_POLYNOMIAL), row >> 1)
    last = row
    rows = [last]
    for _ in range(_BLOCK - 1):
        row = last[row & 255] ^ row >> 8  # one more byte of zero follows
        rows.append(row)
    table = np.stack(rows[::-1])
    return table.ravel(), np.arange(_BLOCK) * 256, tuple(table[i].tolist() for i in range(4))
