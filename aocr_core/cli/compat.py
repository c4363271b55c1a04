"""The flags of aocr 0.7.6 that described the model again at every command: accepted, never needed.

A model's directory says what the model is. A flag that agrees with it changes nothing, one that contradicts it is an
error in one line; flags of the training are passed over, as the original did outside of `train`.
"""

import math
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import click

from aocr_core.cli import options
from aocr_core.config import ModelOptions, TrainOptions
from aocr_core.errors import UsageError

Command = TypeVar("Command", bound=Callable[..., Any])

OF_TRAINING = ("initial_learning_rate", "max_gradient_norm", "gradient_clipping", "gpu_id")


def original_flags(own: Iterable[str] = ()) -> Callable[[Command], Command]:
    """Decorator: adds the original's flags, hidden; a flag that is not given arrives as None.

    Args:
        own: names of those that the command declares itself: `output_dir`, `no_distance`.
    """

    def decorate(function: Command) -> Command:
        others = set(TrainOptions.model_fields) - set(OF_TRAINING)
        function = options.from_config(TrainOptions, exclude=others, hidden=True)(function)
        function = options.from_config(ModelOptions, exclude=["preset"], hidden=True)(function)
        function = click.option("--full-ascii", is_flag=True, default=None, hidden=True)(function)
        if "output_dir" not in own:
            function = click.option("--output-dir", hidden=True)(function)
        if "no_distance" not in own:
            function = click.option("--no-distance", is_flag=True, default=None, hidden=True)(function)
        return function

    return decorate


def verify(config: ModelOptions, given: Mapping[str, Any], model_dir: str) -> None:
    """Compare the flags that were given with the model.

    Args:
        config: the options that the model was trained with, resolved.
        given: values of the command's options, by name; None: not given.
        model_dir: where the model lies, for the message.

    Raises:
        UsageError: a flag contradicts the model.
    """
    _verify_size(config, given, model_dir)
    for name in set(ModelOptions.model_fields) - {"max_width", "max_height"}:
        wanted, trained = given.get(name), getattr(config, name)
        if wanted is None or trained is None or wanted == trained:
            continue
        option = name.replace("_", "-")
        if isinstance(wanted, bool):
            asked, had = f"--{'' if wanted else 'no-'}{option}", f"{'with' if trained else 'without'} --{option}"
        else:
            asked, had = f"--{option} {wanted}", f"with {trained}"
        raise UsageError(f"{asked}, but the model in {model_dir} was trained {had}: leave the flag out")


def _verify_size(config: ModelOptions, given: Mapping[str, Any], model_dir: str) -> None:
    """The width only has a meaning at its height, and a model may be wider than it was asked to be, never narrower."""
    width, height = given.get("max_width"), given.get("max_height") or config.max_height
    if width is None or config.max_width is None or config.max_height is None:
        return
    if math.ceil(width / height * config.max_height) > config.max_width:
        raise UsageError(
            f"--max-width {width} at height {height}, but the model in {model_dir} was trained for at most "
            f"{config.max_width} at height {config.max_height}: leave the flag out"
        )


def choose_device(given: Mapping[str, Any]) -> None:
    """Obey `--gpu-id`: only that GPU, or none if it is negative. To be called before TensorFlow is imported."""
    gpu = given.get("gpu_id")
    if gpu is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = str(max(gpu, -1))
