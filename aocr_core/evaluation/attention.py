"""Pictures of where the decoder looked when it wrote each symbol.

`overlay` draws the whole reading on one sheet; `animation` is the animated GIF of aocr 0.7.6 (its
`aocr/util/visualizations.py`), placed by the image's own width, so that it fits images of any size.
"""

import io
import math
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageOps

from aocr_core.display import percent, visible
from aocr_core.evaluation import fonts

if TYPE_CHECKING:
    from aocr_core.reading import Reading

STRIP_HEIGHT, MIN_HEIGHT = 34, 14
MIN_WIDTH, MAX_WIDTH = 96, 560
MAX_ROWS = 64
GAP, MARGIN = 4, 12
FONT_SIZE = 15

PAPER, INK, FAINT = (255, 255, 255), (28, 30, 34), (120, 124, 132)
EMBER, FLAME = (140, 28, 4), (255, 150, 56)
"""What black and white become in the heat: two tones, so that the writing stays readable in it."""
HEAT_STRENGTH = 0.92
FADE = 0.4
"""How far the image fades towards white where nothing is attended to."""
COLOURS = 160
"""Colours of a sheet: enough for greys and two tones, and a third of the bytes."""

_Row = tuple[str, fonts.Font, Image.Image, str]
"""Name of the symbol and its font, the heated strip, the probability."""

FRAME_MS, LOOPS, DIMMED, THRESHOLD = 500, 999, 0.3, 0.5
FRAME_PIXELS = 1_000_000
"""A photograph has twelve times as many, and an animation holds a frame for each symbol."""


def heat_along(weights: np.ndarray, width: int, resample: Image.Resampling) -> np.ndarray:
    """Attention over time steps as brightness over pixels.

    Args:
        weights: `[time]`, not negative; step `t` covers the share `t/time … (t+1)/time` of the image's width.
        width: pixels.
        resample: `NEAREST` shows the steps as they are, `BILINEAR` smoothly.

    Returns:
        `[width]` in 0…1; the highest weight is 1.
    """
    scaled = (weights / max(float(weights.max()), 1e-12)).astype(np.float32)
    return np.asarray(Image.fromarray(scaled[None, :]).resize((width, 1), resample))[0].clip(0.0, 1.0)


def _strip(image: Image.Image) -> Image.Image:
    """The image in the size of a row, in shades of grey."""
    height = STRIP_HEIGHT
    width = round(image.width * height / image.height)
    if width > MAX_WIDTH:
        height = max(MIN_HEIGHT, round(height * MAX_WIDTH / width))
    return image.convert("L").resize((min(max(width, MIN_WIDTH), MAX_WIDTH), height), Image.Resampling.LANCZOS)


def _heated(strip: Image.Image, weights: np.ndarray) -> Image.Image:
    """The strip, faded, with the heat over it; faint writing is made stronger."""
    light = np.asarray(ImageOps.autocontrast(strip, cutoff=1), np.float32)[..., None] / 255
    faded = 255 * (light * (1 - FADE) + FADE)
    glowing = np.array(EMBER, np.float32) * (1 - light) + np.array(FLAME, np.float32) * light
    heat = HEAT_STRENGTH * heat_along(weights, strip.width, Image.Resampling.BILINEAR)[None, :, None]
    return Image.fromarray((faded * (1 - heat) + glowing * heat).astype(np.uint8))


def _label(symbol: str) -> tuple[str, fonts.Font]:
    """What to write beside a row, and in which font; a symbol that no font has is named by its code points."""
    text = visible(symbol)
    font = fonts.for_text(text, FONT_SIZE)
    if font is None:
        text = " ".join(f"U+{ord(character):04X}" for character in text)
        font = fonts.installed(FONT_SIZE)[-1]
    return text, font


