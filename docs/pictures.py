"""The pictures of the README: `make pictures`.

    python -m docs.pictures [BUILD]

`pipeline.svg` is drawn from the compiled pipeline. `attention.png` is what the model of the last run in the build
folder looks at in rendered words of its test set; it needs a run on rendered words (`make run` without ANNOTATIONS).
`page.png` is the server's page with one of these words, which also needs Chromium.
"""

import io
import sys
import tempfile
import threading
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from PIL import Image

from aocr_core import logs
from aocr_core.data import annotations
from aocr_core.errors import AocrError
from docs import browser
from docs.dag import Drawing
from pipelines import spec

HERE = Path(__file__).parent
PIPELINE, ATTENTION, PAGE = HERE / "pipeline.svg", HERE / "attention.png", HERE / "page.png"
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

    images = [path.read_bytes() for path in islice(_words(build), SHOW)]
    readings = Recognizer.load(build / "model").read(images, attention=True)
    return _side_by_side([overlay(image, reading) for image, reading in zip(images, readings, strict=True)])


def page(build: Path) -> bytes:
    """The page of `aocr serve` with a test word, and its fourth symbol pointed at, as PNG.

    Raises:
        AocrError: there was no run on rendered words, or there is no browser.
    """
    from aocr_core.config import ServeOptions
    from aocr_core.serving.server import Server

    image = next(_words(build))
    program = browser.find()
    if program is None:
        raise AocrError("a picture of the page needs Chromium or Chrome on the path")
    server = Server(build / "serving" / "aocr", ServeOptions(rest_api_port=0))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        with tempfile.TemporaryDirectory() as profile, browser.browser(program, Path(profile)) as shown:
            shown.look(760, 560)
            shown.open(server.url.partition("/v1/")[0])
            for _ in range(2):  # the first one takes a second longer
                shown.run("document.querySelector('#clear').click()")
                shown.choose("#files", [image])
                shown.wait("document.querySelector('.card[aria-busy=false] .symbol')")
            shown.run("document.querySelectorAll('.text .symbol')[3].focus()")
            return shown.picture()
    finally:
        server.stop()
        thread.join()


def _words(build: Path) -> Iterator[Path]:
    """The test words of seven symbols."""
    words = build / "words" / "testing.txt"
    if not words.is_file() or not (build / "model").is_dir():
        raise AocrError(f"{build} holds no run on rendered words: make run")
    for row in annotations.read(str(words)):
        if isinstance(row, annotations.Row) and len(row.label) == LENGTH:
            yield words.parent / row.path


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
    """Write the pictures beside this file."""
    logs.configure()
    PIPELINE.write_text(Drawing(spec.load()).svg(), encoding="utf-8")
    print(f"wrote {PIPELINE}")
    build = Path(sys.argv[1] if len(sys.argv) > 1 else "build")
    for path, picture in ((ATTENTION, attention), (PAGE, page)):
        try:
            path.write_bytes(picture(build))
        except AocrError as error:
            raise SystemExit(str(error)) from error
        print(f"wrote {path}")


if __name__ == "__main__":
    main()
