"""How well and how fast the whole job is done: data set, training, evaluation, approval, export, deployment, question.

    python -m benchmarks.pipeline_run [words] [plates] [options of `aocr-pipeline run`]

`words`: no argument at all, as `make run`: 24,000 rendered words to train, 500 others to test.
`plates`: the photographed number plates in ../shared/data/plates_cn (678 to train, 178 to test).
Without a name, both; plates only where the data is. Each runs in a fresh build folder, one after the other. Other
options go to the run: `--count 200 --test-count 50 --num-epoch 1 --min-accuracy 0` shows in minutes that all works.
"""

import json
import sys
import tempfile
from pathlib import Path

from benchmarks.beside import DATA, seconds

PLATES = DATA / "plates_cn"
SETS: dict[str, list[str]] = {
    "words": [],
    "plates": [
        *("--annotations", str(PLATES / "annotations-training.txt")),
        *("--test-annotations", str(PLATES / "annotations-testing.txt")),
    ],
}
COLUMNS = ("data", "train / test images", "exact", "CER", "whole command, min", "training, min", "pipeline itself, s")


def measured(name: str, options: list[str], build: Path) -> list[str]:
    """One row of the table."""
    words = ("run", "--build-dir", str(build), "--no-keep-endpoint", *SETS[name], *options)
    whole = seconds("aocr-pipeline", *words)
    found = json.loads((build / "summary.json").read_text(encoding="utf-8"))
    training = next(step["seconds"] for step in found["steps"] if step["name"] == "train")
    return [
        name,
        f"{found['training_rows']:,} / {found['test_rows']:,}",
        f"{found['accuracy']:.1%}",
        f"{found['cer']:.2%}",
        f"{whole / 60:.1f}",
        f"{training / 60:.1f}",
        f"{found['overhead_seconds']:.1f}",
    ]


def main() -> None:
    words = sys.argv[1:]
    names = [word for word in words if word in SETS] or [name for name in SETS if name != "plates" or PLATES.is_dir()]
    options = [word for word in words if word not in SETS]
    with tempfile.TemporaryDirectory() as folder:
        rows = [measured(name, options, Path(folder) / name) for name in names]
    for row in (COLUMNS, ["---"] * len(COLUMNS), *rows):
        print(f"| {' | '.join(row)} |")


if __name__ == "__main__":
    main()
