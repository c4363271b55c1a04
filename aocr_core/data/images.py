"""The one place where Pillow looks at images: whatever comes in, TensorFlow gets bytes that it decodes faithfully.

TensorFlow reads opaque PNG of every depth and ordinary JPEG as they are meant. It knows nothing of EXIF
rotation, of CMYK or of transparency, and fails on the other formats, and on PNG that is not strictly to the standard:
those are rewritten here as plain PNG. Damaged files are found by decoding them in full, since a file with a good header
may still break off in the middle.
"""

import io
import math
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias, cast

import numpy as np
from PIL import ExifTags, Image, ImageChops, ImageOps, ImageStat

from aocr_core import storage
from aocr_core.config import MAX_ASPECT, MAX_PIXELS
from aocr_core.data import jpeg, png
from aocr_core.errors import AocrError

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "JPEG2000")
"""What is accepted, by content and never by name. Pillow knows more, but some of that starts other programs."""

MIN_SIDE = 2
"""Pixels: nothing can be read from an image of a single row or column."""

MIN_CONTRAST = 8
"""Of 255: with less between the darkest and the lightest pixel there is no ink to be seen."""

ANIMATED = "more than one frame: only the first is used"
UNIFORM = "uniform image: no ink to be seen"

LIGHT, MOST_INK = 127, 0.75
"""Transparent images are laid on white; on black if what is to be seen of them is lighter than this on average. More of
an image than this share is no ink alone: it has brought its own paper.
"""

_GRAY_MODES = ("1", "L")

# Pillow's remarks on odd files, printed with lines of its code; what matters in them is judged here.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)

AnyImage: TypeAlias = "str | os.PathLike[str] | bytes | Image.Image | np.ndarray"


class ImageError(AocrError):
    """An image that cannot be used; the message is the reason.

    Attributes:
        kind: the reason without its details, to count by.
        detail: the details.
    """

    def __init__(self, kind: str, detail: str = "") -> None:
        super().__init__(f"{kind}: {detail}" if detail else kind)
        self.kind, self.detail = kind, detail


@dataclass(frozen=True)
class PlainImage:
    """An image that TensorFlow decodes faithfully: PNG or JPEG, upright, opaque, gray or RGB."""

    data: bytes
    width: int
    """In pixels, as is the height."""
    height: int
    warnings: tuple[str, ...] = ()
    format: str = ""
    """Format of the image as it came, one of `FORMATS`; empty for pixels from memory."""


def plain(data: bytes, *, max_pixels: int = MAX_PIXELS, max_aspect: float = MAX_ASPECT) -> PlainImage:
    """Check an encoded image by decoding it in full, and rewrite it only where TensorFlow would misread it.

    Args:
        data: the bytes of an image file.
        max_pixels: images that declare more are rejected before they are decoded.
        max_aspect: images that are so many times longer one way than the other are rejected.

    Raises:
        ImageError: not an image, damaged, or of a size that cannot be used.
    """
    image = _open(data)
    check_size(image.width, image.height, max_pixels, max_aspect)
    with _stumbling():
        if image.format == "PNG":
            # Pillow reads past wrong checksums, TensorFlow does not.
            _open(data).verify()
        animated = image.format != "MPO" and getattr(image, "is_animated", False)
        image.load()
        turned = image.getexif().get(ExifTags.Base.Orientation, 1) != 1
        flat = _flat(ImageOps.exif_transpose(image) if turned else image)
    untouched = not animated and not turned and _faithful(image, data)
    return PlainImage(
        data=data if untouched else _png(flat),
        width=flat.width,
        height=flat.height,
        warnings=((ANIMATED,) if animated else ()) + _look(flat),
        format="JPEG" if image.format == "MPO" else image.format or "",
    )


def declared_pixels(data: bytes, *, max_pixels: int = MAX_PIXELS) -> int:
    """How many an encoded image has by its header; nothing is decoded.

    Raises:
        ImageError: not an image, or of a size that `plain` would reject.
    """
    image = _open(data)
    check_size(image.width, image.height, max_pixels)
    return image.width * image.height


def recorded(data: bytes) -> PlainImage:
    """The same for an image of a data set: its size was a matter for whoever built that."""
    return plain(data, max_pixels=sys.maxsize, max_aspect=math.inf)


def from_any(image: AnyImage) -> PlainImage:
    """The same for a path (`gs://` too), bytes, a Pillow image or an array.

    Args:
        image: arrays are `[height, width]` or `[height, width, 1 | 3 | 4]`, of uint8, or gray of uint16.

    Raises:
        ImageError: the image cannot be used.
        AocrError: the file cannot be read.
    """
    if isinstance(image, bytes | bytearray | memoryview):
        return plain(bytes(image))
    if isinstance(image, str | os.PathLike):
        return plain(storage.read_bytes(image))
    if isinstance(image, np.ndarray):
        image = _from_array(image)
    if not isinstance(image, Image.Image):
        raise ImageError("not an image", f"a {type(image).__name__}; give a path, bytes, a Pillow image or an array")
    check_size(image.width, image.height)
    with _stumbling():
        flat = _flat(ImageOps.exif_transpose(image))
    return PlainImage(_png(flat), flat.width, flat.height, _look(flat))


