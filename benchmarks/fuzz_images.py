"""Images that nobody should send, for hypothesis: damaged ones, and ones put together anew from their parts."""

import io
import re
import struct
import zlib
from typing import Any

from hypothesis import strategies as st
from PIL import Image

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
END_OF_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7]")


def encoded(size: tuple[int, int], mode: str, kind: str, **more: Any) -> bytes:
    buffer = io.BytesIO()
    Image.linear_gradient("L").resize(size).convert(mode).save(buffer, kind, **more)
    return buffer.getvalue()


def chunk(kind: bytes, content: bytes) -> bytes:
    """A PNG's chunk with its right checksum, without which nobody looks at the rest."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def header(width: int, height: int, depth: int = 8, color: int = 0, *methods: int) -> bytes:
    return chunk(b"IHDR", struct.pack(">IIBB", width, height, depth, color) + bytes(methods or (0, 0, 0)))


GOOD = encoded((90, 32), "L", "PNG")
HUGE = PNG_SIGNATURE + header(60_000, 60_000) + GOOD[33:]
"""Sixty thousand pixels a side, by its header."""
FRAMES = [Image.new("P", (40, 20), color) for color in range(4)]
JPEGS = [
    encoded((90, 32), "RGB", "JPEG"),
    encoded((90, 32), "L", "JPEG", restart_marker_blocks=2),
    encoded((90, 32), "RGB", "JPEG", progressive=True),
    encoded((90, 32), "CMYK", "JPEG"),
]
IMAGES = [
    GOOD,
    *JPEGS,
    encoded((90, 32), "I;16", "PNG"),
    encoded((90, 32), "RGBA", "WEBP"),
    encoded((90, 32), "CMYK", "TIFF", compression="tiff_lzw"),
    encoded((60, 20), "L", "GIF", save_all=True, append_images=FRAMES),
    encoded((60, 20), "1", "PPM"),
    encoded((4000, 2000), "L", "PNG"),
    HUGE,
    b"",
]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """An image with some bytes changed, cut off, or added."""
    data = bytearray(draw(st.sampled_from(IMAGES)))
    for place, byte in draw(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=4)):
        if place < len(data):
            data[place] = byte
    end = draw(st.sampled_from([len(data), len(data), len(data) // 2, 40]))
    return bytes(data[:end]) + draw(st.binary(max_size=8))


ROWS = zlib.compress(b"".join(b"\0" + bytes(range(30)) for _ in range(20)))
"""30 pixels wide, 20 high, a byte each."""
CHUNKS = [
    chunk(b"IDAT", ROWS),
    chunk(b"IDAT", ROWS[:20]),
    chunk(b"IDAT", ROWS[20:]),
    chunk(b"IDAT", ROWS[:-4]),
    chunk(b"IDAT", zlib.compress(bytes(31 * 7))),
    chunk(b"IDAT", zlib.compress(bytes(10_000_000))),
    chunk(b"IDAT", zlib.compress(b"\7" * 31 * 20)),
    chunk(b"PLTE", bytes(range(90))),
    chunk(b"PLTE", bytes(5)),
    chunk(b"PLTE", b""),
    chunk(b"tRNS", bytes(2)),
    chunk(b"tRNS", bytes(300)),
    chunk(b"gAMA", struct.pack(">I", 45455)),
    chunk(b"gAMA", b""),
    chunk(b"sRGB", b"\0"),
    chunk(b"pHYs", bytes(9)),
    chunk(b"eXIf", b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"),
    chunk(b"eXIf", b"MM\0*\xff\xff\xff\xff"),
    chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(5_000_000))),
    chunk(b"iCCP", b"a\0\0" + zlib.compress(b"no profile")),
    chunk(b"acTL", struct.pack(">II", 2, 0)),
    chunk(b"fcTL", struct.pack(">IIIIIHHBB", 0, 30, 20, 0, 0, 1, 1, 0, 0)),
    chunk(b"fdAT", bytes(4) + ROWS),
    chunk(b"ABCD", b""),
    chunk(b"a1b2", b""),
    chunk(b"IEND", b""),
    header(30, 20),
]
depths = st.sampled_from([8, 8, 8, 1, 2, 4, 16, 3, 0])
colors = st.sampled_from([0, 0, 3, 2, 4, 6, 1, 255])
methods = st.sampled_from([0, 0, 0, 0, 1, 2, 255])
sides = st.sampled_from([(30, 20), (30, 20), (30, 20), (20, 30), (31, 20), (10, 2), (0, 0), (2**31, 20), (5000, 60)])
headers = st.builds(
    lambda size, depth, color, *how: header(*size, depth, color, *how), sides, depths, colors, *[methods] * 3
)
some = st.lists(st.sampled_from(CHUNKS), max_size=3)
pixels = st.sampled_from([*CHUNKS[:1] * 3, b"".join(CHUNKS[1:3]), *CHUNKS[:7]])
png_of_chunks = st.builds(
    lambda head, before, data, after, end: PNG_SIGNATURE + b"".join([head, *before, data, *after, end]),
    st.just(header(30, 20)) | headers,
    some,
    pixels,
    some,
    st.sampled_from([chunk(b"IEND", b""), chunk(b"IEND", b""), chunk(b"IEND", b"x"), b""]),
)


def segments(data: bytes) -> list[bytes]:
    """The parts of a JPEG between its first marker and its last, a scan with its pixels."""
    parts, place = [], 2
    while data[place + 1] != 0xD9:
        end = place + 2 + int.from_bytes(data[place + 2 : place + 4], "big")
        if data[place + 1] == 0xDA:
            found = END_OF_SCAN.search(data, end)
            end = found.start() if found else len(data)
        parts.append(data[place:end])
        place = end
    return parts


@st.composite
def jpeg_of_segments(draw: st.DrawFn) -> bytes:
    """The segments of a JPEG, some left out, repeated, moved, exchanged for another's, or with a byte changed."""
    parts = segments(draw(st.sampled_from(JPEGS)))
    others = [part for data in JPEGS for part in segments(data)]
    for _ in range(draw(st.integers(0, 4))):
        place = draw(st.integers(0, len(parts) - 1))
        act = draw(st.sampled_from(["drop", "repeat", "move", "take", "change"]))
        if act == "drop" and len(parts) > 1:
            del parts[place]
        elif act == "repeat":
            parts[place:place] = parts[place : place + 1] * draw(st.sampled_from([1, 5, 150, 3000]))
        elif act == "move":
            parts.insert(draw(st.integers(0, len(parts))), parts[place])
        elif act == "take":
            parts[place] = draw(st.sampled_from(others))
        elif act == "change":
            changed = bytearray(parts[place])
            changed[draw(st.integers(1, min(40, len(changed) - 1)))] = draw(st.integers(0, 255))
            parts[place] = bytes(changed)
    return b"\xff\xd8" + b"".join(parts) + draw(st.sampled_from([b"\xff\xd9", b"\xff\xd9", b""]))


anything = damaged() | png_of_chunks | jpeg_of_segments()
