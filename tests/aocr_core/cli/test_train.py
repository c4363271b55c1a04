"""`aocr train` and `aocr export` as a user types them: flags, messages, exit codes."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from aocr_core import storage
from aocr_core.cli.train import command
from aocr_core.config import TrainOptions
from aocr_core.errors import AocrError, UsageError
from aocr_core.model import presets
from aocr_core.model_dir import read_config
from aocr_core.training import train
from tests.aocr_core import small
from tests.aocr_core.training.interrupted import interrupted_after


@pytest.fixture
def words(tmp_path, monkeypatch) -> str:
    monkeypatch.setitem(presets.PRESETS, "fast", small.NETWORK)
    return small.write_words(tmp_path / "words.tfrecords", ["AB", "BA", "B1"])


def run(*arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(command, arguments, env=environment)


def test_all_flags_of_the_original_are_offered():
    original = (
        "--steps-per-checkpoint --batch-size --num-epoch --no-resume --max-width --max-height --max-prediction "
        "--full-ascii --color --gpu-id --use-gru --attn-num-layers --attn-num-hidden --initial-learning-rate "
        "--model-dir --job-dir --target-embedding-size --max-gradient-norm --no-gradient-clipping"
    )
    shown = run("--help").output
    assert [flag for flag in original.split() if flag not in shown] == []


@pytest.mark.slow
def test_a_command_line_of_the_original(words: str, tmp_path: Path):
    flags = (
        "--batch-size 2 --num-epoch 1 --steps-per-checkpoint 1 --full-ascii --attn-num-layers 2 --attn-num-hidden 7 "
        "--max-width 160 --max-height 60 --max-prediction 8 --max-gradient-norm 5.0 --use-gru --no-resume --job-dir"
    )
    done = run(words, *flags.split(), str(tmp_path / "model"))
    assert done.exception is None, done.output
    assert done.stdout.startswith("validation accuracy ") and done.stdout.endswith(f": {tmp_path}/model\n")
    config = read_config(str(tmp_path / "model"))
    assert (config.network.decoder_cell, config.network.decoder_layers, config.network.decoder_units) == ("gru", 2, 7)
    assert (len(config.charset), config.options.max_prediction) == (95, 8)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ("--batch-size 0", "--batch-size: input should be greater than 0 (got 0)"),
        ("--attn-num-layers 9", "--attn-num-layers: input should be less than or equal to 4 (got 9)"),
        ("--ema-decay 1", "--ema-decay: input should be less than 1 (got 1.0)"),
    ],
)
def test_a_value_out_of_range_is_one_line(flags: str, message: str):
    error = run("words.tfrecords", *flags.split()).exception
    assert isinstance(error, UsageError) and str(error) == message


def test_mistakes(words: str, tmp_path: Path):
    missing = run(str(tmp_path / "nothing.tfrecords"), "--model-dir", str(tmp_path / "m")).exception
    assert isinstance(missing, UsageError) and "nothing.tfrecords" in str(missing)
    narrow = run(words, "--max-prediction", "1", "--model-dir", str(tmp_path / "m")).exception
    assert isinstance(narrow, AocrError) and "--max-prediction 1" in str(narrow)
    assert not (tmp_path / "m").exists()


@pytest.mark.slow
def test_vertex_ai_says_where_everything_goes(words: str, bucket: str):
    """The finished model, what a restarted job goes on from, and what TensorBoard shows."""
    model, checkpoints, logs = (f"{bucket}/job/{name}/" for name in ("model", "checkpoints", "logs"))
    options = TrainOptions(batch_size=1, num_epoch=2, steps_per_checkpoint=1)
    with interrupted_after(2):
        train(words, model, words, options=options, checkpoints=checkpoints, logs=logs)
    assert storage.entries(model) == []
    assert storage.exists(f"{checkpoints}best.weights.h5")
    (events,) = storage.list_files(logs)
    assert storage.read_bytes(events).count(b"images_per_second") == 2

    environment = {"AIP_MODEL_DIR": model, "AIP_CHECKPOINT_DIR": checkpoints, "AIP_TENSORBOARD_LOG_DIR": logs}
    flags = ["--batch-size", "1", "--num-epoch", "2", "--steps-per-checkpoint", "1"]
    done = run(words, "--validation", words, *flags, **environment)
    assert done.exception is None, done.output
    assert "after 6 steps (2.0 epochs, " in done.stdout and done.stdout.endswith(f": {model}\n")
    history = storage.read_bytes(f"{bucket}/job/model/history.jsonl").splitlines()
    assert [json.loads(line)["step"] for line in history] == [1, 2, 3, 4, 5, 6]
    assert json.loads(storage.read_bytes(f"{bucket}/job/model/training.json"))["steps"] == 6
    assert read_config(f"{bucket}/job/model").charset.symbols == ("1", "A", "B")
    assert len(storage.list_files(logs)) == 2
