import pytest

from aocr_core.errors import UsageError
from pipelines import spec
from pipelines.vertex import machines
from pipelines.vertex.machines import Machine

STEPS = [step.name for step in spec.steps(spec.load())]


def test_a_step_gets_what_was_asked_for_it_before_what_was_asked_for_all():
    found = machines.parse(STEPS, ["train=16", "all=2"], ["all=8G"], ["train=NVIDIA_L4:2", "evaluate=NVIDIA_TESLA_T4"])
    assert found["train"] == Machine(16, "8G", "NVIDIA_L4", 2)
    assert found["evaluate"] == Machine(2, "8G", "NVIDIA_TESLA_T4", 1)
    assert found["deploy"] == Machine(2, "8G")


def test_what_was_not_asked_for_is_left_to_vertex():
    compiled = spec.load()
    assert machines.equipped(compiled, machines.parse(STEPS)) == compiled


@pytest.mark.parametrize(
    ("option", "pair", "message"),
    [
        ("cpu", "training=8", "no such step; write STEP=8, STEP being one of: build-tfrecords, train, "),
        ("cpu", "8", "no such step"),
        ("cpu", "train=", "write it like STEP=8"),
        ("cpu", "train=0", "write it like STEP=8"),
        ("cpu", "train=many", "write it like STEP=8"),
        ("memory", "train=32", "write it like STEP=32G"),
        ("memory", "train=0G", "write it like STEP=32G"),
        ("memory", "train=32GB", "write it like STEP=32G"),
        ("accelerator", "train=t4", "write it like STEP=NVIDIA_TESLA_T4:1"),
        ("accelerator", "train=NVIDIA_L4:0", "write it like STEP=NVIDIA_TESLA_T4:1"),
    ],
)
def test_mistakes_name_the_option(option: str, pair: str, message: str):
    with pytest.raises(UsageError, match=f"^--{option} {pair}: {message}"):
        machines.parse(STEPS, **{option: [pair]})
