"""How well it reads real images, after a stated time of training on this machine.

    python -m benchmarks.accuracy [SET[=MINUTES]] ...

The sets are the folders beside the repository in `../shared/data`; without a name, all of them. Each is built, trained
on and tested with the plain `aocr` commands; no option but the time, what the kind of label asks for, and the number of
passes where the time is enough for more of them than the default (to name it switches off the rendered words with which
a training on few images begins: they are asked for where fonts have the characters). What is made stays in
`build/benchmarks/accuracy/SET`: the model, `results/report.html`, `results/predictions.tsv`.
"""

import csv
import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from aocr_core.charset import Kind
from aocr_core.evaluation.metrics import TextMetrics, split
from benchmarks.beside import DATA, command

BUILD = Path("build/benchmarks/accuracy")


@dataclass(frozen=True)
class Task:
    """What is trained, for how long, and what is hoped for."""

    minutes: float
    goal: str
    labels: tuple[str, ...] = ()
    """What the data set and the training must know of the labels."""
    training: tuple[str, ...] = ()


TASKS = {
    "plates_cn": Task(12, "exact >= 98 %"),
    "sroie_lines": Task(60, "exact >= 92 %, CER <= 1.6 %", training=("--num-epoch", "30")),
    "archiscribe_german": Task(60, "CER <= 5 %", training=("--num-epoch", "100", "--pretrain", "always")),
    "arabic_jstor": Task(60, "CER <= 7 %", training=("--num-epoch", "90", "--pretrain", "always")),
    "formulas_sample": Task(30, "", ("--label-kind", "tokens")),
}
LONG, MIDDLING = range(30, 10_000), range(10, 21)
"""Lengths that are compared: a decoder that loses its place fails on long texts."""


def run(*words: str) -> None:
    subprocess.run(command("aocr", *words), check=True, stdout=subprocess.DEVNULL)


def measured(name: str, task: Task, minutes: float) -> list[str]:
    """One row of the table."""
    folder, source = BUILD / name, DATA / name
    for part in ("training", "testing"):
        run("dataset", str(source / f"annotations-{part}.txt"), str(folder / part), *task.labels)
    model, results = str(folder / "model"), folder / "results"
    began = time.perf_counter()
    run("train", str(folder / "training"), "--model-dir", model, "--no-resume", "--max-minutes", str(minutes),
        *task.labels, *task.training)  # fmt: skip
    trained = (time.perf_counter() - began) / 60
    run("test", str(folder / "testing"), "--model-dir", model, "--output-dir", str(results))
    found = json.loads((results / "metrics.json").read_text(encoding="utf-8"))
    return [
        name,
        f"{found['count']:,}",
        f"{trained:.1f}",
        f"{found['accuracy']:.1%}",
        f"{found['caseless_accuracy']:.1%}",
        f"{found['cer']:.2%}",
        f"{found['expected_calibration_error']:.1%}",
        by_length(results / "predictions.tsv", found["unit"]),
        task.goal,
    ]


def by_length(predictions: Path, unit: Kind) -> str:
    """Exact accuracy on long texts, relative to that on middling ones."""
    with predictions.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    shares = []
    for lengths in (LONG, MIDDLING):
        metrics = TextMetrics(unit)
        chosen = [(row["truth"], row["text"]) for row in rows if len(split(row["truth"], unit)) in lengths]
        if not chosen:
            return ""
        metrics.update(*zip(*chosen, strict=True))
        shares.append(metrics.summary().accuracy)
    return f"{shares[0]:.1%} / {shares[1]:.1%}"


def main() -> None:
    if not DATA.is_dir():
        sys.exit(f"the images to train and test on are not here: {DATA}")
    if unknown := {word.partition("=")[0] for word in sys.argv[1:]} - set(TASKS):
        sys.exit(f"unknown sets: {', '.join(unknown)}; there are {', '.join(TASKS)}")
    wanted = dict(word.partition("=")[::2] for word in sys.argv[1:]) or dict.fromkeys(TASKS, "")
    columns = ["set", "test images", "minutes", "exact", "case folded", "CER", "calibration error"]
    columns += ["exact, >= 30 / 10-20 long", "goal"]
    print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}", flush=True)
    for name, minutes in wanted.items():
        task = TASKS[name]
        print(f"| {' | '.join(measured(name, task, float(minutes or task.minutes)))} |", flush=True)


if __name__ == "__main__":
    main()
