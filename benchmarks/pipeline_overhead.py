"""What the pipeline costs over the same steps typed as plain `aocr` commands.

    python -m benchmarks.pipeline_overhead [options of `aocr train` that `aocr-pipeline run` has too]

Renders words, then runs `aocr dataset` (twice), `train`, `test` and `export`, then `aocr-pipeline run` on the same
words with the same options, in a fresh build folder. Short by intent (500 words, 1 epoch): the overhead does not
grow with the training. The pipeline also approves, deploys, and asks an endpoint that it starts; that is counted.
"""

import json
import sys
import tempfile
from functools import partial
from pathlib import Path

from benchmarks.beside import seconds

COUNT, TEST_COUNT = 500, 100


def plain(folder: Path, options: list[str]) -> dict[str, float]:
    """Seconds of each command, by name."""
    aocr = partial(seconds, "aocr", folder=folder)
    built = aocr("dataset", "words/training.txt", "training", "--save-filename")
    built += aocr("dataset", "words/testing.txt", "testing", "--save-filename")
    return {
        "build-tfrecords": built,
        "train": aocr("train", "training", *options),
        "evaluate": aocr("test", "testing"),
        "export": aocr("export", "exported"),
    }


def pipeline(folder: Path, options: list[str]) -> tuple[dict[str, float], float]:
    """Seconds of each step, by name, and of the whole command."""
    data = ("--annotations", "words/training.txt", "--test-annotations", "words/testing.txt", "--min-accuracy", "0")
    whole = seconds("aocr-pipeline", "run", "--no-keep-endpoint", *data, *options, folder=folder)
    found = json.loads((folder / "build" / "summary.json").read_text(encoding="utf-8"))
    return {step["name"]: step["seconds"] for step in found["steps"]}, whole


def main() -> None:
    options = sys.argv[1:] or ["--num-epoch", "1"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        seconds("aocr", "synth", "words", "--count", str(COUNT), "--test-count", str(TEST_COUNT), folder=folder)
        commands = plain(folder, options)
        steps, whole = pipeline(folder, options)
    print("| step | `aocr` command, s | pipeline, s |\n|---|---|---|")
    for step, taken in steps.items():
        print(f"| {step} | {commands[step]:.1f} | {taken:.1f} |" if step in commands else f"| {step} | | {taken:.1f} |")
    total = sum(commands.values())
    print(f"| the pipeline itself, and one question to the endpoint | | {whole - sum(steps.values()):.1f} |")
    print(f"| all | {total:.1f} | {whole:.1f} |")
    print(f"\nThe pipeline takes {whole - total:+.1f} s against the commands.")


if __name__ == "__main__":
    main()
