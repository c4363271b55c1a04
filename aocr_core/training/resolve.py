"""Replace every "from the data" and "as the preset" by a number, once, before anything is built."""

import math
from collections.abc import Mapping
from typing import Any, TypeVar

import keras
import tensorflow as tf

import aocr_core
from aocr_core import precision
from aocr_core.charset import Charset, Kind
from aocr_core.config import DataOptions, ModelOptions, Options, TrainOptions
from aocr_core.data.info import MAX_TOKENS, DatasetInfo
from aocr_core.direction import direction_of
from aocr_core.errors import AocrError, FinalError
from aocr_core.model import presets
from aocr_core.model.presets import Network
from aocr_core.model.temperatures import Temperatures
from aocr_core.model_dir import ModelConfig
from aocr_core.training import schedule, sizes

LENGTH_MARGIN = 1.25
"""Texts to read may be a little longer than any in the training data."""

VALIDATION_SHARE = 0.1
MOST_VALIDATION_IMAGES = 500

Group = TypeVar("Group", bound=Options)

SIZES_OF_THE_DATA = ("max_width", "max_height", "max_prediction")
"""Model options that weights do not depend on."""
PEAK_RATES = {"adamw": 0.005, "adadelta": 1.0}


def resolve(
    info: DatasetInfo,
    model: ModelOptions,
    data: DataOptions,
    train: TrainOptions,
    existing: ModelConfig | None = None,
    source: ModelConfig | None = None,
) -> ModelConfig:
    """The complete configuration for training on a data set.

    Args:
        info: What is known of the training data.
        model: What the network looks like.
        data: How labels become symbols.
        train: How the weights are found.
        existing: The configuration of the model that the training goes on with; what is left open is as it was there.
        source: The configuration of the model whose weights a new training begins with; its network is taken over.

    Raises:
        AocrError: the data set is empty, a label is longer than `max_prediction`, a symbol is not in the charset, or
            an option contradicts the existing model or the source.
    """
    if not info.rows:
        raise AocrError("the data set is empty")
    known = None
    if existing is not None:
        known = existing.charset if data.charset is None else None
        model = _filled(model, existing.options)
        data = _filled(data, existing.data)
    elif source is not None:
        model = _filled(model, source.options.model_copy(update=dict.fromkeys(SIZES_OF_THE_DATA)))
        kind = source.charset.kind  # tokens may have come from a charset file
        data = _filled(data, source.data.model_copy(update={"charset": None, "label_kind": kind}))
    charset = choose_charset(info, data, known)
    network = presets.network(model, _base(info, model, charset.kind, existing or source))
    # A CTC head that learns nothing, or learnt nothing in the training that goes on, has no say in what is read.
    if not train.ctc_weight or (existing is not None and not existing.network.joint_decoding):
        network = network.model_copy(update={"joint_decoding": False})
    direction = model.direction or direction_of(info.symbols)
    image = sizes.image_spec(info, model, network.height, mirrored=direction == "right-to-left")
    longest = info.longest_label(charset.kind)
    limit = model.max_prediction or math.ceil(longest * LENGTH_MARGIN) + 1
    if longest > limit:
        raise AocrError(
            f"the longest label has {longest} symbols, more than --max-prediction {limit}: raise it or leave it out"
        )
    optimizer = train.optimizer or ("adadelta" if model.preset == "aocr" else "adamw")
    share = validation_share(info.rows, train)
    same_data = existing is not None and existing.dataset == info.fingerprint
    pretraining_seconds, temperatures = 0.0, Temperatures()
    if existing is not None and same_data:
        pretraining_seconds, temperatures = existing.pretraining_seconds, existing.temperatures
    resolved = ModelConfig(
        versions={
            "aocr": aocr_core.__version__,
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
        },
        options=model.model_copy(
            update={
                "input_height": network.height,
                "max_width": image.width,
                "max_height": image.height,
                "max_prediction": limit,
                "target_embedding_size": network.embedding_size,
                "attn_num_hidden": network.decoder_units,
                "attn_num_layers": network.decoder_layers,
                "direction": direction,
            }
        ),
        data=data,
        training=train.model_copy(
            update={
                "optimizer": optimizer,
                "validation_share": share,
                "precision": precision.resolve(train.precision),
                "initial_learning_rate": train.initial_learning_rate or PEAK_RATES[optimizer],
                "init_from": train.init_from or (existing.training.init_from if existing is not None else None),
                "num_epoch": train.num_epoch or _epochs(info.rows, share, pretrained=pretraining_seconds > 0),
            }
        ),
        image=image,
        network=network,
        charset=charset,
        dataset=info.fingerprint,
        pretraining_seconds=pretraining_seconds,
        temperatures=temperatures,
    )
    if existing is not None:
        _check_same_network(resolved, existing)
    if source is not None:
        _check_same_layers(resolved, source)
    return resolved


