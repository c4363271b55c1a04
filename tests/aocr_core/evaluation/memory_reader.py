"""A recogniser that needs no network, for what is measured and drawn around it."""

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np
from PIL import Image, ImageDraw

from aocr_core.charset import Charset
from aocr_core.config import DataOptions
from aocr_core.reading import Reading


def reading(text: str, probability: float = 0.9, kind: str = "characters", steps: int = 20) -> Reading:
    """A reading whose attention walks from left to right."""
    symbols = tuple(text.split() if kind == "tokens" else text)
    centres = (np.arange(len(symbols)) + 0.5) / max(1, len(symbols)) * steps
    weights = np.exp(-np.square(np.arange(steps) + 0.5 - centres[:, None]))
    share = probability ** (1 / (len(symbols) + 1))
    return Reading(text, probability, symbols, (share,) * (len(symbols) + 1), weights / weights.sum(1, keepdims=True))


@dataclass
class MemoryReader:
    """A recogniser that knows by heart what to answer to each image, and remembers how it was asked."""

    answers: dict[bytes, Reading]
    charset: Charset
    force_uppercase: bool = False
    calls: list[tuple[int, bool]] = field(default_factory=list)

    @property
    def config(self):
        data = DataOptions(force_uppercase=self.force_uppercase)
        dump = {"options": {"preset": "fast", "color": False}, "charset": {"symbols": list(self.charset.symbols)}}
        return SimpleNamespace(data=data, model_dump=lambda mode: dump)

    def read_plain(self, encoded: Sequence[bytes], attention: bool = False) -> list[Reading]:
        self.calls.append((len(encoded), attention))
        return [self.answers[image] for image in encoded]


def word_image(text: str, size: tuple[int, int] = (120, 40)) -> bytes:
    """A PNG with the text in it; the same text gives the same bytes."""
    image = Image.new("L", size, 255)
    ImageDraw.Draw(image).text((4, 8), text.encode("ascii", "replace").decode(), 0)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()
