"""What the pipeline costs over the same steps typed as plain `aocr` commands.

    python -m benchmarks.pipeline_overhead [options of `aocr train` that `aocr-pipeline run` has too]

Renders words, then runs `aocr dataset` (twice), `train`, `test` and `export`, then `aocr-pipeline run` on the same
words with the same options, in a fresh build folder. Short by intent (500 words, 1 epoch): the overhead does not
grow with the training. The pipeline also approves, deploys, and asks an endpoint that it starts; that is counted.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

COUNT, TEST_COUNT = 500, 100


def seconds(folder: Path, *words: str) -> float:
    """Of a command that is installed beside this Python, run in `folder`."""
    program = str(Path(sys.executable).with_name(words[0]))
    began = time.perf_counter()
    subprocess.run([program, *words[1:]], check=True, cwd=folder, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def plain(folder: Path, options: list[str]) -> dict[str, float]:
    """Seconds of each command, by name."""
    built = seconds(folder, "aocr", "dataset", "words/training.txt", "training", "--save-filename")
    built += seconds(folder, "aocr", "dataset", "words/testing.txt", "testing", "--save-filename")
    return {
        "build-tfrecords": built,
        "train": seconds(folder, "aocr", "train", "training", *options),
        "evaluate": seconds(folder, "aocr", "test", "testing"),
        "export": seconds(folder, "aocr", "export", "exported"),
    }


def pipeline(folder: Path, options: list[str]) -> tuple[dict[str, float], float]:
    """Seconds of each step, by name, and of the whole command."""
    data = ("--annotations", "words/training.txt", "--test-annotations", "words/testing.txt", "--min-accuracy", "0")
    whole = seconds(folder, "aocr-pipeline", "run", "--no-keep-endpoint", *data, *options)
    found = json.loads((folder / "build" / "summary.json").read_text(encoding="utf-8"))
    return {step["name"]: step["seconds"] for step in found["steps"]}, whole


def main() -> None:
    options = sys.argv[1:] or ["--num-epoch", "1"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        seconds(folder, "aocr", "synth", "words", "--count", str(COUNT), "--test-count", str(TEST_COUNT))
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
