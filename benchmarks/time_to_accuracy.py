"""How long it takes to learn to read, side by side with aocr 0.7.6 on the same images.

    python -m benchmarks.time_to_accuracy [minutes of the original]

Renders 5,000 words of 200x50 pixels to train on and 500 other words. Here, `aocr train` with its defaults judges itself
by those after every epoch: the time counts from the start of the process to the first judgement of 95 % exact or more,
and also to the end of the training. The original has no validation: it trains in batches of 64 and is stopped every
quarter of an hour to be tested with its own `aocr test --no-distance`. Only its steps count, neither its start nor the
tests. It goes on until it reads 95 %, or for 90 minutes. Both run on the processor.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from benchmarks import words_200x50
from benchmarks.beside import command
from benchmarks.original import Original

COUNT, TEST_COUNT = 5000, 500
WANTED = 0.95
MINUTES, STRETCH_MINUTES = 90.0, 15.0
BATCH = 64
CHECKPOINT_STEPS = 10
ACCURACY = re.compile(r"Accuracy: *([\d.]+)%")
BUILD = Path("build/benchmarks")


def ours(folder: Path, dataset: Path, validation: Path) -> tuple[float | None, float, float]:
    """Minutes to the wanted accuracy (None: never), minutes to the end, and the accuracy then."""
    model = folder / "model"
    train = command("aocr", "train", str(dataset), "--validation", str(validation), "--model-dir", str(model))
    began = time.perf_counter()
    reached, lines = None, []
    with subprocess.Popen(train, stdout=subprocess.DEVNULL) as run:
        try:
            running = True
            while running:
                running = run.poll() is None
                history = model / "history.jsonl"
                lines = history.read_text(encoding="utf-8").splitlines() if history.exists() else []
                if reached is None and any(json.loads(line)["accuracy"] >= WANTED for line in lines):
                    reached = (time.perf_counter() - began) / 60
                time.sleep(0.2 if running else 0)
        finally:
            run.terminate()
    if run.returncode or not lines:
        sys.exit("the training failed")
    return reached, (time.perf_counter() - began) / 60, json.loads(lines[-1])["accuracy"]


def stretch(original: Original, folder: Path, dataset: Path) -> float:
    """Let the original train for a while, at least to its next checkpoint; minutes that its steps took."""
    options = (*words_200x50.OPTIONS, "--batch-size", str(BATCH), "--gpu-id", "-1", "--model-dir", "original")
    spent = 0.0
    with closing(original.steps(folder, dataset, *options, "--steps-per-checkpoint", str(CHECKPOINT_STEPS))) as steps:
        for number, (_, seconds) in enumerate(steps):
            spent += seconds / 60
            # The checkpoint before this step is on the disk by now.
            if spent >= STRETCH_MINUTES and number % CHECKPOINT_STEPS == 0:
                return spent
    sys.exit("aocr 0.7.6 ended its training by itself")


def accuracy(original: Original, folder: Path, validation: Path) -> float:
    """Share of the images that the original reads without a mistake."""
    options = (*words_200x50.OPTIONS, "--gpu-id", "-1", "--model-dir", "original", "--no-distance")
    return float(ACCURACY.findall(original.run(folder, "test", str(validation), *options))[-1]) / 100


def main() -> None:
    os.environ["CUDA_VISIBLE_DEVICES"] = ""  # both on the processor
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else MINUTES
    original = Original(BUILD / "aocr-0.7.6")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        dataset, validation = words_200x50.make(folder, COUNT, TEST_COUNT)
        reached, whole, last = ours(folder, dataset, validation)
        print("| program | minutes | exact |\n|---|---|---|")
        if reached is not None:
            print(f"| here, first judgement of {WANTED:.0%} or more | {reached:.1f} | |")
        print(f"| here, whole training | {whole:.1f} | {last:.1%} |", flush=True)
        spent, read = 0.0, 0.0
        while spent < minutes and read < WANTED:
            spent += stretch(original, folder, dataset)
            read = accuracy(original, folder, validation)
            print(f"| aocr 0.7.6 | {spent:.1f} | {read:.1%} |", flush=True)


if __name__ == "__main__":
    main()
