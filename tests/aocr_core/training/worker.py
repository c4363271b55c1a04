"""One worker of a training of a small network, as a process of its own; what `test_workers` starts.

Its only argument is JSON: `dataset`, `directory`, `options` (of `TrainOptions`), `dump` (a file for all variables of
the training, as they are at its end) and, if it is to be lost on the way, `lost_after` (steps).
"""

import json
import os
import sys

import click
import numpy as np

from aocr_core import logs
from aocr_core.cli.main import run
from aocr_core.config import TrainOptions
from aocr_core.model import presets
from aocr_core.training import train
from aocr_core.training.loop import Loop
from tests.aocr_core import small


def main(dataset: str, directory: str, options: dict, dump: str, lost_after: int = 0) -> None:
    presets.PRESETS["fast"] = small.NETWORK
    whole, step = Loop.run, Loop._train_step

    def until_lost(self, batches):
        if lost_after and self.state.step >= lost_after:
            os._exit(9)
        return step(self, batches)

    def noted(self, batches):
        reason = whole(self, batches)
        np.savez(dump, *[variable.numpy() for variable in self.checkpoints.variables])
        return reason

    Loop._train_step, Loop.run = until_lost, noted
    print(json.dumps(train(dataset, directory, options=TrainOptions(**options)).__dict__))


if __name__ == "__main__":
    logs.configure()
    order = json.loads(sys.argv.pop())
    run(click.Command("train", callback=lambda: main(**order)), "aocr")
