"""How fast an exported SavedModel reads. Runs in TensorFlow 1.15 (Python 3.7) as well as in today's.

    python reads.py EXPORT PRECISION IMAGE...

Prints JSON: median seconds for one image (each of the given ones, five times over) and images a second in batches of
64, each after a warm-up. PRECISION: float32, or auto as for `aocr serve`.
"""

import json
import statistics
import sys
import time
from pathlib import Path

import tensorflow as tf

BATCH = 64
ROUNDS = 5


def reader(export):
    """A function: encoded images -> texts."""
    if tf.__version__.startswith("1."):
        session = tf.compat.v1.Session()
        meta = tf.compat.v1.saved_model.loader.load(session, ["serve"], export)
        signature = meta.signature_def["serving_default"]
        fetched = [signature.outputs[name].name for name in ("output", "probability")]
        return lambda images: session.run(fetched, {signature.inputs["input"].name: images})
    serve = tf.saved_model.load(export).signatures["serving_default"]

    def read(images):
        outputs = serve(tf.constant(images))
        return [outputs[name].numpy() for name in ("output", "probability")]

    return read


def timed(read, images):
    began = time.perf_counter()
    read(images)
    return time.perf_counter() - began


def main():
    export, precision, paths = sys.argv[1], sys.argv[2], sys.argv[3:]
    if precision == "auto":
        from aocr_core.precision import read_in, resolve

        read_in(resolve("auto"))
    images = [Path(path).read_bytes() for path in paths]
    read = reader(export)
    batch = (images * BATCH)[:BATCH]
    for _ in range(2):
        read(images[0]), read(batch)
    single = statistics.median([timed(read, image) for image in images * ROUNDS])
    whole = statistics.median([timed(read, batch) for _ in range(ROUNDS)])
    print(json.dumps({"seconds": single, "images_per_second": BATCH / whole}))


if __name__ == "__main__":
    main()
