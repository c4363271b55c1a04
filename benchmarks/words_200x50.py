"""Rendered words of capital letters and digits on 200x50 pixels: what aocr 0.7.6 can be trained on as well."""

import subprocess
from pathlib import Path

from PIL import Image, ImageOps

from benchmarks.beside import command

SIZE = (200, 50)
LONGEST = 10
OPTIONS = ("--max-width", str(SIZE[0]), "--max-height", str(SIZE[1]), "--max-prediction", str(LONGEST))
"""What both programs must be told of them."""


def make(folder: Path, count: int, test_count: int) -> tuple[Path, Path]:
    """Render, and build the TFRecords to train and to test with; both programs read them."""
    options = ["--count", str(count), "--test-count", str(test_count), "--charset", "alphanumeric-upper"]
    synth = command("aocr", "synth", str(folder / "words"), *options)
    subprocess.run(synth, check=True, stdout=subprocess.DEVNULL)
    for path in (folder / "words" / "images").rglob("*.*"):
        with Image.open(path) as image:
            gray = image.convert("L")
            ImageOps.pad(gray, SIZE, color=gray.tobytes()[0]).save(path)
    made = []
    for name in ("training", "testing"):
        target = folder / f"{name}.tfrecords"
        dataset = command("aocr", "dataset", str(folder / "words" / f"{name}.txt"), str(target))
        subprocess.run(dataset, check=True, stdout=subprocess.DEVNULL)
        made.append(target)
    return made[0], made[1]
