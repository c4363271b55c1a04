"""Typefaces out of installed packages, and what each of them can write.

The packages `fontpkg-…` (https://fontpkg.org, one Google Fonts family each, OFL or Apache licence) announce themselves
by an entry point. The machine's own fonts are never used: the same packages render the same images everywhere.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from random import Random
from string import ascii_lowercase

import numpy as np
from PIL import Image, ImageFont

from aocr_core.errors import AocrError, UsageError

ENTRY_POINTS = "fontpkg.family"
SUFFIXES = {".ttf", ".otf"}
WEIGHTS = (300, 400, 600, 800)
"""What is used of a variable font's weights; thinner lines vanish at the size of a small image."""
_HAIRLINE = re.compile("thin|hairline|extralight|ultralight", re.IGNORECASE)
_PROBE_SIZE = 48
_NO_CHARACTER = "\U0010ffff"
"""A code point that is no character: every font answers with the box (or blank) that stands for missing glyphs."""
_TWO_CASES = "abdefghijlmnqrt"
"""Letters whose capital has another shape."""
_SAME_SHAPE = 0.78
"""Overlap (intersection over union) of small letters and capitals, stretched to one size: up to 0.71 in fonts with
two cases, from 0.84 (Cinzel) to 1 (Bebas Neue) where small letters are drawn as capitals."""


@dataclass(frozen=True)
class Face:
    """One weight and style of a family."""

    family: str
    path: str
    weight: int | None
    """Of a variable font; None for a font with one weight."""
    symbols: frozenset[str]
    """Those of the characters asked for that the font can write."""

    def at(self, size: int) -> ImageFont.FreeTypeFont:
        """The font at `size` pixels an em."""
        return _open(self.path, self.weight, size)


class Fonts:
    """Typefaces to choose from."""

    def __init__(self, faces: Iterable[Face]) -> None:
        self.families: dict[str, list[Face]] = {}
        for face in faces:
            self.families.setdefault(face.family, []).append(face)

    def choose(self, text: str, rng: Random) -> Face:
        """A face that has every character of `text`; each family is as likely as any other.

        Raises:
            UsageError: no face has them all.
        """
        needed = set(text)
        families = [fit for faces in self.families.values() if (fit := [f for f in faces if needed <= f.symbols])]
        if not families:
            raise UsageError(
                f"no font has all the characters of {text!r}{self._unknown(needed)}: add fonts with --fonts"
            )
        return rng.choice(rng.choice(families))

    def _unknown(self, symbols: set[str]) -> str:
        known = frozenset().union(*(face.symbols for faces in self.families.values() for face in faces))
        missing = ", ".join(map(repr, sorted(symbols - known)))
        return f" (there is none with {missing})" if missing else ""


def find_fonts(alphabet: Collection[str], folder: Path | None = None) -> Fonts:
    """The fonts of the installed packages, or of `folder`, with those characters of `alphabet` that each can write.

    Raises:
        UsageError: there is no font.
        AocrError: a font file is broken.
    """
    files = _files_in([folder]) if folder else _files_in(_package_folders())
    if not files and folder:
        raise UsageError(f"{folder} holds no font file ({', '.join(sorted(SUFFIXES))})")
    if not files:
        raise UsageError("no fonts are installed: pip install 'aocr-pipeline[fonts]', or name a folder with --fonts")
    return Fonts(face for path in files for face in _faces(path, alphabet))


def _package_folders() -> list[Path]:
    modules = sorted({entry.value for entry in entry_points(group=ENTRY_POINTS)})
    specs = [spec for module in modules if (spec := find_spec(module))]
    return [Path(spec.origin).parent for spec in specs if spec.origin]


def _files_in(folders: Sequence[Path]) -> list[Path]:
    return [
        path
        for folder in folders
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in SUFFIXES and not _HAIRLINE.search(path.stem)
    ]


def _faces(path: Path, alphabet: Collection[str]) -> list[Face]:
    family = re.split(r"[-\[]", path.stem)[0]
    symbols = _written_by(path, alphabet)
    return [Face(family, str(path), weight, symbols) for weight in _weights(path)]


def _weights(path: Path) -> list[int | None]:
    axis = next((axis for axis in _axes(_open(str(path), None, _PROBE_SIZE)) if axis["name"] == b"Weight"), None)
    if axis is None:
        return [None]
    return [weight for weight in WEIGHTS if axis["minimum"] <= weight <= axis["maximum"]] or [None]


def _axes(font: ImageFont.FreeTypeFont) -> list:
    try:
        return font.get_variation_axes()
    except OSError:  # Pillow's answer for a font that is not variable
        return []


@lru_cache(maxsize=512)
def _open(path: str, weight: int | None, size: int) -> ImageFont.FreeTypeFont:
    try:
        font = ImageFont.truetype(path, size)
    except OSError as error:
        raise AocrError(f"{path} is not a font that can be read ({error})") from error
    if weight is not None:
        font.set_variation_by_axes([weight if axis["name"] == b"Weight" else axis["default"] for axis in _axes(font)])
    return font


def _written_by(path: Path, alphabet: Collection[str]) -> frozenset[str]:
    # Basic layout: one character, one glyph, and the box where there is none.
    try:
        font = ImageFont.truetype(str(path), _PROBE_SIZE, layout_engine=ImageFont.Layout.BASIC)
    except OSError as error:
        raise AocrError(f"{path} is not a font that can be read ({error})") from error
    box = _ink(font, _NO_CHARACTER)
    written = {symbol for symbol in alphabet if _is_written(_ink(font, symbol), box, symbol)}
    if written & set(ascii_lowercase) and _has_one_case(font):
        written = {symbol for symbol in written if symbol == symbol.upper()}
    return frozenset(written)


def _ink(font: ImageFont.FreeTypeFont, symbol: str) -> Image.Image | None:
    """The black part of a glyph; None for a blank one."""
    mask = font.getmask(symbol, mode="L")
    glyph = Image.frombytes("L", mask.size, bytes(mask)) if all(mask.size) else None
    return glyph.crop(glyph.getbbox()) if glyph and glyph.getbbox() else None


def _is_written(glyph: Image.Image | None, box: Image.Image | None, symbol: str) -> bool:
    if symbol.isspace():
        return glyph is None
    return glyph is not None and glyph != box


def _has_one_case(font: ImageFont.FreeTypeFont) -> bool:
    overlaps = []
    for letter in _TWO_CASES:
        small, large = _ink(font, letter), _ink(font, letter.upper())
        if small is None or large is None:
            return False
        a, b = (np.asarray(glyph.resize((24, 24)), np.float32) for glyph in (small, large))
        overlaps.append(np.minimum(a, b).sum() / np.maximum(a, b).sum())
    return bool(np.mean(overlaps) > _SAME_SHAPE)
