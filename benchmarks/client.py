"""What a server saves: `aocr predict` here against `aocr predict --server`, and several requests at a time.

    python -m benchmarks.client EXPORT IMAGES [--runs 5] [--count 400]

EXPORT is the folder that `aocr serve` takes, IMAGES a folder of images. Starts a server on loopback, reads one image by
each command in a fresh process, in turn, then `--count` images with one request at a time and with several. Prints the
median of the seconds; the first round fills the file cache and does not count.
"""

import argparse
import statistics
import time
from itertools import cycle, islice
from pathlib import Path

from aocr_core.serving.client import BATCH, CONNECTIONS, Client
from benchmarks.beside import seconds
from benchmarks.load import serving


def images_per_second(url: str, images: list[bytes], connections: int) -> float:
    with Client(url, connections=connections) as asked:
        asked.read(images[:BATCH])
        began = time.perf_counter()
        asked.read(images)
        return len(images) / (time.perf_counter() - began)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("export", type=Path)
    parser.add_argument("images", type=Path)
    parser.add_argument("--runs", type=int, default=5, help="of each command")
    parser.add_argument("--count", type=int, default=400, help="images to read by one client")
    given = parser.parse_args()
    files = sorted(path for path in given.images.iterdir() if path.suffix in (".png", ".jpg"))
    with serving(given.export) as url:
        ways = {"here": ["--model-dir", str(given.export)], "by a server": ["--server", url]}
        rounds = [
            {way: seconds("aocr", "predict", *flags, str(files[0])) for way, flags in ways.items()}
            for _ in range(given.runs + 1)
        ]
        print("| one image, a fresh process | median, s |\n|---|---|")
        for way in ways:
            print(f"| {way} | {statistics.median(times[way] for times in rounds[1:]):.2f} |")
        images = [path.read_bytes() for path in islice(cycle(files), given.count)]
        print("\n| requests at a time | images/s |\n|---|---|")
        for connections in (1, CONNECTIONS, 1, CONNECTIONS):
            print(f"| {connections} | {images_per_second(url, images, connections):.0f} |")


if __name__ == "__main__":
    main()
