"""Writes a folder of rendered words with its annotation files."""

import json
import logging
import multiprocessing
import os
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import NamedTuple

from aocr_core import __version__
from aocr_core.config import SynthOptions
from aocr_core.data.synth import labels
from aocr_core.data.synth.fonts import Fonts, find_fonts
from aocr_core.data.synth.render import render
from aocr_core.errors import UsageError
from aocr_core.progress import track

logger = logging.getLogger(__name__)

RECIPE = "synth.json"
"""Says how the folder was made. A folder that has it may be made anew; any other is left alone."""
_CHUNK = 32
_FEW = 100
"""So few images are rendered before other processes have started."""


class SynthReport(NamedTuple):
    """What was written."""

    training: int
    testing: int
    families: int
    """Font families that were there to choose from."""


class _Task(NamedTuple):
    name: str
    """Of the image, without folder and suffix; the picture depends on it, on the label and on the seed alone."""
    label: str


@dataclass(frozen=True)
class _Painter:
    """Renders single images to a folder; sent to every process."""

    folder: Path
    fonts: Fonts
    seed: int
    height: int

    def __call__(self, task: _Task) -> None:
        image = render(task.label, self.fonts, Random(f"{self.seed}/{task.name}"), self.height)
        image.save(self.folder / f"{task.name}.png", compress_level=1)


def build(output: str, options: SynthOptions) -> SynthReport:
    """Render training and test words to `output`: `images/`, `training.txt`, `testing.txt` and `synth.json`.

    The annotation files have a row `images/NAME.png LABEL` for each image. `output` appears whole or not at all.

    Raises:
        UsageError: the options contradict each other, there are no fonts for them, or `output` holds other files.
    """
    if Path(output).exists() and any(Path(output).iterdir()) and not (Path(output) / RECIPE).is_file():
        raise UsageError(f"{output} exists and was not made by `aocr synth`: choose a new folder")
    texts = _texts(options)
    tasks = {
        "training": [_Task(f"train-{index:05d}", label) for index, label in enumerate(texts.training)],
        "testing": [_Task(f"test-{index:05d}", label) for index, label in enumerate(texts.testing)],
    }
    fonts = find_fonts(set("".join(texts.training + texts.testing)), Path(options.fonts) if options.fonts else None)
    for label in set(texts.training + texts.testing):
        fonts.choose(label, Random(0))  # better now than after half of the work
    with _output_dir(output) as folder:
        (folder / "images").mkdir()
        painter = _Painter(folder / "images", fonts, options.seed, options.height)
        _paint(painter, [task for split in tasks.values() for task in split], options.workers)
        for split, rows in tasks.items():
            lines = [f"images/{task.name}.png {task.label}\n" for task in rows]
            (folder / f"{split}.txt").write_text("".join(lines), encoding="utf-8")
        (folder / RECIPE).write_text(_recipe(options, fonts), encoding="utf-8")
    return SynthReport(len(texts.training), len(texts.testing), len(fonts.families))


def _texts(options: SynthOptions) -> labels.Labels:
    if options.words is None:
        return labels.made_up(options)
    try:
        return labels.given(Path(options.words).read_text(encoding="utf-8").splitlines(), options)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--words {options.words} cannot be read as UTF-8 text: {error}") from error


def _paint(painter: _Painter, tasks: list[_Task], workers: int) -> None:
    workers = workers or os.cpu_count() or 1
    with track("synth", len(tasks), "images") as bar:
        if workers == 1 or len(tasks) <= _FEW:
            for task in tasks:
                painter(task)
                bar.advance()
            return
        # Not forked: the progress bar of a terminal runs in a thread.
        with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
            for _ in pool.map(painter, tasks, chunksize=_CHUNK):
                bar.advance()


def _recipe(options: SynthOptions, fonts: Fonts) -> str:
    recipe = {"aocr": __version__, "options": options.model_dump(), "fonts": sorted(fonts.families)}
    return json.dumps(recipe, indent=2, ensure_ascii=False) + "\n"


@contextmanager
def _output_dir(output: str) -> Iterator[Path]:
    import shutil

    target = Path(output)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        work = Path(folder) / "new"
        work.mkdir()
        yield work
        if target.exists():
            shutil.rmtree(target)
        work.rename(target)
