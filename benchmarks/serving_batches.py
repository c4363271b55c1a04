"""Which images the server should have read together: what the model costs an image, by the padding that is allowed.

    python -m benchmarks.serving_batches EXPORT IMAGES [--waiting 16] [--rounds 300]

No server here: a queue that always holds so many images, batches as `aocr_core.serving.batcher.choose` makes them, and
the model. A batch is padded to its widest image; the less padding is allowed, the smaller the batches. Wall and CPU
time, the latter because other work on the machine disturbs it less.
"""

import argparse
import random
import time
from pathlib import Path

from aocr_core import exports
from aocr_core.data import images
from aocr_core.serving import batcher, model
from aocr_core.serving.batcher import Shape, choose
from benchmarks.load import ENDINGS

PADDINGS = (0.0, 0.1, 0.25, 0.4, 1.0)
MOST = 32


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("export", type=Path)
    parser.add_argument("images", type=Path)
    parser.add_argument("--waiting", type=int, default=16, help="images in the queue")
    parser.add_argument("--rounds", type=int, default=300, help="images to read for each figure")
    given = parser.parse_args()
    newest = exports.newest(str(given.export))
    assert newest, f"no export in {given.export}"
    loaded = model.load(Path(newest[1]), MOST)
    files = sorted(path for path in given.images.rglob("*") if path.suffix.lower() in ENDINGS)
    plain = [images.from_any(file) for file in files]
    print("| padding allowed | images a batch | CPU ms an image | ms an image |\n|---|---|---|---|")
    for padding in (PADDINGS[2], *PADDINGS):  # the first time is to warm up
        batcher.MAX_PADDING = padding
        chance, queue, read, batches = random.Random(1), list(plain[: given.waiting]), 0, 0
        began, worked = time.perf_counter(), time.process_time()
        while read < given.rounds:
            chosen = choose([Shape(width=image.width / image.height) for image in queue], MOST)
            loaded.run([queue[index].data for index in chosen])
            queue = [image for index, image in enumerate(queue) if index not in set(chosen)]
            queue += chance.choices(plain, k=given.waiting - len(queue))
            read, batches = read + len(chosen), batches + 1
        cpu, wall = (1000 * seconds / read for seconds in (time.process_time() - worked, time.perf_counter() - began))
        print(f"| {padding:.0%} | {read / batches:.1f} | {cpu:.2f} | {wall:.2f} |", flush=True)


if __name__ == "__main__":
    main()
