"""A font for each symbol, from those that the system has."""

from functools import cache

from PIL import ImageFont

# By name: Pillow looks in the font folders of the system. Between them they cover most scripts.
NAMES = (
    "DejaVuSans.ttf",
    "NotoSans-Regular.ttf",
    "NotoSansCJK-Regular.ttc",
    "wqy-zenhei.ttc",
    "NotoSansArabic-Regular.ttf",
    "Arial Unicode.ttf",
    "Arial.ttf",
)
NO_CHARACTER = "\U0010ffff"

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@cache
def installed(size: int) -> tuple[Font, ...]:
    """The fonts that are there, in pixels of `size`; the last is Pillow's own, which has Latin letters only."""
    found: list[Font] = []
    for name in NAMES:
        try:
            found.append(ImageFont.truetype(name, size))
        except OSError:  # not on this system
            continue
    return (*found, ImageFont.load_default(size))


@cache
def for_text(text: str, size: int) -> Font | None:
    """The first font that has a glyph for every character of `text`; None if there is none."""
    return next((font for font in installed(size) if all(_has(font, character) for character in text)), None)


@cache
def _has(font: Font, character: str) -> bool:
    """Whether the glyph differs from the box that stands for a missing one."""
    return bytes(font.getmask(character)) != bytes(font.getmask(NO_CHARACTER))
