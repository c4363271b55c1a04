"""Whether a PNG is built as the standard says. Pillow reads past much that libpng, and so TensorFlow, fails on.

Source: https://www.w3.org/TR/png-3/
"""

import re
import struct
import zlib
from collections.abc import Iterable, Iterator

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_END = b"\0\0\0\0IEND\xaeB`\x82"
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""By colour type: gray, RGB, palette, gray and RGB with transparency."""
_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
_PALETTE, _RGB = 3, 2
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
"""The passes of an interlaced image: its first column and row, and the steps from one to the next."""
_LETTERS = {b"IHDR": "H", b"PLTE": "P", b"IDAT": "D", b"IEND": "E"}
_ORDER = re.compile("Ha*(Pa*)?D+a*E")
"""Of the chunks by those letters; `a` is an ancillary one, which a reader may ignore."""
_MOST_ANCILLARY = 2**20
"""Bytes of such a chunk; libpng takes no more than 8 million."""
_MOST_CHUNKS = 100_000
_PIECE = 2**16

Chunk = tuple[bytes, memoryview]


def is_strict(data: bytes) -> bool:
    """Whether libpng finds nothing to complain of. Decompresses, but keeps nothing.

    Of the chunks' checksums only the last is looked at, the one that Pillow's `verify` does not reach.
    """
    chunks = list(_chunks(data))
    if not _ORDER.fullmatch("".join(_letter(kind, content) for kind, content in chunks)):
        return False
    header = chunks[0][1]
    if len(header) != 13:
        return False
    width, height, depth, color, compression, filters, interlace = struct.unpack(">IIBBBBB", header)
    if depth not in _DEPTHS.get(color, ()) or (compression, filters) != (0, 0) or interlace > 1:
        return False
    palettes = [len(content) for kind, content in chunks if kind == b"PLTE"]
    if not _is_palette(palettes[0] if palettes else None, depth, color):
        return False
    size = _size(width, height, depth * _CHANNELS[color], _ADAM7 if interlace else ((0, 0, 1, 1),))
    return _inflates_to(size, (content for kind, content in chunks if kind == b"IDAT"))


def _chunks(data: bytes) -> Iterator[Chunk]:
    """Kind and content of each chunk up to the end; what breaks off, or never ends, lacks its last."""
    view, place = memoryview(data), len(_SIGNATURE)
    for _ in range(_MOST_CHUNKS):
        if place + 12 > len(data):
            return
        end = place + 8 + int.from_bytes(view[place : place + 4], "big")
        if end + 4 > len(data):
            return
        kind = bytes(view[place + 4 : place + 8])
        if kind == b"IEND" and view[place : end + 4] != _END:
            return
        yield kind, view[place + 8 : end]
        if kind == b"IEND":
            return
        place = end + 4


def _letter(kind: bytes, content: memoryview) -> str:
    ancillary = kind.isalpha() and kind[:1].islower() and len(content) <= _MOST_ANCILLARY
    return "a" if ancillary else _LETTERS.get(kind, "x")


def _is_palette(length: int | None, depth: int, color: int) -> bool:
    """Whether a palette of so many bytes, or none, belongs to the kind of image."""
    if length is None:
        return color != _PALETTE
    most = 2**depth if color == _PALETTE else 256
    return color in (_PALETTE, _RGB) and length % 3 == 0 and 0 < length <= 3 * most


def _size(width: int, height: int, bits: int, passes: Iterable[tuple[int, int, int, int]]) -> int:
    """Bytes of the rows, each behind the number of its filter; `bits` are those of a pixel."""
    size = 0
    for left, top, across, down in passes:
        columns, rows = -((left - width) // across), -((top - height) // down)
        if columns > 0 and rows > 0:
            size += rows * (1 + (columns * bits + 7) // 8)
    return size


def _inflates_to(size: int, parts: Iterable[memoryview]) -> bool:
    """Whether the parts are one complete zlib stream of exactly so many bytes."""
    stream = zlib.decompressobj()
    try:
        for part in parts:
            for start in range(0, len(part), _PIECE):
                piece: bytes | memoryview = part[start : start + _PIECE]
                while piece:
                    size -= len(stream.decompress(piece, 16 * _PIECE))
                    if size < 0 or stream.unused_data:
                        return False
                    piece = stream.unconsumed_tail
        size -= len(stream.flush())
    except zlib.error:
        return False
    return stream.eof and size == 0