def overlay(image: bytes, reading: "Reading") -> bytes:
    """One sheet: the image, then a row for each symbol with its name, the attention over the image, its probability.

    Texts with more than 64 symbols are cut, and the sheet says so.

    Args:
        image: an encoded image.
        reading: what was read in it, with the attention `[symbols, time]`.

    Returns:
        PNG.

    Raises:
        ValueError: the reading comes without attention.
    """
    strip = _strip(Image.open(io.BytesIO(image)))
    symbols, shares = reading.symbols[:MAX_ROWS], reading.symbol_probabilities
    rows = [
        (*_label(symbol), _heated(strip, weights), percent(share, 0))
        for symbol, weights, share in zip(symbols, _attention(reading), shares, strict=False)
    ]
    notes = [f"and {hidden} more"] if (hidden := len(reading.symbols) - len(symbols)) else []
    notes += [f"end {percent(shares[-1], 0)}"] if len(shares) > len(reading.symbols) else ["cut: no end"]
    return _sheet(strip, percent(reading.probability), rows, "  ·  ".join(notes))


def _attention(reading: "Reading") -> np.ndarray:
    if reading.attention is None:
        raise ValueError("this reading has no attention: read with attention=True")
    return reading.attention


def _sheet(strip: Image.Image, headline: str, rows: list[_Row], note: str) -> bytes:
    small = fonts.installed(FONT_SIZE - 3)[0]
    left = MARGIN + max([round(font.getlength(text)) for text, font, _, _ in rows], default=0) + 10
    right = left + strip.width + 10
    pitch = max(strip.height, FONT_SIZE + 3) + GAP
    width = max(right + round(small.getlength("100.0 %")), left + round(small.getlength(note))) + MARGIN
    sheet = Image.new("RGB", (width, 2 * MARGIN + pitch * (len(rows) + 1) + FONT_SIZE), PAPER)
    draw = ImageDraw.Draw(sheet)
    middle = MARGIN + strip.height / 2
    sheet.paste(strip, (left, MARGIN))
    draw.text((right, middle), headline, INK, font=small, anchor="lm")
    for index, (text, font, picture, share) in enumerate(rows, start=1):
        sheet.paste(picture, (left, MARGIN + pitch * index))
        draw.text((left - 10, middle + pitch * index), text, INK, font=font, anchor="rm")
        draw.text((right, middle + pitch * index), share, FAINT, font=small, anchor="lm")
    draw.text((left, MARGIN + pitch * (len(rows) + 1)), note, FAINT, font=small, anchor="la")
    return _encoded(sheet.quantize(COLOURS, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE), "PNG", optimize=True)


def animation(image: bytes, reading: "Reading") -> bytes:
    """The original's picture: the image dimmed, then for each symbol the part that was looked at lit up.

    Args:
        image: an encoded image.
        reading: what was read in it, with the attention `[symbols, time]`.

    Returns:
        Animated GIF of the image's size, or of a million pixels if that is less; half a second a frame, a frame more
        than symbols (equal neighbours are one).

    Raises:
        ValueError: the reading comes without attention.
    """
    picture = np.asarray(_shrunk(Image.open(io.BytesIO(image)).convert("RGB")), np.float32)
    lights = [np.full(picture.shape[1], DIMMED, np.float32)]
    for weights in _attention(reading):
        light = heat_along(weights, picture.shape[1], Image.Resampling.NEAREST)
        lights.append(np.where(light < THRESHOLD, DIMMED, light))
    first, *rest = [Image.fromarray((picture * light[None, :, None]).astype(np.uint8)) for light in lights]
    return _encoded(first, "GIF", save_all=True, append_images=rest, duration=FRAME_MS, loop=LOOPS)


def _shrunk(image: Image.Image) -> Image.Image:
    """The image, with no more pixels than a frame may have."""
    share = math.sqrt(FRAME_PIXELS / (image.width * image.height))
    size = (max(1, int(image.width * share)), max(1, int(image.height * share)))
    return image if share >= 1 else image.resize(size, Image.Resampling.LANCZOS)


def _encoded(image: Image.Image, encoding: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, encoding, **options)
    return buffer.getvalue()
