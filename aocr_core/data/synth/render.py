"""One word as a picture, the way a scanner, a camera or a sign painter might have left it.

Every choice is drawn from the generator that is handed in, so the same generator state paints the same picture.
Distortions stay small against the size of the letters: what is painted can be read.
"""

import io
import unicodedata
from random import Random

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from aocr_core.data.synth.colours import Colours, choose_colours
from aocr_core.data.synth.fonts import Fonts

SMALLEST_TYPE = 15
"""Pixels an em. Below, the letters of a rendered word run together."""
_TEXTURE = 14
"""Largest change of the paper's brightness by its texture, of 255."""


def render(text: str, fonts: Fonts, rng: Random, height: int = 40) -> Image.Image:
    """Paint `text` in an RGB image of roughly `height` pixels; all of its ink lies within the image.

    Raises:
        UsageError: no font has all the characters of `text`.
    """
    size = max(round(height * rng.uniform(0.55, 0.95)), SMALLEST_TYPE)
    font = fonts.choose(text, rng).at(size)
    mask = _letters(text, font, _spacing(text, size, rng))
    if rng.random() < 0.6:
        mask = _tilted(mask, rng)
    mask = _with_margins(mask, size, rng)
    image = _painted(mask, choose_colours(rng), rng)
    return _worn(image, size, rng)


def _spacing(text: str, size: int, rng: Random) -> float:
    """Extra pixels between letters; only for scripts whose letters stand apart."""
    stands_apart = all(ord(symbol) < 0x0590 and not unicodedata.combining(symbol) for symbol in text)
    return size * rng.uniform(-0.02, 0.2) if stands_apart and rng.random() < 0.35 else 0.0


def _letters(text: str, font: ImageFont.FreeTypeFont, spacing: float) -> Image.Image:
    """The ink of `text` as a grey mask, cut to its edges."""
    size = round(font.size)
    width = round(font.getlength(text) + max(spacing, 0.0) * len(text)) + 4 * size
    mask = Image.new("L", (width, 5 * size))
    draw = ImageDraw.Draw(mask)
    x, baseline = 2.0 * size, 3 * size
    for part in text if spacing else [text]:
        draw.text((x, baseline), part, fill=255, font=font, anchor="ls")
        x += font.getlength(part) + spacing
    return mask.crop(mask.getbbox())


def _tilted(mask: Image.Image, rng: Random) -> Image.Image:
    """A slight turn, slant and perspective."""
    width, height = mask.size
    slant = rng.uniform(-0.2, 0.2) * height
    # Long words turn less: the picture of a word grows no taller than half as much again.
    rise = rng.uniform(-1, 1) * min(0.07 * width, 0.35 * height)
    jitter = [rng.uniform(-0.06, 0.06) * height for _ in range(8)]
    corners = np.array([(slant, 0), (width + slant, rise), (width, height + rise), (0, height)])
    corners += np.array(jitter).reshape(4, 2)
    corners -= corners.min(axis=0)
    right, bottom = corners.max(axis=0)
    source = np.array([(0, 0), (width, 0), (width, height), (0, height)], float)
    coefficients = _perspective(corners, source)
    turned = mask.transform(
        (int(right) + 1, int(bottom) + 1), Image.Transform.PERSPECTIVE, coefficients, Image.Resampling.BICUBIC
    )
    return turned.crop(turned.getbbox())


def _perspective(target: np.ndarray, source: np.ndarray) -> list[float]:
    """The eight coefficients with which Pillow maps points of the target back to the source, from four pairs."""
    rows, values = [], []
    for (x, y), (u, v) in zip(target, source, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    return np.linalg.solve(np.array(rows), np.array(values)).tolist()


def _with_margins(mask: Image.Image, size: int, rng: Random) -> Image.Image:
    """The mask on a larger sheet, sometimes cut close to the letters."""
    widest = rng.choice((0.08, 0.3, 0.6))
    left, top, right, bottom = (round(size * rng.uniform(0, widest)) for _ in range(4))
    if rng.random() < 0.3:  # as a line of text is cut: as high as its tallest letters would be
        top, bottom = (max(margin, round((1.1 * size - mask.height) / 2)) for margin in (top, bottom))
    sheet = Image.new("L", (mask.width + left + right, mask.height + top + bottom))
    sheet.paste(mask, (left, top))
    return sheet


def _painted(mask: Image.Image, colours: Colours, rng: Random) -> np.ndarray:
    """Ink on paper, `[height, width, 3]`, 0 to 255."""
    first, second = (np.array(colour, np.float32) for colour in colours.paper)
    height, width = mask.height, mask.width
    across = np.linspace(0, 1, width, dtype=np.float32)[None, :, None]
    down = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    share = across if rng.random() < 0.5 else down
    paper = np.broadcast_to(first + (second - first) * share, (height, width, 3))
    if rng.random() < 0.4:
        paper = paper + _texture(width, height, rng)
    cover = np.asarray(mask, np.float32)[:, :, None] / 255
    return paper + (np.array(colours.ink, np.float32) - paper) * cover


def _texture(width: int, height: int, rng: Random) -> np.ndarray:
    """Clouds, grain or fibres, `[height, width, 1]`, between -_TEXTURE and _TEXTURE."""
    columns, rows = rng.randint(2, max(width // 3, 2)), rng.randint(2, max(height // 3, 2))
    noise = np.random.default_rng(rng.getrandbits(64)).uniform(-1, 1, (rows, columns)).astype(np.float32)
    clouds = Image.fromarray(noise).resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(clouds)[:, :, None] * rng.uniform(4, _TEXTURE)


def _worn(pixels: np.ndarray, size: int, rng: Random) -> Image.Image:
    """The picture after a lens, a sensor and a file format have had their way with it."""
    image = Image.fromarray(np.clip(np.rint(pixels), 0, 255).astype(np.uint8))
    if rng.random() < 0.4:
        image = image.filter(ImageFilter.GaussianBlur(size * rng.uniform(0.01, 0.04)))
    if rng.random() < 0.2:
        image = _coarse(image, size, rng)
    if rng.random() < 0.4:
        image = _noisy(image, rng)
    if rng.random() < 0.35:
        image = _compressed(image, rng)
    return image


def _coarse(image: Image.Image, size: int, rng: Random) -> Image.Image:
    """As enlarged from a smaller picture, in which the type was not below the smallest."""
    scale = max(rng.uniform(0.5, 0.9), SMALLEST_TYPE / size)
    small = image.resize((max(round(image.width * scale), 1), max(round(image.height * scale), 1)))
    return small.resize(image.size)


def _noisy(image: Image.Image, rng: Random) -> Image.Image:
    generator = np.random.default_rng(rng.getrandbits(64))
    channels = rng.choice((1, 3))
    noise = generator.standard_normal((image.height, image.width, channels), np.float32) * rng.uniform(2, 13)
    return Image.fromarray(np.clip(np.rint(np.asarray(image) + noise), 0, 255).astype(np.uint8))


def _compressed(image: Image.Image, rng: Random) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=rng.randint(25, 80))
    return Image.open(buffer).convert("RGB")
