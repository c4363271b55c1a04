"""The pictures of the README: `make pictures`.

    python -m docs.pictures [BUILD]

`pipeline.svg` is drawn from the compiled pipeline. `attention.png` is what the model of the last run in the build
folder looks at in rendered words of its test set; it needs a run on rendered words (`make run` without ANNOTATIONS).
"""

import io
import sys
from itertools import islice
from pathlib import Path

from PIL import Image

from aocr_core import logs
from aocr_core.data import annotations
from aocr_core.errors import AocrError
from docs.dag import Drawing
from pipelines import spec

HERE = Path(__file__).parent
PIPELINE, ATTENTION = HERE / "pipeline.svg", HERE / "attention.png"
SHOW = 3
LENGTH = 7
"""Symbols of the words to show: as many rows in each picture."""
GAP = 16


def attention(build: Path) -> bytes:
    """Sheets of the first few test words of seven symbols, side by side, as PNG; mistakes are shown like the rest.

    Raises:
        AocrError: there was no run on rendered words, or it had too few of them.
    """
    from aocr_core.evaluation.attention import overlay
    from aocr_core.recognizer import Recognizer

    words = build / "words" / "testing.txt"
    if not words.is_file() or not (build / "model").is_dir():
        raise AocrError(f"{build} holds no run on rendered words: make run")
    rows = [
        row for row in annotations.read(str(words)) if isinstance(row, annotations.Row) and len(row.label) == LENGTH
    ]
    images = [(words.parent / row.path).read_bytes() for row in islice(rows, SHOW)]
    readings = Recognizer.load(build / "model").read(images, attention=True)
    return _side_by_side([overlay(image, reading) for image, reading in zip(images, readings, strict=True)])


def _side_by_side(pictures: list[bytes]) -> bytes:
    sheets = [Image.open(io.BytesIO(picture)).convert("RGB") for picture in pictures]
    width = sum(sheet.width for sheet in sheets) + GAP * (len(sheets) - 1)
    whole = Image.new("RGB", (width, max(sheet.height for sheet in sheets)), "white")
    left = 0
    for sheet in sheets:
        whole.paste(sheet, (left, 0))
        left += sheet.width + GAP
    buffer = io.BytesIO()
    whole.quantize(128, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def main() -> None:
    """Write both pictures beside this file."""
    logs.configure()
    PIPELINE.write_text(Drawing(spec.load()).svg(), encoding="utf-8")
    print(f"wrote {PIPELINE}")
    try:
        ATTENTION.write_bytes(attention(Path(sys.argv[1] if len(sys.argv) > 1 else "build")))
    except AocrError as error:
        raise SystemExit(str(error)) from error
    print(f"wrote {ATTENTION}")


if __name__ == "__main__":
    main()