def with_pretraining(config: ModelConfig, given: TrainOptions, rows: int, seconds: float) -> ModelConfig:
    """The configuration of a new training on `rows` images, when it is known how long it has learnt rendered words.

    Args:
        config: The configuration without that knowledge.
        given: The options of training as they were given.
        rows: Images of the data set, those held out included.
        seconds: Time that rendered words took; 0: there were none.
    """
    epochs = given.num_epoch or _epochs(rows, config.training.validation_share or 0.0, pretrained=seconds > 0)
    training = config.training.model_copy(update={"num_epoch": epochs})
    return config.model_copy(update={"training": training, "pretraining_seconds": seconds})


def _base(info: DatasetInfo, model: ModelOptions, kind: Kind, begun: ModelConfig | None) -> Network:
    """The network that the options change: that of the model which the training goes on or begins with, for a preset's
    layers may have been others then; else the preset's, at the height that the data needs.
    """
    preset = presets.PRESETS[model.preset]
    if begun is not None and begun.options.preset == model.preset:
        return begun.network.model_copy(update={"joint_decoding": preset.joint_decoding})
    if model.preset == "aocr":
        return preset
    return preset.model_copy(update={"height": sizes.input_height(info, preset.height, kind)})


def _epochs(rows: int, share: float, pretrained: bool) -> int:
    return schedule.default_epochs(training_rows(rows, share), pretrained)


def validation_share(rows: int, options: TrainOptions) -> float:
    """The share asked for; otherwise a tenth, and of a large data set less: more images would tell little more."""
    if options.validation_share is not None:
        return options.validation_share
    return min(VALIDATION_SHARE, MOST_VALIDATION_IMAGES / max(1, rows))


def training_rows(rows: int, share: float) -> int:
    """About how many of `rows` images are trained on when a share is held out."""
    return max(1, round(rows * (1 - share)))


def _filled(options: Group, existing: Group) -> Group:
    """What was not given is as in the existing model."""
    given = options.model_dump(exclude_unset=True, exclude_none=True)
    return existing.model_copy(update=given)


def _check_same_network(resolved: ModelConfig, existing: ModelConfig) -> None:
    if different := _differences(resolved.network_part(), existing.network_part()):
        raise FinalError(
            f"the model directory holds a model with another {different}: leave the options out "
            "to go on with it, start anew with --no-resume, or name another --model-dir"
        )


def _check_same_layers(resolved: ModelConfig, source: ModelConfig) -> None:
    """Widths, lengths and symbols may be others."""
    new, old = ({"network": c.network_part()["network"], "channels": c.image.channels} for c in (resolved, source))
    if different := _differences(new, old):
        raise AocrError(
            f"{resolved.training.init_from} holds a model with another {different}: leave the options out to begin "
            "with it"
        )


def _differences(new: Mapping[str, Any], old: Mapping[str, Any]) -> str:
    """What two models differ in, with the value of the old one: `width (320, not 104) and another charset`."""
    found = []
    for name, value in new.items():
        if value == old[name]:
            continue
        if isinstance(value, Mapping) and name != "charset":
            found.append(_differences(value, old[name]))
        else:
            found.append(f"{name} ({old[name]}, not {value})" if isinstance(value, str | int) else name)
    return " and another ".join(found)


def choose_charset(info: DatasetInfo, data: DataOptions, known: Charset | None) -> Charset:
    """The charset that the training goes on with, the one asked for, or the symbols of the data.

    Args:
        info: What is known of the training data.
        data: How labels become symbols. It takes either the option or a charset with tokens to learn tokens.
        known: The existing model's charset, if no other is asked for.

    Raises:
        AocrError: labels hold symbols that the given charset lacks; the message names them. A `FinalError` if it is
            the existing model's.
    """
    given = known or (Charset.named(data.charset) if data.charset is not None else None)
    kind = given.kind if given is not None and given.kind == "tokens" else data.label_kind
    symbols = info.symbol_counts(kind, data.force_uppercase)
    if not symbols:
        raise AocrError(f"the labels have more than {MAX_TOKENS} different tokens: train on characters")
    found = Charset.from_labels(symbols, kind)
    if given is None:
        return found
    if unknown := [symbol for symbol in found.symbols if symbol not in given.symbols]:
        shown = " ".join(repr(symbol) for symbol in unknown[:20]) + (" …" if len(unknown) > 20 else "")
        where, remedy = (
            f"the charset {data.charset}",
            "Add them to it, or leave --charset out to learn those in the data",
        )
        if known is not None:
            where, remedy = "the charset of the model to go on with", "Start anew with --no-resume to learn them"
        kind_of_error = AocrError if known is None else FinalError
        raise kind_of_error(f"{len(unknown)} symbols of the labels are not in {where}: {shown}. {remedy}")
    return given.model_copy(update={"kind": kind})