def check_size(width: int, height: int, max_pixels: int = MAX_PIXELS, max_aspect: float = MAX_ASPECT) -> None:
    """Judge a declared size in pixels.

    Raises:
        ImageError: too large, too small, or out of all proportion; the message holds the size.
    """
    size = f"{width}x{height} pixels"
    if width * height > max_pixels:
        raise ImageError("image too large", f"{size}, {max_pixels:,} in all are allowed")
    if min(width, height) < MIN_SIDE:
        raise ImageError("image too small", size)
    if max(width / height, height / width) > max_aspect:
        longer = "wider than tall" if width > height else "taller than wide"
        raise ImageError("image out of proportion", f"{size}, more than {max_aspect:g} times {longer}")


@contextmanager
def _stumbling() -> Iterator[None]:
    """Pillow's readers raise whatever their parsers stumble over, in a dozen types: here it is an `ImageError`."""
    try:
        yield
    except ImageError:
        raise
    except Exception as error:
        raise ImageError("damaged image", str(error) or type(error).__name__) from error


def _open(data: bytes) -> Image.Image:
    if not data:
        raise ImageError("empty file")
    if data.startswith(jpeg.START) and (excess := jpeg.excess(data)):
        raise ImageError("damaged image", excess)
    with _stumbling():
        try:
            return Image.open(io.BytesIO(data), formats=FORMATS)
        except Image.UnidentifiedImageError as error:
            raise ImageError("not an image", f"none of {', '.join(FORMATS)}") from error
        except Image.DecompressionBombError as error:  # Pillow's own limit, above ours
            raise ImageError("image too large", str(error).partition(" exceeds")[0]) from error


def _faithful(image: Image.Image, data: bytes) -> bool:
    """Whether TensorFlow decodes the file to the pixels that Pillow sees."""
    if image.format == "PNG":
        # A declared gamma would change how TensorFlow's libpng turns colours into gray.
        gamma = image.mode not in _GRAY_MODES and ("gamma" in image.info or "srgb" in image.info)
        known = image.mode in (*_GRAY_MODES, "P", "RGB") and not gamma and "transparency" not in image.info
        return known and png.is_strict(data)
    return image.format in ("JPEG", "MPO") and image.mode in ("L", "RGB") and jpeg.is_usual(data)


def _flat(image: Image.Image) -> Image.Image:
    """Gray images as mode L, all others as RGB; transparent ones on paper."""
    if image.mode.startswith("I") or image.mode == "F":
        return _from_deep(image)
    if image.has_transparency_data:
        return on_paper(image.convert("RGBA")).convert("L" if image.mode in (*_GRAY_MODES, "LA") else "RGB")
    # Pillow already undoes Adobe's inversion of CMYK in JPEG.
    return image.convert("L" if image.mode in _GRAY_MODES else "RGB")


def on_paper(image: Image.Image) -> Image.Image:
    """An image of mode RGBA on white, or on black if that is what its ink is made for: a white caption, say."""
    alpha = image.getchannel("A")
    light = ImageStat.Stat(ImageChops.multiply(image.convert("L"), alpha)).mean[0]
    covered = ImageStat.Stat(alpha).mean[0]
    black = covered <= MOST_INK * 255 and light * 255 > LIGHT * covered
    return Image.alpha_composite(Image.new("RGBA", image.size, "black" if black else "white"), image)


def _from_deep(image: Image.Image) -> Image.Image:
    """16-bit gray to 8 bits, by the high byte as libpng does; what is beyond 16 bits has no known white."""
    values = np.asarray(image)
    if values.min() < 0 or values.max() > 65535 or image.mode == "F":
        raise ImageError("unsupported pixels", "gray values of more than 16 bits")
    gray = (values.astype(np.uint16) >> 8).astype(np.uint8)
    flat = Image.fromarray(gray)
    if "transparency" in image.info:
        opaque = Image.fromarray(np.where(values == image.info["transparency"], 0, 255).astype(np.uint8))
        return on_paper(Image.merge("LA", (flat, opaque)).convert("RGBA")).convert("L")
    return flat


def _from_array(pixels: np.ndarray) -> Image.Image:
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[..., 0]
    shaped = pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] in (3, 4))
    deep = pixels.dtype == np.uint16 and pixels.ndim == 2
    if not shaped or not pixels.size or not (deep or pixels.dtype == np.uint8):
        raise ImageError(
            "not an image", f"array {list(pixels.shape)} of {pixels.dtype}; use [height, width, 1 | 3 | 4] of uint8"
        )
    return Image.fromarray(pixels)


def _look(flat: Image.Image) -> tuple[str, ...]:
    extrema = (cast(tuple[int, int], band.getextrema()) for band in flat.split())
    return (UNIFORM,) if all(high - low < MIN_CONTRAST for low, high in extrema) else ()


def _png(flat: Image.Image) -> bytes:
    # Only the pixels: neither an orientation nor a profile must be applied a second time.
    flat.info.clear()
    buffer = io.BytesIO()
    flat.save(buffer, "PNG")
    return buffer.getvalue()
