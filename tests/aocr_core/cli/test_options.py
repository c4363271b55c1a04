"""What options say on a command line, and what is made of it again, are the same."""

import click
from hypothesis import given
from hypothesis import strategies as st

from aocr_core.cli.options import build, flags, from_config
from aocr_core.config import DataOptions, ModelOptions, TrainOptions


@from_config(TrainOptions)
@from_config(ModelOptions)
@from_config(DataOptions)
def nothing(**_: object) -> None:
    pass


COMMAND = click.Command("train", params=list(reversed(nothing.__click_params__)))


@given(
    st.builds(
        TrainOptions,
        batch_size=st.integers(1, 999),
        num_epoch=st.none() | st.integers(1, 99),
        max_minutes=st.none() | st.floats(0.001, 1e6),
        optimizer=st.sampled_from([None, "adamw", "adadelta"]),
        augment=st.booleans(),
        resume=st.booleans(),
        init_from=st.none() | st.text(min_size=1).filter(lambda text: "\0" not in text),
        gpu_id=st.none() | st.integers(-1, 8),
    ),
    st.builds(ModelOptions, preset=st.sampled_from(["fast", "large", "aocr"]), color=st.booleans()),
    st.builds(DataOptions, charset=st.none() | st.sampled_from(["digits", "--a b", "gs://b/c.txt"])),
)
def test_flags_are_read_as_they_were_meant(training: TrainOptions, model: ModelOptions, data: DataOptions):
    values = COMMAND.make_context("train", flags(training, model, data)).params
    assert [build(type(group), values) for group in (training, model, data)] == [training, model, data]


def test_defaults_need_no_word():
    assert flags(TrainOptions(), ModelOptions(), DataOptions()) == []
