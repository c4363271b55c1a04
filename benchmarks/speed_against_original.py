"""Training and reading, side by side with aocr 0.7.6 on the same images.

    python -m benchmarks.speed_against_original [rounds]

Renders words of 200x50 pixels. Each round trains the original, the preset `aocr` and the default preset for some
steps, one after the other (batches of 64 images, scaled to 32x128), and then lets the exported SavedModels of the
original and of the default preset read test images, the latter also as `aocr serve --precision auto` does. Prints
medians over the rounds, and the median of each ratio to the original in the same round. All run on the processor, our
trainings in the precision that `aocr train --precision auto` takes. The default preset has been trained for some
minutes before: how long it takes to read depends on the length of what it reads. The original takes all of its decoding
steps whatever it has learnt.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from benchmarks import words_200x50
from benchmarks.beside import command
from benchmarks.original import Original

COUNT, TEST_COUNT = 5000, 100
ROUNDS = 3
BATCH = 64
STEPS = 12
"""Of the original in each round; the first two, in which TensorFlow settles, do not count."""
STRETCHES, STRETCH_STEPS = 3, {"aocr": 5, "fast": 25}
"""Of ours, by preset; the first stretch does not count."""
LEARNING_MINUTES = 4
READER = str(Path(__file__).with_name("reads.py"))
BUILD = Path("build/benchmarks")


def original_training(original: Original, folder: Path, dataset: Path) -> float:
    """Images a second."""
    options = (
        *words_200x50.OPTIONS,
        "--batch-size",
        str(BATCH),
        "--gpu-id",
        "-1",
        "--model-dir",
        "original",
        "--no-resume",
    )
    seconds = []
    with closing(original.steps(folder, dataset, *options, "--steps-per-checkpoint", str(STEPS))) as steps:
        for number, taken in steps:
            seconds.append(taken)
            if number > STEPS:  # the checkpoint of step `STEPS` is on the disk by then
                break
    return BATCH / statistics.median(seconds[2:])


def training(preset: str, folder: Path, dataset: Path, validation: Path) -> tuple[float, float]:
    """Images a second of ours, with everything that a step needs, and the share of the time spent waiting for data."""
    model = folder / preset
    options = [
        *words_200x50.OPTIONS,
        "--batch-size",
        str(BATCH),
        "--preset",
        preset,
        "--validation",
        str(validation),
        "--no-resume",
    ]
    options += ["--model-dir", str(model), "--steps-per-checkpoint", str(STRETCH_STEPS[preset])]
    history = model / "history.jsonl"
    history.unlink(missing_ok=True)
    stretches: list[dict[str, float]] = []
    train = command("aocr", "train", str(dataset), *options)
    with (folder / "log").open("w+") as log, subprocess.Popen(train, stderr=log) as run:
        try:
            while len(stretches) < STRETCHES and run.poll() is None:
                time.sleep(0.5)
                lines = history.read_text(encoding="utf-8").splitlines() if history.exists() else []
                stretches = [json.loads(line) for line in lines]
        finally:
            run.terminate()
        if len(stretches) < STRETCHES:
            log.seek(0)
            sys.exit(f"the training with the preset {preset} failed: {log.read()[-2000:]}")
    settled = stretches[1:STRETCHES]
    figures = ("images_per_second", "waiting_share")
    speed, waiting = (statistics.median(stretch[figure] for stretch in settled) for figure in figures)
    return speed, waiting


def reading(python: str, export: Path, precision: str, images: list[str]) -> dict[str, float]:
    """Median seconds for one image, and images a second in batches of 64."""
    words = [python, READER, str(export), precision, *images]
    done = subprocess.run(words, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def learn(folder: Path, dataset: Path, validation: Path) -> Path:
    """An export of the default preset after some minutes of training."""
    model, export = folder / "learnt", folder / "export"
    options = ["--validation", str(validation), "--model-dir", str(model), "--max-minutes", str(LEARNING_MINUTES)]
    for words in (("train", str(dataset), *options), ("export", str(export), "--model-dir", str(model))):
        subprocess.run(command("aocr", *words), check=True, stdout=subprocess.DEVNULL)
    return export / "1"


def one_round(original: Original, folder: Path, data: tuple[Path, Path], export: Path) -> dict[str, float]:
    """All figures, once."""
    dataset, validation = data
    found = {"original training": original_training(original, folder, dataset)}
    for preset in STRETCH_STEPS:
        speed, waiting = training(preset, folder, dataset, validation)
        found |= {f"{preset} training": speed, f"{preset} waiting": waiting}
    theirs = folder / "original-export"
    if not theirs.exists():
        # On the processor, or the exported graph would ask for a GPU.
        options = (*words_200x50.OPTIONS, "--gpu-id", "-1", "--model-dir", "original")
        original.run(folder, "export", theirs.name, *options)
    images = [str(path) for path in sorted((folder / "words" / "images").glob("test-*"))[:20]]
    for name, python, path, precision in (
        ("original", original.python, theirs, "float32"),
        ("fast", sys.executable, export, "float32"),
        ("rounded", sys.executable, export, "auto"),
    ):
        read = reading(python, path, precision, images)
        found |= {f"{name} single": read["seconds"], f"{name} batch": read["images_per_second"]}
    return found


def main() -> None:
    os.environ["CUDA_VISIBLE_DEVICES"] = ""  # all on the processor
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    original = Original(BUILD / "aocr-0.7.6")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = words_200x50.make(folder, COUNT, TEST_COUNT)
        export = learn(folder, *data)
        found = [one_round(original, folder, data, export) for _ in range(rounds)]

    def median(figure: str) -> float:
        return statistics.median(one[figure] for one in found)

    def ratio(ours: str, theirs: str) -> float:
        return statistics.median(one[ours] / one[theirs] for one in found)

    print(f"| figure (median of {rounds}) | aocr 0.7.6 | here | ratio |\n|---|---|---|---|")
    for preset in STRETCH_STEPS:
        ours, theirs = f"{preset} training", "original training"
        print(f"| training, preset `{preset}`, images/s | {median(theirs):.1f} | {median(ours):.1f} "
              f"| {ratio(ours, theirs):.1f} x |")  # fmt: skip
    print(f"| of it waiting for data, default preset | | {median('fast waiting'):.1%} | |")
    for name, how in (("fast", ""), ("rounded", ", precision `auto`")):
        single = 1 / ratio(f"{name} single", "original single")
        print(f"| one image, exported SavedModel{how}, ms | {1000 * median('original single'):.1f} "
              f"| {1000 * median(f'{name} single'):.1f} | 1/{single:.1f} |")  # fmt: skip
        print(f"| batches of 64, exported SavedModel{how}, images/s | {median('original batch'):.0f} "
              f"| {median(f'{name} batch'):.0f} | {ratio(f'{name} batch', 'original batch'):.1f} x |")  # fmt: skip


if __name__ == "__main__":
    main()
