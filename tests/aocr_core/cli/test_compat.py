import os

import click
import pytest
from click.testing import CliRunner

from aocr_core.cli import compat
from aocr_core.config import ModelOptions
from aocr_core.errors import UsageError

# As `aocr train` resolves --max-width 160 --max-height 60: at the height of the network, rounded up.
TRAINED = ModelOptions(
    max_width=96, max_height=32, max_prediction=8, target_embedding_size=10, attn_num_hidden=128, attn_num_layers=2
)

# A command line of the original with every model flag it had, at the values of the model above.
ORIGINAL = (
    "--max-width 160 --max-height 60 --max-prediction 8 --full-ascii --no-distance --gpu-id 0 --attn-num-layers 2 "
    "--attn-num-hidden 128 --initial-learning-rate 1.0 --target-embedding-size 10 --output-dir ./results "
    "--max-gradient-norm 5 --no-gradient-clipping"
)


@click.command()
@compat.original_flags()
def old_style(**given):
    compat.verify(TRAINED, given, "./checkpoints")


def run(arguments: str):
    return CliRunner().invoke(old_style, arguments.split())


def test_the_originals_flags_are_accepted():
    assert run(ORIGINAL).exception is None
    assert run("").exception is None


@pytest.mark.parametrize("arguments", ["--max-width 96", "--max-width 100 --max-height 60", "--max-height 200"])
def test_smaller_images_than_the_model_expects_are_no_contradiction(arguments):
    assert run(arguments).exception is None


def test_they_are_not_advertised():
    assert run("--help").output.split("Options:")[1].split() == ["--help", "Show", "this", "message", "and", "exit."]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            "--attn-num-hidden 64",
            "--attn-num-hidden 64, but the model in ./checkpoints was trained with 128: leave the flag out",
        ),
        (
            "--max-width 200 --max-height 60",
            (
                "--max-width 200 at height 60, but the model in ./checkpoints was trained for at most 96 "
                "at height 32: leave the flag out"
            ),
        ),
        ("--color", "--color, but the model in ./checkpoints was trained without --color: leave the flag out"),
        ("--use-gru", "--use-gru, but the model in ./checkpoints was trained without --use-gru: leave the flag out"),
    ],
)
def test_a_contradiction_is_one_clear_line(arguments, message):
    error = run(arguments).exception
    assert isinstance(error, UsageError) and str(error) == message


def test_a_negated_flag():
    with pytest.raises(UsageError, match=r"^--no-color, but .* was trained with --color: leave"):
        compat.verify(ModelOptions(color=True), {"color": False}, "m")


def test_own_flags_are_left_to_the_command():
    @click.command()
    @compat.original_flags(own=["output_dir", "no_distance"])
    def command(**given): ...

    names = {parameter.name for parameter in command.params}
    assert not names & {"output_dir", "no_distance"} and "max_width" in names


@pytest.mark.parametrize(("given", "visible"), [(2, "2"), (0, "0"), (-1, "-1"), (-7, "-1"), (None, "before")])
def test_gpu_id(monkeypatch, given, visible):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "before")
    compat.choose_device({"gpu_id": given})
    assert os.environ["CUDA_VISIBLE_DEVICES"] == visible
