"""PNG that Pillow reads and libpng does not, and all that both read."""

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from aocr_core.data import png
from aocr_core.data.images import ImageError, plain
from tests.aocr_core.data.test_images import chunk, decoded, encoded, half_black, tensorflow_sees

SIGNATURE = b"\x89PNG\r\n\x1a\n"
END = chunk(b"IEND", b"")
ROWS = b"".join(b"\0" + bytes(20) + b"\xff" * 20 for _ in range(20))
PALETTE = bytes(3) + b"\xff" * 3


def header(color: int = 0, depth: int = 8, compression: int = 0, filters: int = 0, interlace: int = 0) -> bytes:
    return chunk(b"IHDR", struct.pack(">IIBBBBB", 40, 20, depth, color, compression, filters, interlace))


def pixels(rows: bytes = ROWS) -> bytes:
    return chunk(b"IDAT", zlib.compress(rows))


def made(*chunks: bytes) -> bytes:
    return SIGNATURE + b"".join(chunks)


TWO_PARTS = zlib.compress(ROWS)[:10], zlib.compress(ROWS)[10:]
INDEXED = b"".join(b"\0" + b"\0" * 20 + b"\1" * 20 for _ in range(20))
REWRITTEN = {
    "unknown critical chunk": made(header(), chunk(b"ABCD", b""), pixels(), END),
    "a chunk whose name is no letters": made(header(), chunk(b"a1b2", b""), pixels(), END),
    "an ancillary chunk of nine million bytes": made(header(), chunk(b"abCd", bytes(9_000_000)), pixels(), END),
    "two headers": made(header(), header(), pixels(), END),
    "a header that is too long": made(chunk(b"IHDR", header()[8:21] + b"\0"), pixels(), END),
    "unknown compression": made(header(compression=1), pixels(), END),
    "two palettes": made(header(3), chunk(b"PLTE", PALETTE), chunk(b"PLTE", PALETTE), pixels(INDEXED), END),
    "a palette of five bytes": made(header(3), chunk(b"PLTE", PALETTE[:5]), pixels(INDEXED), END),
    "too few rows": made(header(), pixels(ROWS[:-41]), END),
    "too many rows": made(header(), pixels(ROWS + ROWS), END),
    "no checksum of the pixels": made(header(), chunk(b"IDAT", zlib.compress(ROWS)[:-4]), END),
    "an end with a wrong checksum": made(header(), pixels(), END[:-1] + b"?"),
    "an end with something in it": made(header(), pixels(), chunk(b"IEND", b"?")),
}
REFUSED = {
    "unknown filters": made(header(filters=1), pixels(), END),
    "unknown interlacing": made(header(interlace=2), pixels(), END),
    "no palette": made(header(3), pixels(INDEXED), END),
    "a palette behind the pixels": made(header(3), pixels(INDEXED), chunk(b"PLTE", PALETTE), END),
    "half a row too few": made(header(), pixels(ROWS[:-20]), END),
    "a wrong checksum of the pixels": made(header(), chunk(b"IDAT", zlib.compress(ROWS)[:-4] + b"1234"), END),
    "something between the pixels": made(
        header(), chunk(b"IDAT", TWO_PARTS[0]), chunk(b"tIME", bytes(7)), chunk(b"IDAT", TWO_PARTS[1]), END
    ),
    "no end": made(header(), pixels()),
}
STRICT = {
    "gray": made(header(), pixels(), END),
    "palette": made(header(3), chunk(b"PLTE", PALETTE), pixels(INDEXED), END),
    "palette of more colours than are used": made(header(3), chunk(b"PLTE", PALETTE * 128), pixels(INDEXED), END),
    "ancillary chunks everywhere": made(
        header(), chunk(b"pHYs", bytes(9)), chunk(b"teSt", b"?"), pixels(), chunk(b"tEXt", b"a\0b"), END
    ),
    "pixels in two parts and an empty one": made(header(), *(chunk(b"IDAT", part) for part in (*TWO_PARTS, b"")), END),
    "something behind the end": made(header(), pixels(), END) + b"more",
    "a second end": made(header(), pixels(), END, END),
}


@pytest.mark.parametrize("name", REWRITTEN)
def test_what_only_pillow_reads_reaches_tensorflow_as_it_was_seen(name: str):
    data = plain(REWRITTEN[name]).data
    assert png.is_strict(data) and data != REWRITTEN[name]
    assert (tensorflow_sees(data, 1)[..., 0] == np.asarray(Image.open(io.BytesIO(REWRITTEN[name])).convert("L"))).all()


@pytest.mark.parametrize("name", REFUSED)
def test_what_nobody_can_read_is_refused(name: str):
    with pytest.raises(ImageError):
        plain(REFUSED[name])


@pytest.mark.parametrize("name", STRICT)
def test_what_is_to_the_standard_passes_unchanged(name: str):
    assert plain(STRICT[name]).data is STRICT[name]
    assert (tensorflow_sees(STRICT[name], 3) == np.asarray(Image.open(io.BytesIO(STRICT[name])).convert("RGB"))).all()


@pytest.mark.parametrize(("width", "height"), [(1, 1), (2, 2), (4, 1), (5, 3), (9, 17)])
def test_interlaced_images_have_rows_in_seven_passes(width: int, height: int):
    passes = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
    image = np.arange(width * height, dtype=np.uint8).reshape(height, width)
    parts = [image[top::down, left::across] for left, top, across, down in passes]
    rows = b"".join(b"\0" + row.tobytes() for part in parts for row in part if row.size)
    ihdr = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 1))
    assert png.is_strict(made(ihdr, pixels(rows), END))
    assert not png.is_strict(made(ihdr, pixels(rows[1:]), END))
    assert (decoded(made(ihdr, pixels(rows), END)) == image).all()


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "LA", "RGBA", "I;16"])
def test_what_pillow_writes_is_to_the_standard(mode: str):
    image = half_black().convert("I").convert("I;16") if mode == "I;16" else half_black().convert(mode)
    for options in ({}, {"optimize": True}, {"compress_level": 0}, {"dpi": (300, 300)}):
        assert png.is_strict(encoded(image, **options)), options


def test_a_large_image_is_not_kept_in_memory_nor_an_endless_one_followed():
    ihdr = chunk(b"IHDR", struct.pack(">IIBBBBB", 6000, 5000, 1, 0, 0, 0, 0))
    assert png.is_strict(made(ihdr, pixels(bytes(5000 * 751)), END))
    assert not png.is_strict(made(header(), pixels(bytes(300_000_000)), END))


kinds = st.sampled_from([b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tEXt", b"gAMA", b"sRGB", b"bKGD", b"ABCD"])
contents = st.sampled_from([b"", PALETTE, zlib.compress(ROWS), zlib.compress(ROWS[:-41]), header()[8:21]])
lists = st.lists(st.builds(chunk, kinds, contents | st.binary(max_size=20)), max_size=4)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from([0, 2, 3]), lists, lists)
def test_whatever_passes_is_decoded_by_tensorflow(color: int, before: list[bytes], after: list[bytes]):
    rows = ROWS if color != 2 else (b"\0" + bytes(120)) * 20
    data = made(header(color), *before, pixels(rows), *after, END)
    try:
        result = plain(data)
    except ImageError:
        return
    assert tensorflow_sees(result.data, 1).shape == (result.height, result.width, 1)
