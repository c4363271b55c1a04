import io
import random
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from aocr_core.data import images
from aocr_core.data.images import ImageError, from_any, plain


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def decoded(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)))


def tensorflow_sees(data: bytes, channels: int) -> np.ndarray:
    from aocr_core.data import preprocess

    return preprocess.decode(data, channels).numpy()


def half_black(mode: str = "L", size: tuple[int, int] = (40, 20)) -> Image.Image:
    """Left half black, right half white."""
    image = Image.new("L", size, 255)
    image.paste(0, (0, 0, size[0] // 2, size[1]))
    return image.convert(mode)


def png_chunks(width: int, height: int, depth: int, color: int, rows: list[bytes], extra: bytes = b"") -> bytes:
    """A PNG written by hand, for the forms that Pillow does not write."""
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows))
    parts = (chunk(b"IHDR", header), extra, chunk(b"IDAT", pixels), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


@pytest.mark.parametrize(
    ("image", "kind", "options"),
    [
        (half_black("L"), "PNG", {}),
        (half_black("1"), "PNG", {}),
        (half_black("RGB"), "PNG", {}),
        (half_black("P"), "PNG", {}),
        (half_black("L"), "JPEG", {}),
        (half_black("RGB"), "JPEG", {"progressive": True}),
    ],
)
def test_what_tensorflow_reads_faithfully_passes_unchanged(image: Image.Image, kind: str, options: dict):
    data = encoded(image, kind, **options)
    result = plain(data)
    assert result.data is data
    assert (result.width, result.height, result.format, result.warnings) == (40, 20, kind, ())
    assert np.abs(tensorflow_sees(data, 1)[..., 0].astype(int) - np.asarray(half_black())).max() <= 4


@pytest.mark.parametrize("depth", [2, 4, 16])
def test_gray_png_of_every_depth_agrees_with_tensorflow(depth: int):
    row = bytes(8) + b"\xff" * 8
    pixels = len(row) * 8 // depth
    data = plain(png_chunks(pixels, 4, depth, 0, [row] * 4)).data
    seen = tensorflow_sees(data, 1)[..., 0]
    assert seen.shape == (4, pixels)
    assert (seen[:, : pixels // 2] == 0).all() and (seen[:, pixels // 2 :] == 255).all()


def test_a_declared_gamma_does_not_change_the_gray_of_colours():
    color = Image.new("RGB", (40, 20), (200, 30, 30))
    color.paste((30, 30, 200), (0, 0, 20, 20))
    data = encoded(color)
    at = data.index(b"IDAT") - 4
    with_gamma = data[:at] + chunk(b"gAMA", struct.pack(">I", 45455)) + data[at:]
    assert (tensorflow_sees(plain(with_gamma).data, 1) == tensorflow_sees(data, 1)).all()


def test_exif_rotation_is_applied():
    upright = half_black(size=(60, 20))
    exif = Image.Exif()
    exif[0x0112] = 6  # shown after a quarter turn to the right
    data = encoded(upright.transpose(Image.Transpose.ROTATE_90), "JPEG", exif=exif, quality=95)
    result = plain(data)
    assert (result.width, result.height) == (60, 20)
    assert np.abs(tensorflow_sees(result.data, 1)[..., 0].astype(int) - np.asarray(upright)).max() < 8
    # The orientation is not left in the new file, where it would be applied again.
    assert plain(result.data).data is result.data


def test_cmyk_stays_dark_on_white():
    data = encoded(half_black("CMYK"), "JPEG", quality=95)
    seen = tensorflow_sees(plain(data).data, 3)
    assert seen[:, :15].max() < 20 and seen[:, 25:].min() > 235


def test_sixteen_bits_are_scaled_not_clipped():
    values = np.linspace(20_000, 45_500, 40, dtype=np.uint16)[None].repeat(20, axis=0)
    result = plain(encoded(Image.fromarray(values)))
    assert (decoded(result.data) == values >> 8).all()


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparent_is_white(mode: str):
    if mode == "P":
        image = half_black("P").point([0] * 256)
        image.putpixel((39, 0), 1)
        image.paste(1, (20, 0, 40, 20))
        data = encoded(image, transparency=1)
    else:
        image = Image.new("LA", (40, 20), (0, 0))
        image.paste((0, 255), (0, 0, 20, 20))
        data = encoded(image.convert(mode))
    seen = tensorflow_sees(plain(data).data, 1)[..., 0]
    assert (seen[:, :20] == 0).all() and (seen[:, 20:] == 255).all()


def inked(level: int, mode: str = "RGBA", covered: int = 20) -> Image.Image:
    """Ink of one brightness on the left of 40 columns, nothing on the right."""
    image = Image.new("LA", (40, 20), (0, 0))
    image.paste((level, 255), (0, 0, covered, 20))
    return image.convert(mode)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
@pytest.mark.parametrize(("level", "paper"), [(0, 255), (120, 255), (135, 0), (255, 0)])
def test_light_ink_is_laid_on_black(mode: str, level: int, paper: int):
    result = plain(encoded(inked(level, mode)))
    seen = decoded(result.data)
    assert (seen[:, :20] == level).all() and (seen[:, 20:] == paper).all()
    assert result.warnings == ()


def test_a_sheet_with_transparent_edges_is_laid_on_white():
    sheet = inked(255, covered=34)
    sheet.paste((0, 0, 0, 255), (8, 4, 20, 16))
    assert (decoded(plain(encoded(sheet)).data)[:, 34:] == 255).all()


def test_where_all_is_transparent_there_is_no_ink():
    result = plain(encoded(Image.new("RGBA", (40, 20), (255, 255, 255, 0))))
    assert (decoded(result.data) == 255).all() and result.warnings == (images.UNIFORM,)


def test_light_ink_of_sixteen_bits_is_laid_on_black():
    row = b"\xff\xff" * 20 + b"\x12\x34" * 20
    data = png_chunks(40, 4, 16, 0, [row] * 4, chunk(b"tRNS", b"\x12\x34"))
    seen = decoded(plain(data).data)
    assert (seen[:, :20] == 255).all() and (seen[:, 20:] == 0).all()


def test_the_first_frame_of_an_animation_is_used_with_a_warning():
    first, second = half_black("P"), Image.new("P", (40, 20))
    for kind in ("GIF", "WEBP", "PNG"):
        options = {"lossless": True} if kind == "WEBP" else {}
        frame = first.convert("RGB") if kind == "WEBP" else first
        data = encoded(frame, kind, save_all=True, append_images=[second.convert(frame.mode)], **options)
        result = plain(data)
        assert result.warnings == (images.ANIMATED,), kind
        assert (tensorflow_sees(result.data, 1)[..., 0] == np.asarray(half_black())).all(), kind


@pytest.mark.parametrize("kind", ["BMP", "TIFF", "WEBP", "PPM", "JPEG2000", "GIF"])
def test_other_formats_become_png(kind: str):
    options = {"lossless": True} if kind == "WEBP" else {}
    result = plain(encoded(half_black("RGB"), kind, **options))
    assert result.format == kind and Image.open(io.BytesIO(result.data)).format == "PNG"
    assert (tensorflow_sees(result.data, 1)[..., 0] == np.asarray(half_black())).all()


def test_a_uniform_image_is_warned_of():
    assert plain(encoded(Image.new("RGB", (40, 20), (250, 240, 230)))).warnings == (images.UNIFORM,)
    assert plain(encoded(half_black())).warnings == ()


@pytest.mark.parametrize(
    ("size", "kind", "message"),
    [
        ((1, 1), "image too small", "1x1 pixels"),
        ((10_000, 8), "image out of proportion", "10000x8 pixels, more than 100 times wider than tall"),
        ((8, 5000), "image out of proportion", "8x5000 pixels, more than 100 times taller than wide"),
        ((2000, 1000), "image too large", "2000x1000 pixels, 1,000,000 in all are allowed"),
    ],
)
def test_impossible_sizes_are_named(size: tuple[int, int], kind: str, message: str):
    with pytest.raises(ImageError, match=message) as caught:
        plain(encoded(Image.new("1", size)), max_pixels=1_000_000)
    assert caught.value.kind == kind


def test_a_declared_size_is_judged_before_decoding():
    bomb = png_chunks(60_000, 60_000, 8, 0, [bytes(60_000)] * 2)
    with pytest.raises(ImageError, match="image too large"):
        plain(bomb)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP"])
def test_truncated_files_are_rejected(kind: str):
    noise = np.random.default_rng(1).integers(0, 256, (30, 60, 3), dtype=np.uint8)
    data = encoded(Image.fromarray(noise), kind)
    with pytest.raises(ImageError) as caught:
        plain(data[: len(data) * 6 // 10])
    assert caught.value.kind == "damaged image"


@pytest.mark.parametrize("data", [b"", b"text, not an image", b"%PDF-1.4", b"%!PS-Adobe-3.0 EPSF-3.0\n"])
def test_other_files_are_no_images(data: bytes):
    with pytest.raises(ImageError, match=r"empty file|not an image"):
        plain(data)


@pytest.mark.filterwarnings("ignore::UserWarning")
@settings(max_examples=60)
@given(st.randoms(use_true_random=False), st.sampled_from(["PNG", "JPEG", "GIF", "TIFF"]))
def test_damage_is_found_or_harmless(chance: random.Random, kind: str):
    """Whatever is let through, TensorFlow decodes it to the size that was announced."""
    data = bytearray(encoded(ImageOps.expand(half_black("RGB"), 3, "gray"), kind))
    for _ in range(chance.choice((1, 1, 3))):
        data[chance.randrange(len(data))] = chance.randrange(256)
    if chance.random() < 0.3:
        del data[chance.randrange(len(data)) :]
    try:
        result = plain(bytes(data))
    except ImageError:
        return
    assert tensorflow_sees(result.data, 1).shape == (result.height, result.width, 1)


def test_of_a_data_set_no_image_is_too_long():
    data = encoded(Image.new("L", (3000, 10), 200))
    with pytest.raises(ImageError, match="out of proportion"):
        plain(data)
    assert images.recorded(data).data == data


def test_from_any_takes_paths_bytes_images_and_arrays(tmp_path):
    image = half_black("RGB")
    path = tmp_path / "word.png"
    path.write_bytes(encoded(image))
    expected = np.asarray(half_black())
    for given_image in (str(path), path, path.read_bytes(), image, np.asarray(image), np.asarray(half_black())):
        result = from_any(given_image)
        assert (tensorflow_sees(result.data, 1)[..., 0] == expected).all()
    assert (decoded(from_any(np.asarray(half_black()).astype(np.uint16) * 256).data) == expected).all()


@pytest.mark.parametrize(
    "wrong", [np.zeros((4, 4)), np.zeros((4, 4, 2), np.uint8), np.zeros((0, 4), np.uint8), np.zeros(4, np.uint8), 7]
)
def test_from_any_says_what_it_takes(wrong: object):
    with pytest.raises(ImageError, match="not an image"):
        from_any(wrong)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_from_any_refuses_an_opened_image_that_breaks_off(kind: str):
    noise = np.random.default_rng(1).integers(0, 256, (30, 60, 3), dtype=np.uint8)
    data = encoded(Image.fromarray(noise), kind)
    with pytest.raises(ImageError, match="damaged image: "):
        from_any(Image.open(io.BytesIO(data[: len(data) * 6 // 10])))
