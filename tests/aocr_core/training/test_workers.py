"""Several workers train one model, in processes of their own on loopback."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aocr_core import model_dir
from aocr_core.errors import LostError
from aocr_core.recognizer import Recognizer
from tests.aocr_core import small
from tests.ports import held

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
WORDS = ["a", "bb", "cab", "dead", "ebb", "face", "gag", "hedge", "cafe", "bee", "ad", "be"] * 2


def trained(folder: Path, lost: dict[int, int] | None = None, **order: Any) -> list[subprocess.CompletedProcess]:
    """Start a chief and a worker, each in a folder of its own, and wait until both have ended."""
    with held(2) as ports:
        chief, worker = (f"127.0.0.1:{port}" for port in ports)
        return _ended(_begun(folder, {"chief": [chief], "worker": [worker]}, lost or {}, order))


def _begun(
    folder: Path, cluster: dict[str, list[str]], lost: dict[int, int], order: dict[str, Any]
) -> list[subprocess.Popen[str]]:
    begun = []
    for index, kind in enumerate(cluster):
        here = folder / kind
        here.mkdir(exist_ok=True)
        given = order | {"dump": str(folder / f"{kind}.npz"), "lost_after": lost.get(index, 0)}
        told = json.dumps({"cluster": cluster, "task": {"type": kind, "index": 0}, "environment": "cloud"})
        environment = os.environ | {"PYTHONPATH": str(ROOT), "TF_CONFIG": told}
        environment |= {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}
        begun.append(
            subprocess.Popen(
                [sys.executable, "-m", "tests.aocr_core.training.worker", json.dumps(given)],
                cwd=here,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    return begun


def _ended(begun: list[subprocess.Popen[str]]) -> list[subprocess.CompletedProcess]:
    ended = []
    try:
        for process in begun:
            out, err = process.communicate(timeout=300)
            ended.append(subprocess.CompletedProcess(process.args, process.returncode, out, err))
    finally:
        for process in begun:
            process.kill()
    return ended


def variables(folder: Path, kind: str) -> list[np.ndarray]:
    with np.load(folder / f"{kind}.npz") as found:
        return [found[name] for name in found.files]


def test_a_lost_worker_ends_the_other_and_both_go_on_with_one_model(tmp_path: Path):
    """Also where the worker sees nothing of the model directory, which is relative to where each is started."""
    dataset = small.write_words(tmp_path / "words.tfrecords", WORDS)
    options = {"batch_size": 4, "num_epoch": 2, "steps_per_checkpoint": 4, "validation_share": 0.3, "pretrain": "never"}
    order = {"dataset": dataset, "directory": "model", "options": options}

    chief, worker = trained(tmp_path, lost={1: 6}, **order)
    assert worker.returncode == 9
    assert chief.returncode == LostError.exit_code, chief.stderr[-3000:]
    assert "aocr: another worker of this training has gone (worker 0)" in chief.stderr

    chief, worker = trained(tmp_path, **order)
    assert (chief.returncode, worker.returncode) == (0, 0), chief.stderr[-3000:] + worker.stderr[-3000:]
    assert "going on at step 4 of " in chief.stderr
    assert chief.stdout == worker.stdout  # how it ended, figures included
    steps = json.loads(chief.stdout)["steps"]
    history = (tmp_path / "chief" / "model" / model_dir.HISTORY).read_text().splitlines()
    assert [json.loads(line)["step"] for line in history] == [4, 8, steps]

    pairs = list(zip(variables(tmp_path, "chief"), variables(tmp_path, "worker"), strict=True))
    assert len(pairs) > 50
    for ours, theirs in pairs:
        np.testing.assert_array_equal(ours, theirs)
    assert list((tmp_path / "worker").iterdir()) == []
    assert Recognizer.load(tmp_path / "chief" / "model").read([small.picture("cab")])[0].probability > 0


def test_what_the_chief_cannot_do_nobody_does(tmp_path: Path):
    dataset = small.write_words(tmp_path / "words.tfrecords", WORDS)
    for ended in trained(tmp_path, dataset=dataset, directory="model", options={"batch_size": 5}):
        assert ended.returncode == 2
        wanted = "aocr: --batch-size 5 cannot be shared evenly by 2 devices: say --batch-size 6"
        assert wanted in ended.stderr.splitlines()
    assert not (tmp_path / "chief" / "model").exists()
