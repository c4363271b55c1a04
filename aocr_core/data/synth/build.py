"""Writes a folder of rendered words with its annotation files."""

import json
import logging
import multiprocessing
import os
import signal
from collections.abc import Collection, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import NamedTuple

from aocr_core import __version__, storage
from aocr_core.config import SynthOptions
from aocr_core.data.synth import labels
from aocr_core.data.synth.fonts import Fonts, find_fonts
from aocr_core.data.synth.render import render
from aocr_core.errors import UsageError
from aocr_core.progress import track

logger = logging.getLogger(__name__)

RECIPE = "synth.json"
"""Says how the folder was made."""
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
    if storage.exists(output) and not _may_be_replaced(output):
        raise UsageError(f"{output} exists and holds more than `aocr synth` wrote: choose a new folder")
    texts = _texts(options)
    if storage.exists(storage.join(output, RECIPE)):
        logger.info("the words in %s are replaced", output)
    tasks = {
        "training": [_Task(f"train-{index:05d}", label) for index, label in enumerate(texts.training)],
        "testing": [_Task(f"test-{index:05d}", label) for index, label in enumerate(texts.testing)],
    }
    with _fonts(options, {*texts.training, *texts.testing}) as fonts, storage.output_dir(output) as folder:
        (folder / "images").mkdir()
        painter = _Painter(folder / "images", fonts, options.seed, options.height)
        _paint(painter, [task for split in tasks.values() for task in split], options.workers)
        for split, rows in tasks.items():
            lines = [f"images/{task.name}.png {task.label}\n" for task in rows]
            (folder / f"{split}.txt").write_text("".join(lines), encoding="utf-8")
        (folder / RECIPE).write_text(_recipe(options, fonts), encoding="utf-8")
    return SynthReport(len(texts.training), len(texts.testing), len(fonts.families))


def _may_be_replaced(output: str) -> bool:
    """Whether a folder is empty or holds nothing but an earlier outcome of this command."""
    if storage.is_remote(output) or not storage.is_dir(output):
        return False
    with storage.local_copy(output) as folder:
        names = {entry.name for entry in folder.iterdir()}
    return not names or (RECIPE in names and names <= {RECIPE, "images", "training.txt", "testing.txt"})


def _texts(options: SynthOptions) -> labels.Labels:
    if options.words is None:
        return labels.made_up(options)
    try:
        text = storage.read_bytes(options.words).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"--words {options.words} is not UTF-8 text: {error}") from error
    return labels.given(text.splitlines(), options)


@contextmanager
def _fonts(options: SynthOptions, texts: Collection[str]) -> Iterator[Fonts]:
    """Fonts that are known to have what all `texts` need."""
    with storage.local_copy(options.fonts) if options.fonts else nullcontext() as folder:
        fonts = find_fonts(set("".join(texts)), folder)
        for text in texts:
            fonts.choose(text, Random(0))
        yield fonts


def _paint(painter: _Painter, tasks: list[_Task], workers: int) -> None:
    workers = workers or os.cpu_count() or 1
    with track("synth", len(tasks), "images") as bar:
        if workers == 1 or len(tasks) <= _FEW:
            for task in tasks:
                painter(task)
                bar.advance()
            return
        # Not forked: the progress bar of a terminal runs in a thread. Ctrl-C is for this process to answer.
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(workers, context, signal.signal, (signal.SIGINT, signal.SIG_IGN)) as pool:
            for _ in pool.map(painter, tasks, chunksize=_CHUNK):
                bar.advance()


def _recipe(options: SynthOptions, fonts: Fonts) -> str:
    recipe = {"aocr": __version__, "options": options.model_dump(), "fonts": sorted(fonts.families)}
    return json.dumps(recipe, indent=2, ensure_ascii=False) + "\n"
